"""Whether a picture lies on its ids to the pixel, measured from the pixels alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surveyor.core.cameras import Camera
from surveyor.scenes.capture.rendering import PHONE, RenderedFrame, Renderer
from surveyor.scenes.capture.tone_mapping import CaptureStyle
from surveyor.scenes.rooms.light.baking import BakeQuality
from surveyor.scenes.rooms.room import RoomSpec, build_room
from tests.claims.claim import Claim
from tests.claims.rooms.exactness import inside_cameras

REACH = 2
SIZE = PHONE.resized(320, 240)
TELLING_LUMA, TELLING_DEPTH = 2.0, 0.02
"""Mean step at the best shift, in grey levels and in shares of the distance, below which a layer
says nothing: a picture flat on the only wall in view has no edge in depth."""
# One ray a pixel and no grain, so that an edge lies between two pixels and not across three.
PLAIN = CaptureStyle(antialias=False, noise=0.0)


def alignment(seeds: Sequence[int], cameras_per_room: int = 4) -> Claim:
    """Share of pictures whose brightness and depth step most where the ids change, and not a
    pixel beside it."""
    aligned, total, silent = 0, 0, 0
    for seed in seeds:
        room = build_room(RoomSpec(seed=seed))
        film = Renderer(room)
        film.shader(BakeQuality(rays=4))
        for view in inside_cameras(room, cameras_per_room):
            camera = Camera(T_world_camera=view.T_world_camera, intrinsics=SIZE)
            frame = film.render(camera, look=PLAIN)
            found = offsets(frame)
            aligned += set(found) <= {(0, 0)}
            silent += 2 - len(found)
            total += 1
    note = f"{len(seeds)} rooms, {total} pictures, shifts of up to {REACH} pixels tried"
    note += f"; {silent} of {2 * total} layers without a step at any shift left out"
    return Claim.at_least("pictures that lie on their ids to the pixel", aligned / total, 1.0, note)


def offsets(frame: RenderedFrame) -> list[tuple[int, int]]:
    """Shifts (dx, dy) in pixels at which brightness and depth best match the ids' edges; a layer
    that has no step there at any shift is left out."""
    assert frame.rgb is not None
    brightness = frame.rgb.astype(np.float64).mean(axis=2)
    depth = np.log(np.maximum(frame.depth.astype(np.float64), 1e-3))
    layers = ((brightness, TELLING_LUMA), (depth, TELLING_DEPTH))
    best = [(_best_shift(layer, frame.ids), telling) for layer, telling in layers]
    return [shift for (shift, step), telling in best if step >= telling]


def _best_shift(
    layer: NDArray[np.float64], ids: NDArray[np.int32]
) -> tuple[tuple[int, int], float]:
    """The shift of ``layer`` at which it steps most where ``ids`` change, and that mean step."""
    shifts = range(-REACH, REACH + 1)
    score = {}
    for dx in shifts:
        for dy in shifts:
            moved = np.roll(layer, (dy, dx), axis=(0, 1))
            steps = np.concatenate([_step(moved, ids, axis) for axis in (0, 1)])
            score[dx, dy] = float(steps.mean()) if len(steps) else 0.0
    best = max(score, key=score.__getitem__)
    return best, score[best]


def _step(layer: NDArray[np.float64], ids: NDArray[np.int32], axis: int) -> NDArray[np.float64]:
    """(N,) steps of a layer across the edges of ids along one axis, away from the border."""
    inner = (slice(REACH + 1, -REACH - 1),) * 2
    edge = np.diff(ids, axis=axis) != 0
    found: NDArray[np.float64] = np.abs(np.diff(layer, axis=axis))[inner][edge[inner]]
    return found
