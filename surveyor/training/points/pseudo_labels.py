"""Pseudo-labels of points: what runs cut out in space, gathered scene by scene, without any truth.

A point's label is the phrase whose mask holds it, the surest where several do; points near masks
that are in none are background (-1). How sure a mask is goes along, as the weight of its points.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, World
from surveyor.memory.runs import RunFolder
from surveyor.tools.geometry.kept_masks import read_mask
from surveyor.tools.schemas import MasksData
from surveyor.training.checkpoints import write_folder

BACKGROUND = -1
_CELL = 0.02
_FARTHEST = 10_000.0
"""Metres; what lies further off is no place."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPoints:
    """Points (N, 3) of one scene, metres, +Z up; ``labels`` (N,) index ``names``, or are
    `BACKGROUND`; ``weights`` (N,) 0..1 say how sure each is."""

    scene_id: str
    points: Float
    labels: NDArray[np.int64]
    weights: Float
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Mask:
    name: str
    inside: Float
    around: Float
    confidence: float


def pseudo_labels(runs: Sequence[RunFolder], least: float = 0.5) -> list[LabelledPoints]:
    """What the masks of runs say of every scene's points; masks less sure than ``least`` and weak
    ones say nothing. Only logs and the runs' own blobs are read, never a dataset's answers.

    Raises `UserError` where no run kept a mask that is sure enough.
    """
    scenes: dict[str, list[_Mask]] = defaultdict(list)
    for run in runs:
        for scene_id, mask in _masks(run, least):
            scenes[scene_id].append(mask)
    if not scenes:
        raise UserError(
            "these runs kept no mask in space that is sure enough; run questions that "
            "segment_3d answers (surveyor rooms make --type reason_seg), or lower --least"
        )
    names = tuple(sorted({mask.name for masks in scenes.values() for mask in masks}))
    return [_labelled(scene, masks, names) for scene, masks in sorted(scenes.items())]


def _masks(run: RunFolder, least: float) -> Iterator[tuple[str, _Mask]]:
    store = BlobStore(run.path / "blobs")
    for task, epoch in run.scheduled():
        episode = run.episode(task.id, epoch)
        for outcome in episode.outcomes if episode else ():
            data = outcome.data
            if outcome.name == "answer_with_mask" or not isinstance(data, dict):
                continue
            if "masks" not in data or "objects" not in data:
                continue
            told = MasksData.model_validate(data)
            for row, mask in zip(told.objects, told.masks, strict=True):
                sure = row.accepted and row.confidence >= least
                if mask.mask is None or not sure or row.world is not World.DATASET:
                    continue
                inside, around = read_mask(store.get(mask.mask.sha256))
                yield task.scene_id, _Mask(row.category, inside, around, row.confidence)


def _labelled(scene_id: str, masks: Sequence[_Mask], names: tuple[str, ...]) -> LabelledPoints:
    """Surer masks come first, and a place keeps the first label that it gets."""
    points, labels, weights = [], [], []
    for mask in sorted(masks, key=lambda one: -one.confidence):
        points.append(mask.inside)
        labels.append(np.full(len(mask.inside), names.index(mask.name)))
        weights.append(np.full(len(mask.inside), mask.confidence))
    for mask in masks:
        points.append(mask.around)
        labels.append(np.full(len(mask.around), BACKGROUND))
        weights.append(np.full(len(mask.around), mask.confidence))
    whole = np.concatenate(points)
    cells = np.floor(whole / _CELL).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    first.sort()
    return LabelledPoints(
        scene_id,
        whole[first],
        np.concatenate(labels)[first],
        np.concatenate(weights)[first],
        names,
    )


def write_pseudo_labels(out: Path, scenes: Sequence[LabelledPoints], least: float) -> int:
    """A folder with ``<scene>.npz`` each and ``classes.json``; how many points are labelled."""

    def fill(folder: Path) -> None:
        for scene in scenes:
            np.savez_compressed(
                folder / f"{scene.scene_id}.npz",
                points=scene.points.astype(np.float32),
                labels=scene.labels,
                weights=scene.weights.astype(np.float32),
            )
        about = {"classes": list(scenes[0].names), "background": BACKGROUND, "least": least}
        (folder / "classes.json").write_text(json.dumps(about, indent=1) + "\n")

    if out.exists():
        raise UserError(f"{out} exists; choose another folder")
    write_folder(out, fill)
    return sum(int((scene.labels != BACKGROUND).sum()) for scene in scenes)


def read_pseudo_labels(folder: Path) -> list[LabelledPoints]:
    """What `write_pseudo_labels` wrote; `UserError` for another folder."""
    try:
        names = tuple(json.loads((folder / "classes.json").read_text())["classes"])
    except (OSError, ValueError, KeyError, TypeError):
        names = ()
    files = sorted(folder.glob("*.npz"))
    if not files or not names or not all(isinstance(one, str) for one in names):
        raise UserError(
            f"{folder} holds no pseudo-labels; make them with surveyor export pseudo-labels"
        )
    return [_read_scene(path, names) for path in files]


def _read_scene(path: Path, names: tuple[str, ...]) -> LabelledPoints:
    """One scene's file; `UserError` for one that is cut off or holds something else."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            points, labels, weights = kept["points"], kept["labels"], kept["weights"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
        raise UserError(f"{path} cannot be read ({error}); export it again") from None
    number = len(labels) if labels.ndim == 1 else -1
    fits = (
        number > 0
        and points.shape == (number, 3)
        and weights.shape == (number,)
        and {points.dtype.kind, weights.dtype.kind} <= {"f"}
        and labels.dtype.kind == "i"
        and bool(np.isfinite(points).all() and np.isfinite(weights).all())
        and float(np.abs(points).max()) < _FARTHEST
    )
    known = {BACKGROUND, *range(len(names))}
    if not fits or not known.issuperset(np.unique(labels).tolist()):
        raise UserError(
            f"{path} holds no labelled points: (N, 3) metres, and for each a label among the "
            f"{len(names)} classes and a weight; export it again"
        )
    return LabelledPoints(
        path.stem, points.astype(np.float64), labels.astype(np.int64), weights.astype(float), names
    )
