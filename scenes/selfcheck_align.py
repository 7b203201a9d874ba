"""Whether a picture lies on its ids to the pixel, measured from the pixels alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memory.claims import Claim
from scenes.camera import PHONE, RenderedFrame, Renderer
from scenes.film import Look
from scenes.light import BakeQuality
from scenes.records import Camera
from scenes.room import RoomSpec, build_room
from scenes.selfcheck import inside_cameras

REACH = 2
SIZE = PHONE.resized(320, 240)
# One ray a pixel and no grain, so that an edge lies between two pixels and not across three.
PLAIN = Look(antialias=False, noise=0.0)


def alignment(seeds: Sequence[int], cameras_per_room: int = 4) -> Claim:
    """Share of pictures whose brightness and depth step most where the ids change, and not a
    pixel beside it."""
    aligned, total = 0, 0
    for seed in seeds:
        room = build_room(RoomSpec(seed=seed))
        film = Renderer(room)
        film.shader(BakeQuality(rays=4))
        for view in inside_cameras(room, cameras_per_room):
            camera = Camera(T_world_camera=view.T_world_camera, intrinsics=SIZE)
            frame = film.render(camera, look=PLAIN)
            aligned += offsets(frame) == {(0, 0)}
            total += 1
    note = f"{len(seeds)} rooms, {total} pictures, shifts of up to {REACH} pixels tried"
    return Claim.at_least("pictures that lie on their ids to the pixel", aligned / total, 1.0, note)


def offsets(frame: RenderedFrame) -> set[tuple[int, int]]:
    """Shifts (dx, dy) in pixels at which brightness, and depth, best match the ids' edges."""
    assert frame.rgb is not None
    brightness = frame.rgb.astype(np.float64).mean(axis=2)
    depth = np.log(np.maximum(frame.depth.astype(np.float64), 1e-3))
    return {_best_shift(layer, frame.ids) for layer in (brightness, depth)}


def _best_shift(layer: NDArray[np.float64], ids: NDArray[np.int32]) -> tuple[int, int]:
    """The shift of ``layer`` at which it steps most, on average, where ``ids`` change."""
    shifts = range(-REACH, REACH + 1)
    score = {}
    for dx in shifts:
        for dy in shifts:
            moved = np.roll(layer, (dy, dx), axis=(0, 1))
            steps = [_step(moved, ids, axis) for axis in (0, 1)]
            score[dx, dy] = float(np.concatenate(steps).mean())
    return max(score, key=score.__getitem__)


def _step(layer: NDArray[np.float64], ids: NDArray[np.int32], axis: int) -> NDArray[np.float64]:
    """(N,) steps of a layer across the edges of ids along one axis, away from the border."""
    inner = (slice(REACH + 1, -REACH - 1),) * 2
    edge = np.diff(ids, axis=axis) != 0
    found: NDArray[np.float64] = np.abs(np.diff(layer, axis=axis))[inner][edge[inner]]
    return found
