"""Where photos were taken from, by classical means: features, pairs, resection, adjustment.

Needs the extra ``photos`` (OpenCV) and nothing else: no weights, no network. Lengths come out in
units of their own; one known size gives metres. It joins what overlaps, says what it could not
join, and is an offer, not a promise: few photos of smooth walls stay apart.

Sources: Nistér, PAMI 2004 (five points); Hartley and Zisserman, Multiple View Geometry, chapters 12
and 18 (triangulation, bundle adjustment).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import combinations
from typing import Final

import numpy as np
from scipy.optimize import least_squares
from scipy.sparse import lil_matrix
from scipy.spatial.transform import Rotation

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, Intrinsics
from surveyor.core.photos import Photo
from surveyor.tools.geometry.many_views import ViewPose, triangulated, widest_angle
from surveyor.tools.geometry.photo_matching import LEAST, PIXELS, opencv, tracks_of

GUESSED_FOCAL: Final = 0.9
"""Of the longer side: a phone's main camera is about 0.75, a zoomed compact above 1."""
FOCAL_FROM: Final = 5
"""Photos that together tell a focal length; three can put it 40 % off, and lengths with it."""
_STARTS: Final = 4
"""Pairs that joining is begun from. A pair whose first guess is a little off grows to a few photos
and to a wrong focal length, and which pair that is hangs on a film's encoder."""
_WIDE: Final = np.radians(8)
"""Points seen in three or more photos under this angle hold cameras in place."""
_ENOUGH: Final = 0.8
"""Share of the photos that no further beginning is tried at."""
_ADJUSTED: Final = 900
"""Points that an adjustment moves; enough to fix some dozens of cameras."""


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Cameras by photo position (from 0), those that stayed apart, and points (n, 3), in units.

    ``error`` is the median distance in pixels between what was seen and where it should be.
    """

    cameras: dict[int, ViewPose]
    intrinsics: tuple[Intrinsics, ...]
    apart: tuple[int, ...]
    points: Float
    error: float
    focal_known: bool


@dataclass(slots=True)
class _Work:
    """Tracks and what is known of them so far. ``seen[i][track]`` is a pixel of photo ``i``."""

    intrinsics: list[Intrinsics]
    seen: list[dict[int, Float]]
    cameras: dict[int, ViewPose] = field(default_factory=dict)
    points: dict[int, Float] = field(default_factory=dict)

    def rays(self, photo: int, pixels: Float) -> Float:
        """(n, 2) normalised coordinates."""
        k = self.intrinsics[photo]
        rays: Float = (pixels - np.array([k.cx, k.cy])) / np.array([k.fx, k.fy])
        return rays

    def normalised(self, photo: int, tracks: Sequence[int]) -> Float:
        """(n, 2) of the tracks that a photo shows."""
        return self.rays(photo, np.array([self.seen[photo][track] for track in tracks]))


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """Two photos to begin with, and where the other stands seen from the one."""

    worth: float
    one: int
    other: int
    pose: ViewPose


def join_photos(photos: Sequence[Photo]) -> Joined:
    """Join overlapping photos.

    Raises `UserError` without OpenCV, for fewer than two photos, and when no two of them overlap
    enough to be joined.
    """
    if find_spec("cv2") is None:
        raise UserError("measuring in photos by hand needs OpenCV; run `pip install '.[photos]'`")
    if len(photos) < 2:
        raise UserError("one photo has no depth: give a second one, taken a step to the side")
    intrinsics = [_intrinsics(photo) for photo in photos]
    focal_known = all(photo.focal is not None for photo in photos)
    return join_tracks(intrinsics, tracks_of(photos, intrinsics), focal_known)


def join_tracks(
    intrinsics: Sequence[Intrinsics], seen: list[dict[int, Float]], focal_known: bool
) -> Joined:
    """Cameras from what every photo shows: ``seen[i]`` holds pixels of photo ``i`` by track.

    Raises `UserError` when no two photos overlap enough to be joined.
    """
    best: _Work | None = None
    for start in _beginnings(intrinsics, seen)[:_STARTS]:
        work = _Work(list(intrinsics), seen)
        if not _grow(work, start, focal_known):
            break  # where the best pair does not hold together, worse ones cost time alone
        if best is None or _worth(work) > _worth(best):
            best = work
        if len(best.cameras) >= _ENOUGH * len(seen):
            break
    if best is None:
        raise UserError(
            "no two of these photos could be joined: take them a step apart, with at least half of "
            "the same things in both, in good light and without mirrors"
        )
    errors = _drop_wrong(best)
    return Joined(
        dict(sorted(best.cameras.items())),
        tuple(best.intrinsics),
        tuple(k for k in range(len(seen)) if k not in best.cameras),
        np.array(list(best.points.values())).reshape(-1, 3),
        float(np.median(errors)) if len(errors) else 0.0,
        focal_known,
    )


def _worth(work: _Work) -> tuple[float, int]:
    """What one way of joining is better than another by: points that hold it, then photos.

    The square of the angle that a point is seen under is what it tells of depth. Photos alone
    mislead: in an embedded room 20 of them stood 2 cm from where they should, and 22, begun from
    another pair, up to 90 cm.
    """
    held = 0.0
    for track, point in work.points.items():
        centres = [camera.centre for k, camera in work.cameras.items() if track in work.seen[k]]
        if len(centres) >= 3:
            held += min(widest_angle(centres, point) / _WIDE, 1) ** 2
    return held, len(work.cameras)


def _grow(work: _Work, start: _Start, focal_known: bool) -> bool:
    """Join what can be joined to two photos; whether these hold together at all."""
    work.cameras = {start.one: ViewPose(np.eye(3), np.zeros(3)), start.other: start.pose}
    _triangulate(work)
    if len(work.points) < LEAST:
        return False
    _adjust(work, focal=False)
    while _resect(work):
        _triangulate(work)
        if len(work.cameras) < 6 or len(work.cameras) % 3 == 0:
            _adjust(work, focal=not focal_known and len(work.cameras) >= FOCAL_FROM)
            _drop_wrong(work)
    _adjust(work, focal=not focal_known and len(work.cameras) >= FOCAL_FROM, most=2500)
    _drop_wrong(work)
    return True


def _intrinsics(photo: Photo) -> Intrinsics:
    focal = photo.focal or GUESSED_FOCAL * max(photo.width, photo.height)
    return Intrinsics(
        fx=focal,
        fy=focal,
        cx=(photo.width - 1) / 2,
        cy=(photo.height - 1) / 2,
        width=photo.width,
        height=photo.height,
    )


def _beginnings(intrinsics: Sequence[Intrinsics], seen: list[dict[int, Float]]) -> list[_Start]:
    """Pairs to begin with; those with the most points seen under a good angle come first."""
    cv2 = opencv()
    work = _Work(list(intrinsics), seen)
    found: list[_Start] = []
    for a, b in combinations(range(len(seen)), 2):
        tracks = sorted(seen[a].keys() & seen[b].keys())
        if len(tracks) < 2 * LEAST:
            continue
        x, y = work.normalised(a, tracks), work.normalised(b, tracks)
        threshold = PIXELS / intrinsics[a].fx
        cv2.setRNGSeed(0)
        E, inside = cv2.findEssentialMat(x, y, np.eye(3), cv2.RANSAC, 0.999, threshold)
        if E is None or E.shape != (3, 3):
            continue
        count, R, t, _ = cv2.recoverPose(E, x, y, np.eye(3), mask=inside)
        second = ViewPose(R, t.ravel())
        if count < LEAST:
            continue
        points = [
            triangulated([ViewPose(np.eye(3), np.zeros(3)), second], np.array([p, q]))
            for p, q in zip(x[:200], y[:200], strict=True)
        ]
        angle = float(np.median([widest_angle([np.zeros(3), second.centre], p) for p in points]))
        if angle > np.radians(2):
            found.append(_Start(count * min(angle, np.radians(12)), a, b, second))
    return sorted(found, key=lambda start: (-start.worth, start.one, start.other))


def _triangulate(work: _Work) -> None:
    """Points that two or more cameras now see well and that are not known yet."""
    for track in set().union(*(work.seen[k].keys() for k in work.cameras)) - work.points.keys():
        photos = [k for k in work.cameras if track in work.seen[k]]
        if len(photos) < 2:
            continue
        cameras = [work.cameras[k] for k in photos]
        rays = np.array([work.normalised(k, [track])[0] for k in photos])
        point = triangulated(cameras, rays)
        fine = widest_angle([c.centre for c in cameras], point) > np.radians(1.5)
        if fine and _miss(work, photos, track, point) < 2 * PIXELS:
            work.points[track] = point


def _miss(work: _Work, photos: Sequence[int], track: int, point: Float) -> float:
    """The largest distance in pixels; infinite for a point behind a camera."""
    worst = 0.0
    for k in photos:
        at = work.cameras[k].R @ point + work.cameras[k].t
        if at[2] <= 1e-6:
            return float("inf")
        off = at[:2] / at[2] - work.normalised(k, [track])[0]
        worst = max(worst, float(np.linalg.norm(off)) * work.intrinsics[k].fx)
    return worst


def _resect(work: _Work) -> bool:
    """Place the photo that sees most known points; whether one was placed."""
    cv2 = opencv()
    waiting = [k for k in range(len(work.seen)) if k not in work.cameras]
    known = work.points.keys()
    for k in sorted(waiting, key=lambda k: -len(work.seen[k].keys() & known)):
        tracks = sorted(work.seen[k].keys() & known)
        if len(tracks) < LEAST:
            return False
        points = np.array([work.points[track] for track in tracks])
        rays = work.normalised(k, tracks)
        cv2.setRNGSeed(0)
        done, turn, shift, inside = cv2.solvePnPRansac(
            points, rays, np.eye(3), None, iterationsCount=2000,
            reprojectionError=2 * PIXELS / work.intrinsics[k].fx, confidence=0.999,
        )  # fmt: skip
        if done and inside is not None and len(inside) >= max(LEAST * 2 // 3, len(tracks) // 4):
            good = inside.ravel()
            turn, shift = cv2.solvePnPRefineLM(
                points[good], rays[good], np.eye(3), None, turn, shift
            )
            work.cameras[k] = ViewPose(cv2.Rodrigues(turn)[0], shift.ravel())
            return True
    return False


def _adjust(work: _Work, *, focal: bool, most: int = _ADJUSTED) -> None:
    """Move cameras and points (and with ``focal`` one common focal length) so that everything is
    seen where it was seen; wrong matches count little."""
    order = list(work.cameras)
    tracks = sorted(work.points, key=lambda t: -sum(t in work.seen[k] for k in order))[:most]
    place = {track: i for i, track in enumerate(tracks)}
    seen = [(c, place[t], k, t) for c, k in enumerate(order) for t in work.seen[k] if t in place]
    camera_of = np.array([row[0] for row in seen])
    point_of = np.array([row[1] for row in seen])
    pixels = np.array([work.seen[k][t] for _, _, k, t in seen])
    centres = np.array([[work.intrinsics[k].cx, work.intrinsics[k].cy] for _, _, k, _ in seen])
    focals = np.array([work.intrinsics[k].fx for _, _, k, _ in seen])
    start = np.concatenate(
        [
            np.concatenate([Rotation.from_matrix(work.cameras[k].R).as_rotvec(), work.cameras[k].t])
            for k in order
        ]
        + [work.points[t] for t in tracks]
        + [np.zeros(1)]
    )
    n = len(order)

    def miss(values: Float) -> Float:
        poses = values[: 6 * n].reshape(n, 6)
        points = values[6 * n : -1].reshape(-1, 3)
        turns = Rotation.from_rotvec(poses[:, :3]).as_matrix()
        at = np.einsum("nij,nj->ni", turns[camera_of], points[point_of]) + poses[camera_of, 3:]
        f = focals * np.exp(values[-1] if focal else 0.0)
        depth = np.where(np.abs(at[:, 2:]) < 1e-6, 1e-6, at[:, 2:])
        off: Float = (at[:, :2] / depth * f[:, None] + centres - pixels).ravel()
        return off

    touched = lil_matrix((2 * len(seen), len(start)), dtype=np.uint8)
    rows = np.arange(len(seen))
    for k in range(6):
        touched[2 * rows, 6 * camera_of + k] = touched[2 * rows + 1, 6 * camera_of + k] = 1
    for k in range(3):
        columns = 6 * n + 3 * point_of + k
        touched[2 * rows, columns] = touched[2 * rows + 1, columns] = 1
    touched[:, -1] = 1
    found = least_squares(
        miss, start, jac_sparsity=touched, loss="soft_l1", f_scale=1.0, method="trf",
        x_scale="jac", ftol=1e-4, max_nfev=30,
    ).x  # fmt: skip
    for c, k in enumerate(order):
        turn = Rotation.from_rotvec(found[6 * c : 6 * c + 3]).as_matrix()
        work.cameras[k] = ViewPose(turn, found[6 * c + 3 : 6 * c + 6])
    for track, i in place.items():
        work.points[track] = found[6 * n + 3 * i : 6 * n + 3 * i + 3]
    if focal:
        factor = float(np.exp(np.clip(found[-1], -0.7, 0.7)))
        work.intrinsics = [
            k.model_copy(update={"fx": k.fx * factor, "fy": k.fy * factor}) for k in work.intrinsics
        ]
    if len(tracks) < len(work.points):
        for track in work.points.keys() - place.keys():
            del work.points[track]
        _triangulate(work)


def _drop_wrong(work: _Work) -> list[float]:
    """Forget points that are not seen where they should be; the errors of the rest, in pixels."""
    errors = []
    for track in list(work.points):
        photos = [k for k in work.cameras if track in work.seen[k]]
        error = _miss(work, photos, track, work.points[track])
        if error > 2 * PIXELS:
            del work.points[track]
        else:
            errors.append(error)
    return errors
