"""The two depth models behind one small protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from surveyor.services.images import Pixels
from surveyor.services.neural import da3
from surveyor.services.neural.preprocessing import Planes
from surveyor.services.neural.runtime import Runtime, array, pretrained, quiet


class DepthNet(Protocol):
    """``scaled``: whether metres come out only with a focal length; ``estimates``: whether it can
    find one itself."""

    scaled: bool
    estimates: bool

    def prepare(self, pixels: Pixels) -> Planes:
        """(3, h, w) input of one image."""
        ...

    def depth(self, images: Sequence[Planes]) -> Planes:
        """(B, h, w) metres, or canonical depth when ``scaled``; 0 where there is none."""
        ...

    def bare(self, images: Sequence[Planes]) -> Callable[[], object]:
        """The network alone, its input on the device."""
        ...

    def focal(self, image: Planes) -> float:
        """Focal length estimated from one prepared image, in its own pixels."""
        ...


class CanonicalDepth:
    """Depth Anything 3 metric; an any-view network may stand by to estimate focal lengths."""

    scaled = True

    def __init__(
        self, folder: Path, focal_folder: Path | None, runtime: Runtime, longest: int
    ) -> None:
        self._runtime = runtime
        self._longest = longest
        self._network = da3.load(folder, runtime)
        self._views = None if focal_folder is None else da3.load(focal_folder, runtime)
        self.estimates = self._views is not None

    def prepare(self, pixels: Pixels) -> Planes:
        return da3.prepared(pixels, self._longest)

    def depth(self, images: Sequence[Planes]) -> Planes:
        return da3.canonical_depth(self._network, self._runtime, images)

    def bare(self, images: Sequence[Planes]) -> Callable[[], object]:
        batch = self._runtime.tensor(np.stack(images)[:, None])
        return lambda: da3.dense(self._network, batch)

    def focal(self, image: Planes) -> float:
        K = da3.any_view(self._views, self._runtime, image[None]).K[0]
        return float((K[0, 0] + K[1, 1]) / 2)


class MetricDepth:
    """Depth Anything V2 metric (Yang et al., arXiv 2406.09414) through transformers."""

    scaled = False
    estimates = False

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        from transformers import AutoImageProcessor, DepthAnythingForDepthEstimation

        quiet()
        self._runtime = runtime
        self._processor = AutoImageProcessor.from_pretrained(folder)
        self._network = pretrained(DepthAnythingForDepthEstimation, folder).to(runtime.device)

    def prepare(self, pixels: Pixels) -> Planes:
        ready = self._processor(images=[np.array(pixels)], return_tensors="np")
        return np.asarray(ready["pixel_values"][0], np.float32)

    def depth(self, images: Sequence[Planes]) -> Planes:
        with self._runtime.inference():
            out = self._network(pixel_values=self._runtime.tensor(np.stack(images)))
        return array(out.predicted_depth)

    def bare(self, images: Sequence[Planes]) -> Callable[[], object]:
        pixels = self._runtime.tensor(np.stack(images))
        return lambda: self._network(pixel_values=pixels)

    def focal(self, image: Planes) -> float:
        raise NotImplementedError("this network has no use for a focal length")
