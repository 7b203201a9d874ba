"""Measuring in nothing but photos: a person marks the ends, one known size gives metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import dist
from typing import Final

import numpy as np

from surveyor.compose.hand_marks import Known, Mark, read_known, read_mark
from surveyor.compose.hand_memory import (
    KeptMarks,
    joined_photos,
    keep_marks,
    kept_marks,
    next_hand,
    photos_of,
)
from surveyor.compose.place import ANSWER, PICTURE, Place
from surveyor.core.errors import UserError
from surveyor.core.geometry import Float
from surveyor.core.photos import Photo
from surveyor.memory.evidence import Node
from surveyor.tools.geometry.many_views import drift, refined, spread, viewing_angle
from surveyor.tools.geometry.photo_joining import FOCAL_FROM, Joined
from surveyor.tools.geometry.photo_matching import shrunk
from surveyor.viewer.drawing import DrawnSegment, joined, painted
from surveyor.viewer.finding import FoundEpisode, FoundEvidence, ScaleTold, Value, measure_text

LEVEL: Final = 0.9
_MARK_PIXELS: Final = 1.5
"""One standard deviation of where a careful person sets a mark."""
_ASTRAY: Final = 10.0
"""Pixels that a mark may lie from where its end would be seen: marks and cameras are off by a few,
another spot by more."""
_LEAST_PIXELS: Final = 8.0
"""Between the ends of a known size, in the photo that shows them farthest apart: with less, marks
off by a pixel or two are off by a third of it."""
_LEAST_ANGLE: Final = np.radians(8)
_TRIALS: Final = 300
_CAMERAS: Final = 0.09
"""One deviation of a length, as a share of it, that the cameras of one photo stand for; it falls
with the root of the photos joined. Set on every other of 13 real pairs, see docs/real.md."""
_LOOSE: Final = 1.05
"""Pixels that points may be off by where a focal length has to be told from them. In five embedded
rooms they were off by 0.4 to 1.0, in a sixth by 1.1, and its focal length came out 14 % wrong."""
_NORMAL: Final = 1.645
"""Deviations that hold 90 % of a normal distribution."""


def measure_by_hand(
    place: Place, question: str, points: Sequence[str], known: Sequence[str]
) -> FoundEpisode:
    """Measure between the two ends that no known size uses, and keep the answer with the place.

    Known sizes and their ends that an earlier question named hold until others are named.
    """
    new = [read_mark(text) for text in points]
    marks, sizes, earlier = _recalled(place, new, [read_known(text) for text in known])
    first, second = _asked([mark.name for mark in new], marks, sizes)
    used = {first, second, *(end for size in sizes for end in size.ends)}
    marks = {name: mark for name, mark in marks.items() if name in used}
    photos = photos_of(place)
    _check(marks, photos)
    view = joined_photos(place, photos)
    check_joined(view)
    names = [photo.name for photo in place.record.photos]
    places = {name: _place(mark, view, names) for name, mark in marks.items()}
    check_agreement(places, sizes)
    value = _measured(first, second, marks, places, sizes, view)
    found = _told(question, place, view, marks, sizes, value, (first, second), earlier)
    _remember(place, points, known)
    return _kept(place, found, marks, (first, second), sizes)


def _recalled(
    place: Place, new: Sequence[Mark], sizes: list[Known]
) -> tuple[dict[str, Mark], list[Known], bool]:
    """All marks and sizes that hold now, and whether the sizes are those of an earlier question."""
    names = [mark.name for mark in new]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"end {twice!r} is marked by two --point; write all its photos in one")
    kept = kept_marks(place)
    before = {mark.name: mark for mark in map(read_mark, kept.points)}
    again = {mark.name: mark for mark in new}
    marks = before | again
    if sizes:
        return marks, sizes, False
    old = [size for size in map(read_known, kept.known) if not again.keys() >= {*size.ends}]
    for size in old:
        for end in size.ends:
            if marks.get(end) != before.get(end):
                raise UserError(
                    f"end {end!r} is one of {size.name!r}, which is known from an earlier "
                    "question; give the new spot another name, or name the known size again"
                )
    return marks, old, bool(old)


def _remember(place: Place, points: Sequence[str], known: Sequence[str]) -> None:
    """Newer marks replace older ones of the same name; newer sizes replace all older ones."""
    kept = kept_marks(place)
    marks = {text.partition("=")[0].strip(): text for text in (*kept.points, *points)}
    sizes = tuple(known) or kept.known
    keep_marks(place, KeptMarks(points=tuple(marks.values()), known=sizes))


def _told(
    question: str,
    place: Place,
    view: Joined,
    marks: Mapping[str, Mark],
    sizes: Sequence[Known],
    value: Value,
    ends: tuple[str, str],
    earlier: bool,
) -> FoundEpisode:
    names = [photo.name for photo in place.record.photos]
    said = ", as marked before" if earlier else ""
    scale = ScaleTold(
        kind="known" if sizes else "relative",
        basis=tuple(f"scale from {k.name} = {k.metres:.2f} m{said}" for k in sizes)
        or ("scale unknown: no metres; name one known size",),
    )
    shown = f"between {ends[0]} and {ends[1]}"
    text = (
        f"About {measure_text(value)} {shown}."
        if sizes
        else f"The scale is unknown, so there is no length in metres {shown}: name a known size."
    )
    focal = "from the camera" if view.focal_known else "estimated"
    return FoundEpisode(
        question=question or f"How far is {ends[0]} from {ends[1]}?",
        status="answered" if sizes else "failed",
        kind="measured" if sizes else "none",
        sentence=text,
        answer=value,
        scale=scale,
        evidence=tuple(
            FoundEvidence(
                handle=f"{name}.{k + 1}", kind="mark", photo=names[k], category=name,
                box=(u - 1, v - 1, u + 1, v + 1),
            )
            for name, mark in marks.items()
            for k, (u, v) in mark.pixels.items()
        ),
        photos=tuple(names),
        producers=(f"marks by hand, {len(view.cameras)} photos joined by OpenCV, focal {focal}",),
        warnings=tuple(f"{names[k]} could not be joined with the others" for k in view.apart),
        place=place.record.name,
    )  # fmt: skip


def _asked(
    new: Sequence[str], marks: Mapping[str, Mark], sizes: Sequence[Known]
) -> tuple[str, str]:
    for size in sizes:
        for end in size.ends:
            if end not in marks:
                raise UserError(
                    f"{size.name!r} is known between ends of which {end!r} is not marked"
                )
        one, other = (marks[end].pixels for end in size.ends)
        apart = [dist(one[k], other[k]) for k in one.keys() & other.keys()]
        if apart and max(apart) < _LEAST_PIXELS:
            raise UserError(
                f"the ends of {size.name!r} are marked within {_LEAST_PIXELS:.0f} pixels of each "
                "other, which tells no scale; mark both ends of something longer"
            )
    free = [name for name in dict.fromkeys(new) if all(name not in k.ends for k in sizes)]
    if len(free) != 2:
        raise UserError(
            f"mark exactly two ends besides those of known sizes ({len(free)} are: "
            f"{', '.join(free) or 'none'}), so that it is clear what to measure"
        )
    return free[0], free[1]


def _check(marks: Mapping[str, Mark], photos: Sequence[Photo]) -> None:
    for mark in marks.values():
        for k, (u, v) in mark.pixels.items():
            if not 0 <= k < len(photos):
                raise UserError(f"end {mark.name!r}: there is no photo {k + 1} of {len(photos)}")
            if not (0 <= u < photos[k].width and 0 <= v < photos[k].height):
                size = f"{photos[k].width} x {photos[k].height}"
                raise UserError(f"end {mark.name!r} lies outside of photo {k + 1} ({size})")


def check_joined(view: Joined) -> None:
    """`UserError` where too few photos hold together, or too loosely, to tell a focal length: on
    embedded rooms, lengths in three photos of unknown focal length were 70 % off."""
    if not view.focal_known and len(view.cameras) < FOCAL_FROM:
        count = len(view.intrinsics)
        raise UserError(
            f"only {len(view.cameras)} of {count} photos could be joined and their focal length is "
            "not known, which is too little to trust a length: walk sideways around what you "
            "measure and take about 30 photos, each a short step from the last, or give photos in "
            "which the camera wrote its focal length"
        )
    if not view.focal_known and view.error > _LOOSE * _pixel(view):
        raise UserError(
            f"the photos fit together badly (points are off by {view.error:.1f} pixels) and their "
            "focal length is not known, so it may have come out wrong, and lengths with it: give "
            "photos in which the camera wrote its focal length, or others, without mirrors and "
            "with nothing that moves"
        )


def _place(mark: Mark, view: Joined, names: Sequence[str]) -> Float:
    """Where an end is; `UserError` names what is missing to tell."""
    photos = [k for k in mark.pixels if k in view.cameras]
    apart = [names[k] for k in mark.pixels if k not in view.cameras]
    if len(photos) < 2:
        raise UserError(
            f"end {mark.name!r} is marked in {len(photos)} photo that could be joined "
            f"(not joined: {', '.join(apart)}); mark it in another one of "
            + ", ".join(str(k + 1) for k in view.cameras)
        )
    point = _point(view, photos, mark.pixels)
    angle = viewing_angle([view.cameras[k] for k in photos], point)
    if angle < _LEAST_ANGLE:
        raise UserError(
            f"end {mark.name!r} is seen under {np.degrees(angle):.0f} degrees only, which tells "
            "nothing of its distance; mark it in the first and the last photo that show it, taken "
            "apart by a third of its distance or more"
        )
    off = _astray(view, photos, mark.pixels, point)
    if off > _ASTRAY * _pixel(view):
        where = f"are {off:.0f} pixels off" if np.isfinite(off) else "meet behind a camera"
        raise UserError(
            f"the marks of end {mark.name!r} are not one point: seen from where the photos were "
            f"taken, they {where}; mark the same spot in photos "
            + ", ".join(str(k + 1) for k in photos)
        )
    return point


def _pixel(view: Joined) -> float:
    """A pixel of the size that features were found in, in pixels of the first photo."""
    return 1 / shrunk(view.intrinsics[0].width, view.intrinsics[0].height)


def _astray(
    view: Joined, photos: Sequence[int], pixels: Mapping[int, tuple[float, float]], point: Float
) -> float:
    """Pixels between the worst mark of an end and where the end would be seen."""
    at = np.array([view.cameras[k].R @ point + view.cameras[k].t for k in photos])
    if (at[:, 2] <= 0).any():
        return float("inf")
    off = np.linalg.norm(at[:, :2] / at[:, 2:] - _rays(view, photos, pixels), axis=1)
    return float((off * [view.intrinsics[k].fx for k in photos]).max())


def _point(view: Joined, photos: Sequence[int], pixels: Mapping[int, tuple[float, float]]) -> Float:
    return refined([view.cameras[k] for k in photos], _rays(view, photos, pixels))


def _rays(view: Joined, photos: Sequence[int], pixels: Mapping[int, tuple[float, float]]) -> Float:
    """(n, 2) normalised coordinates of an end in the photos that show it."""
    at = np.array([pixels[k] for k in photos])
    centre = np.array([[view.intrinsics[k].cx, view.intrinsics[k].cy] for k in photos])
    rays: Float = (at - centre) / np.array([[view.intrinsics[k].fx] for k in photos])
    return rays


def _measured(
    first: str,
    second: str,
    marks: Mapping[str, Mark],
    places: Mapping[str, Float],
    sizes: Sequence[Known],
    view: Joined,
) -> Value:
    """The length with an interval: every mark and every known size is moved as far as it may be
    wrong, again and again."""
    units = float(np.linalg.norm(places[first] - places[second]))
    if not sizes:
        return Value(text=f"{units:.3f} units", value=units, unit="units")
    metres = units * _scale(places, sizes)
    draws = np.random.default_rng(0)
    cameras = draws.multivariate_normal(np.zeros(len(view.loose)), view.loose, _TRIALS)
    clouds = {
        name: _moved(mark, places[name], view, draws) + cameras @ _drift(mark, places[name], view).T
        for name, mark in marks.items()
    }
    trials = []
    for trial in range(_TRIALS):
        moved = {name: cloud[trial] for name, cloud in clouds.items()}
        known = [
            Known(k.name, max(1e-6, draws.normal(k.metres, k.error)), k.error, k.ends)
            for k in sizes
        ]
        length = float(np.linalg.norm(moved[first] - moved[second]))
        trials.append(length * _scale(moved, known))
    by_marks = np.quantile(np.abs(np.array(trials) - metres), LEVEL)
    by_cameras = _NORMAL * _CAMERAS * metres / np.sqrt(len(view.cameras))
    spread = float(np.hypot(by_marks, by_cameras))
    return Value(
        text=f"{metres:.2f} m",
        value=round(metres, 4),
        unit="m",
        low=round(max(0.0, metres - spread), 4),
        high=round(metres + spread, 4),
        level=LEVEL,
        basis="marks and known size moved by their errors, and cameras as wrong as on real pairs",
    )


def _moved(mark: Mark, place: Float, view: Joined, draws: np.random.Generator) -> Float:
    """(n, 3) where an end may be, as far off as its marks may be."""
    photos = [k for k in mark.pixels if k in view.cameras]
    focals = np.array([view.intrinsics[k].fx for k in photos])
    wide = _MARK_PIXELS**2 * spread([view.cameras[k] for k in photos], focals, place)
    found: Float = draws.multivariate_normal(place, wide, _TRIALS)
    return found


def _drift(mark: Mark, place: Float, view: Joined) -> Float:
    """(3, 6 n + 1) how an end moves with all joined cameras."""
    photos = [k for k in mark.pixels if k in view.cameras]
    focals = np.array([view.intrinsics[k].fx for k in photos])
    own = drift([view.cameras[k] for k in photos], focals, place)
    order = list(view.cameras)
    found = np.zeros((3, 6 * len(order) + 1))
    for i, k in enumerate(photos):
        at = 6 * order.index(k)
        found[:, at : at + 6] = own[:, 6 * i : 6 * i + 6]
    found[:, -1] = own[:, -1]
    return found


def _scale(places: Mapping[str, Float], sizes: Sequence[Known]) -> float:
    """Metres in a unit, from all known sizes by their weights; they must agree."""
    ratios = [
        k.metres / float(np.linalg.norm(places[k.ends[0]] - places[k.ends[1]])) for k in sizes
    ]
    weights = [(k.metres / k.error) ** 2 for k in sizes]
    return float(np.exp(np.average(np.log(ratios), weights=weights)))


def check_agreement(places: Mapping[str, Float], sizes: Sequence[Known]) -> None:
    """`UserError` when two known sizes ask for scales that differ beyond their errors."""
    for one, other in pairwise(sizes):
        a, b = _scale(places, [one]), _scale(places, [other])
        allowed = 3 * np.hypot(one.error / one.metres, other.error / other.metres) + 0.05
        if abs(np.log(a / b)) > allowed:
            raise UserError(
                f"{one.name} and {other.name} do not fit together: by the first, the second would "
                f"be {other.metres * a / b:.2f} m, not {other.metres:.2f} m; check marks and sizes"
            )


def _kept(
    place: Place,
    found: FoundEpisode,
    marks: Mapping[str, Mark],
    ends: tuple[str, str],
    sizes: Sequence[Known],
) -> FoundEpisode:
    """Keep the answer with its picture: every photo in which both ends are marked, at most two,
    with what was measured and known."""
    folder = next_hand(place)
    folder.mkdir()
    both = [k for k in marks[ends[0]].pixels if k in marks[ends[1]].pixels][:2]
    pictures = []
    for k in both:
        photo = place.record.photos[k]
        size = (photo.image.width or 1, photo.image.height or 1)
        at = [marks[name].pixels[k] for name in ends]
        shares = [(u / size[0], v / size[1]) for u, v in at]
        label = measure_text(found.answer) if sizes else "?"
        nodes = [
            Node(name, "mark", row={"box": [u - 4, v - 4, u + 4, v + 4], "category": name})
            for name, mark in marks.items()
            if k in mark.pixels
            for u, v in (mark.pixels[k],)
        ]
        data = place.blobs.get(photo.image.sha256)
        pictures.append(painted(data, nodes, DrawnSegment(shares[0], shares[1], label)))
    if pictures:
        path = folder / PICTURE
        path.write_bytes(joined(pictures))
        found = found.model_copy(update={"picture": str(path)})
    (folder / ANSWER).write_text(found.model_dump_json(indent=1) + "\n")
    return found
