"""The door for images: what it lets in looks the same to everyone, what it refuses says why."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from surveyor.core.errors import UserError
from surveyor.core.image_files import MAX_SCANS
from surveyor.core.images import ImageError, kept, kept_picture, luma, opened, rgb
from tests.support import pictures
from tests.support.pictures import chunk, encoded, oriented, png, quarters

FIXTURES = Path(__file__).parents[1] / "fixtures" / "images"
PLACE = np.asarray(quarters())
Make = Callable[[], bytes]


def _see_through() -> Image.Image:
    """The place, with nothing in its yellow quarter."""
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (20, 30, 40, 60))
    return image


def _palette_with_hole() -> bytes:
    image = quarters().quantize(4)
    hole = image.getpixel((30, 45))
    return encoded(image, "PNG", transparency=hole)


def _two(kind: str) -> bytes:
    """A file of two frames; the second is white."""
    white = Image.new("RGB", (40, 60), "white")
    return encoded(quarters(), kind, save_all=True, append_images=[white], duration=100)


def _rgb16() -> bytes:
    return png(PLACE.astype(np.uint16) * 256 + 17, 2)


# Files that show the place as it is, and whether they are stored as the bytes that they are.
SAME: dict[str, tuple[Make, bool]] = {
    "jpeg": (lambda: encoded(quarters(), "JPEG", quality=95), True),
    "jpeg progressive": (lambda: encoded(quarters(), "JPEG", progressive=True), True),
    "jpeg 4:4:4": (lambda: encoded(quarters(), "JPEG", subsampling=0), True),
    "jpeg with restarts": (lambda: encoded(quarters(), "JPEG", restart_marker_blocks=1), True),
    "jpeg cmyk": (lambda: encoded(quarters().convert("CMYK"), "JPEG"), False),
    "jpeg and junk": (lambda: encoded(quarters(), "JPEG") + b"\0\xff\xda junk" * 99, True),
    "jpeg and a clip": (lambda: encoded(quarters(), "JPEG") + b"\0\0\0\x18ftypmp42", True),
    "jpeg with thumbnail": (lambda: oriented("JPEG", 1, thumbnail=True), True),
    "jpeg orientation 0": (lambda: oriented("JPEG", 0), True),
    "jpeg orientation 9": (lambda: oriented("JPEG", 9), True),
    "jpeg torn exif": (lambda: encoded(quarters(), "JPEG", exif=b"Exif\0\0II*\0\xff"), True),
    "png": (lambda: encoded(quarters(), "PNG"), True),
    "png palette": (lambda: encoded(quarters().quantize(4), "PNG"), True),
    "png interlaced": (lambda: png(PLACE, 2, interlaced=True), True),
    "png 16 bits": (_rgb16, False),
    "png opaque alpha": (lambda: encoded(quarters().convert("RGBA"), "PNG"), False),
    "png and junk": (lambda: encoded(quarters(), "PNG") + b"junk", True),
    "png with text": (lambda: png(PLACE, 2, chunk(b"tEXt", b"Author\0nobody")), True),
    "apng": (lambda: _two("PNG"), False),
    "webp": (lambda: encoded(quarters(), "WEBP", quality=95), False),
    "webp lossless": (lambda: encoded(quarters(), "WEBP", lossless=True), False),
    "webp opaque alpha": (lambda: encoded(quarters().convert("RGBA"), "WEBP"), False),
    "webp animation": (lambda: _two("WEBP"), False),
    "bmp": (lambda: encoded(quarters(), "BMP"), False),
    "bmp top down": (pictures.top_down_bmp, False),
    "bmp palette": (lambda: encoded(quarters().quantize(4), "BMP"), False),
    "bmp 32 bits": (lambda: encoded(quarters().convert("RGBA"), "BMP"), False),
    "tiff": (lambda: encoded(quarters(), "TIFF"), False),
    "tiff lzw": (lambda: encoded(quarters(), "TIFF", compression="tiff_lzw"), False),
    "tiff deflate": (lambda: encoded(quarters(), "TIFF", compression="tiff_deflate"), False),
    "tiff packbits": (lambda: encoded(quarters(), "TIFF", compression="packbits"), False),
    "tiff jpeg": (lambda: encoded(quarters(), "TIFF", compression="jpeg"), False),
    "tiff big": (lambda: encoded(quarters(), "TIFF", big_tiff=True), False),
    "tiff cmyk": (lambda: encoded(quarters().convert("CMYK"), "TIFF"), False),
    "tiff palette": (lambda: encoded(quarters().quantize(4), "TIFF"), False),
    "tiff two pages": (lambda: _two("TIFF"), False),
    **{
        f"{kind} held {k}".lower(): (lambda kind=kind, k=k: oriented(kind, k), k == 1)  # type: ignore[misc]
        for kind in ("JPEG", "PNG")
        for k in range(1, 9)
    },
    **{
        f"{kind} held {k}".lower(): (lambda kind=kind, k=k: oriented(kind, k), False)  # type: ignore[misc]
        for kind in ("WEBP", "TIFF")
        for k in range(1, 9)
    },
}


@pytest.mark.parametrize("name", SAME)
def test_what_is_let_in_shows_the_same_place(name: str) -> None:
    make, as_it_came = SAME[name]
    data = make()
    image = opened(data)
    assert (image.width, image.height) == (pictures.WIDTH, pictures.HEIGHT)
    seen = image.pixels()
    assert (seen.shape, seen.dtype) == (PLACE.shape, np.uint8)
    assert np.abs(pictures.corners(seen) - pictures.CORNERS).max() < 12

    stored = kept(data, name)
    assert (stored.data == data) == as_it_came
    assert (stored.width, stored.height) == (pictures.WIDTH, pictures.HEIGHT)
    # A reader that knows nothing of orientation, transparency or depth sees the same.
    with Image.open(io.BytesIO(stored.data)) as plain:
        assert Image.MIME[plain.format or ""] == stored.media_type
        assert plain.size == (pictures.WIDTH, pictures.HEIGHT)
        lossy = stored.media_type == "image/jpeg" and not as_it_came
        told = np.asarray(plain.convert("RGB"), int)
    assert np.abs(told - seen).mean() <= (2 if lossy else 0)
    assert kept(stored.data, name) == stored
    grey = np.asarray(rgb(data).convert("L"), int)
    assert np.abs(luma(data) - grey).max() <= 6


WHITE = (255, 255, 255)
CLEAR: dict[str, Make] = {
    "png rgba": lambda: encoded(_see_through(), "PNG"),
    "png palette": _palette_with_hole,
    "png rgb": lambda: png(PLACE, 2, chunk(b"tRNS", struct.pack(">HHH", 220, 220, 20))),
    "webp": lambda: encoded(_see_through(), "WEBP", lossless=True),
    "tiff": lambda: encoded(_see_through(), "TIFF"),
}


@pytest.mark.parametrize("name", CLEAR)
def test_what_is_transparent_is_white(name: str) -> None:
    data = CLEAR[name]()
    assert np.array_equal(pictures.corners(opened(data).pixels())[3], WHITE)
    stored = kept(data, name)
    with Image.open(io.BytesIO(stored.data)) as plain:
        assert plain.mode == "RGB"
        assert plain.getpixel((35, 55)) == WHITE


def test_grey_with_alpha_is_grey_on_white() -> None:
    values = np.zeros((60, 40, 2), np.uint8)
    values[..., 0], values[30:, :, 1] = 90, 255
    seen = opened(png(values, 4)).pixels()
    assert (seen[:30] == 255).all()
    assert (seen[30:] == 90).all()


def _with_gaps() -> bytes:
    values = pictures.ramp(-1, 1, np.float32)
    values[:5], values[5:9] = np.nan, np.inf
    return encoded(Image.fromarray(values), "TIFF")


DEEP: dict[str, Make] = {
    "png 16": lambda: png(pictures.ramp(300, 6000, np.uint16), 0),
    "png 16, all of it": lambda: png(pictures.ramp(0, 65535, np.uint16), 0),
    "tiff 16": lambda: encoded(Image.fromarray(pictures.ramp(300, 6000, np.uint16)), "TIFF"),
    "tiff 32": lambda: encoded(Image.fromarray(pictures.ramp(-9e8, 2e9, np.int32)), "TIFF"),
    "tiff float": lambda: encoded(Image.fromarray(pictures.ramp(0.2, 3.5, np.float32)), "TIFF"),
    "tiff gaps": _with_gaps,
    "tiff extremes": lambda: encoded(
        Image.fromarray(pictures.ramp(-3e38, 3e38, np.float32)), "TIFF"
    ),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_greys_go_from_dark_to_light(name: str) -> None:
    data = DEEP[name]()
    for seen in (opened(data).pixels(), opened(kept(data, name).data).pixels()):
        row = seen[40, :, 0].astype(int)
        assert (row[0], row[-1]) == (0, 255)
        assert np.abs(row - np.linspace(0, 255, 40)).max() <= 1
        assert (seen[..., 0] == seen[..., 2]).all()


@pytest.mark.parametrize("value", [0, 1, 700, 65535])
def test_a_deep_grey_of_one_value_is_black(value: int) -> None:
    assert not opened(png(np.full((4, 5), value, np.uint16), 0)).pixels().any()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_the_smallest_images_are_images(kind: str, size: tuple[int, int]) -> None:
    stored = kept(encoded(Image.new("RGB", size, (9, 200, 9)), kind), "dot")
    assert (stored.width, stored.height) == size
    assert np.abs(opened(stored.data).pixels()[0, 0] - np.array((9, 200, 9))).max() < 9


def _torn(kind: str, share: float) -> bytes:
    # Noise, so that there is something in every part.
    noise = np.random.default_rng(3).integers(0, 255, (60, 40, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    return data[: int(share * len(data))]


def _bad_sum(kind: bytes) -> bytes:
    data = bytearray(encoded(quarters(), "PNG"))
    at = data.index(kind)
    length = int.from_bytes(data[at - 4 : at], "big")
    data[at + 4 + length] ^= 0x55
    return bytes(data)


def _profile_bomb() -> bytes:
    return png(PLACE, 2, chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(8 << 20), 9)))


REFUSED: dict[str, tuple[Make, str]] = {
    "nothing": (lambda: b"", "is empty; fetch it again"),
    "text": (lambda: b"hello", "is not an image; fetch it again"),
    "a page": (lambda: b"<!DOCTYPE html><title>404", "is not an image"),
    "lfs": (lambda: b"version https://git-lfs.github.com/spec/v1\n", "run `git lfs pull`"),
    "letters BM": (lambda: b"BMW is a maker of cars, not of bitmaps.", "is not an image"),
    "gif": (lambda: encoded(quarters(), "GIF"), "is a GIF file.*save it as JPEG or PNG"),
    "gif animation": (lambda: _two("GIF"), "is a GIF file"),
    "jp2": (lambda: b"\0\0\0\x0cjP  \r\n\x87\n", "is a JPEG 2000 file"),
    "jxl": (lambda: b"\xff\x0a\0\0", "is a JPEG XL file"),
    "jxl box": (lambda: b"\0\0\0\x0cJXL \r\n\x87\n", "is a JPEG XL file"),
    "avif": (lambda: b"\0\0\0\x20ftypavif\0\0\0\0", "is an AVIF file"),
    "video": (lambda: b"\0\0\0\x18ftypmp42\0\0\0\0", "is a video file"),
    "pdf": (lambda: b"%PDF-1.7\n", "is a PDF file"),
    "psd": (lambda: b"8BPS\0\1", "is a Photoshop file"),
    "jpeg start": (lambda: b"\xff\xd8\xff", "is cut short"),
    "png start": (lambda: pictures.PNG, "is cut short"),
    "tiff start": (lambda: b"II*\0", "is no TIFF file that can be read"),
    "webp start": (lambda: b"RIFF\x10\0\0\0WEBPVP8 ", "is no WebP file that can be read"),
    "png header sum": (lambda: _bad_sum(b"IHDR"), "checksum of its IHDR is wrong"),
    "png data sum": (lambda: _bad_sum(b"IDAT"), "checksum of its IDAT is wrong"),
    "png text sum": (lambda: png(PLACE, 2, chunk(b"tEXt", b"a\0b", 7)), "no PNG file.*checksum"),
    "png without end": (lambda: encoded(quarters(), "PNG")[:-12], "is cut short"),
    "png text bomb": (lambda: pictures.text_bomb(8), "no PNG file.*too large"),
    "png profile bomb": (_profile_bomb, "no PNG file.*too large"),
    "png of no width": (lambda: pictures.png_of(0, 5), "PNG file|no pixels"),
    "png too few rows": (lambda: pictures.png_of(300, 300), "is damaged or cut short"),
    "png huge": (lambda: pictures.png_of(100_000, 100_000), "10000 megapixels and at most 40"),
    "png wide": (lambda: pictures.png_of(2**31 - 1, 1), "2147 megapixels.*make it smaller"),
    "jpeg huge": (lambda: pictures.declared("JPEG", 65500, 65500), "4290 megapixels"),
    "bmp huge": (lambda: pictures.declared("BMP", 30_000, 30_000), "900 megapixels"),
    "bmp huge top down": (lambda: pictures.declared("BMP", 30_000, -30_000), "900 megapixels"),
    "tiff huge": (lambda: pictures.declared("TIFF", 200_000, 200_000), "40000 megapixels"),
    "jpeg scans": (lambda: pictures.scan_bomb(MAX_SCANS + 1), "more than 24 scans"),
    "jpeg many scans": (lambda: pictures.scan_bomb(20_000), "more than 24 scans"),
    "jpeg sequential scans": (
        lambda: pictures.scan_bomb(50, progressive=False),
        "more than 24 scans",
    ),
    **{
        f"{kind} cut at {percent} %": (
            lambda kind=kind, percent=percent: _torn(kind, percent / 100),  # type: ignore[misc]
            "cut short|that can be read",
        )
        for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
        for percent in (30, 50, 80, 99)
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why_in_one_sentence(name: str) -> None:
    make, why = REFUSED[name]
    data = make()
    with pytest.raises(ImageError, match=f"(?s)photo.jpg .*({why})") as told:
        kept(data, "photo.jpg")
    assert isinstance(told.value, UserError)
    assert "\n" not in str(told.value)
    assert told.value.too_large == ("megapixels" in str(told.value))
    for read in (rgb, luma):
        with pytest.raises(ImageError):
            read(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP"])
def test_a_cut_grey_is_refused_in_every_way(kind: str) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (60, 40), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    assert luma(data).shape == (60, 40)
    for read in (rgb, luma):
        with pytest.raises(ImageError):
            read(data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_cut_file_stays_refused_where_another_program_made_pillow_lenient(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ImageError, match="is cut short"):
        kept(_torn(kind, 0.8), "photo")
    with pytest.raises(ImageError, match="is cut short"):
        kept(oriented("JPEG", 6, thumbnail=True)[:-80], "photo")


def _damaged(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, lost, added or overwritten, more often in the header than elsewhere."""
    torn = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(torn) if rng.random() < 0.5 else min(len(torn), 200))
        end = at + rng.randrange(1, 9)
        torn[at:end] = rng.choice(
            (rng.randbytes(end - at), b"", rng.randbytes(9) + torn[at:end], b"\xff" * 4, b"\0" * 4)
        )
    return bytes(torn)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", SAME)
