"""Measurements of the embedded world's speed and memory, as claims for `surveyor proofs rooms`."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from memory.claims import Claim
from scenes.camera import PHONE, Renderer, encode_jpeg
from scenes.film import Look
from scenes.records import Camera
from scenes.room import RoomSpec, build_room
from scenes.selfcheck import THUMB, inside_cameras
from scenes.walk import plan_walk

WORKERS = 2
FRAMES = 32


def speed(
    silent: Sequence[int], filmed: Sequence[int], scene: Callable[[int], None] | None = None
) -> Iterator[Claim]:
    """Must-show 2, with `WORKERS` processes; ``silent`` and ``filmed`` are seeds.

    ``scene`` replaces what is done for a scene without RGB, so that questions can be included.
    """
    took = _parallel(scene or ids_and_depth, silent)
    each = float(np.median(took.each))
    note = (
        f"{len(silent)} scenes of {FRAMES} frames of ids and depth, {WORKERS} processes, "
        f"{each:.2f} s of CPU a scene"
    )
    yield Claim.at_least("scenes a second without RGB", len(silent) / took.wall, 1.0, note)
    third = max(1, len(silent) // 3)
    drift = float(np.median(took.each[-third:]) / np.median(took.each[:third]))
    yield Claim.at_most("cost of the last third of scenes / of the first", drift, 1.25, note)
    for antialias, bound in ((False, 6.0), (True, 4.0)):
        took = _parallel(partial(video, antialias=antialias), filmed)
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


class Took:
    """Wall time of all, time of each in order, peak resident memory of a worker in kB."""

    def __init__(self, wall: float, results: Sequence[tuple[float, int]]) -> None:
        self.wall = wall
        self.each = [seconds for seconds, _ in results]
        self.memory = max(memory for _, memory in results)


def _parallel(work: Callable[[int], None], seeds: Sequence[int]) -> Took:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        # Starting Python and importing is not part of a scene's cost.
        list(pool.map(_warm, range(WORKERS)))
        start = time.perf_counter()
        results = list(pool.map(partial(_timed, work), seeds))
        return Took(time.perf_counter() - start, results)


def _warm(_: int) -> None:
    time.sleep(0.5)


def _timed(work: Callable[[int], None], seed: int) -> tuple[float, int]:
    start = time.process_time()
    work(seed)
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def ids_and_depth(seed: int) -> None:
    """Build, plan and film a room without RGB."""
    room = build_room(RoomSpec(seed=seed))
    film = Renderer(room)
    for camera in plan_walk(room, FRAMES).cameras:
        film.render(Camera(T_world_camera=camera.T_world_camera, intrinsics=THUMB), rgb=False)


def video(seed: int, antialias: bool) -> None:
    """Build, plan, light, film and encode a room."""
    room = build_room(RoomSpec(seed=seed))
    film = Renderer(room)
    for camera in plan_walk(room, FRAMES).cameras:
        frame = film.render(camera, look=Look(antialias=antialias))
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
