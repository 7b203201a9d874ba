"""Adapters for tests of the serving machinery: small, real, and able to misbehave."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence

import numpy as np

from surveyor.core.geometry import Intrinsics, Scale
from surveyor.core.producer import Producer
from surveyor.services.contract import DepthAnswer, DepthRequest, Info, ScaleSource
from surveyor.services.expert import ArtifactWriter, Images, LoadedImage, Settings, inline

PRODUCER = Producer(name="flat", version="1", backend="test")


class FlatDepth:
    """Says that everything is ``focal`` / 100 metres away.

    ``gate`` holds every batch until it is set; a focal length in ``poison`` makes its batch raise.
    """

    name = "depth"
    max_batch = 4

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.batches: list[int] = []
        self.focals: set[float] = set()
        self.poison: dict[float, Exception] = {}
        self.load_error: Exception | None = None

    def load(self, settings: Settings) -> None:
        if self.load_error is not None:
            raise self.load_error

    def info(self) -> Info:
        return Info(expert="depth", producer=PRODUCER, model="flat", revision="1", licence="none")

    def probe(self) -> DepthRequest:
        return DepthRequest(image=inline(np.zeros((2, 2, 3), np.uint8)), focal=100)

    def preprocess(self, request: DepthRequest, images: Images) -> tuple[LoadedImage, float]:
        image = images(request.image)
        _ = image.pixels
        return image, request.focal or 100.0

    def group(self, item: tuple[LoadedImage, float]) -> Hashable:
        return item[0].width, item[0].height

    def forward_batch(self, batch: Sequence[tuple[LoadedImage, float]]) -> Sequence[np.ndarray]:
        self.entered.set()
        self.gate.wait(10)
        self.batches.append(len(batch))
        self.focals |= {focal for _, focal in batch}
        for _, focal in batch:
            if focal in self.poison:
                raise self.poison[focal]
        return [np.full((i.height, i.width), f / 100, np.float32) for i, f in batch]

    def postprocess(
        self,
        request: DepthRequest,
        item: tuple[LoadedImage, float],
        raw: np.ndarray,
        artifacts: ArtifactWriter,
    ) -> DepthAnswer:
        image, _ = item
        return DepthAnswer(
            producer=PRODUCER,
            depth=artifacts.array(raw),
            scale=Scale.METRIC,
            scale_source=ScaleSource.GIVEN,
            intrinsics=Intrinsics.from_hfov(1.0, image.width, image.height),
            minimum=float(raw.min()),
            maximum=float(raw.max()),
        )
