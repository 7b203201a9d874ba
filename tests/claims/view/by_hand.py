"""Lengths of true furniture edges, marked with a hand's error in classically joined photos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import combinations

import numpy as np

from surveyor.compose.by_hand import _measured, _place, check_joined
from surveyor.compose.hand_marks import Known, Mark
from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, Intrinsics, Pose
from surveyor.core.photos import Photo
from surveyor.scenes.capture.conditions import plan_capture
from surveyor.scenes.capture.rendering import HFOV
from surveyor.scenes.capture.trajectory import plan_trajectory
from surveyor.scenes.datasets.embedded import RoomsSettings, capture_along
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.room import build_room
from surveyor.tools.geometry.photo_joining import join_photos
from tests.claims.claim import Claim

SEEDS, FRAMES, USED, TRIES = range(540, 552), 96, 28, 80
_PIXELS = 1.5
Edge = tuple[float, list[tuple[int, Float]]]


def marked_lengths() -> Iterator[Claim]:
    """Median error and coverage of the 90 % interval on dense captures of rendered rooms."""
    if find_spec("cv2") is None:
        yield Claim.holds("OpenCV is at hand for marks", False, note="pip install '.[photos]'")
        return
    errors: list[float] = []
    held: list[bool] = []
    wide: list[float] = []
    rooms = 0
    for seed in SEEDS:
        before = len(errors)
        for error, inside, half in _room(seed, *_filmed(seed)):
            errors.append(error)
            held.append(inside)
            wide.append(half)
        rooms += len(errors) > before
    note = f"n {len(errors)}; rendered rooms, 28 photos of a dense walk, marks off by 1.5 px"
    yield Claim.at_most(
        "marks by hand: median error of a length", float(np.median(errors)), 0.04, note
    )
    yield Claim.at_least("marks by hand: lengths in the 90 % interval", float(np.mean(held)), 0.9)
    why = "elsewhere joined photos stood within 0.7 m of each other, or fitted badly: refused"
    yield Claim.at_least("marks by hand: rooms measured in, share", rooms / len(SEEDS), 0.5, why)
    told = f"median half width, as a share of the length; {len(SEEDS)} rooms"
    yield Claim.at_most("marks by hand: half of the interval", float(np.median(wide)), 0.15, told)


def _filmed(seed: int) -> tuple[SceneTruth, list[Photo]]:
    """A room and the first photos of a dense walk through it."""
    settings = RoomsSettings(n_frames=FRAMES)
    plan = plan_capture(settings.spec(seed), "clean", FRAMES)
    room = build_room(plan.spec)
    lens = Intrinsics.from_hfov(float(HFOV), *settings.size)
    walk = plan_trajectory(room, FRAMES, style=plan.style, intrinsics=lens)
    begun = replace(walk, cameras=walk.cameras[:USED])  # the rest would be filmed for nothing
    film = capture_along("room", room, begun, plan, settings)
    photos = [
        Photo(str(k), p.data, p.media_type, p.width, p.height) for k, p in enumerate(film.pictures)
    ]
    return film.truth, photos


def _room(seed: int, truth: SceneTruth, photos: list[Photo]) -> Iterator[tuple[float, bool, float]]:
    """Relative error, whether the interval holds it, and half of its width, of some lengths."""
    view = join_photos(photos)
    try:
        check_joined(view)
    except UserError:
        return
    draws = np.random.default_rng(seed)
    edges: list[Edge] = []
    for thing in truth.objects:
        corners = thing.box.corners()
        for i, j in combinations(range(8), 2):
            length = float(np.linalg.norm(corners[i] - corners[j]))
            if (i ^ j).bit_count() == 1 and 0.3 < length < 3:
                ends = np.array([corners[i], corners[j]])
                seen = [
                    (k, at)
                    for k in view.cameras
                    if (at := _seen(truth.cameras[k], ends)) is not None
                ]
                if len(seen) >= 2:
                    edges.append((length, seen))
    long = [edge for edge in edges if edge[0] >= 0.8]
    for _ in range(TRIES if long else 0):
        one, other = edges[draws.integers(len(edges))], long[draws.integers(len(long))]
        marks = {
            name: _marked(name, edge, end, draws)
            for name, edge, end in (("a", one, 0), ("b", one, 1), ("c", other, 0), ("d", other, 1))
        }
        try:
            places = {n: _place(m, view, [str(k) for k in range(USED)]) for n, m in marks.items()}
        except UserError:  # refused: seen under too small an angle
            continue
        known = [Known("known", other[0], 0.01 * other[0], ("c", "d"))]
        told = _measured("a", "b", marks, places, known, view)
        assert isinstance(told.value, float)
        assert told.low is not None
        assert told.high is not None
        half = (told.high - told.low) / 2 / one[0]
        yield abs(told.value - one[0]) / one[0], told.low <= one[0] <= told.high, half


def _seen(camera: object, ends: Float) -> Float | None:
    pose = Pose(np.array(camera.T_world_camera))  # type: ignore[attr-defined]
    lens: Intrinsics = camera.intrinsics  # type: ignore[attr-defined]
    pixels, depth = lens.project(pose.to_camera(ends))
    inside = (pixels > 0).all() and (pixels < [lens.width - 1, lens.height - 1]).all()
    return pixels if inside and (depth > 0.2).all() else None


def _marked(name: str, edge: Edge, end: int, draws: np.random.Generator) -> Mark:
    chosen = draws.choice(len(edge[1]), min(3, len(edge[1])), replace=False)
    pixels = {}
    for k in chosen:
        photo, ends = edge[1][k]
        u, v = ends[end] + draws.normal(0, _PIXELS, 2)
        pixels[photo] = (float(u), float(v))
    return Mark(name, pixels)
