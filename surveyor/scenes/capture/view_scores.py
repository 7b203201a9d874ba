"""Judging camera views cheaply: what they show of objects and floor plan, what blocks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Intrinsics, Pose
from surveyor.scenes.capture.coverage import Outline
from surveyor.scenes.capture.rendering import Tracer

Float = NDArray[np.float64]
PROBE = (80, 60)
REFERENCE_PIXELS = 640 * 480
NEAR, BLOCKED_SHARE = 0.75, 0.25
CHUNK = 24


@dataclass(frozen=True, slots=True)
class CameraView:
    """A level camera: place, heading and pitch in radians (pitch up is positive)."""

    x: float
    y: float
    z: float
    heading: float
    pitch: float

    def pose(self) -> Pose:
        """The view as a pose."""
        eye = np.array([self.x, self.y, self.z])
        c = np.cos(self.pitch)
        ahead = np.array([np.cos(self.heading) * c, np.sin(self.heading) * c, np.sin(self.pitch)])
        return Pose.look_at(eye, eye + ahead)

    def to(self, other: CameraView, share: float) -> CameraView:
        """The view part of the way towards another, turning the shorter way round."""
        turn = (other.heading - self.heading + np.pi) % (2 * np.pi) - np.pi
        return CameraView(
            self.x + (other.x - self.x) * share,
            self.y + (other.y - self.y) * share,
            self.z + (other.z - self.z) * share,
            self.heading + turn * share,
            self.pitch + (other.pitch - self.pitch) * share,
        )

    def far_from(self, other: CameraView) -> float:
        """A distance between views: metres, and radians of turn counted as 0.8 m each."""
        turn = abs((other.heading - self.heading + np.pi) % (2 * np.pi) - np.pi)
        return float(np.hypot(other.x - self.x, other.y - self.y) + 0.8 * turn)


def all_far_from(views: Sequence[CameraView], other: CameraView) -> Float:
    """(N,) what `CameraView.far_from` gives for each of ``views``."""
    x, y, heading = np.array([(view.x, view.y, view.heading) for view in views]).T
    turn = np.abs((other.heading - heading + np.pi) % (2 * np.pi) - np.pi)
    far: Float = np.hypot(other.x - x, other.y - y) + 0.8 * turn
    return far


@dataclass(frozen=True, slots=True, eq=False)
class ScoredViews:
    """What N views see: ``pixels`` (N, objects) scaled to 640x480; ``blocked`` (N,).

    ``plan`` (N, marks) says over which marks of the floor plan something is in sight: without
    them nobody could tell how large the room is.
    """

    pixels: Float
    blocked: NDArray[np.bool_]
    plan: NDArray[np.bool_]

    def joined(self, other: ScoredViews) -> ScoredViews:
        """The judgements of both lists of views, one after the other."""
        return ScoredViews(
            np.concatenate([self.pixels, other.pixels]),
            np.concatenate([self.blocked, other.blocked]),
            np.concatenate([self.plan, other.plan]),
        )


def judge(
    renderer: Tracer, intrinsics: Intrinsics, views: Sequence[CameraView], outline: Outline
) -> ScoredViews:
    """Probe views with few rays each."""
    probe = intrinsics.resized(*PROBE)
    count, per_view = renderer.objects, PROBE[0] * PROBE[1]
    pixels = np.zeros((len(views), count))
    blocked = np.zeros(len(views), bool)
    plan = np.zeros((len(views), len(outline.marks) + 1), bool)  # the last is for no mark, -1
    rays = probe.rays().reshape(-1, 3)
    for start in range(0, len(views), CHUNK):
        chunk = views[start : start + CHUNK]
        poses = [view.pose().T_world_camera for view in chunk]
        directions = np.empty((len(chunk) * per_view, 3), np.float32)
        for turned, T in zip(np.split(directions, len(chunk)), poses, strict=True):
            turned[:] = rays @ T[:3, :3].T
        eyes = np.array([T[:3, 3] for T in poses], np.float32)
        origins = np.repeat(eyes, per_view, axis=0)
        hits = renderer.caster.hit(origins, directions)
        ids = np.where(hits.triangle >= 0, renderer.mesh.instance[hits.triangle], 0)
        distance = hits.distance.reshape(len(chunk), per_view)
        near = (distance < NEAR).mean(axis=1) > BLOCKED_SHARE
        blocked[start : start + CHUNK] = near | (distance.min(axis=1) < 0.25)
        on_floor_plan = origins[:, :2] + hits.distance[:, None] * directions[:, :2]
        mark = outline.mark_at(on_floor_plan).reshape(len(chunk), per_view)
        for k, row in enumerate(ids.reshape(len(chunk), per_view)):
            seen = np.bincount(row, minlength=count + 1)
            pixels[start + k] = seen[1 : count + 1] * (REFERENCE_PIXELS / per_view)
            plan[start + k, mark[k]] = True
    return ScoredViews(pixels, blocked, plan[:, :-1])
