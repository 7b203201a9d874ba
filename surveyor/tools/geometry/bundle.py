"""Moving cameras, points and one focal length until everything is seen where it was seen.

Levenberg and Marquardt's steps with the points eliminated (Schur complement), so that a step costs
what the cameras cost. Wrong matches count little (soft L1), and next to nothing once everything
stands about where it should (Cauchy): those that two photos agree on by chance had turned whole
groups of photos. What is left of the cameras' normal matrix, and how points pull at the cameras,
says how far off these may be, and with them every length.

Sources: Triggs et al., Bundle Adjustment: A Modern Synthesis, 2000; Huber, The behavior of maximum
likelihood estimates under nonstandard conditions, 1967 (what points that err together do).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from surveyor.core.geometry import Float

_ROUNDS: Final = 40
_STILL: Final = 1e-5
"""Share of the cost that a step must take off for another one to be worth it."""
_SHARP: Final = 0.5
"""Pixels that a right match is about off by."""
_FREE: Final = 7
"""Ways in which all cameras can move together unseen: turn, shift and scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Who saw what: ``camera`` and ``point`` (n,) positions, ``pixels`` (n, 2) from the principal
    point, ``focals`` (n,) in pixels."""

    camera: NDArray[np.int64]
    point: NDArray[np.int64]
    pixels: Float
    focals: Float


@dataclass(frozen=True, slots=True, eq=False)
class CameraBundle:
    """``turns`` (c, 3, 3), ``shifts`` (c, 3), ``points`` (p, 3), ``zoom``: the logarithm of what
    all focal lengths are multiplied by."""

    turns: Float
    shifts: Float
    points: Float
    zoom: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """How (n, 2) ``off`` pixels change with a camera's turn and shift (n, 2, 6), with the zoom
    (n, 2, 1) and with the point (n, 2, 3). A turn is a small rotation on the camera's side."""

    off: Float
    camera: Float
    zoom: Float
    point: Float


@dataclass(frozen=True, slots=True, eq=False)
class _Normal:
    """The normal equations in blocks: cameras with zoom (d, d), points (p, 3, 3), both (d, p, 3);
    and the downhill sides (d,), (p, 3)."""

    cameras: Float
    points: Float
    both: Float
    down_cameras: Float
    down_points: Float


def slopes(bundle: CameraBundle, seen: Sightings) -> Slopes:
    """Where everything is off, and how that changes."""
    turns = bundle.turns[seen.camera]
    turned = np.einsum("nij,nj->ni", turns, bundle.points[seen.point])
    x, y, z = (turned + bundle.shifts[seen.camera]).T
    z = np.where(np.abs(z) < 1e-6, 1e-6, z)
    focal = seen.focals * np.exp(bundle.zoom)
    none = np.zeros_like(z)
    moved = np.stack([[focal / z, none, -focal * x / z**2], [none, focal / z, -focal * y / z**2]])
    by_shift: Float = np.moveaxis(moved, 2, 0)
    by_turn = np.cross(turned[:, None, :], by_shift)
    at = np.stack([focal * x / z, focal * y / z], axis=1)
    by_camera = np.concatenate([by_turn, by_shift], axis=2)
    return Slopes(at - seen.pixels, by_camera, at[:, :, None], by_shift @ turns)


def adjusted(
    bundle: CameraBundle, seen: Sightings, *, zoom: bool, fine: bool = False
) -> CameraBundle:
    """The bundle that fits best; the focal length moves with ``zoom`` alone. With ``fine`` wrong
    matches count next to nothing, which needs a bundle that is adjusted without."""
    damping, cost = 1e-3, _cost(bundle, seen, fine)
    for _ in range(_ROUNDS):
        off = np.linalg.norm(slopes(bundle, seen).off, axis=1)
        normal = _normal(bundle, seen, zoom, _weights(off, fine))
        while damping < 1e6:
            moved = _stepped(bundle, normal, damping, zoom)
            now = _cost(moved, seen, fine)
            if now < cost:
                break
            damping *= 5
        else:
            return bundle
        bundle, gain, cost = moved, (cost - now) / cost, now
        damping = max(damping / 5, 1e-7)
        if gain < _STILL:
            break
    return bundle


def camera_spread(
    bundle: CameraBundle, seen: Sightings, *, zoom: bool, fine: bool = False
) -> Float:
    """(6 c + 1, 6 c + 1) covariance of all turns and shifts and the zoom, as far as what was seen
    holds them; how all could move together is left out, since no length hangs on it.

    With ``fine``, of a bundle that was adjusted so, what photos show of a point may err together,
    and some points more than others: each counts by how it pulls at the cameras. In embedded rooms
    cameras were two to three times as far off as by the normal matrix alone.
    """
    off = np.linalg.norm(slopes(bundle, seen).off, axis=1)
    weight = _weights(off, fine)
    # On average over directions Cauchy's cost bends by the square of the weight.
    normal = _normal(bundle, seen, zoom, weight**2 if fine else weight)
    inverse: Float = np.asarray(np.linalg.pinv(normal.points), np.float64)
    half, lost = _through(normal, inverse)
    left = normal.cameras - lost
    values, ways = np.linalg.eigh((left + left.T) / 2)
    loose = (ways[:, _FREE:] / np.maximum(values[_FREE:], 1e-9)) @ ways[:, _FREE:].T
    free = max(1, 2 * len(off) - len(left) - 3 * len(bundle.points) + _FREE)
    if fine:
        pulls = _pulls(bundle, seen, half, weight)
        loose = 2 * len(off) / free * loose @ (pulls.T @ pulls) @ loose
    else:
        loose *= float((weight * off**2).sum()) / free
    size = 6 * len(bundle.turns) + 1
    found = np.zeros((size, size))
    found[: len(left), : len(left)] = loose
    return found


