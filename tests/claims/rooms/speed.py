"""Measurements of the embedded world's speed and memory, as claims for `make claims NAME=rooms`."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from surveyor.core.cameras import Camera
from surveyor.core.workers import end_with_parent
from surveyor.scenes.capture.rendering import PHONE, Renderer, encode_jpeg
from surveyor.scenes.capture.tone_mapping import CaptureStyle
from surveyor.scenes.capture.trajectory import plan_trajectory
from surveyor.scenes.rooms.room import RoomSpec, build_room
from tests.claims.claim import Claim
from tests.claims.rooms.exactness import THUMB, inside_cameras

WORKERS = 2
FRAMES = 32
T = TypeVar("T")


class Took(Generic[T]):
    """What was made of each seed, the wall time of all, CPU seconds of each in order, and the
    peak resident memory of a worker in kB."""

    def __init__(self, wall: float, measured: Sequence[tuple[T, float, int]]) -> None:
        self.wall = wall
        self.made = [made for made, _, _ in measured]
        self.each = [seconds for _, seconds, _ in measured]
        self.memory = max(memory for _, _, memory in measured)


def in_workers(work: Callable[[int], T], seeds: Sequence[int], workers: int = WORKERS) -> Took[T]:
    """``work`` on every seed in fresh processes, timed."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, end_with_parent) as pool:
        # Starting Python and importing is not part of a scene's cost.
        list(pool.map(_warm, range(workers)))
        start = time.perf_counter()
        measured = list(pool.map(partial(_timed, work), seeds))
        return Took(time.perf_counter() - start, measured)


def _warm(_: int) -> None:
    time.sleep(0.5)


def _timed(work: Callable[[int], T], seed: int) -> tuple[T, float, int]:
    start = time.process_time()
    made = work(seed)
    spent = time.process_time() - start
    return made, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def silent_speed(took: Took[T]) -> Iterator[Claim]:
    """Must-show 2 for scenes without RGB: rate, memory, and that the last cost what the first did.

    First and last are the two outer fifths, so that rooms of all sizes are in both.
    """
    count = len(took.each)
    each = float(np.median(took.each))
    note = (
        f"{count} scenes of {FRAMES} frames of ids and depth at {THUMB.width}x{THUMB.height} with "
        f"questions, {WORKERS} processes, {each:.2f} s of CPU a scene"
    )
    yield Claim.at_least("scenes a second without RGB", count / took.wall, 1.0, note)
    fifth = max(1, count // 5)
    first, last = (float(np.median(part)) for part in (took.each[:fifth], took.each[-fifth:]))
    yield Claim.at_most(
        f"CPU of scenes {count - fifth + 1}-{count} / of 1-{fifth}", last / first, 1.25,
        f"medians {last:.2f} and {first:.2f} s",
    )  # fmt: skip
    yield Claim.at_most("peak memory of one worker without RGB, GB", took.memory / 1e6, 1.5)


def video_speed(filmed: Sequence[int]) -> Iterator[Claim]:
    """Must-show 2 for scenes with RGB; ``filmed`` are seeds."""
    for antialias, bound in ((False, 6.0), (True, 4.0)):
        took = in_workers(partial(video, antialias=antialias), filmed)
        words = "with antialiasing" if antialias else "without antialiasing"
        each = float(np.median(took.each))
        note = (
            f"{len(filmed)} scenes of {FRAMES} JPEG frames at 640x480, {WORKERS} processes, "
            f"{each:.1f} s of CPU a scene"
        )
        rate = 60 * len(filmed) / took.wall
        yield Claim.at_least(f"video scenes a minute {words}", rate, bound, note)
        yield Claim.at_most(f"peak memory of one worker {words}, GB", took.memory / 1e6, 1.5)
    yield primary_rays(filmed[0])


def video(seed: int, antialias: bool) -> None:
    """Build, plan, light, film and encode a room."""
    room = build_room(RoomSpec(seed=seed))
    film = Renderer(room)
    for camera in plan_trajectory(room, FRAMES).cameras:
        frame = film.render(camera, look=CaptureStyle(antialias=antialias))
        if frame.rgb is not None:
            encode_jpeg(frame.rgb)


def primary_rays(seed: int, repeats: int = 7) -> Claim:
    """The caster's time for the rays of a frame against Embree called directly with them."""
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    room = build_room(RoomSpec(seed=seed))
    film = Renderer(room, "embree")
    scene = EmbreeScene()
    TriangleMesh(scene, film.mesh.vertices, film.mesh.triangles)
    view = inside_cameras(room, 1)[0]
    camera = Camera(T_world_camera=view.T_world_camera, intrinsics=PHONE)
    origins, directions = film.rays(camera)
    origins = np.ascontiguousarray(origins)
    raw = _fastest(lambda: scene.run(origins, directions, output=1), repeats)
    ours = _fastest(lambda: film.caster.hit(origins, directions), repeats)
    note = f"{1e3 * ours:.0f} ms and {1e3 * raw:.0f} ms for {len(directions)} rays"
    return Claim.at_most("primary rays / raw Embree, time", ours / raw, 1.3, note)


def _fastest(call: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
