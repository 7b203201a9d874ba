"""Procedural textures at metric scale, tileable where they tile, cached by material.

Arrays are (rows, columns, 3) float32 in linear light; columns run along u, rows along v.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.surfaces import pictures
from surveyor.scenes.rooms.surfaces.materials import Material
from surveyor.scenes.rooms.surfaces.noise import linear, noise, tinted

Float = NDArray[np.float64]
Image = NDArray[np.float32]


@lru_cache(maxsize=256)
def texture(material: Material) -> Image:
    """The texture of a material; the same material gives the same array."""
    words = f"{material.kind} {material.colour} {material.second} {material.variant}"
    rng = np.random.default_rng(zlib.crc32(words.encode()))
    image = np.clip(_MAKERS[material.kind](rng, material), 0.004, 1.0).astype(np.float32)
    image.setflags(write=False)
    return image


def _plain(rng: np.random.Generator, m: Material) -> Float:
    return tinted(m.colour, 1 + 0.025 * noise(rng, 32, 1.2))


def _plaster(rng: np.random.Generator, m: Material) -> Float:
    return tinted(m.colour, 1 + 0.05 * noise(rng, 128, 0.9) + 0.03 * noise(rng, 128, 0.1))


def _grain(rng: np.random.Generator, size: int = 256) -> Float:
    """Wood grain in 0..1 along u."""
    warp = noise(rng, size, 2.2, along=4.0, across=0.6)
    row = np.arange(size)[:, None] / size
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (6 * row + 0.9 * warp))
    fibre = noise(rng, size, 0.9, along=24.0, across=0.5)
    grain: Float = np.clip(0.55 + 0.28 * (rings - 0.5) + 0.5 * fibre, 0, 1)
    return grain


def _wood(rng: np.random.Generator, m: Material) -> Float:
    return tinted(m.colour, 0.68 + 0.42 * _grain(rng))


def _planks(rng: np.random.Generator, m: Material) -> Float:
    size, rows = 512, 8
    height = size // rows
    image = np.zeros((size, size, 3))
    grain = np.tile(_grain(rng), (2, 2))
    for row in range(rows):
        cut = int(rng.integers(size))
        for half in range(2):
            y, x = rng.integers(0, 256, 2)
            board = tinted(m.colour, 0.66 + 0.4 * grain[y : y + height, x : x + size // 2])
            columns = (np.arange(size // 2) + cut + half * size // 2) % size
            image[row * height : (row + 1) * height, columns] = board * rng.uniform(0.82, 1.12)
            image[row * height : (row + 1) * height, columns[:1]] *= 0.5
        image[row * height] *= 0.5
    return image


def _parquet(rng: np.random.Generator, m: Material) -> Float:
    size, cell = 512, 128
    image = np.zeros((size, size, 3))
    grain = np.tile(_grain(rng), (2, 2))
    for j in range(4):
        for i in range(4):
            for strip in range(4):
                y, x = rng.integers(0, 256, 2)
                piece = tinted(m.colour, 0.68 + 0.4 * grain[y : y + 32, x : x + cell])
                piece = piece * rng.uniform(0.85, 1.1)
                piece[0] *= 0.55
                piece[:, 0] *= 0.55
                block = (
                    slice(j * cell + strip * 32, j * cell + strip * 32 + 32),
                    slice(i * cell, (i + 1) * cell),
                )
                if (i + j) % 2:
                    block = (
                        slice(j * cell, (j + 1) * cell),
                        slice(i * cell + strip * 32, i * cell + strip * 32 + 32),
                    )
                    piece = piece.transpose(1, 0, 2)
                image[block] = piece
    return image


def _fabric(rng: np.random.Generator, m: Material) -> Float:
    size = 256
    i = np.arange(size) * 2 * np.pi / 8
    weave = np.sin(i[:, None] + np.pi * (np.arange(size)[None] // 4 % 2)) * np.cos(i[None])
    mottle = 0.5 * noise(rng, size, 0.3) + 0.4 * noise(rng, size, 1.3)
    return tinted(m.colour, 1 + 0.14 * weave + 0.16 * mottle)


def _knit(rng: np.random.Generator, m: Material) -> Float:
    return tinted(m.colour, 1 + 0.07 * noise(rng, 256, 0.2) + 0.09 * noise(rng, 256, 1.4))


def _carpet(rng: np.random.Generator, m: Material) -> Float:
    return tinted(m.colour, 1 + 0.28 * noise(rng, 256, 0.2) + 0.1 * noise(rng, 256, 1.3))


def _tiles(rng: np.random.Generator, m: Material) -> Float:
    size, cells = 256, 2
    step = size // cells
    image = np.zeros((size, size, 3))
    for j in range(cells):
        for i in range(cells):
            shade = (1 + 0.05 * noise(rng, step, 1.4)) * rng.uniform(0.93, 1.05)
            image[j * step : (j + 1) * step, i * step : (i + 1) * step] = tinted(m.colour, shade)
    for k in range(cells):
        image[k * step : k * step + 3] = linear(m.second) * 0.6
        image[:, k * step : k * step + 3] = linear(m.second) * 0.6
    return image


def _marble(rng: np.random.Generator, m: Material) -> Float:
    veins = 1 - np.abs(noise(rng, 256, 1.7)) ** 0.35
    return tinted(m.colour, 1 - 0.45 * np.clip(veins, 0, 1) ** 3 + 0.04 * noise(rng, 256, 0.3))


def _brushed(rng: np.random.Generator, m: Material) -> Float:
    return tinted(m.colour, 1 + 0.08 * noise(rng, 128, 0.4, along=16.0, across=0.3))


def _leaf(rng: np.random.Generator, m: Material) -> Float:
    row = np.abs(np.linspace(-1, 1, 128))[:, None]
    return tinted(
        m.colour, 1 + 0.3 * noise(rng, 128, 1.0) - 0.25 * (row < 0.06) * np.ones((128, 128))
    )


def _wicker(rng: np.random.Generator, m: Material) -> Float:
    y, x = np.mgrid[0:128, 0:128]
    weave = np.sin(y * np.pi / 8 + np.pi * (x // 16 % 2)) ** 2 * (
        0.6 + 0.4 * np.abs(np.sin(x * np.pi / 16))
    )
    return tinted(m.colour, 0.45 + 0.65 * weave + 0.1 * noise(rng, 128, 0.4))


def _bristle(rng: np.random.Generator, m: Material) -> Float:
    return tinted(m.colour, 1 + 0.4 * noise(rng, 128, 0.3, along=0.3, across=8.0))


def _stripes(rng: np.random.Generator, m: Material) -> Float:
    y = np.arange(256)[:, None] * np.ones((1, 256))
    band = (y // 32 % 2)[..., None]
    cloth = 1 + 0.1 * noise(rng, 256, 0.4)
    mixed: Float = (linear(m.colour) * band + linear(m.second) * (1 - band)) * cloth[..., None]
    return mixed


def _rug(rng: np.random.Generator, m: Material) -> Float:
    size = 256
    y, x = np.mgrid[0:size, 0:size] / size
    border = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    mark = ((border > 0.04) & (border < 0.06)) | ((border > 0.09) & (border < 0.13))
    cells = int(rng.integers(3, 8))
    u, v = np.abs((x * cells) % 1 - 0.5), np.abs((y * cells) % 1 - 0.5)
    pattern = (u + v < 0.28, np.maximum(u, v) < 0.2, np.hypot(u, v) < 0.3)[int(rng.integers(3))]
    mark |= pattern & (border > 0.15)
    image = np.where(mark[..., None], linear(m.second), linear(m.colour))
    woven: Float = image * (1 + 0.25 * noise(rng, size, 0.25))[..., None]
    return woven


def _paper(rng: np.random.Generator, m: Material) -> Float:
    """A printed label or cover: a plain ground with a block and lines of text."""
    image = np.tile(linear(m.colour), (64, 64, 1))
    top = int(rng.integers(36, 48))
    image[top : top + 12, 8:56] = linear(m.second)
    for k in range(4):
        image[8 + 6 * k : 10 + 6 * k, 8 : int(rng.integers(28, 56))] = linear(m.second) * 0.7
    return image


_MAKERS: dict[str, Callable[[np.random.Generator, Material], Float]] = {
    "plain": _plain,
    "plaster": _plaster,
    "wood": _wood,
    "planks": _planks,
    "parquet": _parquet,
    "fabric": _fabric,
    "knit": _knit,
    "carpet": _carpet,
    "tiles": _tiles,
    "marble": _marble,
    "brushed": _brushed,
    "leaf": _leaf,
    "wicker": _wicker,
    "bristle": _bristle,
    "stripes": _stripes,
    "rug": _rug,
    "paper": _paper,
    "mirror": _plain,
    **pictures.MAKERS,
}
