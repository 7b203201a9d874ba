"""Placing furniture: a builder with anchor rules, used by the recipes of the room kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.catalog.model import Maker, Model, SupportSurface
from surveyor.scenes.rooms.catalog.sizes import resized
from surveyor.scenes.rooms.layout.floor_plan import FloorPlan, Wall
from surveyor.scenes.rooms.layout.footprints import Footprint, Space
from surveyor.scenes.rooms.surfaces.materials import Paints

Float = NDArray[np.float64]
WALL_GAP = 0.02
CLEAR = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class PlacedModel:
    """A model standing in a room: place of its origin, yaw of its front, and what carries it."""

    model: Model
    x: float
    y: float
    z: float
    yaw: float
    footprint: Footprint
    parent: PlacedModel | None = None
    wall: Wall | None = None

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A local floor point in the room's frame."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return float(self.x + c * x - s * y), float(self.y + s * x + c * y)


class Builder:
    """Adds things to one region of a plan until the limits of the specification are reached."""

    def __init__(
        self,
        plan: FloorPlan,
        rng: np.random.Generator,
        allowed: Callable[[str], bool],
        limit: int,
        clutter: float,
    ) -> None:
        self.plan, self.rng, self.paints = plan, rng, Paints(rng)
        self.space = Space(plan)
        self.allowed, self.limit, self.clutter = allowed, limit, clutter
        self.placed: list[PlacedModel] = []
        self.walls = plan.walls()
        self.region = 0

    @property
    def count(self) -> int:
        """Things placed so far."""
        return len(self.placed)

    def chance(self, share: float) -> bool:
        """True with a probability."""
        return bool(self.rng.random() < share)

    def make(self, maker: Maker) -> Model | None:
        """A new model of any size of its kind, or None when limits or vocabulary forbid it."""
        if self.count >= self.limit:
            return None
        model = maker(self.paints)
        return resized(model, self.rng) if self.allowed(model.category) else None

    def own_walls(self, shortest: float = 0.0) -> list[Wall]:
        """Walls of the current region that are long enough, in random order."""
        walls = [w for w in self.walls if w.region == self.region and w.length >= shortest]
        return [walls[int(k)] for k in self.rng.permutation(len(walls))]

    def put(
        self,
        model: Model,
        at: Sequence[float] | Float,
        yaw: float,
        z: float = 0.0,
        *,
        margin: float = CLEAR,
        reach: float = 0.0,
        parent: PlacedModel | None = None,
        wall: Wall | None = None,
    ) -> PlacedModel | None:
        """Place a model if it fits; ``reach`` metres before its front must stay free."""
        depth, width, height = model.size
        spot = Footprint(float(at[0]), float(at[1]), depth / 2, width / 2, yaw, z, z + height)
        if not self.space.free(spot, margin, parent.footprint if parent else None):
            return None
        zone = None
        if reach:
            c, s = np.cos(yaw), np.sin(yaw)
            off = depth / 2 + reach / 2
            zone = Footprint(
                spot.x + c * off, spot.y + s * off, reach / 2, width / 2, yaw, 0.0, 1.9
            )
            if not self.space.open(zone):
                return None
        self.space.solids.append(spot)
        if zone is not None:
            self.space.zones.append(zone)
        placed = PlacedModel(model, spot.x, spot.y, z, yaw, spot, parent, wall)
        self.placed.append(placed)
        return placed

    def against(
        self,
        maker: Maker,
        *,
        reach: float = 0.0,
        gap: float = WALL_GAP,
        z: float = 0.0,
        walls: Sequence[Wall] | None = None,
        where: tuple[float, float] = (0.0, 1.0),
        margin: float = CLEAR,
        tries: int = 14,
    ) -> PlacedModel | None:
        """Stand a model with its back to a wall, within a share of the wall's length."""
        model = self.make(maker)
        if model is None:
            return None
        depth, width, _ = model.size
        for wall in self.own_walls(width + 0.04) if walls is None else walls:
            low, high = width / 2 + 0.02, wall.length - width / 2 - 0.02
            if high < low:
                continue
            for _ in range(tries):
                share = self.rng.uniform(*where)
                spot = wall.at(low + (high - low) * share, depth / 2 + gap)
                placed = self.put(
                    model, spot, wall.heading, z, margin=margin, reach=reach, wall=wall
                )
                if placed:
                    return placed
        return None

    def in_corner(self, maker: Maker, reach: float = 0.0) -> PlacedModel | None:
        """Stand a model in a corner of the region."""
        for where in ((0.0, 0.03), (0.97, 1.0)):
            placed = self.against(maker, where=where, tries=1, reach=reach)
            if placed:
                return placed
        return None

    def beside(
        self, anchor: PlacedModel, maker: Maker, side: int, gap: float = 0.05, back: bool = True
    ) -> PlacedModel | None:
        """Stand a model left (1) or right (-1) of another, flush with its back."""
        model = self.make(maker)
        if model is None:
            return None
        y = side * (anchor.model.size[1] / 2 + gap + model.size[1] / 2)
        x = -anchor.model.size[0] / 2 + model.size[0] / 2 if back else 0.0
        return self.put(model, anchor.point(x, y), anchor.yaw, margin=min(CLEAR, 0.8 * gap))

    def before(
        self,
        anchor: PlacedModel,
        maker: Maker,
        gap: float,
        facing: bool,
        turn: float = 0.0,
        y: float = 0.0,
    ) -> PlacedModel | None:
        """Stand a model before the front of another, looking at it or the same way."""
        model = self.make(maker)
        if model is None:
            return None
        x = anchor.model.size[0] / 2 + gap + model.size[0] / 2
        yaw = anchor.yaw + (np.pi if facing else 0.0) + turn
        return self.put(model, anchor.point(x, y), yaw)

    def around(self, anchor: PlacedModel, maker: Maker, count: int) -> int:
        """Set equal seats around a table; returns how many fitted."""
        model = self.make(maker)
        if model is None:
            return 0
        depth, width = anchor.model.size[0] / 2, anchor.model.size[1] / 2
        away = model.size[0] / 2 + 0.05
        if anchor.model.symmetry == 0:
            angles = np.arange(count) * 2 * np.pi / max(count, 1) + self.rng.uniform(0, np.pi)
            slots = [
                ((depth + away) * np.cos(t), (depth + away) * np.sin(t), t + np.pi) for t in angles
            ]
        else:
            row = (-0.25, 0.25) if width > 0.55 else (0.0,)
            slots = [
                (s * (depth + away), 2 * width * f, np.pi if s > 0 else 0.0)
                for s in (1, -1)
                for f in row
            ]
            slots += [(0.0, s * (width + away), -s * np.pi / 2) for s in (1, -1)]
            slots = [slots[int(k)] for k in self.rng.permutation(len(slots))]
        done = 0
        for x, y, turn in slots:
            if done < count and self.count < self.limit:
                yaw = anchor.yaw + turn + self.rng.normal(0, 0.05)
                done += self.put(model, anchor.point(x, y), yaw) is not None
        return done

    def on(
        self,
        anchor: PlacedModel,
        maker: Maker,
        *,
        x: float | None = None,
        y: float | None = None,
        turn: float = 0.0,
        level: int = 0,
        tries: int = 6,
    ) -> PlacedModel | None:
        """Set a thing on a support of another; x and y in -1..1 of the support, else anywhere."""
        model = self.make(maker)
        if model is None or level >= len(anchor.model.supports):
            return None
        s = anchor.model.supports[level]
        for _ in range(tries):
            spot = self._spot(s, model, x, y, turn)
            if spot is None:
                return None
            placed = self.put(
                model,
                anchor.point(*spot),
                anchor.yaw + turn,
                anchor.z + s.z,
                margin=0.006,
                parent=anchor,
            )
            if placed:
                return placed
        return None

    def _spot(
        self, s: SupportSurface, model: Model, x: float | None, y: float | None, turn: float
    ) -> tuple[float, float] | None:
        """A local place on a support where the whole model rests."""
        c, t = abs(np.cos(turn)), abs(np.sin(turn))
        half_x = (model.size[0] * c + model.size[1] * t) / 2
        half_y = (model.size[0] * t + model.size[1] * c) / 2
        room_x, room_y = s.half_x - half_x, s.half_y - half_y
        if min(room_x, room_y) < -0.02:
            return None
        px = self.rng.uniform(-1, 1) if x is None else x
        py = self.rng.uniform(-1, 1) if y is None else y
        return s.x + px * max(room_x, 0.0), s.y + py * max(room_y, 0.0)

    def hang(self, maker: Maker, low: float, high: float) -> PlacedModel | None:
        """Hang a model on a wall with its middle between two heights."""
        model = self.make(maker)
        if model is None:
            return None
        depth, width, height = model.size
        z = min(
            max(self.rng.uniform(low, high) - height / 2, 0.02), self.plan.height - height - 0.05
        )
        for wall in self.own_walls(width + 0.1):
            for _ in range(8):
                offset = self.rng.uniform(width / 2 + 0.05, wall.length - width / 2 - 0.05)
                spot = wall.at(offset, depth / 2 + 0.001)
                placed = self.put(model, spot, wall.heading, z, margin=0.05, wall=wall)
                if placed:
                    return placed
        return None

    def anywhere(self, maker: Maker, tries: int = 25) -> PlacedModel | None:
        """Stand a model somewhere on the floor, turned along the walls."""
        model = self.make(maker)
        if model is None:
            return None
        r = self.plan.regions[self.region]
        for _ in range(tries):
            at = self.rng.uniform((r.x0 + 0.3, r.y0 + 0.3), (r.x1 - 0.3, r.y1 - 0.3))
            yaw = float(self.rng.integers(4)) * np.pi / 2 + self.rng.normal(0, 0.04)
            placed = self.put(model, at, yaw, margin=0.12)
            if placed:
                return placed
        return None
