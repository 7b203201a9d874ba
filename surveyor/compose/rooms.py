"""What `surveyor rooms` needs beyond the room builders."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from surveyor.compose.demo import make_rooms, makers
from surveyor.core.dataset import Dataset, what_was_made
from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem, many
from surveyor.scenes.audit.leaks import AuditRow, audit
from surveyor.scenes.datasets.embedded import RoomsSettings
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.questions.draft import GeneratedQuestion


def settings_of(**given: object) -> RoomsSettings:
    """Validated settings; `UserError` names the one that is wrong."""
    try:
        return RoomsSettings.model_validate(given)
    except ValidationError as error:
        raise UserError(f"rooms: {first_problem(error, RoomsSettings)}") from None


def types_of(names: Sequence[str]) -> tuple[str, ...]:
    """Question types by name; ``vsi`` stands for VSI-Bench's ten and ``all`` for every one."""
    from surveyor.scenes.questions import vsi
    from surveyor.scenes.questions.asking import GENERATORS
    from surveyor.scenes.questions.vsi import MEASURED_TYPES

    groups = {"vsi": tuple(vsi.GENERATORS), "all": tuple(GENERATORS)}
    found = [t for name in names for t in groups.get(name, (name,))]
    return tuple(dict.fromkeys(found)) or MEASURED_TYPES


def make_dataset(
    out: Path,
    seeds: Sequence[int],
    settings: RoomsSettings,
    split: str,
    changes: Sequence[str] = (),
) -> None:
    """Make, finish or keep a dataset of rooms, or with ``changes`` of pairs of rooms."""
    if not changes:
        make_rooms(out, seeds, settings=settings, split=split, workers=makers())
        return
    from surveyor.scenes.datasets.pairs import KINDS, PairKind, make_pairs_dataset

    def told(done: int, total: int) -> None:
        print(f"room {done} of {total}", file=sys.stderr, flush=True)

    kinds = KINDS if "all" in changes else cast("Sequence[PairKind]", changes)
    manifest = make_pairs_dataset(out, seeds, kinds, settings=settings, split=split, progress=told)
    print(what_was_made(manifest, out, f"{many(len(manifest.scenes) // 2, 'pair')} of rooms"))


def make_walks(
    out: Path,
    seeds: Sequence[int],
    split: str,
    others: Mapping[str, object],
    **given: object,
) -> None:
    """Make, finish or keep a dataset of long walks. ``others`` are options that walks don't have:
    `UserError` where one was given."""
    from surveyor.scenes.datasets.walks import WalkSettings, make_walks_dataset

    refused = next((name for name, value in others.items() if value is not None), None)
    if refused is not None:
        option = "category" if refused == "vocabulary" else refused
        raise UserError(f"long walks take no --{option}; leave it or --walk out")
    try:
        said = {name: value for name, value in given.items() if value is not None}
        settings = WalkSettings.model_validate(said)
    except ValidationError as error:
        raise UserError(f"walks: {first_problem(error, WalkSettings)}") from None

    def told(done: int, total: int) -> None:
        print(f"place {done} of {total}", file=sys.stderr, flush=True)

    manifest = make_walks_dataset(out, seeds, settings=settings, split=split, progress=told)
    places = f"{many(len(manifest.scenes), 'place')} of {many(settings.n_frames, 'frame')}"
    print(what_was_made(manifest, out, places))


def blind_rows(dataset: Path) -> Sequence[AuditRow]:
    """The blind audit of a dataset's questions."""
    answers = {target.task_id: target for target in targets(dataset)}
    return audit(
        [GeneratedQuestion(task, answers[task.id]) for task in Dataset.open(dataset).tasks()]
    )
