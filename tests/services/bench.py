"""An adapter driven directly, without a server: for tests of what it answers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from surveyor.core.blobs import BlobRef
from surveyor.core.dataset import BLOBS
from surveyor.services.artifacts import BlobWriter
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import ImageByHash
from surveyor.services.images import Images
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.services.world import frame


class Bench:
    """One dataset, one preset, a place for blobs."""

    def __init__(
        self, dataset: Path, blobs: Path, preset: str = "realistic", seed: int = 0
    ) -> None:
        self.dataset = dataset
        self.blobs = BlobResolver.at(blobs, [dataset / BLOBS])
        self.images = Images(self.blobs, max_pixels=10**8)
        self._settings = Settings(blob_dir=blobs, datasets=(dataset,), preset=preset, seed=seed)
        self._experts: dict[str, Any] = {}

    def expert(self, name: str) -> Any:
        """The loaded adapter."""
        if name not in self._experts:
            self._experts[name] = make_expert(name)
            self._experts[name].load(self._settings)
        return self._experts[name]

    def ask(self, name: str, request: Any) -> Any:
        """The answer to one request."""
        expert = self.expert(name)
        item = expert.preprocess(request, self.images)
        (raw,) = expert.forward_batch([item])
        return expert.postprocess(request, item, raw, BlobWriter(self.blobs))

    def frame(self, scene: str = "room0", index: int = 0) -> ImageByHash:
        """A frame of the dataset."""
        return ImageByHash(sha256=frame(self.dataset, scene, index))

    def array(self, reference: BlobRef) -> np.ndarray:
        """A dense array of an answer."""
        return np.load(io.BytesIO(self.blobs.get(reference.sha256)), allow_pickle=False)

    def pixels(self, reference: BlobRef) -> np.ndarray:
        """An image of an answer."""
        data = self.blobs.get(reference.sha256)
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
