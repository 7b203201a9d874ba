"""MMSI-style positional relations with regions: camera and region, object and region, two regions.

A direction to a region is that of its middle, and is asked only where most of its floor lies the
same way. Words that depend on a viewpoint come with one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

from surveyor.core.geometry import Float, Pose
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.official.directions import EDGE_GUARD, QUADRANTS, NamedSectors, turn_angle
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft
from surveyor.scenes.questions.mmsi import COMPASS, EIGHTH, MIN_STEP, frame_pairs
from surveyor.scenes.questions.regions import Region, regions_of

CAMERA_REGION = (
    "You are at the place where the first image was taken, facing as its camera did. The second "
    "image shows {region}. In which direction from you is the middle of that area?"
)
OBJECT_REGION = (
    "You stand in the middle of {region} and face the {ahead}. In which direction from you is the "
    "{name}?"
)
REGION_REGION = (
    "Suppose that the middle of {b} lies to the north of the middle of {a}, seen from above. In "
    "which direction from the middle of the {name} is the middle of {c}?"
)
MOST = 0.75
SHOWN = 0.003
TRIED = 200


def camera_region(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Where an area is that only the second of two frames shows."""
    around = [region for region in _regions(scene) if region.anchor is not None]
    for first, second in frame_pairs(scene, rng):
        pose = Pose(np.array(scene.truth.cameras[first].T_world_camera))
        for region in around:
            (index,) = _witnesses(scene, region)
            instance = scene.truth.objects[index].instance_id
            shown = scene.shares[second, index] > SHOWN and instance in scene.views[second]
            if not shown or instance in scene.views[first]:
                continue
            ahead = pose.position[:2] + pose.forward[:2]
            found = _direction(QUADRANTS, pose.position[:2], ahead, region, 0.0)
            if found is not None:
                yield _draft(
                    scene, "camera_region", CAMERA_REGION.format(region=region.text), found,
                    QUADRANTS, {region.name: [index]}, "direction_from_camera(first, middle)",
                    (first, second),
                )  # fmt: skip
                break


def object_region(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Where an object is for somebody who stands in the middle of a region and faces another."""
    regions = _regions(scene)
    cases = [(r, a, b) for r in range(len(regions)) for a, b in permutations(scene.unique, 2)]
    for k in rng.permutation(len(cases))[:TRIED]:
        region, (ahead, name) = regions[cases[k][0]], cases[k][1:]
        if region.anchor in (ahead, name):
            continue
        indices = [scene.unique[ahead], scene.unique[name]]
        facing, asked = (np.array(scene.box(index).center)[:2] for index in indices)
        here = region.middle
        if min(np.linalg.norm(facing - here), np.linalg.norm(asked - here)) < 2 * MIN_STEP:
            continue
        angle = turn_angle(here, facing, asked)
        if QUADRANTS.margin(angle) < EDGE_GUARD:
            continue
        yield _draft(
            scene, "object_region",
            OBJECT_REGION.format(region=region.text, ahead=ahead, name=name),
            (QUADRANTS.name(angle), angle, QUADRANTS.margin(angle)), QUADRANTS,
            {ahead: indices[:1], name: indices[1:], region.name: _witnesses(scene, region)},
            "direction(middle(region), facing, object)",
        )  # fmt: skip


def region_region(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Compass directions among three regions, north being given by two of them."""
    triples = list(permutations(_regions(scene), 3))
    for k in rng.permutation(len(triples))[:TRIED]:
        a, b, c = triples[k]
        if min(_apart(a, b), _apart(a, c), _apart(b, c)) < 2 * MIN_STEP:
            continue
        found = _direction(COMPASS, a.middle, b.middle, c, EIGHTH)
        if found is not None:
            yield _draft(
                scene, "region_region",
                REGION_REGION.format(a=a.text, b=b.text, c=c.text, name=a.name), found, COMPASS,
                {region.name: _witnesses(scene, region) for region in (a, b, c)},
                "compass(middle(a), middle(b), middle(c))",
            )  # fmt: skip


def _regions(scene: AskableScene) -> list[Region]:
    """Regions that the frames bear out: something that may be asked about stands in each."""
    found = regions_of(scene.truth, scene.unique)
    return [region for region in found if _witnesses(scene, region)]


def _witnesses(scene: AskableScene, region: Region) -> Sequence[int]:
    """The object that a region lies around, or all askable objects that stand in it."""
    if region.anchor is not None:
        return [scene.unique[region.anchor]]
    inside = []
    for index in (i for indices in scene.categories.values() for i in indices):
        centre = np.array(scene.box(index).center)[:2]
        if np.abs(region.points - centre).max(axis=1).min() < 0.05:
            inside.append(index)
    return inside


def _direction(
    bins: NamedSectors, origin: Float, facing: Float, region: Region, turned: float
) -> tuple[str, float, float] | None:
    """Name, angle and margin of a region's direction, or ``None`` where it spreads too far."""
    if np.linalg.norm(region.middle - origin) < 2 * MIN_STEP:
        return None
    angle = (turn_angle(origin, facing, region.middle) + turned) % (2 * math.pi)
    votes = [
        bins.name((turn_angle(origin, facing, point) + turned) % (2 * math.pi))
        for point in region.points[::7]
    ]
    name = bins.name(angle)
    if bins.margin(angle) < EDGE_GUARD or votes.count(name) < MOST * len(votes):
        return None
    return name, angle, bins.margin(angle)


def _draft(
    scene: AskableScene,
    kind: str,
    question: str,
    found: tuple[str, float, float],
    bins: NamedSectors,
    named: dict[str, Sequence[int]],
    program: str,
    shown: tuple[int, int] | None = None,
) -> Draft:
    correct, angle, margin = found
    return Draft(
        question_type=f"mmsi_{kind}",
        question=question,
        correct=correct,
        wrong=tuple(name for name in bins.names if name != correct),
        kind=AnswerKind.CHOICE,
        margin=margin,
        objects=tuple(dict.fromkeys(index for indices in named.values() for index in indices)),
        program=program,
        operands=scene.operands(dict(named), value=angle),
        shown=shown,
        evidence=shown,
    )


def _apart(a: Region, b: Region) -> float:
    return float(np.linalg.norm(a.middle - b.middle))
