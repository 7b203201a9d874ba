"""What all detectors share: candidates, the protocol, and phrases as models take them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from surveyor.services.contract import ErrorCode
from surveyor.services.errors import ExpertError
from surveyor.services.images import Pixels
from surveyor.services.neural.preprocessing import Planes

SEPARATOR = "."


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What a network proposes for one image: (n,) indices of asked phrases, (n,) scores in 0..1
    and (n, 4) boxes (cx, cy, w, h) as shares of the image."""

    phrases: NDArray[np.int64]
    scores: NDArray[np.float64]
    boxes: NDArray[np.float64]


class DetectNet(Protocol):
    """A network that finds phrases in images."""

    def plan(self, phrases: Sequence[str]) -> Hashable:
        """What is asked of the network; equal plans may share a batch. `ExpertError` names a
        phrase that it cannot look for."""
        ...

    def prepare(self, pixels: Pixels) -> Planes:
        """(3, h, w) input of one image."""
        ...

    def bare(self, images: Sequence[Planes], plan: Any) -> Callable[[], object]:
        """The network alone, its input on the device."""
        ...

    def find(
        self, images: Sequence[Planes], plan: Any, sizes: Sequence[tuple[int, int]]
    ) -> list[Candidates]:
        """Candidates for each image; ``sizes`` are (width, height) of the images sent."""
        ...


def prepared(processor: Any, pixels: Pixels) -> Planes:
    """(3, h, w) input of one image, by the library's own processor."""
    ready = processor(images=[np.array(pixels)], return_tensors="np")
    return np.asarray(ready["pixel_values"][0], np.float32)


def worded(phrase: str) -> str:
    """A phrase as models were trained with it; `ExpertError` where no word is left."""
    words = " ".join(phrase.replace(SEPARATOR, " ").replace("_", " ").lower().split())
    if not words:
        raise refused(phrase, "has no words")
    return words


def refused(phrase: str, what: str) -> ExpertError:
    """The error for a phrase that cannot be looked for."""
    return ExpertError(ErrorCode.BAD_INPUT, f"the phrase {phrase[:60]!r} {what}", field="phrases")
