"""Baked light, looked up where rays hit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.capture.raycast import Hits
from surveyor.scenes.rooms.light.patches import Patches

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class BakedLight:
    """Irradiance over pi (S, 3) at the samples of the patches.

    ``trust`` (S,) is tiny where a sample lies buried in another body, under a drawer front for
    example: such samples hardly count when light is interpolated.
    """

    patches: Patches
    irradiance: Float32
    trust: Float32

    def at(self, hits: Hits) -> Float32:
        """Light (N, 3) at the hit places."""
        samples, weights = self.patches.lookup(hits.triangle, hits.u, hits.v)
        weights = weights * self.trust[samples]
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.float32(1e-9))
        light = self.irradiance.take(samples[:, 0], axis=0) * weights[:, :1]
        for k in range(1, 4):
            light += self.irradiance.take(samples[:, k], axis=0) * weights[:, k : k + 1]
        return light
