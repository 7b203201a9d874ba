"""How much of a metered improvement a restored frame deserves: measured, not guessed.

A recogniser is trained on clean crops of some rooms and asked about the same things in other
rooms: clean, degraded, and degraded then restored by the reference `restore` expert's own code.
The share of its loss that restoration brings back, over the share that the meters of `quality`
claim, is the credit (`RestoreErrors.credit`). Run over a dataset of clean rooms::

    python -m tests.claims.experts.calibration out/rooms

Half of the rooms train, the other half test; intervals are bootstrapped over rooms.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.core.errors import UserError
from surveyor.scenes.capture.conditions import degrade, plan_capture
from surveyor.scenes.datasets.truth import clean_blobs, frame_index
from surveyor.scenes.rooms.room import RoomSpec
from surveyor.services.artifacts import png_bytes
from surveyor.services.images import LoadedImage, Pixels
from surveyor.services.reference.evidence import look
from surveyor.services.reference.presets import PRESETS
from surveyor.services.reference.restoration import restored
from surveyor.services.reference.restoration_discount import MeasuredImage
from surveyor.services.reference.seeding import generator, probability
from surveyor.services.reference.visible import Visible, visible_objects
from surveyor.services.reference.world import FrameKey, ImageView, ReferenceWorld
from tests.claims.claim import Claim
from tests.claims.experts.recogniser import Recogniser, features, train

CONDITIONS = ("dark", "blurred", "low_resolution")
BACKGROUND = "background"
_MIN_PIXELS = 900  # of a 640 x 480 image
_MIN_EXAMPLES = 30
_MARGIN = 0.1
_MODEL = PRESETS["realistic"].detect.recall
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Recall by room (rows) in clean, raw and restored frames (columns): what the recogniser
    reaches, and what the meters claim."""

    condition: str
    recognised: NDArray[np.float64]
    metered: NDArray[np.float64]

    def shares(self, rooms: NDArray[np.int64] | None = None) -> tuple[float, float]:
        """Share of the loss that restoring recovers: for the recogniser, by the meters."""
        chosen = np.arange(len(self.recognised)) if rooms is None else rooms
        recognised, metered = self.recognised[chosen], self.metered[chosen]
        return _share(recognised.mean(axis=0)), _share(metered.mean(axis=0))

    def credit(self, rooms: NDArray[np.int64] | None = None) -> float:
        """What the meters' claim is to be multiplied with."""
        recognised, metered = self.shares(rooms)
        return recognised / max(metered, 1e-6)


def calibrate(dataset: Path, every: int = 1) -> list[Scores]:
    """Scores of every condition, on every ``every``-th test frame.

    `UserError` when the dataset is too small to learn from.
    """
    world = ReferenceWorld((dataset,))
    store = BlobStore(dataset / BLOBS)
    frames = _by_room(frame_index(dataset), dataset)
    if len(frames) < 4:
        raise UserError(f"{dataset} has {len(frames)} rooms; calibrating takes at least 4")
    rooms = sorted(frames)
    learning = [key for room in rooms[::2] for key in frames[room]]
    recogniser = _learn([(_view(world, store, key)) for key in learning])
    tested = [[_view(world, store, key) for key in frames[room][::every]] for room in rooms[1::2]]
    return [_score(condition, tested, recogniser) for condition in CONDITIONS]


def together(scores: Sequence[Scores]) -> Scores:
    """All conditions as one: their mean recalls, room by room."""
    return Scores(
        "all conditions",
        np.mean([one.recognised for one in scores], axis=0),
        np.mean([one.metered for one in scores], axis=0),
    )


def calibration_claims(dataset: Path, every: int = 1) -> Iterator[Claim]:
    """The credit that the presets give beside what is measured, by condition and over all."""
    given = PRESETS["realistic"].restore.credit
    measured = calibrate(dataset, every)
    for scores in (*measured, together(measured)):
        recognised, metered = scores.shares()
        low, high = interval(scores, Scores.credit)
        least, most = interval(scores, lambda one, rooms: one.shares(rooms)[0])
        recall = " -> ".join(f"{value:.3f}" for value in scores.recognised.mean(axis=0))
        note = (
            f"{len(scores.recognised)} rooms tested; recall clean -> raw -> restored {recall}; "
            f"share of the loss recovered {recognised:.2f} [{least:.2f}, {most:.2f}], meters claim "
            f"{metered:.2f}; credit 95 % [{low:.2f}, {high:.2f}], presets give {given:g}"
        )
        name = f"credit of restoring, {scores.condition}"
        yield Claim(
            name, round(scores.credit(), 3), f"{given:g} within 95 %", low <= given <= high, note
        )


_Shot = tuple[ImageView, LoadedImage]


def _score(condition: str, rooms: list[list[_Shot]], recogniser: Recogniser) -> Scores:
    recognised, metered = [], []
    for shots in rooms:
        right: list[list[float]] = []
        claimed: list[list[float]] = []
        for view, clean in shots:
            looks = _looks(view, clean, condition)
            for seen in _things(view, recogniser):
                right.append([_is_right(recogniser, pixels, seen) for pixels in looks.pixels])
                claimed.append([looks.found(k, seen) for k in range(3)])
        if right:
            recognised.append(np.mean(right, axis=0))
            metered.append(np.mean(claimed, axis=0))
    return Scores(condition, np.array(recognised), np.array(metered))