def test_damage_is_refused_or_does_no_harm(name: str) -> None:
    rng = random.Random(name)
    whole = SAME[name][0]()
    for _ in range(20):
        data = _damaged(whole, rng)
        try:
            stored = kept(data, "photo")
        except ImageError:
            continue
        assert opened(stored.data).pixels().shape == (stored.height, stored.width, 3)
        assert kept(stored.data, "photo") == stored


def test_as_many_scans_as_encoders_write_are_read() -> None:
    assert opened(pictures.scan_bomb(MAX_SCANS)).pixels().shape == (64, 64, 3)


def test_a_smaller_limit_can_be_set() -> None:
    data = encoded(quarters(), "PNG")
    assert opened(data, max_pixels=2400).width == 40
    with pytest.raises(ImageError, match="40 x 60 = 0 megapixels") as told:
        opened(data, max_pixels=2399)
    assert told.value.too_large


def test_a_jpeg_that_is_turned_keeps_what_the_camera_wrote() -> None:
    stored = kept(oriented("JPEG", 6), "photo")
    with Image.open(io.BytesIO(stored.data)) as image:
        assert 0x0112 not in image.getexif()
        assert image.getexif().get_ifd(0x8769)[0xA405] == 26
    assert len(stored.data) < 2 * len(oriented("JPEG", 6))


