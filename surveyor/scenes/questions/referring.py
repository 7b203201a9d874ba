"""Referring expressions in the manner of ScanRefer and Multi3DRefer, resolved by exact geometry.

A description is a set of conditions: category, attributes, and at most one relation to a unique
anchor object. What satisfies it is computed, never assumed, so zero, one or many targets are
equally exact. Relations hold by a margin; words that depend on a viewpoint are not used here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from surveyor.core.tasks import AnswerKind
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft

ATTRIBUTES = ("color", "material", "shape", "state")
CLEARLY = 0.25
SCANREFER = "Find the object that fits this description: {text}"
MULTI3DREFER = "Find every object that fits this description; there may be none: {text}"


@dataclass(frozen=True, slots=True)
class Description:
    """Text, the objects (indices) that satisfy it, and the other instances of its category."""

    text: str
    category: str
    targets: tuple[int, ...]
    distractors: int
    program: str
    margin: float | None = None


def scanrefer(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Descriptions that fit exactly one object, relations first: they say the most."""
    for found in _shuffled(described_objects(scene), rng):
        if len(found.targets) != 1:
            continue
        payload: dict[str, JsonValue] = {
            "gt_aabb": _aabb(scene, found.targets[0]),
            "object_id": scene.truth.objects[found.targets[0]].instance_id,
            "object_name": found.category,
            "unique": found.distractors == 0,
        }
        yield _draft(scene, found, "scanrefer", SCANREFER, payload)


def multi3drefer(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Descriptions with zero, one or several targets, the five published kinds in turn."""
    kinds: dict[str, list[Description]] = {}
    for found in _shuffled([*described_objects(scene), *_absent(scene)], rng):
        kinds.setdefault(_eval_type(found), []).append(found)
    while any(kinds.values()):
        for name in sorted(kinds):
            if not kinds[name]:
                continue
            found = kinds[name].pop()
            payload: dict[str, JsonValue] = {
                "eval_type": name,
                "gt_aabbs": [_aabb(scene, index) for index in found.targets],
                "object_ids": [scene.truth.objects[i].instance_id for i in found.targets],
                "object_name": found.category,
            }
            yield _draft(scene, found, "multi3drefer", MULTI3DREFER, payload)


def described(scene: AskableScene) -> dict[int, str]:
    """A description of each object that some description fits alone, the first that does."""
    told: dict[int, str] = {}
    for found in described_objects(scene):
        if len(found.targets) == 1:
            told.setdefault(found.targets[0], found.text)
    return told


def _draft(
    scene: AskableScene,
    found: Description,
    question_type: str,
    template: str,
    payload: dict[str, JsonValue],
) -> Draft:
    ids = [scene.truth.objects[index].instance_id for index in found.targets]
    return Draft(
        question_type=question_type,
        question=template.format(text=found.text),
        correct=", ".join(map(str, ids)) or "none",
        kind=AnswerKind.BOXES,
        margin=found.margin,
        objects=found.targets,
        program=found.program,
        operands=scene.operands({found.category: found.targets}),
        payload=payload,
    )


def _eval_type(found: Description) -> str:
    if len(found.targets) > 1:
        return "mt"
    kind = "st" if found.targets else "zt"
    return f"{kind}_w_d" if found.distractors else f"{kind}_wo_d"


def described_objects(scene: AskableScene) -> list[Description]:
    """Every description that the rules here can make of the askable categories."""
    made: list[Description] = []
    for category, indices in scene.categories.items():
        made.append(_described(scene, category, indices, f"the {category}", "", None))
        made += _by_attribute(scene, category, indices)
        if len(indices) > 1:
            made += _by_distance(scene, category, indices)
            made += _by_support(scene, category, indices)
    return made


def _described(
    scene: AskableScene,
    category: str,
    targets: tuple[int, ...],
    text: str,
    condition: str,
    margin: float | None,
) -> Description:
    if len(targets) > 1:
        text = text.replace(f"the {category}", f"all instances of {category}", 1)
    others = len(scene.categories[category]) - len(targets)
    chosen = f"filter(scene(), {category!r})"
    return Description(
        text=text,
        category=category,
        targets=targets,
        distractors=others,
        program=f"{condition}({chosen})" if condition else chosen,
        margin=margin,
    )


def _by_attribute(
    scene: AskableScene, category: str, indices: tuple[int, ...]
) -> Iterator[Description]:
    """One attribute each; values that only other categories have give zero targets."""
    everything = [item.attributes for item in scene.truth.objects]
    for name in ATTRIBUTES:
        values = [everything[index].get(name) for index in indices]
        if None in values:
            continue
        for value in sorted({a[name] for a in everything if name in a}):
            fits = tuple(i for i, own in zip(indices, values, strict=True) if own == value)
            text = f"the {category} whose {name} is {value}"
            yield _described(scene, category, fits, text, f"where({name!r}, {value!r})", None)


def _by_distance(
    scene: AskableScene, category: str, indices: tuple[int, ...]
) -> Iterator[Description]:
    """Closest to and farthest from a unique anchor, by at least 25 cm."""
    pick: dict[str, Callable[[list[float]], int]] = {
        "closest to": lambda d: int(np.argmin(d)),
        "farthest from": lambda d: int(np.argmax(d)),
    }
    for anchor, at in scene.unique.items():
        metres = [scene.distances.between(at, index) for index in indices]
        for words, choose in pick.items():
            best = choose(metres)
            gap = min(abs(metres[best] - m) for k, m in enumerate(metres) if k != best)
            if gap >= CLEARLY:
                text = f"the {category} that is {words} the {anchor}"
                condition = f"{words.split()[0]}_to({anchor!r})"
                yield _described(scene, category, (indices[best],), text, condition, gap)


def _by_support(
    scene: AskableScene, category: str, indices: tuple[int, ...]
) -> Iterator[Description]:
    """What stands on another object."""
    by_id = {item.instance_id: item.category for item in scene.truth.objects}
    below = [scene.truth.objects[index].supported_by for index in indices]
    for support in sorted({by_id[k] for k in below if k is not None}):
        fits = tuple(
            i for i, k in zip(indices, below, strict=True) if k is not None and by_id[k] == support
        )
        text = f"the {category} on a {support}"
        yield _described(scene, category, fits, text, f"on({support!r})", None)


def _absent(scene: AskableScene) -> Iterator[Description]:
    """Categories that the room does not have at all."""
    here = {item.category for item in scene.truth.objects}
    for category in ("piano", "bathtub", "bicycle", "washing machine", "refrigerator", "guitar"):
        if category not in here:
            text = f"the {category}"
            yield Description(text, category, (), 0, f"filter(scene(), {category!r})")


def _aabb(scene: AskableScene, index: int) -> JsonValue:
    corners = scene.box(index).corners()
    low, high = corners.min(axis=0), corners.max(axis=0)
    return [[float(v) for v in low], [float(v) for v in high]]


def _shuffled(found: list[Description], rng: np.random.Generator) -> list[Description]:
    return [found[k] for k in rng.permutation(len(found))]
