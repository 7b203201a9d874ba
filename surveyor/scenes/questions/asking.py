"""Asking about scenes: which families of questions there are, and how many of each are asked."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import numpy as np

from surveyor.core.errors import UserError
from surveyor.scenes.audit.balance import PlacedDraft, balanced, varied
from surveyor.scenes.questions import (
    implicit,
    language,
    mask_tasks,
    mmsi,
    mmsi_regions,
    pictured,
    referring,
    vsi,
)
from surveyor.scenes.questions.askable import AskableScene, CapturedScene
from surveyor.scenes.questions.draft import (
    Draft,
    GeneratedQuestion,
    LetterBalance,
    Placement,
    finish,
)
from surveyor.scenes.questions.recover import recoverable
from surveyor.scenes.questions.vsi import MEASURED_TYPES, SCARCE
from surveyor.scenes.questions.vsi_direction import Generator

PER_SCENE = 6
GENERATORS: Mapping[str, Generator] = {
    **vsi.GENERATORS,
    "cvbench3d_depth": pictured.cv_depth,
    "cvbench3d_distance": pictured.cv_distance,
    "blink_relative_depth": pictured.relative_depth,
    "blink_multi_view": pictured.multi_view,
    "mmsi_camera_camera": mmsi.camera_camera,
    "mmsi_camera_object": mmsi.camera_object,
    "mmsi_object_object": mmsi.object_object,
    "mmsi_camera_region": mmsi_regions.camera_region,
    "mmsi_object_region": mmsi_regions.object_region,
    "mmsi_region_region": mmsi_regions.region_region,
    "scanqa": language.scanqa,
    "sqa3d": language.sqa3d,
    "unanswerable": language.unanswerable,
    "scanrefer": referring.scanrefer,
    "multi3drefer": referring.multi3drefer,
    "reason_seg": implicit.reason_seg,
    "roomplan_action": implicit.roomplan_action,
    "refer_seg": mask_tasks.refer_seg,
    "search_seg": mask_tasks.search_seg,
    "qa_seg": mask_tasks.qa_seg,
}


def scene_rng(seed: int, scene_id: str, purpose: str) -> np.random.Generator:
    """A generator that depends on nothing but its arguments, whatever is made before."""
    return np.random.default_rng([seed, zlib.crc32(f"{scene_id}/{purpose}".encode())])


def check_types(names: Iterable[str]) -> None:
    """Raise `UserError` for a question type that does not exist."""
    for name in names:
        if name not in GENERATORS:
            known = ", ".join(GENERATORS)
            raise UserError(f"there is no question type {name!r}; choose from {known}")


def drafts(
    scene: AskableScene,
    seed: int,
    per_type: Mapping[str, int | None] | None = None,
    balance: bool = False,
) -> Iterator[Draft]:
    """Up to ``per_type`` questions of each type named there (``None`` means all).

    Where the scene was filmed, only what exact perception of the frames would answer is asked.
    """
    limits = dict.fromkeys(MEASURED_TYPES, PER_SCENE) if per_type is None else per_type
    for name, limit in limits.items():
        rng = scene_rng(seed, scene.key, name)
        found = (
            draft for draft in GENERATORS[name](scene, rng) if recoverable(draft, scene.perceived)
        )
        yield from varied(found, limit) if balance else islice(found, limit)


def candidates(
    scenes: Iterable[CapturedScene],
    *,
    dataset: str,
    split: str,
    seed: int,
    per_type: Mapping[str, int | None] | None = None,
    balance: bool = False,
) -> Iterator[PlacedDraft]:
    """Questions of every scene in turn, before letters are given."""
    for filmed in scenes:
        scene = AskableScene(filmed)
        place = Placement(dataset, filmed.truth.scene_id, split, filmed.frames, filmed.blobs)
        for draft in drafts(scene, seed, per_type, balance):
            evidence = scene.evidence(draft.objects) if draft.evidence is None else draft.evidence
            yield PlacedDraft(draft, place, evidence)


def ask(
    scenes: Iterable[CapturedScene],
    *,
    dataset: str,
    split: str,
    seed: int,
    per_type: Mapping[str, int | None] | None = None,
    balance: bool = False,
) -> Iterator[GeneratedQuestion]:
    """Questions of every scene; correct letters stay balanced over the whole dataset.

    With ``balance`` the answers within a scene are varied, and questions that a blind reader
    answers too easily are dropped (`surveyor.scenes.audit.balance`).
    """
    limits = dict.fromkeys(MEASURED_TYPES, PER_SCENE) if per_type is None else dict(per_type)
    drafted = {name: None if balance and name in SCARCE else n for name, n in limits.items()}
    found = list(
        candidates(
            scenes, dataset=dataset, split=split, seed=seed, per_type=drafted, balance=balance
        )
    )
    letters = LetterBalance(np.random.default_rng([seed, zlib.crc32(dataset.encode())]))
    number: Counter[tuple[str, str]] = Counter()
    for candidate in balanced(found, seed) if balance else found:
        draft, place = candidate.draft, candidate.place
        key = place.scene_id, draft.question_type
        limit = limits[draft.question_type]
        if limit is not None and number[key] >= limit:
            continue
        number[key] += 1
        yield finish(draft, number[key], place, candidate.evidence, letters)
