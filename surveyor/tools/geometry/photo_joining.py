"""Where photos were taken from, by classical means: features, pairs, resection, adjustment.

Needs the extra ``photos`` (OpenCV) and nothing else: no weights, no network. Lengths come out in
units of their own; one known size gives metres. It joins what overlaps, says what it could not
join, and is an offer, not a promise: few photos of smooth walls stay apart.

Sources: Nistér, PAMI 2004 (five points); Hartley and Zisserman, Multiple View Geometry, chapters 12
and 18 (triangulation, bundle adjustment).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import combinations
from typing import Final

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, Intrinsics
from surveyor.core.photos import Photo
from surveyor.tools.geometry.bundle import CameraBundle, Sightings, adjusted, camera_spread
from surveyor.tools.geometry.many_views import ViewPose, triangulated, widest_angle
from surveyor.tools.geometry.photo_focal import focal_factor, lens_of, resized
from surveyor.tools.geometry.photo_matching import LEAST, PIXELS, opencv, shrunk, tracks_of
from surveyor.tools.geometry.resection import resected

FOCAL_FROM: Final = 5
"""Photos that together tell a focal length; three can put it 40 % off, and lengths with it."""
_STARTS: Final = 4
"""Pairs that joining is begun from. A pair whose first guess is a little off grows to a few photos
and to a wrong focal length, and which pair that is hangs on a film's encoder."""
_WIDE: Final = np.radians(8)
"""Points seen in three or more photos under this angle hold cameras in place."""
_ENOUGH: Final = 0.8
"""Share of the photos that no further beginning is tried at."""
_MOST: Final = 0.5
"""Share of two photos' common points that must lie where their cameras say. In embedded rooms it
was above this for photos that stood right, and 0.2 to 0.5 for those that did not."""
_VOTED: Final = 0.15
"""How far an adjusted focal length may be from the one that pairs vote for, as a logarithm. One
room's walk around its own spot ended 55 % off, where its pairs had voted within 2 %."""
_UNTOLD: Final = 0.7
"""The same where no pair votes."""
_RIGHT: Final = 2.0
"""Pixels within which such a point lies."""
_LOOSEST: Final = 0.015
"""Deviation of where a photo was taken from, as a share of the depth of what it shows. In embedded
rooms photos below it stood where they should; of those above, four in five did not."""
_ADJUSTED: Final = 900
"""Points that an adjustment moves; enough to fix some dozens of cameras."""
_ALL: Final = 2500
"""The same at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Cameras by photo position (from 0), those that stayed apart, and points (n, 3), in units.

    ``error`` is the median distance in pixels between what was seen and where it should be.
    ``loose`` (6 n + 1, 6 n + 1) is the covariance of the n cameras' turns and shifts, in the order
    of ``cameras``, and of the logarithm of the focal length.
    """

    cameras: dict[int, ViewPose]
    intrinsics: tuple[Intrinsics, ...]
    apart: tuple[int, ...]
    points: Float
    error: float
    focal_known: bool
    loose: Float


@dataclass(slots=True)
class _Work:
    """Tracks and what is known of them so far. ``seen[i][track]`` is a pixel of photo ``i``,
    ``voted`` the focal length of the first photo that pairs voted for."""

    intrinsics: list[Intrinsics]
    seen: list[dict[int, Float]]
    cameras: dict[int, ViewPose] = field(default_factory=dict)
    points: dict[int, Float] = field(default_factory=dict)
    voted: float | None = None

    def rays_of(self, track: int, photos: Sequence[int]) -> Float:
        """(n, 2) normalised coordinates of one track in the photos, which show it."""
        lenses = [self.intrinsics[k] for k in photos]
        at = np.array([self.seen[k][track] for k in photos])
        rays: Float = (at - [(k.cx, k.cy) for k in lenses]) / [(k.fx, k.fy) for k in lenses]
        return rays

    def normalised(self, photo: int, tracks: Sequence[int]) -> Float:
        """(n, 2) normalised coordinates of the tracks that a photo shows."""
        k = self.intrinsics[photo]
        at = np.array([self.seen[photo][track] for track in tracks])
        rays: Float = (at - np.array([k.cx, k.cy])) / np.array([k.fx, k.fy])
        return rays


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
    lenses = [lens_of(photo) for photo in photos]
    focal_known = all(photo.focal is not None for photo in photos)
    # What is right to a pixel or two is right in the size that features were found in.
    small = [resized(lens, shrunk(lens.width, lens.height)) for lens in lenses]
    joined = join_tracks(small, tracks_of(photos, small), focal_known)
    back = [1 / shrunk(lens.width, lens.height) for lens in lenses]
    return replace(
        joined,
        intrinsics=tuple(map(resized, joined.intrinsics, back)),
        error=joined.error * max(back),
    )


