"""What experts make of images that cameras, scanners and attackers send."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from surveyor.core.blobs import BlobStore
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import ErrorCode, ImageByHash, ImageInline
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, LoadedImage
from surveyor.services.neural.preprocessing import exif_focal
from surveyor.services.settings import RequestLimits
from tests.services.fakes import FlatDepth
from tests.support import pictures
from tests.support.pictures import encoded, oriented, quarters


def inlined(data: bytes) -> ImageInline:
    return ImageInline(data=base64.b64encode(data).decode(), media_type="image/png")


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(BlobResolver.at(tmp_path), max_pixels=10_000, request_pixels=12_000)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_an_expert_reads_what_a_loader_lets_in(images: Images, kind: str) -> None:
    image = images(inlined(encoded(quarters(), kind)))
    assert (image.width, image.height) == (40, 60)
    assert np.abs(pictures.corners(image.pixels) - pictures.CORNERS).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_expert_sees_a_photograph_upright(images: Images, orientation: int) -> None:
    image = images(inlined(oriented("JPEG", orientation)))
    assert (image.width, image.height) == (40, 60)
    assert np.abs(pictures.corners(image.pixels) - pictures.CORNERS).max() < 12
    assert exif_focal(image) == pytest.approx(26 * np.hypot(40, 60) / 43.2666)


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (pictures.scan_bomb(5000), ErrorCode.BAD_IMAGE, "more than 24 scans"),
        (pictures.png_of(101, 100), ErrorCode.TOO_LARGE, "101 x 100"),
        (pictures.text_bomb(8), ErrorCode.BAD_IMAGE, "too large"),
        (encoded(quarters(), "GIF"), ErrorCode.BAD_IMAGE, "GIF"),
        (b"", ErrorCode.BAD_IMAGE, "is empty"),
    ],
)
def test_what_is_costly_is_refused_before_it_is_decoded(
    images: Images, data: bytes, code: ErrorCode, why: str
) -> None:
    with pytest.raises(ExpertError, match=why) as told:
        LoadedImage(data, max_pixels=10_000)
    assert told.value.code == code


def test_the_pixels_of_one_request_are_bounded(images: Images, tmp_path: Path) -> None:
    data = encoded(quarters(), "PNG")
    blob = ImageByHash(sha256=BlobStore(tmp_path).put(data, "image/png").sha256)
    for _ in range(2):  # the next request counts from nothing
        counted = images.for_request()
        for _ in range(4):
            counted(inlined(data))
        assert counted(blob) is counted(blob)  # counted once, as it is decoded once
        with pytest.raises(ExpertError, match="fewer or smaller") as told:
            counted(inlined(data))
        assert told.value.code is ErrorCode.TOO_LARGE


def test_a_request_of_too_many_pixels_is_413(serve: Any) -> None:
    client = serve(FlatDepth(), limits=RequestLimits(pixels=10_000, request_pixels=2_000))
    assert client.get("/v1/info").json()["limits"]["request_pixels"] == 2_000
    body = {"image": inlined(encoded(quarters(), "PNG")).model_dump()}
    answer = client.post("/v1/depth", json=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_no_memory_left_is_no_bad_image(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object) -> None:
        raise MemoryError

    image = images(inlined(encoded(Image.new("RGB", (8, 8)), "PNG")))
    monkeypatch.setattr(ImageFile.ImageFile, "load", full)
    with pytest.raises(ExpertError, match="no memory left") as told:
        _ = image.pixels
    assert (told.value.code, told.value.status) == (ErrorCode.OUT_OF_MEMORY, 503)
