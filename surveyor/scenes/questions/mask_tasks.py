"""Questions that are answered by a mask: where in the place, which of several, and how many.

`implicit` asks by purpose. These ask for a thing in a region (the region first, then the thing),
for what a description refers to, and for an answer in words with the mask of what it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from pydantic import JsonValue

from surveyor.core.geometry import Float
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft
from surveyor.scenes.questions.referring import described_objects
from surveyor.scenes.questions.regions import AROUND, chambers, regions_of
from surveyor.scenes.rooms.free_space import inside_polygon

REFER = "Segment what fits this description: {text}. Give its mask."
SEARCH = "First find {region}. Then find every {name} in it. Give its mask."
COUNT = "How many {name}(s) are in the whole place? Answer with a number and give their mask."
CLEAR = 0.3
"""Metres by which an object lies clearly inside or outside of the floor around a thing."""


def refer_seg(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Descriptions by category and place that fit one or several objects."""
    found = [one for one in described_objects(scene) if one.targets and "whose" not in one.text]
    for k in rng.permutation(len(found)):
        one = found[k]
        yield _draft(
            scene,
            "refer_seg",
            REFER.format(text=one.text),
            one.category,
            one.targets,
            f"mask({one.program})",
        )


def search_seg(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Every instance of a category in a named region that has some, others elsewhere first."""
    cases = [
        (region, where, name, inside)
        for region, where, sides in _regions(scene)
        for name, indices in scene.categories.items()
        if name not in region and (inside := _within(indices, sides)) is not None
    ]
    order = sorted(
        rng.permutation(len(cases)),
        key=lambda k: len(cases[k][3]) == len(scene.categories[cases[k][2]]),
    )
    for k in order:
        region, where, name, inside = cases[k]
        yield _draft(
            scene,
            "search_seg",
            SEARCH.format(region=region, name=name),
            name,
            inside,
            f"mask(where(filter(scene(), {name!r}), in {region!r}))",
            region=where,
        )


def qa_seg(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """How many there are, and which."""
    names = list(scene.categories)
    for k in rng.permutation(len(names)):
        indices = scene.categories[names[k]]
        yield _draft(
            scene,
            "qa_seg",
            COUNT.format(name=names[k]),
            names[k],
            indices,
            f"answer(count(filter(scene(), {names[k]!r})), mask(filter(scene(), {names[k]!r})))",
            references=[str(len(indices))],
        )


def _draft(
    scene: AskableScene,
    question_type: str,
    question: str,
    name: str,
    indices: Sequence[int],
    program: str,
    **payload: JsonValue,
) -> Draft:
    ids: list[JsonValue] = [scene.truth.objects[index].instance_id for index in indices]
    references = payload.get("references")
    said = f"{references[0]}; " if isinstance(references, list) else ""
    return Draft(
        question_type=question_type,
        question=question,
        correct=said + ", ".join(map(str, ids)),
        kind=AnswerKind.MASK,
        objects=tuple(indices),
        program=program,
        operands=scene.operands({name: indices}),
        payload={"object_ids": ids, "object_name": name, **payload},
    )


def _regions(
    scene: AskableScene,
) -> Iterator[tuple[str, list[JsonValue], Mapping[int, bool | None]]]:
    """How each region is spoken of, its floor as polygons or objects, and which objects lie in it
    (``None``: on its edge)."""
    everything = [index for indices in scene.categories.values() for index in indices]
    for region in regions_of(scene.truth, scene.unique):
        if region.anchor is not None:
            at = scene.unique[region.anchor]
            gaps = {i: scene.distances.between(at, i) for i in everything if i != at}
            sides = {
                i: None if abs(gap - AROUND) < CLEAR else gap < AROUND for i, gap in gaps.items()
            }
            yield region.text, _floor(region.points, AROUND), sides
    yield from _rooms(scene, everything)


def _rooms(
    scene: AskableScene, everything: Sequence[int]
) -> Iterator[tuple[str, list[JsonValue], Mapping[int, bool | None]]]:
    """The rooms of a place of two: by their size, and by what only one of them holds."""
    parts = chambers(scene.truth.rooms[0]) if len(scene.truth.rooms) == 1 else None
    if parts is None:
        return
    sized = {region.name: region for region in regions_of(scene.truth, scene.unique)}
    centres = np.array([scene.box(index).center[:2] for index in everything]).reshape(-1, 2)
    for part, other in (parts, parts[::-1]):
        mine, theirs = inside_polygon(centres, part), inside_polygon(centres, other)
        sides = {
            index: None if here == there else bool(here)
            for index, here, there in zip(everything, mine, theirs, strict=True)
        }
        for name in ("larger room", "smaller room"):
            region = sized.get(name)
            if region is not None and _holds(part, region.points.mean(axis=0)):
                yield f"the {name}", _floor(region.points), sides
        grid = [list(map(float, point)) for point in part]
        for name, index in scene.unique.items():
            if sides.get(index):
                yield f"the room with the {name}", [grid], sides  # type: ignore[list-item]


def _holds(part: tuple[tuple[float, float], ...], point: Float) -> bool:
    return bool(inside_polygon(point[None], part)[0])


def _floor(points: Float, grown: float = 0.0) -> list[JsonValue]:
    """The rectangle around floor points, as one polygon, grown by what reaches out of a region
    that is told by nearness."""
    (x0, y0), (x1, y1) = points.min(axis=0) - grown, points.max(axis=0) + grown
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    return [[[float(x), float(y)] for x, y in corners]]


def _within(indices: Sequence[int], sides: Mapping[int, bool | None]) -> tuple[int, ...] | None:
    """Those that lie inside; ``None`` where there are none, or one is on the edge."""
    if any(sides.get(index) is None for index in indices):
        return None
    inside = tuple(index for index in indices if sides[index])
    return inside or None