def join_tracks(
    intrinsics: Sequence[Intrinsics], seen: list[dict[int, Float]], focal_known: bool
) -> Joined:
    """Cameras from what every photo shows: ``seen[i]`` holds pixels of photo ``i`` by track.

    Raises `UserError` when no two photos overlap enough to be joined.
    """
    factor = None if focal_known else focal_factor(intrinsics, seen)
    intrinsics = _scaled(intrinsics, factor or 1.0)
    voted = intrinsics[0].fx if factor else None
    best: _Work | None = None
    for start in _beginnings(intrinsics, seen)[:_STARTS]:
        work = _Work(list(intrinsics), seen, voted=voted)
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
    best.cameras = dict(sorted(best.cameras.items()))
    told = not focal_known and len(best.cameras) >= FOCAL_FROM
    loose = camera_spread(*_bundle(best, list(best.points)), zoom=told, fine=True)
    return Joined(
        best.cameras,
        tuple(best.intrinsics),
        tuple(k for k in range(len(seen)) if k not in best.cameras),
        np.array(list(best.points.values())).reshape(-1, 3),
        float(np.median(errors)) if len(errors) else 0.0,
        focal_known,
        loose,
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

    def settle(most: int, *, fine: bool) -> None:
        focal = not focal_known and len(work.cameras) >= FOCAL_FROM
        _adjust(work, focal=focal, most=most, fine=fine)
        _drop_wrong(work)

    while _resect(work):
        _triangulate(work)
        if len(work.cameras) < 6 or len(work.cameras) % 3 == 0:
            settle(_ADJUSTED, fine=False)
    settle(_ALL, fine=True)
    while _drop_torn(work, focal_known) and len(work.points) >= LEAST:
        settle(_ALL, fine=True)
    return len(work.cameras) >= 2 and len(work.points) >= LEAST


def _scaled(intrinsics: Sequence[Intrinsics], factor: float) -> list[Intrinsics]:
    """The same lenses with another focal length."""
    return [k.model_copy(update={"fx": k.fx * factor, "fy": k.fy * factor}) for k in intrinsics]


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
    centres = {k: camera.centre for k, camera in work.cameras.items()}
    for track in set().union(*(work.seen[k].keys() for k in work.cameras)) - work.points.keys():
        photos = [k for k in work.cameras if track in work.seen[k]]
        if len(photos) < 2:
            continue
        cameras = [work.cameras[k] for k in photos]
        point = triangulated(cameras, work.rays_of(track, photos))
        fine = widest_angle([centres[k] for k in photos], point) > np.radians(1.5)
        if fine and _miss(work, photos, track, point) < 2 * PIXELS:
            work.points[track] = point


def _miss(work: _Work, photos: Sequence[int], track: int, point: Float) -> float:
    """The largest distance in pixels; infinite for a point behind a camera."""
    at = np.array([work.cameras[k].R @ point + work.cameras[k].t for k in photos])
    if (at[:, 2] <= 1e-6).any():
        return float("inf")
    off = at[:, :2] / at[:, 2:] - work.rays_of(track, photos)
    focals = np.array([work.intrinsics[k].fx for k in photos])
    return float((np.sqrt((off**2).sum(axis=1)) * focals).max())


def _resect(work: _Work) -> bool:
    """Place the photo that sees most known points and fits them; whether one was placed."""
    waiting = [k for k in range(len(work.seen)) if k not in work.cameras]
    known = work.points.keys()
    for k in sorted(waiting, key=lambda k: -len(work.seen[k].keys() & known)):
        tracks = sorted(work.seen[k].keys() & known)
        if len(tracks) < LEAST:
            return False
        points = np.array([work.points[track] for track in tracks])
        camera = resected(points, work.normalised(k, tracks), work.intrinsics[k].fx)
        if camera is not None:
            work.cameras[k] = camera
            return True
    return False


def _adjust(work: _Work, *, focal: bool, most: int = _ADJUSTED, fine: bool = False) -> None:
    """Move cameras and points (and with ``focal`` one common focal length) so that everything is
    seen where it was seen; wrong matches count little, with ``fine`` next to nothing."""
    tracks = sorted(work.points, key=lambda t: -sum(t in work.seen[k] for k in work.cameras))[:most]
    order = list(work.cameras)
    start, seen = _bundle(work, tracks)
    found = adjusted(start, seen, zoom=focal)
    vote = np.log(work.voted / work.intrinsics[0].fx) if work.voted else 0.0
    told = focal and abs(found.zoom - vote) <= (_VOTED if work.voted else _UNTOLD)
    if focal and not told:
        found = adjusted(start, seen, zoom=False)
    if fine:
        found = adjusted(found, seen, zoom=told, fine=True)
    for k, turn, shift in zip(order, found.turns, found.shifts, strict=True):
        work.cameras[k] = ViewPose(turn, shift)
    work.points.update(zip(tracks, found.points, strict=True))
    if focal:
        work.intrinsics = _scaled(work.intrinsics, float(np.exp(found.zoom)))
    if len(tracks) < len(work.points):
        for track in work.points.keys() - set(tracks):
            del work.points[track]
        _triangulate(work)


def _bundle(work: _Work, tracks: Sequence[int]) -> tuple[CameraBundle, Sightings]:
    """What is known of the cameras and of these points, and who saw which of them where."""
    place = {track: i for i, track in enumerate(tracks)}
    seen = [
        (c, place[track], k, pixel)
        for c, k in enumerate(work.cameras)
        for track, pixel in work.seen[k].items()
        if track in place
    ]
    lenses = [work.intrinsics[k] for _, _, k, _ in seen]
    cameras = work.cameras.values()
    bundle = CameraBundle(
        np.array([camera.R for camera in cameras]),
        np.array([camera.t for camera in cameras]),
        np.array([work.points[track] for track in tracks]),
    )
    return bundle, Sightings(
        np.array([row[0] for row in seen]),
        np.array([row[1] for row in seen]),
        np.array([row[3] for row in seen]) - [[lens.cx, lens.cy] for lens in lenses],
        np.array([lens.fx for lens in lenses]),
    )


def _drop_torn(work: _Work, focal_known: bool) -> bool:
    """Forget the photos that hang on the others by pairs alone whose points contradict where the
    cameras stand, and those that hardly anything holds; whether there were any."""
    group = {k: {k} for k in work.cameras}
    for a, b in combinations(work.cameras, 2):
        if group[a] is not group[b] and _agree(work, a, b):
            group[a] |= group[b]
            for k in group[b]:
                group[k] = group[a]
    held = max(group.values(), key=len) - _dangling(work, focal_known)
    torn = work.cameras.keys() - held
    for k in torn:
        del work.cameras[k]
    if torn:
        for track in list(work.points):
            if sum(track in work.seen[k] for k in work.cameras) < 2:
                del work.points[track]
    return bool(torn)


def _dangling(work: _Work, focal_known: bool) -> set[int]:
    """Photos whose place is told to a small share of their depth only, where three or more are
    joined. Such a group may stand anywhere: points of one wall fit two places."""
    if len(work.cameras) < 3:
        return set()
    told = not focal_known and len(work.cameras) >= FOCAL_FROM
    loose = camera_spread(*_bundle(work, list(work.points)), zoom=told)
    found = set()
    for place, (k, camera) in enumerate(work.cameras.items()):
        shown = [point for track, point in work.points.items() if track in work.seen[k]]
        depth = float(np.median([camera.R[2] @ point + camera.t[2] for point in shown] or [0]))
        shift = slice(6 * place + 3, 6 * place + 6)
        if np.sqrt(np.trace(loose[shift, shift])) > _LOOSEST * depth:
            found.add(k)
    return found


def _agree(work: _Work, one: int, other: int) -> bool:
    """Whether two photos show enough points in common, most of them where the cameras say."""
    tracks = sorted(work.seen[one].keys() & work.seen[other].keys())
    if len(tracks) < LEAST:
        return False
    first, second = work.cameras[one], work.cameras[other]
    turn = second.R @ first.R.T
    lines = np.cross(second.t - turn @ first.t, _far(work, one, tracks) @ turn.T)
    off = np.abs((lines * _far(work, other, tracks)).sum(axis=1))
    off /= np.linalg.norm(lines[:, :2], axis=1) + 1e-12
    return float(np.mean(off * work.intrinsics[other].fx < _RIGHT)) > _MOST


def _far(work: _Work, photo: int, tracks: Sequence[int]) -> Float:
    """(n, 3) the tracks' directions from a photo's camera."""
    return np.column_stack([work.normalised(photo, tracks), np.ones(len(tracks))])


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
