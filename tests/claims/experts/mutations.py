"""Broken requests, made from whole ones: every one of them deserves a 4xx."""

from __future__ import annotations

import base64
import copy
import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attack:
    """Raw bytes for one expert, and what was done to them."""

    kind: str
    content: bytes


def attack(body: Body, picture: bytes, rng: random.Random) -> Attack:
    """One random mutation of a good request; ``picture`` is an image file to damage."""
    kind = rng.choice(sorted(_KINDS))
    changed = _KINDS[kind](copy.deepcopy(body), picture, rng)
    if isinstance(changed, bytes):
        return Attack(kind, changed)
    return Attack(kind, json.dumps(changed).encode())  # NaN and infinity are written as such


def bomb(side: int = 20_000) -> bytes:
    """A PNG file of a few hundred kilobytes that decodes to ``side`` squared pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    squeezer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    rows = b"".join(squeezer.compress(row) for _ in range(side)) + squeezer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def _with_image(body: Body, image: object) -> Body:
    if "images" in body:
        return {**body, "images": [image]}
    return {**{k: v for k, v in body.items() if k != "scene_id"}, "image": image}


def _inline(data: bytes, media_type: str = "image/png") -> Body:
    return {"data": base64.b64encode(data).decode(), "media_type": media_type}


def _truncated_image(body: Body, picture: bytes, rng: random.Random) -> Body:
    return _with_image(body, _inline(picture[: rng.randrange(1, len(picture) - 20)]))


def _no_image(body: Body, picture: bytes, rng: random.Random) -> Body:
    return _with_image(body, _inline(rng.randbytes(rng.randrange(1, 300))))


def _bomb(body: Body, picture: bytes, rng: random.Random) -> Body:
    return _with_image(body, _inline(_BOMB))


def _wrong_hash(body: Body, picture: bytes, rng: random.Random) -> Body:
    digest = rng.choice(["0" * 64, rng.randbytes(32).hex(), "../../etc/passwd", "", "Z" * 64])
    return _with_image(body, {"sha256": digest})


def _not_base64(body: Body, picture: bytes, rng: random.Random) -> Body:
    return _with_image(body, {"data": "=" * rng.randrange(1, 9), "media_type": "image/png"})


def _wrong_media_type(body: Body, picture: bytes, rng: random.Random) -> Body:
    return _with_image(body, _inline(picture, rng.choice(["text/html", "", "image/x-bomb"])))


def _unknown_field(body: Body, picture: bytes, rng: random.Random) -> Body:
    return {**body, rng.choice(["model", "__proto__", "Image", "x" * 5000]): rng.random()}


def _wrong_type(body: Body, picture: bytes, rng: random.Random) -> Body:
    key = rng.choice(sorted(body))
    return {**body, key: rng.choice([{"a": 1}, [[[]]], "\ud800?", [None]])}


def _missing_field(body: Body, picture: bytes, rng: random.Random) -> Body:
    required = [key for key in ("image", "images", "phrases", "scene_id") if key in body]
    body.pop(rng.choice(required))
    return body


def _bad_numbers(body: Body, picture: bytes, rng: random.Random) -> Body:
    number = rng.choice([float("nan"), float("inf"), -float("inf")])
    key = next((k for k in ("boxes", "box", "threshold", "focal", "azimuth") if k in body), None)
    if key is None:
        return _wrong_type(body, picture, rng)
    if key in ("box", "boxes"):
        box = [1.0, 1.0, 9.0, 9.0]
        box[rng.randrange(4)] = number
        return {**body, key: box if key == "box" else [box]}
    return {**body, key: -float("inf") if key == "focal" else number}


def _bad_box(body: Body, picture: bytes, rng: random.Random) -> Body:
    far = rng.uniform(1e4, 1e9) * rng.choice([-1, 1])
    box = rng.choice([[far, far, far + 9, far + 9], [5, 5, 5, 5], [1, 2, 3], [9, 9, 2, 2], []])
    if "boxes" in body:
        return {**body, "boxes": [box]}
    return {**body, "box": box} if "box" in body else {**body, "boxes": box}


def _bad_phrases(body: Body, picture: bytes, rng: random.Random) -> Body:
    phrases = rng.choice([[], [""], ["x"] * 10_000, ["y" * 10_000], "chair", [None], [["chair"]]])
    return {**body, "phrases": phrases}


def _too_many_images(body: Body, picture: bytes, rng: random.Random) -> Body:
    return {**body, "images": [{"sha256": "0" * 64}] * 300}


def _torn_json(body: Body, picture: bytes, rng: random.Random) -> bytes:
    text = json.dumps(body).encode()
    return text[: rng.randrange(0, len(text) - 1)]


def _no_json(body: Body, picture: bytes, rng: random.Random) -> bytes:
    return rng.choice([b"[" * 50_000, b"null", b"\xff\xfe\x00", b"{}x", picture, b"1e999", b'""'])


def _bad_derivation(body: Body, picture: bytes, rng: random.Random) -> Body:
    back = rng.choice(
        [[0, 0, 0, 0, 0, 0], [-1, 0, 0, 0, 1, 0], [float("nan")] * 6, [1, 2], [0, 1, 0, 1, 0, 0]]
    )
    digest = "0" * 64
    derivation = {"parent": digest, "op": "crop", "to_parent": back}
    return _with_image(body, {"sha256": digest, "derivation": derivation})


_KINDS: dict[str, Callable[[Body, bytes, random.Random], Body | bytes]] = {
    "truncated image": _truncated_image,
    "no image": _no_image,
    "decompression bomb": _bomb,
    "wrong hash": _wrong_hash,
    "not base64": _not_base64,
    "wrong media type": _wrong_media_type,
    "unknown field": _unknown_field,
    "wrong type": _wrong_type,
    "missing field": _missing_field,
    "NaN or infinite": _bad_numbers,
    "box outside or empty": _bad_box,
    "phrases empty or 10,000": _bad_phrases,
    "too many images": _too_many_images,
    "torn JSON": _torn_json,
    "no JSON": _no_json,
    "derivation that is none": _bad_derivation,
}
_BOMB = bomb()
