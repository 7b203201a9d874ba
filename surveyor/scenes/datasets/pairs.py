"""Counterfactual pairs: two scenes that differ in one thing, asked the same questions.

The pair id of a question names both scenes and the question, so that consistency can be scored:
answers must change exactly where the truth changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from surveyor.core.dataset import DatasetManifest
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics
from surveyor.scenes.capture.conditions import plan_capture
from surveyor.scenes.capture.mirror import mirrored_bundle
from surveyor.scenes.capture.rendering import HFOV
from surveyor.scenes.capture.trajectory import plan_trajectory
from surveyor.scenes.datasets.embedded import RoomsSettings, capture_along, scene_name
from surveyor.scenes.datasets.writer import DatasetPlan, Progress, SceneBundle, write_dataset
from surveyor.scenes.questions.askable import AskableScene, CapturedScene
from surveyor.scenes.questions.asking import check_types, drafts
from surveyor.scenes.questions.draft import (
    Draft,
    GeneratedQuestion,
    LetterBalance,
    Placement,
    finish,
)
from surveyor.scenes.rooms.counterfactual import make_twins
from surveyor.scenes.rooms.room import Lighting, Room, build_room
from surveyor.scenes.rooms.variants import relit

PairKind = Literal["moved", "removed", "recoloured", "mirrored", "relit"]
KINDS: tuple[PairKind, ...] = get_args(PairKind)
OVERDRAWN = 8


def make_pairs_dataset(
    path: Path,
    seeds: Sequence[int],
    kinds: Sequence[PairKind] = KINDS,
    *,
    settings: RoomsSettings | None = None,
    split: str = "test",
    seed: int = 0,
    progress: Progress | None = None,
) -> DatasetManifest:
    """A dataset of pairs: one room and one change per seed, kinds taken in turn.

    Raises `UserError` where a room has nothing that could be changed in the way asked for.
    """
    settings = settings or RoomsSettings()
    check_types(settings.types)
    unknown = set(kinds) - set(KINDS)
    if unknown or not kinds:
        raise UserError(f"choose kinds of pairs from {', '.join(KINDS)}")
    names = [scene_name(k) for k in seeds]
    kind_of = {name: kinds[k % len(kinds)] for k, name in enumerate(names)}
    scenes = tuple(f"{name}{end}" for name in names for end in ("", f"-{kind_of[name]}"))
    plan = DatasetPlan(
        name="pairs",
        generator="pairs",
        seed=seed,
        split=split,
        settings=settings.recorded() | {"kinds": list(kinds)},
        scenes=scenes,
    )
    seed_of = dict(zip(names, seeds, strict=True))

    def build(scene_id: str) -> SceneBundle:
        name, _, kind = scene_id.partition("-")
        before, after = _film_pair(seed_of[name], kind_of[name], settings)
        return after() if kind else before()

    return write_dataset(
        path, plan, build, partial(ask_pairs, plan=plan, settings=settings), progress
    )


def _film_pair(
    seed: int, kind: PairKind, settings: RoomsSettings
) -> tuple[Callable[[], SceneBundle], Callable[[], SceneBundle]]:
    """How to film either twin, along the same trajectory."""
    plan = plan_capture(settings.spec(seed), "clean", settings.n_frames)
    room = build_room(plan.spec)
    intrinsics = Intrinsics.from_hfov(float(HFOV), *settings.size)
    trajectory = plan_trajectory(room, plan.n_frames, style=plan.style, intrinsics=intrinsics)
    before_id, after_id = scene_name(seed), f"{scene_name(seed)}-{kind}"
    film = partial(capture_along, before_id, room, trajectory, plan, settings)
    if kind == "mirrored":
        return film, lambda: mirrored_bundle(film(), after_id)
    if kind == "relit":
        return film, partial(
            capture_along, after_id, relit(room, _other_light(room)), trajectory, plan, settings
        )
    twins = make_twins(room, trajectory, kind, np.random.default_rng([seed, 91]))
    if twins is None:
        raise UserError(f"nothing in the room of seed {seed} can be {kind}; leave that seed out")
    return (
        partial(capture_along, before_id, twins.before, trajectory, plan, settings),
        partial(capture_along, after_id, twins.after, trajectory, plan, settings),
    )


def _other_light(room: Room) -> Lighting:
    """Night with the lamps on, or day where it was night."""
    bright = room.lighting.day > 0.3
    return Lighting(day=0.04, lamps=1.0) if bright else Lighting(day=1.0, lamps=0.3)


def ask_pairs(
    scenes: Iterable[CapturedScene], *, plan: DatasetPlan, settings: RoomsSettings
) -> Iterator[GeneratedQuestion]:
    """The questions that can be asked of both twins, those whose answer differs first."""
    letters = LetterBalance(np.random.default_rng([plan.seed, 17]))
    pending = iter(scenes)
    for before, after in zip(pending, pending, strict=True):
        drawn = dict.fromkeys(settings.types, settings.per_type * OVERDRAWN)
        after = replace(after, key=before.truth.scene_id)
        first, second = (
            {_identity(d): (s, d) for d in drafts(s, plan.seed, drawn)}
            for s in (AskableScene(before), AskableScene(after))
        )
        number: dict[str, int] = {}
        common = [key for key in first if key in second]
        common.sort(key=lambda key: first[key][1].correct == second[key][1].correct)
        for key in common:
            kind = key[0]
            number[kind] = number.get(kind, 0) + 1
            if number[kind] > settings.per_type:
                continue
            pair = f"{before.truth.scene_id}/{after.truth.scene_id}/{kind}.{number[kind]}"
            for filmed, (scene, draft) in ((before, first[key]), (after, second[key])):
                place = Placement(
                    plan.name, filmed.truth.scene_id, plan.split, filmed.frames, filmed.blobs, pair
                )
                evidence = draft.evidence or scene.evidence(draft.objects)
                yield finish(draft, number[kind], place, evidence, letters)


def _identity(draft: Draft) -> tuple[str, str, tuple[str, ...]]:
    """What makes two drafts the same question, whatever their answers and option orders."""
    return (
        draft.question_type,
        draft.question,
        tuple(sorted((draft.correct, *draft.wrong)) if draft.wrong else ()),
    )
