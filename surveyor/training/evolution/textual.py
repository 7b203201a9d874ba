"""Ways of working that the workflow grammar can't say, kept in words.

A chat agent may answer well without looking the way any workflow looks: by pictures alone, from
the object table, by crops. Such a way is no arm, because nothing could execute it, but it is not
lost: what was called, in which order, becomes a skill without a workflow block. It stays a
candidate until a person vouches for it (`surveyor skills trust`), and is then shown to models that
read and never executed. Only what was *called* is told: arguments and answers are of one room.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolStatus
from surveyor.memory.runs import RunFolder
from surveyor.skills.distil.causes import GOOD_ENOUGH
from surveyor.skills.documents import SkillDocument, compose
from surveyor.skills.provenance import Origin, Provenance, digest
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.given import workflow_of
from surveyor.training.evolution.players import Scores
from surveyor.training.evolution.replay import prediction

MIN_ROOMS = 3
"""Rooms in which a way has to have been tried before it is kept."""
_LONGEST = 12  # steps; what is longer is no way but a search


@dataclass(frozen=True, slots=True)
class Tried:
    """One finished episode that fits no workflow: names of the tools that it used, in order, runs
    of the same tool told once."""

    case: Case
    run: str
    steps: tuple[str, ...]
    score: float

    @property
    def key(self) -> str:
        """Names the episode: run and task."""
        return f"{self.run}|{self.case.id}"


@dataclass(frozen=True, slots=True)
class TextualSkill:
    """A way in words, and the tasks that gave evidence for it."""

    document: SkillDocument
    provenance: Provenance
    tasks: tuple[Task, ...]


async def tried_in(
    folders: Sequence[RunFolder], cases: Sequence[Case], scores: Scores
) -> tuple[Tried, ...]:
    """Every finished episode of these runs on these cases that folds into no workflow."""
    by_id: Mapping[str, Case] = {case.id: case for case in cases}
    found = []
    for folder in folders:
        for task, epoch in folder.scheduled():
            episode = folder.episode(task.id, epoch) if task.id in by_id else None
            if episode is None or not episode.done or workflow_of(folder, episode) is not None:
                continue
            steps = steps_of(episode)
            if 0 < len(steps) <= _LONGEST:
                scored = await scores.score(task.id, prediction(episode), episode.outcomes)
                found.append(Tried(by_id[task.id], folder.record.id, steps, scored.score))
    return tuple(found)


def steps_of(episode: Episode) -> tuple[str, ...]:
    """Tools that gave something, in order; a tool called several times in a row counts once."""
    used = (o.name for o in episode.outcomes if o.status is ToolStatus.OK)
    return tuple(name for name, _ in groupby(used))


def textual_skills(tried: Sequence[Tried]) -> tuple[TextualSkill, ...]:
    """The ways that were good enough on average, in `MIN_ROOMS` rooms or more; the best way of each
    type of question."""
    ways: dict[tuple[str, tuple[str, ...]], list[Tried]] = defaultdict(list)
    for one in tried:
        ways[one.case.profile.question_type, one.steps].append(one)
    best: dict[str, tuple[float, int, tuple[str, ...]]] = {}
    for (kind, steps), mine in sorted(ways.items()):
        rank = _mean(mine), len(mine), steps
        if len({one.case.room for one in mine}) >= MIN_ROOMS and rank[0] >= GOOD_ENOUGH:
            best[kind] = max(best.get(kind, rank), rank)
    return tuple(_worded(kind, ways[kind, steps]) for kind, (_, _, steps) in sorted(best.items()))


def _worded(kind: str, mine: Sequence[Tried]) -> TextualSkill:
    steps = mine[0].steps
    tools = tuple(dict.fromkeys(steps))
    what = kind.replace("_", " ")
    rooms = len({one.case.room for one in mine})
    document = compose(
        f"{_slug(kind)}-in-words-{digest([kind, *steps])[:6]}",
        f"Answer {what} questions by {', then '.join(steps)}: a way that no workflow says.",
        {"origin": Origin.TEXTUAL.value, "question-types": kind, "tools": " ".join(tools)},
        f"{what[:1].upper()}{what[1:]}, by {' and '.join(tools)}",
        {
            "When to use": f"For {what} questions.",
            "Workflow": "\n".join(f"{i}. Use `{s}`." for i, s in enumerate(steps, start=1)),
            "Evidence that suffices": "What the last step gave, for each thing that was asked.",
            "Stop rules": "Stop when the steps were done once.",
            "Fallbacks": "* A step gives nothing: look the usual way.",
            "Lessons": f"- Tried in {rooms} rooms and {len(mine)} episodes: score {_mean(mine):.3f}"
            " on average. Nobody has judged it at the gate.",
        },
    )
    tasks = tuple(sorted((one.case.task for one in mine), key=lambda task: task.id))
    provenance = Provenance(
        origin=Origin.TEXTUAL,
        episodes=tuple(sorted(one.key for one in mine)),
        scenes=tuple(sorted({task.scene_id for task in tasks})),
        splits=tuple(sorted({task.split for task in tasks})),
    )
    return TextualSkill(document, provenance, tasks)


def _slug(kind: str) -> str:
    """A question type as the beginning of a skill's name, which has 64 characters in all."""
    return "-".join(part for part in kind.lower().replace("_", " ").split() if part.isalnum())[:40]


def _mean(mine: Sequence[Tried]) -> float:
    return math.fsum(one.score for one in mine) / len(mine)
