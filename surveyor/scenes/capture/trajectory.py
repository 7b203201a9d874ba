"""Planning how a room is filmed: coverage first, then a path in one of three capture styles.

Views are chosen greedily until every object is large enough in two of them and all of the plan,
walls and corners above all, is in sight (a set cover with multiplicity), put in the order of a
short tour, and the rest of the frame budget is spent by style: *orbit* and *pan* move smoothly
between the chosen views, *walk-through* jumps between views that overlap little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveyor.core.cameras import Camera
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics
from surveyor.scenes.capture.coverage import Outline
from surveyor.scenes.capture.rendering import PHONE, Tracer, camera_at, renderer
from surveyor.scenes.capture.standing import StandableFloor, free_space
from surveyor.scenes.capture.view_scores import CameraView, ScoredViews, all_far_from, judge
from surveyor.scenes.records import SceneObject
from surveyor.scenes.rooms.room import Room, countable

Float = NDArray[np.float64]
Style = Literal["orbit", "pan", "walk_through"]
STYLES: tuple[Style, ...] = ("orbit", "pan", "walk_through")
LARGE_ENOUGH = 400.0
# Probes are coarse, so the planner asks for more than it promises.
PLANNED = 520.0
TIMES = 2
SOME = 3
# How much a mark on the plan counts against an object, and how many views of a corner are enough.
WALL_WORTH, FLOOR_WORTH = 0.2, 0.1
CORNER_VIEWS = 3
# Unseen marks closer to each other than this are looked at together, metres.
ASIDE = 0.5
EYES = np.array([1.35, 1.6])
SHUTTER = 1 / 120


@dataclass(frozen=True, slots=True, eq=False)
class CameraTrajectory:
    """A planned capture. ``pixels`` (frames, objects) are expected sizes at 640x480.

    ``motion`` (frames, 2) is how far the picture moves while the shutter is open, in pixels of the
    planned intrinsics; zero where the camera stands.
    """

    cameras: tuple[Camera, ...]
    style: Style
    pixels: Float
    motion: Float

    def covered(self, times: int = TIMES) -> NDArray[np.bool_]:
        """(objects,) whether each is expected `LARGE_ENOUGH` in ``times`` frames."""
        enough: NDArray[np.bool_] = (self.pixels >= LARGE_ENOUGH).sum(axis=0) >= times
        return enough


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What is to be filmed: where one can stand, what is there, and what of it matters.

    ``wanted`` (objects,) says which objects must be seen well.
    """

    seed: int
    height: float
    objects: tuple[SceneObject, ...]
    wanted: NDArray[np.bool_]
    space: StandableFloor
    film: Tracer
    outline: Outline


def plan_trajectory(
    room: Room,
    n_frames: int = 32,
    *,
    style: Style | None = None,
    intrinsics: Intrinsics = PHONE,
    seed: int = 0,
) -> CameraTrajectory:
    """Plan ``n_frames`` cameras in a room, never in furniture and never with a blocked view.

    Raises `UserError` when there is nowhere to stand.
    """
    stage = Stage(
        seed=room.spec.seed,
        height=room.height,
        objects=room.objects,
        wanted=np.array([countable(o.category) for o in room.objects]),
        space=free_space(room),
        film=renderer(room),
        outline=Outline.of(room.plan),
    )
    return plan_on(stage, n_frames, style=style, intrinsics=intrinsics, seed=seed)


def plan_on(
    stage: Stage,
    n_frames: int,
    *,
    style: Style | None = None,
    intrinsics: Intrinsics = PHONE,
    seed: int = 0,
) -> CameraTrajectory:
    """`plan_trajectory` for anything that can be filmed."""
    if n_frames < 1:
        raise UserError(f"a capture needs at least 1 frame, not {n_frames}")
    rng = np.random.default_rng([stage.seed, seed, 77])
    chosen: Style = style or STYLES[int(rng.choice(3, p=(0.35, 0.25, 0.4)))]
    space, film, outline, wanted = stage.space, stage.film, stage.outline, stage.wanted
    if len(space.points) == 0:
        raise UserError("nobody can stand in this room: ask for fewer objects or a larger area")
    pool = _candidates(stage, rng, chosen)
    judged = judge(film, intrinsics, pool, outline)
    extra = _second_look(stage, rng, judged)
    extra += _looks_around(stage, rng, judged)
    if extra:
        pool, judged = pool + extra, judged.joined(judge(film, intrinsics, extra, outline))
    keys = _cover(judged, wanted, outline, n_frames)
    order = _tour([pool[k] for k in keys])
    views = [pool[keys[k]] for k in order]
    views, seen = _spend(film, space, intrinsics, views, pool, judged, n_frames, chosen, outline)
    seen |= dict(zip(pool, judged.pixels, strict=True))
    cameras = tuple(camera_at(v.pose(), intrinsics) for v in views)
    motion = _motion(views, intrinsics) if chosen != "walk_through" else np.zeros((len(views), 2))
    return CameraTrajectory(cameras, chosen, np.array([seen[view] for view in views]), motion)


