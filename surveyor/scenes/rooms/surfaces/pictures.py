"""Textures that show something: art, screens, keys, clock faces, the view from a window."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.surfaces.materials import Material
from surveyor.scenes.rooms.surfaces.noise import linear, noise

Float = NDArray[np.float64]
Maker = Callable[[np.random.Generator, Material], Float]


def _canvas(colour: str, rows: int = 256, columns: int = 256) -> Float:
    canvas: Float = np.tile(linear(colour), (rows, columns, 1))
    return canvas


def _landscape(rng: np.random.Generator) -> Float:
    size = 256
    y = np.mgrid[0:size, 0:size][0] / size
    dusk = np.array([0.85, 0.7, 0.5]) if rng.random() < 0.4 else np.array([0.75, 0.85, 0.95])
    image: Float = dusk * (1 - y[..., None]) + np.array([0.3, 0.5, 0.8]) * y[..., None]
    for k in range(4):
        ridge = 0.62 - 0.15 * k + 0.1 * noise(rng, size, 1.5 + 0.2 * k)[0]
        shade = np.array([0.28, 0.36, 0.45]) * (1 - k / 4) + np.array([0.08, 0.18, 0.06]) * k / 4
        image[y < ridge[None, :]] = shade
    return image


def _shapes(rng: np.random.Generator) -> Float:
    size = 256
    y, x = np.mgrid[0:size, 0:size] / size
    image = _canvas("#efe6d2")
    palette = [
        linear(c) for c in ("#c8553d", "#e3b23c", "#2a6f77", "#22303c", "#7b5ea7", "#8fa88b")
    ]
    for _ in range(8):
        cx, cy, r = rng.random(), rng.random(), rng.uniform(0.06, 0.28)
        inside = np.hypot(x - cx, y - cy) < r
        if rng.random() < 0.5:
            inside = (np.abs(x - cx) < r) & (np.abs(y - cy) < r * rng.uniform(0.2, 1.0))
        image[inside] = palette[int(rng.integers(len(palette)))]
    return image


def _washes(rng: np.random.Generator) -> Float:
    a, b = noise(rng, 256, 1.7), noise(rng, 256, 1.5)
    base = rng.uniform(0.25, 0.6, 3)
    tint = rng.uniform(-0.35, 0.35, (2, 3))
    washes: Float = base + a[..., None] * tint[0] + b[..., None] * tint[1]
    return washes


def _art(rng: np.random.Generator, m: Material) -> Float:
    return (_landscape, _shapes, _washes)[int(rng.integers(3))](rng)


def _screen(rng: np.random.Generator, m: Material) -> Float:
    """A working screen: two windows with text, a picture, or a chart."""
    size = 256
    desktop = _landscape(rng) * 0.5 if rng.random() < 0.5 else _canvas("#16324f")
    desktop[:10] = 0.05
    for k in range(2):
        x0, y0, width, height = int(16 + 118 * k), int(rng.integers(24, 48)), 106, 180
        window = desktop[y0 : y0 + height, x0 : x0 + width]
        window[:] = 0.78
        window[-10:] = linear(("#35587e", "#6b6e72", "#a63d35")[int(rng.integers(3))])
        for row in range(14):
            ink = 8 + 11 * row
            window[ink : ink + 3, 6 : 6 + int(rng.uniform(30, 94))] = 0.12
        if rng.random() < 0.4:
            window[20:90, 10:96] = _landscape(rng)[60:130, 40:126]
    return desktop[:size]


def _keys(rng: np.random.Generator, m: Material) -> Float:
    image = _canvas(m.colour, 96, 256) * 0.35
    for row in range(5):
        for key in range(15):
            top, left = 3 + row * 19, 3 + key * 17
            wide = 100 if row == 0 and key == 4 else 13
            if row == 0 and 4 < key < 10:
                continue
            image[top : top + 15, left : left + wide] = linear(m.colour) * rng.uniform(0.95, 1.1)
            if wide == 13:
                image[top + 8 : top + 12, left + 3 : left + 7] = linear(m.second)
    return image


def _dial(rng: np.random.Generator, m: Material) -> Float:
    """A clock face on its bounding square."""
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    radius, angle = np.hypot(x, y), np.arctan2(x, y)
    image = _canvas(m.colour)
    hour = np.abs((angle / (2 * np.pi) * 12 + 0.5) % 1 - 0.5) < 0.07
    image[hour & (radius > 0.74) & (radius < 0.9)] = 0.02
    for turn, length, width in ((rng.random(), 0.5, 0.045), (rng.random(), 0.75, 0.03)):
        a = 2 * np.pi * turn
        along, across = x * np.sin(a) + y * np.cos(a), np.abs(x * np.cos(a) - y * np.sin(a))
        image[(along > -0.08) & (along < length) & (across < width)] = 0.02
    return image


def _piano(rng: np.random.Generator, m: Material) -> Float:
    image = _canvas("#efece4", 64, 520)
    for key in range(52):
        image[:, key * 10] = 0.25
        if key % 7 not in (2, 6):
            image[22:, key * 10 + 7 : key * 10 + 13] = 0.012
    return image


def _outdoors(rng: np.random.Generator, m: Material) -> Float:
    """A panorama: columns are compass directions, rows elevations from -60 to +60 degrees."""
    rows, columns = 256, 512
    elevation = np.linspace(-60, 60, rows)[:, None] * np.ones((1, columns))
    up = np.clip(elevation / 60, 0, 1)[..., None]
    image = np.array([0.85, 0.9, 0.95]) * (1 - up) + np.array([0.35, 0.55, 0.9]) * up
    cloud = np.tile(noise(rng, 256, 1.6), (1, 2))
    cloud = np.clip(cloud * 1.6 - 0.1, 0, 1)[..., None]
    image = image * (1 - cloud) + 0.97 * cloud
    lawn = (
        np.array([0.16, 0.24, 0.08]) * (1 + 0.25 * np.tile(noise(rng, 256, 0.7), (1, 2)))[..., None]
    )
    image = np.where((elevation < -2)[..., None], lawn, image)
    for distance, top in ((0.55, 4.0), (0.2, 1.5)):
        ridge = top + 3.5 * np.tile(noise(rng, 256, 1.0)[0], 2)
        mottled = 1 + 0.45 * np.tile(noise(rng, 256, 0.6), (1, 2))[..., None]
        leaves = np.array([0.09, 0.13, 0.07]) * mottled * (1 - distance)
        leaves = leaves + np.array([0.5, 0.58, 0.66]) * distance
        image = np.where(((elevation < ridge[None]) & (elevation > -4))[..., None], leaves, image)
    for _ in range(int(rng.integers(3, 7))):
        _house(rng, image, elevation)
    return image


def _house(rng: np.random.Generator, image: Float, elevation: Float) -> None:
    """A far building with rows of windows, painted into the panorama."""
    left, width = int(rng.integers(0, 440)), int(rng.integers(24, 70))
    top = rng.uniform(6, 22)
    rows = np.flatnonzero((elevation[:, 0] > -6) & (elevation[:, 0] < top))
    wall = linear(("#b9a894", "#9c5f4a", "#c9c4ba", "#8d8f92")[int(rng.integers(4))])
    image[rows[0] : rows[-1], left : left + width] = wall
    for r in range(rows[0] + 8, rows[-1] - 6, 11):
        for c in range(left + 4, left + width - 5, 9):
            image[r : r + 6, c : c + 5] = (0.1, 0.13, 0.17)


MAKERS: dict[str, Maker] = {
    "art": _art,
    "screen": _screen,
    "keys": _keys,
    "dial": _dial,
    "piano": _piano,
    "outdoors": _outdoors,
}