@dataclass(frozen=True, slots=True, eq=False)
class _Looks:
    """One frame clean, degraded and restored: its pixels, and its sight at full credit."""

    pixels: list[Pixels]
    sights: list[MeasuredImage]

    def found(self, which: int, seen: Visible) -> float:
        """Chance of finding a thing, as the meters have it."""
        assert _MODEL is not None
        return probability(self.sights[which].logit(seen.object.instance_id, _MODEL))


def _looks(view: ImageView, clean: LoadedImage, condition: str) -> _Looks:
    key = view.key
    seed = int(generator(key.scene_id, key.index, condition).integers(1 << 31))
    steps = plan_capture(RoomSpec(seed % 100_000), condition, 1).steps[0]  # type: ignore[arg-type]
    raw = degrade(clean.pixels, steps, seed)
    better, _ = restored(raw, 1)
    pixels = [clean.pixels, raw, better]
    images = [LoadedImage(png_bytes(one), max_pixels=1 << 30) for one in pixels]
    return _Looks(pixels, [MeasuredImage(look(view, image), None, 1.0) for image in images])


def _learn(shots: list[_Shot]) -> Recogniser:
    rows, names = [], []
    counts = Counter(
        s.object.category for view, _ in shots for s in visible_objects(view, _MIN_PIXELS)
    )
    common = {name for name, count in counts.items() if count >= _MIN_EXAMPLES}
    for view, image in shots:
        rng = generator(view.key.scene_id, view.key.index, "crops")
        for seen in visible_objects(view, _MIN_PIXELS):
            if seen.object.category in common:
                for _ in range(2):
                    rows.append(features(_crop(image.pixels, seen.box, rng)))
                    names.append(seen.object.category)
        rows.append(features(_nothing(image.pixels, rng)))
        names.append(BACKGROUND)
    return train(np.array(rows), names)


def _things(view: ImageView, recogniser: Recogniser) -> list[Visible]:
    seen = visible_objects(view, _MIN_PIXELS)
    return [one for one in seen if one.object.category in recogniser.classes]


def _is_right(recogniser: Recogniser, pixels: Pixels, seen: Visible) -> float:
    row = features(_crop(pixels, seen.box, None))[None]
    return float(recogniser.recognise(row)[0] == seen.object.category)


def _crop(
    pixels: Pixels, box: tuple[float, float, float, float], rng: np.random.Generator | None
) -> Pixels:
    """The box with a margin; with ``rng`` slightly off, as detections are."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    off = np.zeros(4) if rng is None else rng.normal(0, 0.04, 4)
    left = int(max(0, x1 - (_MARGIN + off[0]) * width))
    top = int(max(0, y1 - (_MARGIN + off[1]) * height))
    right = int(x2 + (_MARGIN + off[2]) * width) + 1
    bottom = int(y2 + (_MARGIN + off[3]) * height) + 1
    return pixels[top:bottom, left:right]


def _nothing(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A random part of the picture, which mostly shows walls and floor."""
    height, width = pixels.shape[:2]
    side = int(rng.uniform(0.1, 0.3) * width)
    top, left = int(rng.integers(max(1, height - side))), int(rng.integers(max(1, width - side)))
    return pixels[top : top + side, left : left + side]


def _view(world: ReferenceWorld, store: BlobStore, key: FrameKey) -> _Shot:
    view = world.whole(key)
    twins = view.truth.clean_frames
    data = (
        clean_blobs(key.dataset).get(twins[key.index].sha256)
        if key.index < len(twins)
        else store.get(view.sha256)
    )
    return view, LoadedImage(data, max_pixels=1 << 30)


def _by_room(index: dict[str, tuple[str, int]], dataset: Path) -> dict[str, list[FrameKey]]:
    rooms: dict[str, list[FrameKey]] = {}
    for scene_id, number in sorted(index.values()):
        rooms.setdefault(scene_id, []).append(FrameKey(dataset, scene_id, number))
    return rooms


def _share(means: NDArray[np.float64]) -> float:
    clean, raw, better = (float(value) for value in means)
    return (better - raw) / max(clean - raw, 1e-6)


def interval(
    scores: Scores, measured: Callable[[Scores, NDArray[np.int64]], float]
) -> tuple[float, float]:
    """95 % interval of something measured on whole rooms, by drawing rooms with replacement."""
    rng = generator("calibration", scores.condition)
    count = len(scores.recognised)
    draws = [measured(scores, rng.integers(0, count, count)) for _ in range(_RESAMPLES)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table for a dataset; the process's exit code."""
    parser = argparse.ArgumentParser(prog="tests.claims.experts.calibration")
    parser.add_argument("datasets", type=Path, nargs="+", metavar="DATASET")
    parser.add_argument("--every", type=int, default=1, help="test on every n-th frame")
    given = parser.parse_args(arguments)
    try:
        for dataset in given.datasets:
            for claim in calibration_claims(dataset, given.every):
                sys.stdout.write(f"{dataset}, {claim.name}: {claim.value} ({claim.note})\n")
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
