"""Furnished rooms from a seed: the same specification gives the same room, byte for byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError
from surveyor.core.geometry import OrientedBox
from surveyor.scenes.records import SceneObject
from surveyor.scenes.rooms.catalog import CATALOG
from surveyor.scenes.rooms.layout import floor_plan as layout_plan
from surveyor.scenes.rooms.layout.builder import Builder, PlacedModel
from surveyor.scenes.rooms.layout.fillers import fill, scatter
from surveyor.scenes.rooms.layout.floor_plan import FloorPlan, Shape
from surveyor.scenes.rooms.layout.openings import place_openings
from surveyor.scenes.rooms.layout.recipes import RECIPES
from surveyor.scenes.rooms.layout.shell import Finish, Hole, ShellSurface, build_shell
from surveyor.scenes.rooms.mesh import Mesh, build_mesh
from surveyor.scenes.rooms.shapes import Part, rotation
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

Float = NDArray[np.float64]
SMALLEST, LARGEST = 4.0, 80.0
FIXED = frozenset({"door", "window", "curtain", "ceiling light"})
ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class RoomSpec:
    """What to build; everything that is None is drawn from the seed.

    ``area`` in square metres; ``objects`` is how many things the room holds, openings and lights
    included; ``clutter`` 0..1 is how much lies about; ``vocabulary`` limits the categories.
    """

    seed: int
    kind: str | None = None
    shape: Shape | None = None
    area: float | None = None
    objects: int | None = None
    clutter: float | None = None
    vocabulary: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Lighting:
    """How bright it is outdoors and how bright the lamps are; 1 is a usual day with lamps on."""

    day: float = 1.0
    lamps: float = 1.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Lighting:
        """Mostly day, sometimes dusk or night."""
        hour = rng.random()
        if hour < 0.7:
            return cls(day=float(rng.uniform(0.6, 1.2)), lamps=float(rng.choice([0.3, 1.0])))
        return cls(day=float(rng.uniform(0.02, 0.25)))


class Room:
    """A furnished room. ``objects`` have ids 1..n; ``surfaces`` names the ids of its shell."""

    def __init__(
        self, spec: RoomSpec, plan: FloorPlan, kinds: tuple[str, ...],
        placed: tuple[PlacedModel, ...], shell: tuple[ShellSurface, ...],
        lighting: Lighting = Lighting(),
    ) -> None:  # fmt: skip
        self.spec, self.plan, self.kinds, self.lighting = spec, plan, kinds, lighting
        self.placed, self.shell = placed, shell
        ids = {id(q): k + 1 for k, q in enumerate(placed)}
        self.objects = tuple(
            _scene_object(q, ids[id(q)], ids[id(q.parent)] if q.parent else None) for q in placed
        )
        first = len(placed) + 1
        self.surfaces = {first + k: s.category for k, s in enumerate(shell)}

    @property
    def polygon(self) -> Float:
        """(N, 2) floor outline in metres, counter-clockwise."""
        return self.plan.outline

    @property
    def height(self) -> float:
        """Ceiling height in metres."""
        return self.plan.height

    @property
    def area(self) -> float:
        """Floor area in square metres."""
        return self.plan.area

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Category of every instance id; entry 0 is what no ray hits."""
        names = [q.model.category for q in self.placed]
        return ("void", *names, *(s.category for s in self.shell))

    @cached_property
    def _mesh(self) -> Mesh:
        pieces: list[tuple[Part, Material, int]] = []
        for k, q in enumerate(self.placed):
            turn = rotation(z=q.yaw)
            pieces += [
                (part.turned(turn).moved(q.x, q.y, q.z), m, k + 1) for part, m in q.model.pieces
            ]
        for k, surface in enumerate(self.shell):
            pieces += [(part, m, len(self.placed) + 1 + k) for part, m in surface.pieces]
        return build_mesh(pieces)

    def mesh(self) -> Mesh:
        """All triangles of the room, made once."""
        return self._mesh


