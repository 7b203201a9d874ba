"""Which views can be joined, and how wrong the joints are: the failures of reconstruction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Float, Pose
from surveyor.services.reference.common_surface import common_surface
from surveyor.services.reference.look_alikes import bareness, doubles
from surveyor.services.reference.presets import ReconstructErrors
from surveyor.services.reference.seeding import generator
from surveyor.services.reference.world import ImageView


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """Views (indices into those asked for) and their poses in one common frame."""

    indices: list[int]
    poses: list[Pose]
    scale: float


def register(
    views: list[ImageView], worth: list[float], errors: ReconstructErrors, seed: int
) -> Registered:
    """Join views along the strongest common surface, each joint with its own error.

    ``worth`` is each frame's quality 0..1. The largest group that hangs together is registered.
    Views of alike rooms may be joined as if they showed the same one.
    """
    value = np.array(worth)
    if errors.blank:
        value = value * (1 - errors.blank * bareness(views))
    trust = np.sqrt(np.outer(value, value))
    shares, shifts = common_surface(views) * trust, np.zeros((len(views), len(views), 3))
    if errors.alias:
        seeming = doubles(views)
        deceives = seeming.shares * trust * errors.alias
        shifts = np.where((deceives > shares)[..., None], seeming.shifts, 0.0)
        shares = np.maximum(shares, deceives)
    tree = spanning_tree(shares, errors.overlap)
    order = [start for start, _ in tree]
    true = [view.pose.T_world_camera for view in views]
    placed = {order[0]: true[order[0]]}
    for index, parent in tree[1:]:
        assert parent is not None
        joint = _joint(views, parent, index, errors, seed, shifts[parent, index])
        placed[index] = placed[parent] @ joint
    frame, scale = _freedom(views[order[0]], errors, seed)
    indices = sorted(order)
    moved = [_moved(placed[index], frame, scale) for index in indices]
    return Registered(indices, moved, scale)


def spanning_tree(shares: Float, least: float) -> list[tuple[int, int | None]]:
    """(view, parent) in order of joining: Prim's tree of the largest group whose joints all
    share at least ``least``. The first has no parent."""
    best: list[tuple[int, int | None]] = []
    left = set(range(len(shares)))
    while left:
        start = max(sorted(left), key=lambda i: float(shares[i].sum()))
        tree: list[tuple[int, int | None]] = [(start, None)]
        left.discard(start)
        while left:
            inside = [index for index, _ in tree]
            outside = sorted(left)
            block = shares[np.ix_(inside, outside)]
            row, column = np.unravel_index(int(block.argmax()), block.shape)
            if block[row, column] < least:
                break
            tree.append((outside[int(column)], inside[int(row)]))
            left.discard(outside[int(column)])
        best = max(best, tree, key=len)
    return best


def _joint(
    views: list[ImageView],
    parent: int,
    index: int,
    errors: ReconstructErrors,
    seed: int,
    shift: Float,
) -> Float:
    """Pose of a view in its parent's camera frame, with the error of this pair of frames.

    ``shift``: by how much a view is put away from its place, because it is taken for a view of
    the room that its parent shows.
    """
    a, b = views[parent], views[index]
    there = b.pose.T_world_camera.copy()
    there[:3, 3] += shift
    relative = np.linalg.inv(a.pose.T_world_camera) @ there
    pair = sorted((a.key.index, b.key.index))
    rng = generator(a.key.scene_id, "joint", *pair, seed)
    baseline = float(np.linalg.norm(relative[:3, 3]))
    noisy = relative.copy()
    noisy[:3, :3] = rotation(rng.normal(0, 1, 3) * errors.turn) @ relative[:3, :3]
    noisy[:3, 3] += rng.normal(0, 1, 3) * (errors.slip * baseline + errors.step)
    return noisy


def _freedom(first: ImageView, errors: ReconstructErrors, seed: int) -> tuple[Float, float]:
    """The common frame's rotation (3, 3) and scale relative to the true world."""
    if not errors.free:
        return np.eye(3), 1.0
    rng = generator(first.key.scene_id, first.key.index, "freedom", seed)
    scale = float(np.exp(rng.normal(0, 0.3)))
    heading = rotation(np.array([0.0, 0.0, rng.uniform(-np.pi, np.pi)]))
    tilt = rotation(np.array([*rng.normal(0, 1, 2) * errors.tilt, 0.0]))
    return tilt @ heading, scale


def _moved(T: Float, frame: NDArray[np.float64], scale: float) -> Pose:
    moved = np.eye(4)
    moved[:3, :3] = frame @ T[:3, :3]
    moved[:3, 3] = frame @ T[:3, 3] * scale
    return Pose(moved)


def rotation(vector: Float) -> Float:
    """(3, 3) rotation by the angle (radians) and about the axis of a vector (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K, np.float64)
