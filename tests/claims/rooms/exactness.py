"""Measurements of the embedded world's exactness, as claims for `make claims NAME=rooms`."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from surveyor.core.cameras import Camera
from surveyor.core.geometry import Pose
from surveyor.scenes.capture.rendering import PHONE, Renderer, camera_at
from surveyor.scenes.capture.standing import free_space
from surveyor.scenes.capture.trajectory import LARGE_ENOUGH, TIMES, plan_trajectory
from surveyor.scenes.rooms.layout.builder import PlacedModel
from surveyor.scenes.rooms.layout.footprints import overlap
from surveyor.scenes.rooms.room import Room, RoomSpec, build_room, countable
from tests.claims.claim import Claim

Float = NDArray[np.float64]
THUMB = PHONE.resized(160, 120)
# Flat things under or before others; they share space with nothing that could collide.
LOOSE = frozenset({"rug", "curtain", "window"})
GAP = 0.005


def exactness(seeds: Sequence[int], cameras_per_room: int = 20) -> Iterator[Claim]:
    """Must-show 3: depth, escaped rays, repeatability, agreement of the ray backends."""
    rooms = [build_room(RoomSpec(seed=seed)) for seed in seeds]
    worst, escaped, total = 0.0, 0, 0
    for room in rooms:
        film = Renderer(room)
        for camera in inside_cameras(room, cameras_per_room):
            error, missed = plane_error(film, camera)
            worst, escaped, total = max(worst, error), escaped + missed, total + 1
    note = f"{len(rooms)} rooms, {total} cameras, floors, ceilings and walls"
    yield Claim.at_most("depth against analytic planes, metres", worst, 1e-5, note)
    yield Claim.at_most("rays that escape from inside a room", escaped, 0, f"{total} cameras")
    digests = {frame_digest(seeds[0]), *(_digest_elsewhere(seeds[0], n) for n in (1, 2))}
    yield Claim.holds("3 processes with 1 and 2 threads give equal bytes", len(digests) == 1)
    yield backends_agree(rooms[: max(1, len(rooms) // 10)])


def soundness(seeds: Sequence[int]) -> Iterator[Claim]:
    """Nothing intersects or floats; whatever may be asked is seen often enough."""
    hits, floats, seen, asked = 0, 0, 0, 0
    for seed in seeds:
        room = build_room(RoomSpec(seed=seed))
        hits += len(collisions(room))
        floats += len(floating(room))
        good, all_of_them = coverage(room)
        seen, asked = seen + good, asked + all_of_them
    note = f"{len(seeds)} rooms"
    yield Claim.at_most("pairs of objects that intersect", hits, 0, note)
    yield Claim.at_most("objects that float or sink by more than 5 mm", floats, 0, note)
    yield Claim.at_least(
        f"askable objects with {LARGE_ENOUGH:.0f} pixels in {TIMES} of 32 frames",
        seen / asked,
        0.99,
        f"{seen} of {asked}",
    )


def inside_cameras(room: Room, count: int) -> list[Camera]:
    """Cameras at random free places, heights and directions."""
    rng = np.random.default_rng([room.spec.seed, 5])
    points = free_space(room).points
    cameras = []
    for _ in range(count if len(points) else 0):
        eye = np.array([*points[int(rng.integers(len(points)))], rng.uniform(0.3, 2.2)])
        heading, rise = rng.uniform(0, 2 * np.pi), rng.uniform(-0.9, 0.9)
        ahead = np.array([np.cos(heading), np.sin(heading), rise])
        cameras.append(camera_at(Pose.look_at(eye, eye + ahead), THUMB))
    return cameras


def plane_error(film: Renderer, camera: Camera) -> tuple[float, int]:
    """Largest depth error on floor, ceiling and wall faces in metres, and rays without a hit."""
    depth = film.render(camera, rgb=False).depth.ravel()
    T = np.array(camera.T_world_camera)
    rays = camera.intrinsics.rays().reshape(-1, 3) @ T[:3, :3].T
    hits = film.caster.hit(*film.rays(camera))
    corners = film.mesh.vertices[film.mesh.triangles[hits.triangle]].astype(np.float64)
    instance = film.mesh.instance[hits.triangle]
    level = np.array([0.0, 0.0, 1.0])
    planes = [(level, 0.0), (level, film.room.height)]
    planes += [
        (np.array([*w.inward, 0.0]), float(w.start @ w.inward)) for w in film.room.plan.walls()
    ]
    eye, worst = T[:3, 3], 0.0
    for surface, (normal, offset) in zip(film.room.surfaces, planes, strict=False):
        # Skirting boards and window niches carry their wall's id but lie off its plane.
        flat = (np.abs(corners @ normal - offset) < 1e-6).all(axis=1)
        own = flat & (instance == surface)
        exact = (offset - eye @ normal) / (rays[own] @ normal)
        worst = max(worst, float(np.abs(exact - depth[own]).max(initial=0.0)))
    return worst, int((hits.triangle < 0).sum())


def frame_digest(seed: int) -> str:
    """SHA-256 of RGB, depth and ids of one frame of a room."""
    room = build_room(RoomSpec(seed=seed))
    frame = Renderer(room).render(inside_cameras(room, 1)[0])
    digest = hashlib.sha256()
    for array in (frame.rgb, frame.depth, frame.ids):
        if array is not None:
            digest.update(array.tobytes())
    return digest.hexdigest()


def _digest_elsewhere(seed: int, threads: int) -> str:
    """`frame_digest` in a fresh process with this many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    code = (
        f"import sys, tests.claims.rooms.exactness as s; sys.stdout.write(s.frame_digest({seed}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def backends_agree(rooms: Sequence[Room], cameras_per_room: int = 4) -> Claim:
    """Share of pixels on which Embree and numba see the same instance."""
    name = "pixels with equal ids, embree and numba"
    missing = [b for b in ("embreex", "numba") if importlib.util.find_spec(b) is None]
    if missing:
        return Claim(name, "not measured", ">= 0.995", True, f"{missing[0]} is not installed")
    same, total = 0, 0
    for room in rooms:
        embree, portable = Renderer(room, "embree"), Renderer(room, "numba")
        for camera in inside_cameras(room, cameras_per_room):
            a, b = (film.render(camera, rgb=False).ids for film in (embree, portable))
            same, total = same + int((a == b).sum()), total + a.size
    return Claim.at_least(name, same / total, 0.995, f"{total} pixels")


def collisions(room: Room) -> list[tuple[str, str]]:
    """Pairs of categories whose boxes share volume though neither carries the other."""
    things = [q for q in room.placed if q.model.category not in LOOSE]
    found = []
    for k, a in enumerate(things):
        for b in things[:k]:
            if a.parent is not b and b.parent is not a and overlap(a.footprint, b.footprint):
                found.append((a.model.category, b.model.category))
    return found


def floating(room: Room) -> list[str]:
    """Categories of things that neither hang, nor stand on the floor, nor rest on a support."""
    return [q.model.category for q in room.placed if not _rests(q)]


def _rests(q: PlacedModel) -> bool:
    if q.parent is not None:
        tops = [q.parent.z + s.z for s in q.parent.model.supports]
        return min(abs(q.z - top) for top in tops) < GAP
    hung = q.wall is not None or q.model.category in ("ceiling light", "window", "curtain")
    return hung or abs(q.z) < GAP


def coverage(room: Room, n_frames: int = 32) -> tuple[int, int]:
    """How many askable objects are large enough in enough frames, and how many there are."""
    film = Renderer(room)
    count = len(room.objects)
    large = np.zeros(count, int)
    for camera in plan_trajectory(room, n_frames).cameras:
        thumb = Camera(T_world_camera=camera.T_world_camera, intrinsics=THUMB)
        ids = film.render(thumb, rgb=False).ids
        pixels = np.bincount(ids.ravel(), minlength=count + 1)[1 : count + 1]
        large += pixels * (PHONE.width // THUMB.width) ** 2 >= LARGE_ENOUGH
    asked = np.array([countable(o.category) for o in room.objects])
    return int((large[asked] >= TIMES).sum()), int(asked.sum())
