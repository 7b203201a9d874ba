"""How a camera moved between two views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Pose


@dataclass(frozen=True, slots=True)
class Motion:
    """Displacement along the first camera's level right, up and forward, in its poses' unit.

    ``yaw`` and ``pitch`` are radians: yaw > 0 is a turn to the left, pitch > 0 a turn upwards.
    """

    right: float
    up: float
    forward: float
    yaw: float
    pitch: float

    @property
    def distance(self) -> float:
        """Length of the displacement."""
        return float(np.sqrt(self.right**2 + self.up**2 + self.forward**2))


def camera_motion(start: Pose, end: Pose) -> Motion:
    """Motion in a Z-up world, as a person holding the first camera would say it."""
    heading, later = _heading(start), _heading(end)
    ahead = np.array([np.cos(heading), np.sin(heading), 0.0])
    side = np.array([np.sin(heading), -np.cos(heading), 0.0])
    step = end.position - start.position
    yaw = (later - heading + np.pi) % (2 * np.pi) - np.pi
    pitch = np.arcsin(np.clip(end.forward[2], -1, 1)) - np.arcsin(np.clip(start.forward[2], -1, 1))
    return Motion(float(step @ side), float(step[2]), float(step @ ahead), float(yaw), float(pitch))


def _heading(pose: Pose) -> float:
    return float(np.arctan2(pose.forward[1], pose.forward[0]))
