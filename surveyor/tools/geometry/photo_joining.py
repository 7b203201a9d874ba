"""Where photos were taken from, by classical means: features, pairs, resection, adjustment.

Needs the extra ``photos`` (OpenCV) and nothing else: no weights, no network. Lengths come out in
units of their own; one known size gives metres. It joins what overlaps, says what it could not
join, and is an offer, not a promise: few photos of smooth walls stay apart.

Sources: Lowe, IJCV 2004 (features and ratio test); Nistér, PAMI 2004 (five points); Hartley and
Zisserman, Multiple View Geometry, chapters 12 and 18 (triangulation, bundle adjustment).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.sparse import lil_matrix
from scipy.spatial.transform import Rotation

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, Intrinsics
from surveyor.core.photos import Photo
from surveyor.tools.geometry.many_views import ViewPose, triangulated, widest_angle

GUESSED_FOCAL: Final = 0.9
"""Of the longer side: a phone's main camera is about 0.75, a zoomed compact above 1."""
_LONGEST: Final = 1200
_FEATURES: Final = 5000
_ALL_PAIRS: Final = 24
_NEIGHBOURS: Final = 6
_LEAST: Final = 18
_PIXELS: Final = 2.5
FOCAL_FROM: Final = 5
"""Photos that together tell a focal length; three can put it 40 % off, and lengths with it."""
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


def _opencv() -> Any:
    """OpenCV, whose types differ by version; `join_photos` has looked that it is there."""
    return import_module("cv2")


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
    work = _Work(intrinsics, _tracks(photos, intrinsics))
    if not _begin(work):
        raise UserError(
            "no two of these photos could be joined: take them a step apart, with at least half of "
            "the same things in both, in good light and without mirrors"
        )
    focal_known = all(photo.focal is not None for photo in photos)
    _adjust(work, focal=False)
    while _resect(work):
        _triangulate(work)
        if len(work.cameras) < 6 or len(work.cameras) % 3 == 0:
            _adjust(work, focal=not focal_known and len(work.cameras) >= FOCAL_FROM)
            _drop_wrong(work)
    _adjust(work, focal=not focal_known and len(work.cameras) >= FOCAL_FROM, most=2500)
    errors = _drop_wrong(work)
    return Joined(
        dict(sorted(work.cameras.items())),
        tuple(work.intrinsics),
        tuple(k for k in range(len(photos)) if k not in work.cameras),
        np.array(list(work.points.values())).reshape(-1, 3),
        float(np.median(errors)) if len(errors) else 0.0,
        focal_known,
    )


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


def _features(photo: Photo) -> tuple[Float, NDArray[np.float32]]:
    """(n, 2) pixels of the photo and (n, 128) descriptors."""
    cv2 = _opencv()
    grey = np.frombuffer(photo.data, np.uint8)
    image = cv2.imdecode(grey, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    scale = min(1.0, _LONGEST / max(image.shape))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    finder = cv2.SIFT_create(nfeatures=_FEATURES, contrastThreshold=0.01)
    found, descriptors = finder.detectAndCompute(image, None)
    if descriptors is None:
        return np.empty((0, 2)), np.empty((0, 128), np.float32)
    descriptors = np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-7))
    return np.array([point.pt for point in found]) / scale, descriptors.astype(np.float32)


def _tracks(photos: Sequence[Photo], intrinsics: Sequence[Intrinsics]) -> list[dict[int, Float]]:
    """What each photo shows of points that several photos show."""
    features = [_features(photo) for photo in photos]
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(item: tuple[int, int]) -> tuple[int, int]:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    near = len(photos) <= _ALL_PAIRS
    for a, b in combinations(range(len(photos)), 2):
        if near or b - a <= _NEIGHBOURS:
            for first, second in _matches(features[a], features[b], intrinsics[a], intrinsics[b]):
                parent[root((a, int(first)))] = root((b, int(second)))
    groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for item in list(parent):
        groups.setdefault(root(item), []).append(item)
    seen: list[dict[int, Float]] = [{} for _ in photos]
    for track, members in enumerate(groups.values()):
        shown = [photo for photo, _ in members]
        if len(set(shown)) == len(shown) >= 2:  # twice in one photo: a mistaken match
            for photo, feature in members:
                seen[photo][track] = features[photo][0][feature]
    return seen