def test_an_image_that_another_program_opened_goes_through_the_same_door() -> None:
    for how in (oriented("JPEG", 6), oriented("PNG", 8), encoded(_see_through(), "PNG")):
        with Image.open(io.BytesIO(how)) as image:
            stored = kept_picture(image, "photo")
        assert (stored.width, stored.height, stored.media_type) == (40, 60, "image/png")
        assert np.abs(opened(stored.data).pixels() - opened(how).pixels().astype(int)).max() == 0
    deep = Image.fromarray(pictures.ramp(300, 6000, np.uint16))
    assert opened(kept_picture(deep, "depth").data).pixels()[0, -1, 0] == 255
    with Image.open(io.BytesIO(_torn("JPEG", 0.5))) as torn, pytest.raises(ImageError):
        kept_picture(torn, "photo")


@pytest.mark.skipif(find_spec("pillow_heif") is not None, reason="pillow-heif is installed")
def test_without_its_library_heic_is_one_sentence() -> None:
    with pytest.raises(ImageError, match=r"is a HEIC file.*pip install '\.\[heic\]'"):
        kept(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "IMG_0001.HEIC")


def test_heic_is_read_upright() -> None:
    heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    heif.from_pillow(quarters()).save(out, quality=90)
    stored = kept(out.getvalue(), "IMG_0001.HEIC")
    assert (stored.width, stored.height, stored.media_type) == (40, 60, "image/png")
    assert np.abs(pictures.corners(opened(stored.data).pixels()) - pictures.CORNERS).max() < 20
    with pytest.raises(ImageError):
        kept(out.getvalue()[:200], "IMG_0001.HEIC")
