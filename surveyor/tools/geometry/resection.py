"""Where a photo was taken from, by points that are known and that it shows.

Points of one wall in a corner of a photo fit two cameras almost alike, turned by some twenty
degrees. So several solvers propose, the one that fits best is taken, and where two that differ
fit alike the photo waits until more points are known.

Sources: Ke and Roumeliotis, CVPR 2017 (three points); Terzakis and Lourakis, ECCV 2020 (all);
Schweighofer and Pinz, PAMI 2006 (the two cameras of a plane).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.spatial.transform import Rotation

from surveyor.core.geometry import Float
from surveyor.tools.geometry.many_views import ViewPose
from surveyor.tools.geometry.photo_matching import LEAST, PIXELS, opencv

_FINE: Final = 1.5
"""Pixels at which a point counts half for a camera."""
_CLOSER: Final = 0.03
"""What one camera must fit better by than another, in points that count, as a share of all."""
_SAME: Final = np.radians(5)
"""Cameras turned less than this from each other are one."""
_FOUND: Final = 0.5
"""Share of the points that a camera must fit."""


def resected(points: Float, rays: Float, focal: float) -> ViewPose | None:
    """The camera that sees ``points`` (n, 3) at normalised ``rays`` (n, 2); ``focal`` in pixels.

    ``None`` where too few points fit one camera, or where two cameras fit alike.
    """
    found = _proposed(points, rays, focal)
    if not found:
        return None
    found.sort(key=lambda one: one[0])
    least, best = found[0]
    alike = least + _CLOSER * len(points)
    if any(cost < alike and _turned(best, other) > _SAME for cost, other in found[1:]):
        return None
    inside = int((_off(best, points, rays) * focal < 2 * PIXELS).sum())
    return best if inside >= max(LEAST * 2 // 3, _FOUND * len(points)) else None


def _proposed(points: Float, rays: Float, focal: float) -> list[tuple[float, ViewPose]]:
    """Cameras by several solvers at several thresholds, each refined, with what they miss."""
    cv2 = opencv()
    found = []
    for solver in (cv2.SOLVEPNP_AP3P, cv2.SOLVEPNP_SQPNP, cv2.SOLVEPNP_EPNP):
        for pixels in (0.5 * PIXELS, 2 * PIXELS):
            cv2.setRNGSeed(0)
            done, turn, shift, inside = cv2.solvePnPRansac(
                points, rays, np.eye(3), None, iterationsCount=1000,
                reprojectionError=pixels / focal, confidence=0.999, flags=solver,
            )  # fmt: skip
            if not done or inside is None or len(inside) < 6:
                continue
            camera = _refined(cv2, points, rays, focal, (turn, shift))
            if camera is not None:
                off = _off(camera, points, rays) * focal
                found.append((float((off**2 / (off**2 + _FINE**2)).sum()), camera))
    return found


def _refined(
    cv2: Any, points: Float, rays: Float, focal: float, start: tuple[Float, Float]
) -> ViewPose | None:
    """Refined by the points that fit, which are chosen anew as the camera moves."""
    turn, shift = start
    for _ in range(3):
        camera = ViewPose(cv2.Rodrigues(turn)[0], np.ravel(shift))
        good = _off(camera, points, rays) * focal < 2 * PIXELS
        if good.sum() < 6:
            return None
        turn, shift = cv2.solvePnPRefineLM(points[good], rays[good], np.eye(3), None, turn, shift)
    return ViewPose(cv2.Rodrigues(turn)[0], np.ravel(shift))


def _off(camera: ViewPose, points: Float, rays: Float) -> Float:
    """(n,) how far off the rays are; infinite for points behind."""
    at = points @ camera.R.T + camera.t
    off = np.linalg.norm(at[:, :2] / np.where(at[:, 2:] > 1e-6, at[:, 2:], 1.0) - rays, axis=1)
    found: Float = np.where(at[:, 2] > 1e-6, off, 1e6)
    return found


def _turned(one: ViewPose, other: ViewPose) -> float:
    """Radians between two cameras."""
    return float(Rotation.from_matrix(other.R @ one.R.T).magnitude())