def _matches(
    one: tuple[Float, NDArray[np.float32]],
    two: tuple[Float, NDArray[np.float32]],
    K1: Intrinsics,
    K2: Intrinsics,
) -> NDArray[np.int64]:
    """(n, 2) features of two photos that match and agree on one motion."""
    cv2 = _opencv()
    none = np.empty((0, 2), np.int64)
    if min(len(one[0]), len(two[0])) < _LEAST:
        return none
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(one[1], two[1], k=2)
    good = [m for m, n in (p for p in pairs if len(p) == 2) if m.distance < 0.8 * n.distance]
    best: dict[int, Any] = {}
    for m in good:
        if m.trainIdx not in best or m.distance < best[m.trainIdx].distance:
            best[m.trainIdx] = m
    chosen = np.array([(m.queryIdx, m.trainIdx) for m in best.values()], np.int64).reshape(-1, 2)
    if len(chosen) < _LEAST:
        return none
    first, second = one[0][chosen[:, 0]], two[0][chosen[:, 1]]
    focal = (K1.fx + K2.fx) / 2
    a = (first - [K1.cx, K1.cy]) / K1.fx
    b = (second - [K2.cx, K2.cy]) / K2.fx
    cv2.setRNGSeed(0)
    _, inside = cv2.findFundamentalMat(a * focal, b * focal, cv2.USAC_MAGSAC, _PIXELS, 0.999, 5000)
    if inside is None or inside.sum() < _LEAST:
        return none
    kept: NDArray[np.int64] = chosen[inside.ravel().astype(bool)]
    return kept


def _begin(work: _Work) -> bool:
    """Take the pair with the most points seen under a good angle as the first two cameras."""
    cv2 = _opencv()
    best: tuple[float, int, int, ViewPose] | None = None
    for a, b in combinations(range(len(work.seen)), 2):
        tracks = sorted(work.seen[a].keys() & work.seen[b].keys())
        if len(tracks) < 2 * _LEAST:
            continue
        x, y = work.normalised(a, tracks), work.normalised(b, tracks)
        threshold = _PIXELS / work.intrinsics[a].fx
        cv2.setRNGSeed(0)
        E, inside = cv2.findEssentialMat(x, y, np.eye(3), cv2.RANSAC, 0.999, threshold)
        if E is None or E.shape != (3, 3):
            continue
        count, R, t, _ = cv2.recoverPose(E, x, y, np.eye(3), mask=inside)
        second = ViewPose(R, t.ravel())
        if count < _LEAST:
            continue
        points = [
            triangulated([ViewPose(np.eye(3), np.zeros(3)), second], np.array([p, q]))
            for p, q in zip(x[:200], y[:200], strict=True)
        ]
        angle = float(np.median([widest_angle([np.zeros(3), second.centre], p) for p in points]))
        worth = count * min(angle, np.radians(12)) if angle > np.radians(2) else 0.0
        if best is None or worth > best[0]:
            best = (worth, a, b, second)
    if best is None or best[0] <= 0:
        return False
    work.cameras = {best[1]: ViewPose(np.eye(3), np.zeros(3)), best[2]: best[3]}
    _triangulate(work)
    return len(work.points) >= _LEAST


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
        if fine and _miss(work, photos, track, point) < 2 * _PIXELS:
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
    cv2 = _opencv()
    waiting = [k for k in range(len(work.seen)) if k not in work.cameras]
    known = work.points.keys()
    for k in sorted(waiting, key=lambda k: -len(work.seen[k].keys() & known)):
        tracks = sorted(work.seen[k].keys() & known)
        if len(tracks) < _LEAST:
            return False
        points = np.array([work.points[track] for track in tracks])
        rays = work.normalised(k, tracks)
        cv2.setRNGSeed(0)
        done, turn, shift, inside = cv2.solvePnPRansac(
            points, rays, np.eye(3), None, iterationsCount=2000,
            reprojectionError=2 * _PIXELS / work.intrinsics[k].fx, confidence=0.999,
        )  # fmt: skip
        if done and inside is not None and len(inside) >= max(_LEAST * 2 // 3, len(tracks) // 4):
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
        if error > 2 * _PIXELS:
            del work.points[track]
        else:
            errors.append(error)
    return errors
