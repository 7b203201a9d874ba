"""What a catalogue maker returns: a `Model` of one object, composed with an `Assembly`.

Models stand in their own frame: x is the front, y is left, z is up, the lowest point is at
z = 0 and the bounding box is centred on the origin in x and y. Metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.shapes import Part
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

Float = NDArray[np.float64]
Mount = Literal["floor", "wall", "top", "ceiling"]


@dataclass(frozen=True, slots=True)
class SupportSurface:
    """A level rectangle of a model that carries things: height and half extents, metres."""

    z: float
    x: float
    y: float
    half_x: float
    half_y: float


@dataclass(frozen=True, slots=True)
class Lamp:
    """A light inside a model: a sphere at a local place, sending ``radiance`` out."""

    x: float
    y: float
    z: float
    radius: float
    radiance: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One object in its own frame.

    ``symmetry`` is the order of rotational symmetry about the vertical, 0 for bodies of revolution.
    """

    category: str
    pieces: tuple[tuple[Part, Material], ...]
    size: tuple[float, float, float]
    supports: tuple[SupportSurface, ...] = ()
    lamps: tuple[Lamp, ...] = ()
    symmetry: int = 1
    attributes: dict[str, str] = field(default_factory=dict)


Maker = Callable[[Paints], Model]


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A category: how to make one, where it belongs, and what else people call it."""

    make: Maker
    mount: Mount = "floor"
    aliases: tuple[str, ...] = ()
    countable: bool = True


class Assembly:
    """Collects the pieces of one model and closes it into a `Model`."""

    def __init__(self, category: str) -> None:
        self.category = category
        self._pieces: list[tuple[Part, Material]] = []
        self._supports: list[SupportSurface] = []
        self._lamps: list[Lamp] = []

    def add(
        self, part: Part, material: Material, x: float = 0.0, y: float = 0.0, z: float = 0.0
    ) -> None:
        """Put a part of one material at a place."""
        self._pieces.append((part.moved(x, y, z), material))

    def support(
        self, z: float, half_x: float, half_y: float, x: float = 0.0, y: float = 0.0
    ) -> None:
        """Declare a level rectangle that can carry things."""
        self._supports.append(SupportSurface(z, x, y, half_x, half_y))

    def lamp(
        self, x: float, y: float, z: float, radius: float, radiance: tuple[float, float, float]
    ) -> None:
        """Put a light inside."""
        self._lamps.append(Lamp(x, y, z, radius, radiance))

    def done(self, main: Material, symmetry: int = 1, **attributes: str) -> Model:
        """The finished model, moved so that it stands centred on its own origin."""
        points = np.concatenate([part.vertices for part, _ in self._pieces])
        low, high = points.min(axis=0), points.max(axis=0)
        cx, cy = (low[:2] + high[:2]) / 2
        dz = float(low[2])
        words = {"color": main.word, "material": main.substance, **attributes}
        return Model(
            category=self.category,
            pieces=tuple((part.moved(-cx, -cy, -dz), material) for part, material in self._pieces),
            size=(float(high[0] - low[0]), float(high[1] - low[1]), float(high[2] - low[2])),
            supports=tuple(
                SupportSurface(s.z - dz, s.x - cx, s.y - cy, s.half_x, s.half_y)
                for s in self._supports
            ),
            lamps=tuple(
                Lamp(q.x - cx, q.y - cy, q.z - dz, q.radius, q.radiance) for q in self._lamps
            ),
            symmetry=symmetry,
            attributes={key: word for key, word in words.items() if word},
        )
