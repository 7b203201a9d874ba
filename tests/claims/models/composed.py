"""Questions that no single tool answers: two measurements composed, a path, three viewpoints.

Made from embedded rooms, with exact truth; only here, to ask whether cells of code are worth it.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surveyor.agent.program.planner import ProgramPlanner
from surveyor.benchmarks.scorers.vsi import mean_relative_accuracy
from surveyor.core.dataset import Dataset
from surveyor.core.geometry import Float
from surveyor.core.tasks import AnswerKind, Task
from surveyor.scenes.datasets.truth import load_seen, scene_truth
from surveyor.scenes.questions.askable import AskableScene, CapturedScene
from surveyor.training.evolution.inprocess_experts import experts_in_process
from tests.claims.claim import Claim
from tests.claims.models.cells import coder, episode_of
from tests.support.mock_endpoint import RehearsalServer, Reply, Request, says

_LOOK = """\
wanted = {names}
seen = survey(categories=wanted)
found = [one for one in seen.objects if one.accepted]
at = {{}}
for one in found:
    at.setdefault(one.category, np.array(one.center))
print({{name: at[name].round(2).tolist() for name in wanted if name in at}})"""
_ENDS = {
    "middle": "answer(float(np.linalg.norm((at[a] + at[b]) / 2 - at[c])), because=found)",
    "farthest": (
        "spots = [np.array(one.center) for one in found]\n"
        "answer(max(float(np.linalg.norm(p - q)) for p, q in itertools.combinations(spots, 2)),"
        " because=found)"
    ),
    "tour": (
        "def way(*stops):\n"
        "    return sum(float(np.linalg.norm((at[p] - at[q])[:2])) "
        "for p, q in zip(stops, stops[1:]))\n"
        "answer(min(way(a, *rest) for rest in itertools.permutations((b, c, d))), because=found)"
    ),
    "viewpoints": (
        "def turn(p):\n"
        "    (x, y), (u, v) = (at[d] - at[p])[:2], (at[e] - at[p])[:2]\n"
        "    return abs(math.atan2(x * v - y * u, x * u + y * v))\n"
        "answer('ABC'[max(range(3), key=lambda n: turn((a, b, c)[n]))], because=found)"
    ),
}
_ASKED = {
    "middle": "How many metres is it from the point midway between the [{a}] and the [{b}] to the "
    "[{c}], all taken at their centres?",
    "farthest": "Of all [{a}] things here, how many metres apart are the centres of the two that "
    "are farthest from each other?",
    "tour": "Starting at the [{a}], how many metres is the shortest way over the floor, centre to "
    "centre, that visits the [{b}], the [{c}] and the [{d}]?",
    "viewpoints": "Looking at the [{d}] from the [{a}], from the [{b}] or from the [{c}]: from "
    "which of these do you have to turn the most to look at the [{e}]?",
}
_NEEDED = {"middle": 3, "farthest": 1, "tour": 4, "viewpoints": 5}
_NAME = re.compile(r"\[(.+?)\]")
_GAP = np.deg2rad(15)


@dataclass(frozen=True, slots=True)
class Composed:
    """A question of kind ``kind`` and its exact answer: a length in metres, or a letter."""

    kind: str
    task: Task
    truth: float | str

    def score(self, answer: str | None) -> float:
        """Mean relative accuracy of a length, 0..1; whether the letter is right."""
        if isinstance(self.truth, str):
            return float(answer == self.truth)
        try:
            return mean_relative_accuracy(float(answer or ""), self.truth)
        except ValueError:
            return 0.0


def composed(dataset: Path, per_kind: int, seed: int = 0) -> Iterator[Composed]:
    """Up to ``per_kind`` questions of every kind about every scene."""
    rng = np.random.default_rng(seed)
    asked: dict[str, Task] = {}
    for task in Dataset.open(dataset).tasks():
        asked.setdefault(task.scene_id, task)
    for scene_id, task in asked.items():
        truth = scene_truth(dataset, scene_id)
        filmed = CapturedScene(truth, task.frames, load_seen(dataset, scene_id))
        scene = AskableScene(filmed)
        for kind in _ASKED:
            for number in range(per_kind):
                made = _made(kind, scene, rng)
                if made is not None:
                    yield _question(kind, *made, task, number)


def _made(
    kind: str, scene: AskableScene, rng: np.random.Generator
) -> tuple[list[str], float | str] | None:
    """Names that may be asked about together, and the truth; ``None`` where there are none."""
    if kind == "farthest":
        many = [name for name, ids in scene.categories.items() if len(ids) >= 3]
        if not many:
            return None
        name = str(rng.choice(many))
        spots = [np.array(scene.box(index).center) for index in scene.categories[name]]
        pairs = itertools.combinations(spots, 2)
        return [name], max(float(np.linalg.norm(p - q)) for p, q in pairs)
    if len(scene.unique) < _NEEDED[kind]:
        return None
    names = [str(one) for one in rng.permutation(sorted(scene.unique))[: _NEEDED[kind]]]
    at = [np.array(scene.box(scene.unique[name]).center) for name in names]
    truth = _TRUTHS[kind](at)
    return None if truth is None else (names, truth)


def _middle(at: Sequence[Float]) -> float:
    return float(np.linalg.norm((at[0] + at[1]) / 2 - at[2]))


def _tour(at: Sequence[Float]) -> float:
    flat = [one[:2] for one in at]
    ways = ([flat[0], *rest] for rest in itertools.permutations(flat[1:]))
    return min(
        sum(float(np.linalg.norm(p - q)) for p, q in itertools.pairwise(way)) for way in ways
    )


def _viewpoints(at: Sequence[Float]) -> str | None:
    turns = []
    for stand in at[:3]:
        (x, y), (u, v) = (at[3] - stand)[:2], (at[4] - stand)[:2]
        turns.append(abs(np.arctan2(x * v - y * u, x * u + y * v)))
    least, most = sorted(turns)[-2:]
    return "ABC"[int(np.argmax(turns))] if most - least > _GAP else None


_TRUTHS: dict[str, Callable[[Sequence[Float]], float | str | None]] = {
    "middle": _middle,
    "tour": _tour,
    "viewpoints": _viewpoints,
}


def _question(
    kind: str, names: Sequence[str], truth: float | str, task: Task, number: int
) -> Composed:
    letters = kind == "viewpoints"
    options = [f"{'ABC'[n]}. the {name}" for n, name in enumerate(names[:3])] if letters else []
    changes = {
        "id": f"{task.scene_id}.{kind}.{number}",
        "question_type": kind,
        "question": _ASKED[kind].format(**dict(zip("abcde", names, strict=False))),
        "options": tuple(options),
        "answer_kind": AnswerKind.CHOICE if letters else AnswerKind.NUMBER,
        "unit": None if letters else "m",
    }
    return Composed(kind, task.model_copy(update=changes), truth)


def composing(request: Request) -> Reply:
    """A scripted model that writes a cell that looks, and one that computes and answers."""
    asked = str(request.json["messages"][1]["content"])
    kind = next(name for name, words in _ASKED.items() if words.split("[")[0] in asked)
    names = list(dict.fromkeys(_NAME.findall(asked)))
    named = [*_letters(kind, names)]
    code = _LOOK.format(names=names) if request.turn == 0 else "\n".join([*named, _ENDS[kind]])
    return says(f"```python\n{code}\n```")


def _letters(kind: str, names: Sequence[str]) -> Iterator[str]:
    order = ("d", "a", "b", "c", "e") if kind == "viewpoints" else ("a", "b", "c", "d")
    for letter, name in zip(order, names, strict=False):
        yield f"{letter} = {name!r}"


async def _played(folder: Path, dataset: Path, questions: Sequence[Composed]) -> list[list[object]]:
    rows: list[list[object]] = []
    with RehearsalServer(composing, keep=False) as server:
        async with (
            experts_in_process([dataset], folder, preset="perfect") as client,
            coder(server.url) as chat,
        ):
            for one in questions:
                cells = await episode_of(one.task, chat, client, cells=True)
                typed = await episode_of(one.task, ProgramPlanner(), client, cells=False)
                guess = typed.given is None or typed.given.guess
                rows.append([one.kind, one.score(cells.answer), one.score(typed.answer), guess])
    return rows


def claims(folder: Path, dataset: Path, per_kind: int = 1) -> Iterator[Claim]:
    """How cells and the typed planner answer the family."""
    rows = asyncio.run(_played(folder, dataset, list(composed(dataset, per_kind))))
    for kind in _ASKED:
        mine = [row for row in rows if row[0] == kind]
        if mine:
            cells, typed = (100 * statistics.fmean(float(r[n]) for r in mine) for n in (1, 2))  # type: ignore[arg-type]
            guesses = sum(bool(row[3]) for row in mine)
            note = f"{len(mine)} questions; typed planner {typed:.1f}, {guesses} of them guessed"
            yield Claim.at_least(f"cells: composed questions, {kind}", cells, 90, note)
