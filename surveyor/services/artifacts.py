"""What an adapter hands back beside its JSON: dense arrays and images, by hash."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from surveyor.core.blobs import BlobRef, Derivation, sha256_of
from surveyor.services.blob_resolver import BlobResolver

Array = NDArray[Any]
NPY = "application/x-npy"
PNG = "image/png"


class ArtifactWriter(Protocol):
    """Takes arrays and images of an answer and gives the references that go into its JSON."""

    def array(self, values: Array) -> BlobRef:
        """An `.npy` blob (C order, little endian)."""
        ...

    def image(self, pixels: NDArray[np.uint8], derivation: Derivation | None = None) -> BlobRef:
        """A PNG blob of (H, W, 3) RGB pixels, with its lineage."""
        ...


class BlobWriter:
    """The default: everything is stored, the client GETs what it wants."""

    def __init__(self, resolver: BlobResolver) -> None:
        self._blobs = resolver

    def array(self, values: Array) -> BlobRef:
        data = npy_bytes(values)
        return self._blobs.own.put(data, NPY, shape=values.shape, dtype=str(values.dtype))

    def image(self, pixels: NDArray[np.uint8], derivation: Derivation | None = None) -> BlobRef:
        height, width = pixels.shape[:2]
        return self._blobs.own.put(
            png_bytes(pixels), PNG, width=width, height=height, derivation=derivation
        )


@dataclass(slots=True)
class TensorWriter:
    """For ``Accept: application/vnd.safetensors``: arrays travel in the answer's own body.

    ``tensors`` are keyed by the sha256 in their references. Images are stored as usual, arrays
    only with ``keep``.
    """

    resolver: BlobResolver
    keep: bool = False
    tensors: dict[str, Array] = field(default_factory=dict)

    def array(self, values: Array) -> BlobRef:
        data = npy_bytes(values)
        digest = sha256_of(data)
        self.tensors[digest] = values
        if self.keep:
            self.resolver.own.put(data, NPY)
        shape, dtype = values.shape, str(values.dtype)
        return BlobRef(sha256=digest, media_type=NPY, size=len(data), shape=shape, dtype=dtype)

    def image(self, pixels: NDArray[np.uint8], derivation: Derivation | None = None) -> BlobRef:
        return BlobWriter(self.resolver).image(pixels, derivation)


def npy_bytes(values: Array) -> bytes:
    """The `.npy` file of an array; object arrays are refused."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file, at the fast compression level (default costs four times the time)."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
