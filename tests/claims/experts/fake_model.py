"""A model that costs time and no arithmetic: what is left to measure is the serving itself."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Depth, Intrinsics, Scale
from surveyor.core.producer import Producer
from surveyor.services.contract import DepthAnswer, DepthRequest, Info, ScaleSource
from surveyor.services.expert import ArtifactWriter, Images, LoadedImage, Settings, inline

OUT_OF_MEMORY, HANG = 13.0, 17.0  # focal lengths that make the model fail
_PRODUCER = Producer(name="depth", version="1", weights="none", backend="fake", device="cpu")


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    image: LoadedImage
    focal: float


class FakeDepth:
    """``base_ms`` for a batch and ``item_ms`` for each item, slept on the worker thread as a
    device would be waited for. Options: these two, and ``max_batch``."""

    name = "depth"
    max_batch = 8

    def load(self, settings: Settings) -> None:
        self._base = float(settings.options.get("base_ms", "5")) / 1e3
        self._item = float(settings.options.get("item_ms", "1")) / 1e3

    def info(self) -> Info:
        return Info(
            expert=self.name,
            producer=_PRODUCER,
            model="fake-depth",
            revision="1",
            licence="Apache-2.0",
            note="Invents depth; for measuring the serving, not the world.",
        )

    def probe(self) -> DepthRequest:
        return DepthRequest(image=inline(np.zeros((8, 8, 3), np.uint8)))

    def preprocess(self, request: DepthRequest, images: Images) -> _Item:
        image = images(request.image)
        _ = image.pixels  # decoded as for a real model; kept for images given by hash
        return _Item(image, request.focal or 500.0)

    def group(self, item: _Item) -> Hashable:
        return item.image.width, item.image.height

    def forward_batch(self, batch: Sequence[_Item]) -> Sequence[Depth]:
        focals = {item.focal for item in batch}
        if OUT_OF_MEMORY in focals:
            raise MemoryError("the device has no memory left")
        time.sleep(3600.0 if HANG in focals else self._base + self._item * len(batch))
        return [_depth(item) for item in batch]

    def postprocess(
        self, request: DepthRequest, item: _Item, raw: Depth, artifacts: ArtifactWriter
    ) -> DepthAnswer:
        height, width = raw.shape
        return DepthAnswer(
            producer=_PRODUCER,
            depth=artifacts.array(raw),
            scale=Scale.METRIC,
            scale_source=ScaleSource.ESTIMATED if request.focal is None else ScaleSource.GIVEN,
            intrinsics=Intrinsics.from_hfov(1.0, width, height),
            minimum=float(raw[0, 0]),
            maximum=float(raw[-1, -1]),
        )


def _depth(item: _Item) -> Depth:
    """A slope, different for each image."""
    first = int(item.image.sha256[:4], 16) / 65536 + 1
    rows = np.linspace(first, first + 1, item.image.height, dtype=np.float32)
    return np.repeat(rows[:, None], item.image.width, axis=1)