def _motion(views: Sequence[CameraView], intrinsics: Intrinsics) -> Float:
    """Apparent motion of the picture when one view follows the other after a second.

    Only turning blurs a room noticeably; a view that is reached by a large turn is a new take.
    """
    if len(views) < 2:
        return np.zeros((len(views), 2))
    heading = np.unwrap([v.heading for v in views])
    turn = np.stack([np.gradient(heading), np.gradient([v.pitch for v in views])], axis=1)
    turn[np.abs(turn).max(axis=1) > np.radians(75)] = 0
    return turn * intrinsics.fx * SHUTTER


def _candidates(stage: Stage, rng: np.random.Generator, style: Style) -> list[CameraView]:
    """Views aimed at every object from several sides, and views that look around."""
    eye, space = rng.uniform(*EYES), stage.space
    views: list[CameraView] = []
    places = _spread(space.points, 3 if style == "pan" else 10, rng)
    for x, y in places:
        start = rng.uniform(0, 2 * np.pi)
        for k in range(14 if style == "pan" else 6):
            heading = start + 2 * np.pi * k / (14 if style == "pan" else 6)
            views.append(CameraView(x, y, eye, heading, float(np.radians(rng.uniform(-24, -8)))))
    for thing, asked in zip(stage.objects, stage.wanted, strict=True):
        if asked:
            views += _aimed(np.array(thing.box.center), max(thing.box.size), space, rng, eye)
    return views


def _second_look(stage: Stage, rng: np.random.Generator, judged: ScoredViews) -> list[CameraView]:
    """More and closer views of objects that too few views show well."""
    good = ((judged.pixels >= PLANNED) & ~judged.blocked[:, None]).sum(axis=0)
    views: list[CameraView] = []
    for thing, count, asked in zip(stage.objects, good, stage.wanted, strict=True):
        if asked and count < TIMES:
            centre, size = np.array(thing.box.center), max(thing.box.size)
            for reach in (0.7, 1.1, 1.6):
                views += _aimed(centre, size * reach, stage.space, rng, rng.uniform(*EYES), sides=7)
    return views


def _looks_around(stage: Stage, rng: np.random.Generator, judged: ScoredViews) -> list[CameraView]:
    """Views of corners, walls and floor that too few views show, low and over furniture."""
    outline = stage.outline
    often = judged.plan[~judged.blocked].sum(axis=0)
    lacking = often < np.where(outline.corner, CORNER_VIEWS, 1)
    views: list[CameraView] = []
    aimed_at: list[Float] = []
    for k in np.flatnonzero(lacking):
        mark = outline.marks[k]
        if any(np.hypot(*(mark - other)) < ASIDE for other in aimed_at):
            continue
        aimed_at.append(mark)
        for height in (0.9, stage.height - 0.25) if outline.wall[k] else (0.3,):
            views += _aimed(np.array([*mark, height]), 1.2, stage.space, rng, EYES.mean(), sides=3)
    return views


def _aimed(
    centre: Float,
    size: float,
    space: StandableFloor,
    rng: np.random.Generator,
    eye: float,
    sides: int = 5,
) -> list[CameraView]:
    """A few views of one object: close for small things, far enough for large ones."""
    offset = space.points - centre[:2]
    distance = np.hypot(offset[:, 0], offset[:, 1])
    # High things are looked at from farther away, so that the camera need not tilt much.
    ideal = max(float(np.clip(1.9 * size, 0.7, 3.2)), 1.6 * (float(centre[2]) - eye))
    bearing = np.arctan2(offset[:, 1], offset[:, 0])
    views: list[CameraView] = []
    start = rng.uniform(-np.pi, np.pi)
    for k in range(sides):
        aside = np.abs((bearing - start - 2 * np.pi * k / sides + np.pi) % (2 * np.pi) - np.pi)
        best = int(np.argmin(np.abs(distance - ideal) + 0.45 * aside + 4 * (distance < 0.55)))
        x, y = space.points[best]
        down = float(np.arctan2(centre[2] - eye, max(distance[best], 0.3)))
        pitch = float(np.clip(down, np.radians(-42), np.radians(35)))
        heading = float(np.arctan2(centre[1] - y, centre[0] - x)) + rng.normal(0, 0.08)
        views.append(CameraView(float(x), float(y), eye + rng.normal(0, 0.03), heading, pitch))
    return views


