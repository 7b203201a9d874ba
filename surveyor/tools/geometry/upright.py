"""Which way is up, when a reconstruction does not know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surveyor.core.geometry import Float, Pose


def upright(poses: Sequence[Pose]) -> Float:
    """3x3 rotation that turns a frame to +Z up, from cameras held without roll.

    Up is the direction most nearly at right angles to every camera's x axis; its sign is that of
    the mean of the cameras' -y axes.
    """
    if not poses:
        return np.eye(3)
    right = np.stack([pose.T_world_camera[:3, 0] for pose in poses])
    above = -np.mean([pose.T_world_camera[:3, 1] for pose in poses], axis=0)
    _, vectors = np.linalg.eigh(right.T @ right)
    # With one heading the plane of right angles is not unique: lean on the mean of -y.
    up = vectors[:, 0] if np.linalg.matrix_rank(right, tol=0.2) > 1 else above
    up = up * np.sign(up @ above or 1.0)
    up = up / np.linalg.norm(up)
    x = np.cross([0.0, 1.0, 0.0] if abs(up[1]) < 0.9 else [1.0, 0.0, 0.0], up)
    x = x / np.linalg.norm(x)
    rotation: Float = np.stack([x, np.cross(up, x), up])
    return rotation
