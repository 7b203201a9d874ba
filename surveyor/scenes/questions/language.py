"""Free-form questions: ScanQA-style, SQA3D-style with a stated situation, and unanswerable ones.

References are lists of accepted short answers, as ScanQA's are. View-dependent words are used only
where the question says where one stands and what one faces.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations

import numpy as np
from pydantic import JsonValue

from surveyor.core.tasks import AnswerKind
from surveyor.scenes.official.directions import Difficulty, direction
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft
from surveyor.scenes.questions.referring import ATTRIBUTES

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COULD_BE_THERE = (
    "piano", "bathtub", "bicycle", "washing machine", "refrigerator", "guitar", "fireplace",
    "microwave", "toilet", "suitcase",
)  # fmt: skip
SITUATION = "I am standing by the {p} and facing the {o}."


def scanqa(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """What, how many, is there, and on what: one short answer each."""
    made = [*_attributes(scene), *_counts(scene), *_existence(scene), *_supports(scene)]
    for k in rng.permutation(len(made)):
        yield made[k]


def unanswerable(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Questions whose premise fails: they ask about a category that the room does not have."""
    here = {item.category for item in scene.truth.objects}
    absent = [name for name in COULD_BE_THERE if name not in here]
    for k in rng.permutation(len(absent)):
        name = absent[k]
        attribute = ATTRIBUTES[int(rng.integers(2))]
        yield _answered(
            scene,
            "unanswerable",
            f"What {attribute} is the {name}?",
            ["unanswerable", f"there is no {name}", f"no {name}", "none"],
            {},
            f"{attribute}(unique(filter(scene(), {name!r})))",
        )


def sqa3d(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """A situation (position and heading) and a question that depends on it."""
    triples = list(permutations(scene.unique, 3))
    for k in rng.permutation(len(triples))[:120]:
        p, o, q = triples[k]
        indices = [scene.unique[name] for name in (p, o, q)]
        standing, facing, asked = (scene.box(index) for index in indices)
        found = direction(standing, facing, asked, Difficulty.MEDIUM)
        if found is None:
            continue
        side = {"back": "behind me"}.get(found.name, f"on my {found.name}")
        claimed = side if rng.random() < 0.5 else _another(side, rng)
        questions = (
            ("is", f"Is the {q} {claimed}?", ["yes" if claimed == side else "no"]),
            ("which", f"Which side of me is the {q}, left, right or behind?", _sides(found.name)),
        )
        kind, question, references = questions[int(rng.integers(2))]
        draft = _answered(
            scene,
            "sqa3d",
            f"{SITUATION.format(p=p, o=o)} {question}",
            references,
            {name: [index] for name, index in zip((p, o, q), indices, strict=True)},
            f"direction({p!r}, {o!r}, {q!r})",
        )
        yield _situated(scene, draft, kind, indices, found.margin)


def _situated(
    scene: AskableScene, draft: Draft, kind: str, indices: list[int], margin: float
) -> Draft:
    """The draft with SQA3D's position and quaternion (x, y, z, w) about the vertical."""
    here, there = (np.array(scene.box(index).center) for index in indices[:2])
    yaw = math.atan2(there[1] - here[1], there[0] - here[0])
    payload: dict[str, JsonValue] = {
        **draft.payload,
        "situation": draft.question.split(". ")[0] + ".",
        "sqa_type": kind,
        "position": {"x": float(here[0]), "y": float(here[1]), "z": 0.0},
        "rotation": {"_x": 0.0, "_y": 0.0, "_z": math.sin(yaw / 2), "_w": math.cos(yaw / 2)},
    }
    return Draft(
        question_type=draft.question_type,
        question=draft.question,
        correct=draft.correct,
        kind=draft.kind,
        margin=margin,
        objects=tuple(indices),
        program=draft.program,
        operands=draft.operands,
        payload=payload,
    )


def _attributes(scene: AskableScene) -> Iterator[Draft]:
    for name, index in scene.unique.items():
        own = scene.truth.objects[index].attributes
        for attribute in ("color", "material"):
            if attribute in own:
                yield _answered(
                    scene,
                    "scanqa",
                    f"What {attribute} is the {name}?",
                    [own[attribute]],
                    {name: [index]},
                    f"{attribute}(unique(filter(scene(), {name!r})))",
                )


def _counts(scene: AskableScene) -> Iterator[Draft]:
    for name, indices in scene.categories.items():
        if 1 < len(indices) < len(WORDS):
            yield _answered(
                scene,
                "scanqa",
                f"How many instances of {name} are there?",
                [str(len(indices)), WORDS[len(indices)]],
                {name: list(indices)},
                f"count(filter(scene(), {name!r}))",
            )


def _existence(scene: AskableScene) -> Iterator[Draft]:
    here = {item.category for item in scene.truth.objects}
    absent = [name for name in COULD_BE_THERE if name not in here]
    present = list(scene.unique)[: len(absent)]
    for name, answer in [(n, "yes") for n in present] + [(n, "no") for n in absent]:
        indices = list(scene.categories.get(name, ()))
        yield _answered(
            scene,
            "scanqa",
            f"Is there a {name} in the room?",
            [answer],
            {name: indices} if indices else {},
            f"exists(filter(scene(), {name!r}))",
        )


def _supports(scene: AskableScene) -> Iterator[Draft]:
    rows = {item.instance_id: k for k, item in enumerate(scene.truth.objects)}
    for name, index in scene.unique.items():
        below = scene.truth.objects[index].supported_by
        if below is not None:
            support = scene.truth.objects[rows[below]].category
            yield _answered(
                scene,
                "scanqa",
                f"What is the {name} standing on?",
                [support, f"a {support}", f"the {support}"],
                {name: [index], support: [rows[below]]},
                f"support(unique(filter(scene(), {name!r})))",
            )


def _answered(
    scene: AskableScene,
    question_type: str,
    question: str,
    references: list[str],
    named: dict[str, list[int]],
    program: str,
) -> Draft:
    accepted: list[JsonValue] = list(references)
    return Draft(
        question_type=question_type,
        question=question,
        correct=references[0],
        kind=AnswerKind.TEXT,
        objects=tuple(i for indices in named.values() for i in indices),
        program=program,
        operands=scene.operands(named),
        payload={"references": accepted, "object_names": list(named)},
    )


def _sides(name: str) -> list[str]:
    return {"left": ["left"], "right": ["right"], "back": ["behind", "back", "behind me"]}[name]


def _another(side: str, rng: np.random.Generator) -> str:
    others = [s for s in ("on my left", "on my right", "behind me") if s != side]
    return others[int(rng.integers(2))]