def _spread(points: Float, count: int, rng: np.random.Generator) -> Float:
    """Up to ``count`` points far from each other."""
    picked = [int(rng.integers(len(points)))]
    nearest = np.full(len(points), np.inf)
    while len(picked) < min(count, len(points)):
        nearest = np.minimum(nearest, np.hypot(*(points - points[picked[-1]]).T))
        picked.append(int(np.argmax(nearest)))
    return points[picked]


def _cover(
    judged: ScoredViews, wanted: NDArray[np.bool_], outline: Outline, budget: int
) -> list[int]:
    """Greedy choice of views until all wanted is seen: objects and corners `TIMES`, the plan once.

    A mark on the plan counts for a part of an object, so that objects come first.
    """
    open_ = ~judged.blocked[:, None]
    sees = np.hstack([(judged.pixels >= PLANNED) & wanted & open_, judged.plan & open_])
    marks = np.where(outline.wall, WALL_WORTH, FLOOR_WORTH)
    worth = np.concatenate([np.ones(len(wanted)), marks])
    times = np.concatenate([np.full(len(wanted), TIMES), np.where(outline.corner, TIMES, 1)])
    # Among views of equal use, prefer those that show things larger and more of them.
    richness = np.minimum(judged.pixels, 4000).sum(axis=1) / 1e6
    need = np.where(sees.any(axis=0), times, 0)
    chosen: list[int] = []
    usable = ~judged.blocked
    while len(chosen) < budget:
        gain = sees @ (worth * (need > 0)) + richness
        gain[~usable] = -1
        best = int(np.argmax(gain))
        if gain[best] < FLOOR_WORTH and (chosen or gain[best] < 0):
            break
        chosen.append(best)
        usable[best] = False
        need = np.maximum(need - sees[best], 0)
    return chosen or [int(np.argmax(richness))]


def _tour(views: Sequence[CameraView]) -> list[int]:
    """A short order through the views: nearest neighbour from the first."""
    left, order = set(range(1, len(views))), [0]
    while left:
        here = views[order[-1]]
        order.append(min(left, key=lambda k: (here.far_from(views[k]), k)))
        left.remove(order[-1])
    return order


def _spend(
    film: Tracer, space: StandableFloor, intrinsics: Intrinsics,
    keys: list[CameraView], pool: list[CameraView],
    judged: ScoredViews, budget: int, style: Style, outline: Outline,
) -> tuple[list[CameraView], dict[CameraView, Float]]:  # fmt: skip
    """Use up the frame budget after the views that coverage needs; the pixels of views that are not
    of the pool come along."""
    spare = budget - len(keys)
    if spare <= 0:
        return keys[:budget], {}
    pixels: dict[CameraView, Float] = {}
    if style != "walk_through" and len(keys) > 1:
        between = _between(keys, space, spare)
        seen = judge(film, intrinsics, [v for _, v in between], outline)
        pixels = {view: row for (_, view), row in zip(between, seen.pixels, strict=True)}
        kept = [item for item, bad in zip(between, seen.blocked, strict=True) if not bad][:spare]
        path: list[CameraView] = []
        for k, key in enumerate(keys):
            path.append(key)
            path += [view for after, view in kept if after == k]
        keys = path
    # What is left of the budget goes to views that show something.
    useful = ~judged.blocked & ((judged.pixels >= LARGE_ENOUGH).sum(axis=1) >= SOME)
    usable = [v for v, good in zip(pool, useful, strict=True) if good] or keys
    return _fill_up(keys, usable, budget), pixels


def _between(
    keys: list[CameraView], space: StandableFloor, spare: int
) -> list[tuple[int, CameraView]]:
    """Evenly spaced views on the way from each key view to the next, where one can walk."""
    legs = []
    for k in range(len(keys) - 1):
        a, b = keys[k], keys[k + 1]
        if space.passable(np.array([a.x, a.y]), np.array([b.x, b.y])):
            legs.append((k, a, b, a.far_from(b)))
    total = sum(leg[3] for leg in legs) or 1.0
    made: list[tuple[int, CameraView]] = []
    for k, a, b, length in legs:
        count = round(spare * length / total)
        made += [(k, a.to(b, (i + 1) / (count + 1))) for i in range(count)]
    return made


def _fill_up(views: list[CameraView], pool: list[CameraView], budget: int) -> list[CameraView]:
    """Add the views of the pool that are farthest from all others, until the budget is used."""
    views = list(views)
    distance = np.min([all_far_from(pool, view) for view in views], axis=0)
    while len(views) < budget:
        best = int(np.argmax(distance))
        added = pool[best]
        near = min(range(len(views)), key=lambda k: added.far_from(views[k]))
        views.insert(near + 1, added)
        distance = np.minimum(distance, all_far_from(pool, added))
    return views[:budget]