def build_room(spec: RoomSpec) -> Room:
    """Build the room of a specification.

    Raises `UserError` when its limits contradict each other, for example more objects than the
    floor can carry.
    """
    _check(spec)
    best = 0
    for attempt in range(ATTEMPTS):
        room = _attempt(spec, attempt)
        if spec.objects is None or len(room.objects) >= spec.objects:
            return room
        best = max(best, len(room.objects))
        if best < 0.7 * spec.objects:
            break
    raise UserError(
        f"{spec.objects} objects do not fit into this room of {room.area:.1f} m² "
        f"(at most {best} did); ask for fewer objects or a larger area"
    )


def _check(spec: RoomSpec) -> None:
    if spec.kind is not None and spec.kind not in RECIPES:
        raise UserError(f"there is no room kind '{spec.kind}'; choose one of {', '.join(RECIPES)}")
    if spec.area is not None and not SMALLEST <= spec.area <= LARGEST:
        raise UserError(
            f"a room's area must be {SMALLEST:.0f} to {LARGEST:.0f} m², not {spec.area:g}"
        )
    if spec.clutter is not None and not 0 <= spec.clutter <= 1:
        raise UserError(f"clutter must be between 0 and 1, not {spec.clutter:g}")
    if spec.objects is not None and spec.objects < 1:
        raise UserError(f"a room needs at least 1 object, not {spec.objects}")
    unknown = (spec.vocabulary or frozenset()) - set(CATALOG) - FIXED
    if unknown:
        raise UserError(f"no such category: {', '.join(sorted(unknown))}")
    if spec.shape == "two_rooms" and spec.area is not None and spec.area < 12:
        raise UserError("two rooms need at least 12 m² together; ask for a larger area")


def _attempt(spec: RoomSpec, attempt: int) -> Room:
    rng = np.random.default_rng([spec.seed, attempt])
    plan, kinds = _plan(spec, rng)
    clutter = float(rng.uniform(0.2, 0.8)) if spec.clutter is None else spec.clutter
    allowed = spec.vocabulary
    builder = Builder(
        plan, rng,
        allowed=lambda c: allowed is None or c in allowed or c in FIXED,
        limit=spec.objects or 120, clutter=clutter,
    )  # fmt: skip
    holes: list[Hole] = []
    doors: list[tuple[int, float, float]] = []
    for region in range(len(plan.regions)):
        builder.region = region
        new_holes, new_doors = place_openings(builder)
        holes += new_holes
        doors += new_doors
    for region, kind in enumerate(kinds):
        builder.region = region
        RECIPES[kind][0](builder)
    _finish_furnishing(builder, spec, kinds)
    shell = build_shell(plan, holes, doors, finish_of(kinds, rng))
    return Room(spec, plan, kinds, tuple(builder.placed), shell, Lighting.drawn(rng))


def _finish_furnishing(builder: Builder, spec: RoomSpec, kinds: tuple[str, ...]) -> None:
    """Fillers and clutter, up to the number asked for or one that suits the area."""
    if spec.objects is not None:
        for _ in range(3):
            for region, kind in enumerate(kinds):
                builder.region = region
                fill(builder, kind, spec.objects)
            scatter(builder, max(0, spec.objects - builder.count))
        return
    extra = builder.rng.uniform(0.2, 0.5) * builder.plan.area * (0.4 + builder.clutter)
    start = builder.count
    for region, kind in enumerate(kinds):
        builder.region = region
        fill(builder, kind, start + int(extra * (region + 1) / len(kinds)))
    scatter(builder, int(builder.clutter**2 * 0.7 * builder.plan.area))


