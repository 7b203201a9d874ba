"""Places of many rooms: furnished rooms on both sides of a corridor, from a seed.

A place is built by the same builder, recipes and catalog as a single room, and is a `Room` like
any other, whose outline runs around all of it. In a *repeating* place, as in a hotel or an office
floor, all rooms of one side are alike to the last chair: what confuses one view with another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surveyor.core.errors import UserError
from surveyor.scenes.rooms.layout.builder import Builder
from surveyor.scenes.rooms.layout.fillers import fill, scatter
from surveyor.scenes.rooms.layout.floor_plan import FloorPlan, Rect, Wall, on_corridor, snap
from surveyor.scenes.rooms.layout.openings import place_openings
from surveyor.scenes.rooms.layout.recipes import RECIPES, corridor
from surveyor.scenes.rooms.layout.shell import Finish, Hole, build_shell
from surveyor.scenes.rooms.room import Lighting, Room, RoomSpec, finish_of
from surveyor.scenes.rooms.surfaces.materials import Paints

FEWEST, MOST = 2, 12
THINGS = 45
CORRIDOR = "corridor"
REPEATED = ("bedroom", "office", "meeting room")
"""What is built many times over in one building."""


@dataclass(frozen=True, slots=True)
class PlaceSpec:
    """What to build; what is None is drawn from the seed. ``rooms`` besides the corridor."""

    seed: int
    rooms: int | None = None
    repeating: bool | None = None

    def drawn(self) -> PlaceSpec:
        """The same with everything decided. Raises `UserError` for a number that can't be."""
        if self.rooms is not None and not FEWEST <= self.rooms <= MOST:
            raise UserError(f"a place has {FEWEST} to {MOST} rooms, not {self.rooms}")
        rng = np.random.default_rng([self.seed, 501])
        rooms, repeating = int(rng.integers(3, 8)), bool(rng.random() < 0.4)
        return PlaceSpec(
            self.seed,
            self.rooms or rooms,
            repeating if self.repeating is None else self.repeating,
        )


def build_place(spec: PlaceSpec) -> Room:
    """Build the place of a specification: the same one every time."""
    spec = spec.drawn()
    assert spec.rooms is not None
    rng = np.random.default_rng([spec.seed, 502])
    south = -(-spec.rooms // 2)
    kinds = _kinds(spec, rng)
    plan = _plan(kinds, south, bool(spec.repeating), rng)
    builder = Builder(
        plan, rng, allowed=lambda _: True, limit=THINGS * len(kinds),
        clutter=float(rng.uniform(0.2, 0.8)),
    )  # fmt: skip
    sides = [0, *(1 if k < south else 2 for k in range(spec.rooms))]
    seeds = [sides[k] if spec.repeating else k for k in range(len(kinds))]
    walls = plan.walls()
    holes: list[Hole] = []
    doors: list[tuple[int, float, float]] = []
    for region in range(len(kinds)):
        _enter(builder, region, [spec.seed, 503, seeds[region]])
        builder.walls = walls if not (spec.repeating and region) else _far_wall(plan, region)
        new_holes, new_doors = place_openings(builder)
        holes += new_holes
        doors += new_doors
    builder.walls = walls
    for region, kind in enumerate(kinds):
        _enter(builder, region, [spec.seed, 504, seeds[region]])
        _furnish(builder, kind)
    _enter(builder, 0, [spec.seed, 505])
    scatter(builder, int(builder.clutter**2 * 0.4 * plan.area))
    shell = build_shell(plan, holes, doors, _finish(kinds, bool(spec.repeating), builder.rng))
    lighting = Lighting.drawn(builder.rng)
    return Room(RoomSpec(spec.seed), plan, kinds, tuple(builder.placed), shell, lighting)


def alike_in(place: Room, spec: PlaceSpec) -> tuple[tuple[Rect, ...], ...]:
    """Groups of rooms that are built alike: the sides of a repeating place."""
    spec = spec.drawn()
    if not spec.repeating:
        return ()
    rooms = place.plan.regions[1:]
    south = -(-len(rooms) // 2)
    return rooms[:south], rooms[south:]


def _far_wall(plan: FloorPlan, region: int) -> tuple[Wall, ...]:
    """The wall across from the corridor: the one that rooms at the end have like all others."""
    width = plan.regions[region].x1 - plan.regions[region].x0
    return tuple(
        w
        for w in plan.walls()
        if w.region == region and abs(w.along[0]) > 0.5 and w.length > width - 1e-6
    )


def _kinds(spec: PlaceSpec, rng: np.random.Generator) -> tuple[str, ...]:
    """The corridor and what its rooms are for."""
    assert spec.rooms is not None
    if spec.repeating:
        return (CORRIDOR, *[REPEATED[int(rng.integers(len(REPEATED)))]] * spec.rooms)
    names = list(RECIPES)
    order = [*rng.permutation(len(names)), *rng.integers(len(names), size=MOST)]
    return (CORRIDOR, *(names[int(k)] for k in order[: spec.rooms]))


def _plan(
    kinds: tuple[str, ...], south: int, repeating: bool, rng: np.random.Generator
) -> FloorPlan:
    depths = (rng.uniform(3.2, 4.6), rng.uniform(1.5, 2.2), rng.uniform(3.2, 4.6))
    areas = [rng.uniform(*RECIPES[kind][1]) for kind in kinds[1:]]
    widths = [
        max(2.6, area / depths[0 if k < south else 2]) if not repeating else 3.6
        for k, area in enumerate(areas)
    ]
    place, width = rng.uniform(0, 1), rng.uniform(0.95, 1.2)
    doors = [
        (place, width) if repeating else (rng.uniform(0, 1), rng.uniform(0.95, 1.3)) for _ in areas
    ]
    height = snap(rng.uniform(2.45, 2.85))
    return on_corridor(widths[:south], widths[south:], depths, doors, height)


def _enter(builder: Builder, region: int, seed: list[int]) -> None:
    """Go on in a region, with dice of its own: equal dice furnish equal rooms equally."""
    builder.region, builder.rng = region, np.random.default_rng(seed)
    builder.paints = Paints(builder.rng)


def _furnish(builder: Builder, kind: str) -> None:
    if kind == CORRIDOR:
        corridor(builder)
        return
    RECIPES[kind][0](builder)
    area = builder.plan.regions[builder.region].area
    extra = builder.rng.uniform(0.2, 0.5) * area * (0.4 + builder.clutter)
    fill(builder, kind, builder.count + int(extra))


def _finish(kinds: tuple[str, ...], repeating: bool, rng: np.random.Generator) -> Finish:
    finish = finish_of(kinds, rng)
    if not repeating:
        return finish
    walls, floors = finish.wall, finish.floor
    same = len(kinds) - 1
    return Finish(
        (walls[0], *[walls[1]] * same), (floors[0], *[floors[1]] * same),
        finish.ceiling, finish.trim,
    )  # fmt: skip