def _pulls(bundle: CameraBundle, seen: Sightings, half: Float, weight: Float) -> Float:
    """(p, d) how each point pulls at the cameras and the zoom, itself moved to where it fits."""
    now = slopes(bundle, seen)
    off = weight[:, None] * now.off
    each = np.zeros((len(off), len(half)))
    own = 6 * seen.camera[:, None] + np.arange(6)
    each[np.arange(len(off))[:, None], own] = np.einsum("nij,ni->nj", now.camera, off)
    if len(half) > 6 * len(bundle.turns):
        each[:, -1] = np.einsum("nij,ni->n", now.zoom, off)
    by_point = np.einsum("nij,ni->nj", now.point, off)
    each -= np.einsum("dnj,nj->nd", half[:, seen.point], by_point)
    found = np.zeros((len(bundle.points), len(half)))
    np.add.at(found, seen.point, each)
    return found


def _weights(off: Float, fine: bool) -> Float:
    found: Float = 1 / (1 + (off / _SHARP) ** 2) if fine else 1 / np.sqrt(1 + off**2)
    return found


def _cost(bundle: CameraBundle, seen: Sightings, fine: bool) -> float:
    square = (slopes(bundle, seen).off ** 2).sum(axis=1)
    if fine:
        return float(_SHARP**2 / 2 * np.log1p(square / _SHARP**2).sum())
    return float((np.sqrt(1 + square) - 1).sum())


def _normal(bundle: CameraBundle, seen: Sightings, zoom: bool, weights: Float) -> _Normal:
    now = slopes(bundle, seen)
    cameras, points = len(bundle.turns), len(bundle.points)
    width = 6 * cameras
    weight = weights[:, None, None]
    by_camera, by_point = weight * now.camera, weight * now.point
    blocks = np.zeros((cameras, 6, 6))
    np.add.at(blocks, seen.camera, by_camera.transpose(0, 2, 1) @ now.camera)
    squares = np.zeros((points, 3, 3))
    np.add.at(squares, seen.point, by_point.transpose(0, 2, 1) @ now.point)
    both = np.zeros((width + zoom, points, 3))
    between = by_camera.transpose(0, 2, 1) @ now.point
    both[:width].reshape(cameras, 6, points, 3)[seen.camera, :, seen.point] = between
    own = np.zeros((width + zoom, width + zoom))
    for k, block in enumerate(blocks):
        own[6 * k : 6 * k + 6, 6 * k : 6 * k + 6] = block
    down = np.zeros((cameras, 6))
    np.add.at(down, seen.camera, -np.einsum("nij,ni->nj", by_camera, now.off))
    down_points = np.zeros((points, 3))
    np.add.at(down_points, seen.point, -np.einsum("nij,ni->nj", by_point, now.off))
    down_all = down.ravel()
    if zoom:
        across = np.zeros((cameras, 6))
        np.add.at(across, seen.camera, np.einsum("nij,nik->nj", by_camera, now.zoom))
        own[-1, :-1] = own[:-1, -1] = across.ravel()
        own[-1, -1] = (weight * now.zoom**2).sum()
        np.add.at(both[-1], seen.point, np.einsum("nij,nik->nj", by_point, now.zoom))
        last = -(weight[:, :, 0] * now.zoom[:, :, 0] * now.off).sum()
        down_all = np.append(down_all, last)
    return _Normal(own, squares, both, down_all, down_points)


def _through(normal: _Normal, inverse: Float) -> tuple[Float, Float]:
    """What the cameras' equations lose to the points: (d, p, 3), and its product (d, d)."""
    size = len(normal.both)
    half: Float = (normal.both.transpose(1, 0, 2) @ inverse).transpose(1, 0, 2)
    return half, half.reshape(size, -1) @ normal.both.reshape(size, -1).T


def _stepped(bundle: CameraBundle, normal: _Normal, damping: float, zoom: bool) -> CameraBundle:
    own = normal.cameras + damping * np.diag(np.diag(normal.cameras) + 1e-9)
    diagonal = np.einsum("pii->pi", normal.points)
    inverse = np.linalg.inv(normal.points + (damping * diagonal + 1e-9)[:, :, None] * np.eye(3))
    half, lost = _through(normal, inverse)
    aside = normal.down_cameras - np.einsum("dpi,pi->d", half, normal.down_points)
    step = np.linalg.lstsq(own - lost, aside, rcond=None)[0]
    rest = normal.down_points - np.einsum("dpi,d->pi", normal.both, step)
    moves = step[: 6 * len(bundle.turns)].reshape(-1, 6)
    return replace(
        bundle,
        turns=Rotation.from_rotvec(moves[:, :3]).as_matrix() @ bundle.turns,
        shifts=bundle.shifts + moves[:, 3:],
        points=bundle.points + np.einsum("pij,pj->pi", inverse, rest),
        zoom=bundle.zoom + (float(step[-1]) if zoom else 0.0),
    )