def _plan(spec: RoomSpec, rng: np.random.Generator) -> tuple[FloorPlan, tuple[str, ...]]:
    shapes: tuple[Shape, ...] = ("rectangle", "rectangle", "rectangle", "l_shape", "two_rooms")
    shape = spec.shape or shapes[int(rng.integers(len(shapes)))]
    names = list(RECIPES)
    kind = spec.kind or names[int(rng.integers(len(names)))]
    if spec.shape is None and spec.area is not None and spec.area < 14:
        shape = "rectangle"
    height = layout_plan.snap(rng.uniform(2.45, 2.85))
    low, high = RECIPES[kind][1]
    area = spec.area or float(rng.uniform(low, high))
    if shape == "rectangle":
        return layout_plan.rectangle(area, rng.uniform(1.0, 1.5), height), (kind,)
    if shape == "l_shape":
        area = spec.area or area * 1.25
        notch = (float(rng.uniform(0.3, 0.5)), float(rng.uniform(0.3, 0.5)))
        return layout_plan.l_shape(area, rng.uniform(1.0, 1.4), height, notch), (kind,)
    other = names[int(rng.integers(len(names)))]
    second = float(rng.uniform(*RECIPES[other][1]))
    share = float(np.clip(area / (area + second), 0.35, 0.65))
    doorway = (float(rng.uniform(0, 1)), float(rng.uniform(0.95, 1.5)))
    total = spec.area or area + second
    return layout_plan.two_rooms(total, share, height, doorway), (kind, other)


def finish_of(kinds: tuple[str, ...], rng: np.random.Generator) -> Finish:
    """Paint and floors of rooms of these kinds."""
    paints = Paints(rng)
    tones = (
        "#e9e5dc",
        "#e2e5e4",
        "#ebe6dd",
        "#d8dee2",
        "#e5dac8",
        "#dde3d6",
        "#e6d9d3",
        "#eeecea",
        "#cfd9dd",
    )
    walls, floors = [], []
    for kind in kinds:
        tone = paints.pick(tones)
        if kind == "bathroom" and paints.variant(2):
            walls.append(Material("tiles", tone, 0.5, 0.04, 0.25, second="#b9b7b1"))
        else:
            walls.append(Material("plaster", tone, 1.5, variant=paints.variant(3)))
        floors.append(_floor(kind, paints))
    return Finish(
        wall=tuple(walls),
        floor=tuple(floors),
        ceiling=Material("plaster", "#f3f2ee", 2.0),
        trim=Material("plain", "#f2f1ec", 1.0, 0.04, 0.4),
    )


def _floor(kind: str, paints: Paints) -> Material:
    if kind in ("bathroom", "kitchen") and paints.variant(3):
        tone = paints.pick(("#cfc9bf", "#a9a59d", "#8e9093", "#dcd8cf"))
        return Material("tiles", tone, 0.8, 0.04, 0.2, second="#8f8a82")
    if kind in ("bedroom", "office", "meeting room", "studio") and paints.variant(2):
        return Material("carpet", paints.pick(("#9d968a", "#7f8388", "#a8977f", "#6f7a80")), 0.8)
    tone = paints.pick(("#a98660", "#8a6a4a", "#c2a67e", "#6b4f38", "#9c8f80"))
    if paints.variant(3) == 0:
        return Material("parquet", tone, 1.2, 0.04, 0.28)
    return Material("planks", tone, 1.6, 0.04, 0.28)


def _scene_object(q: PlacedModel, instance_id: int, parent: int | None) -> SceneObject:
    depth, width, height = q.model.size
    box = OrientedBox.upright((q.x, q.y, q.z + height / 2), (depth, width, height), q.yaw)
    front = None
    if q.model.symmetry:
        front = (float(np.cos(q.yaw)), float(np.sin(q.yaw)), 0.0)
    entry = CATALOG.get(q.model.category)
    return SceneObject(
        instance_id=instance_id, category=q.model.category, box=box, front=front,
        symmetry=q.model.symmetry, attributes=q.model.attributes,
        aliases=entry.aliases if entry else (), supported_by=parent,
    )  # fmt: skip


def countable(category: str) -> bool:
    """Whether questions may ask for this category; what the benchmarks leave out is not asked."""
    entry = CATALOG.get(category)
    return category in ("door", "window") if entry is None else entry.countable


def summary(room: Room) -> dict[str, int]:
    """How many there are of each category."""
    return dict(Counter(o.category for o in room.objects))
