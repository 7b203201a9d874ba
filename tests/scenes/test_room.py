"""Rooms: deterministic, free of collisions, supported, with exact boxes and clear limits."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from surveyor.core.errors import UserError
from surveyor.scenes.rooms.catalog import CATALOG
from surveyor.scenes.rooms.layout.footprints import overlap
from surveyor.scenes.rooms.room import Room, RoomSpec, build_room, summary

SEEDS = range(8)
LOOSE = {"rug", "curtain", "window"}


@lru_cache(maxsize=32)
def room(seed: int) -> Room:
    return build_room(RoomSpec(seed=seed))


def test_equal_specifications_give_equal_rooms() -> None:
    first, second = build_room(RoomSpec(seed=5)), build_room(RoomSpec(seed=5))
    assert first.objects == second.objects
    assert first.mesh().vertices.tobytes() == second.mesh().vertices.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_boxes_are_the_tight_boxes_of_the_mesh(seed: int) -> None:
    made = room(seed)
    mesh = made.mesh()
    for thing in made.objects:
        own = np.unique(mesh.triangles[mesh.instance == thing.instance_id])
        local = thing.box.to_local(mesh.vertices[own].astype(np.float64))
        assert np.allclose(local.max(axis=0), np.array(thing.box.size) / 2, atol=2e-6)
        assert np.allclose(local.min(axis=0), -np.array(thing.box.size) / 2, atol=2e-6)
        if thing.front is not None:
            assert np.allclose(thing.front, thing.box.axes[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_overlaps_but_what_lies_on_each_other(seed: int) -> None:
    things = [q for q in room(seed).placed if q.model.category not in LOOSE]
    for k, a in enumerate(things):
        for b in things[:k]:
            if a.parent is not b and b.parent is not a:
                assert not overlap(a.footprint, b.footprint), (a.model.category, b.model.category)


@pytest.mark.parametrize("seed", SEEDS)
def test_things_on_other_things_rest_on_them(seed: int) -> None:
    for q in room(seed).placed:
        if q.parent is None:
            continue
        tops = [q.parent.z + s.z for s in q.parent.model.supports]
        assert min(abs(q.z - top) for top in tops) < 0.005
        base = q.parent.footprint.grown(0.03)
        assert base.contains(np.array([[q.x, q.y]])).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_is_inside_the_outline(seed: int) -> None:
    made = room(seed)
    width, depth = made.plan.extent
    for thing in made.objects:
        if thing.category in ("window",):
            continue
        corners = thing.box.corners()
        assert corners.min() > -1e-6
        assert (corners.max(axis=0) <= (width + 1e-6, depth + 1e-6, made.height + 1e-6)).all()


def test_the_outline_is_counter_clockwise_and_has_the_stated_area() -> None:
    for seed in SEEDS:
        x, y = room(seed).polygon.T
        area = 0.5 * float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
        assert area == pytest.approx(room(seed).area)


def test_instance_ids_are_dense_and_name_categories() -> None:
    made = room(0)
    assert [o.instance_id for o in made.objects] == list(range(1, len(made.objects) + 1))
    assert set(np.unique(made.mesh().instance)) == set(range(1, len(made.categories)))
    assert {"floor", "wall", "ceiling"} == set(made.surfaces.values())


def test_controls_are_obeyed() -> None:
    few = frozenset({"chair", "table", "plant"})
    made = build_room(
        RoomSpec(seed=3, kind="dining room", area=16, shape="rectangle", vocabulary=few)
    )
    assert made.area == pytest.approx(16, abs=0.15)
    assert set(summary(made)) <= few | {"door", "window", "curtain", "ceiling light"}
    assert len(build_room(RoomSpec(seed=3, area=22, objects=18)).objects) == 18
    assert build_room(RoomSpec(seed=1, shape="l_shape")).polygon.shape == (6, 2)
    assert build_room(RoomSpec(seed=1, shape="two_rooms")).polygon.shape == (12, 2)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (RoomSpec(seed=0, area=4, objects=60), "60 objects do not fit"),
        (RoomSpec(seed=0, kind="ballroom"), "no room kind 'ballroom'"),
        (RoomSpec(seed=0, area=1), "area must be"),
        (RoomSpec(seed=0, clutter=2), "clutter must be"),
        (RoomSpec(seed=0, vocabulary=frozenset({"dragon"})), "no such category: dragon"),
        (RoomSpec(seed=0, shape="two_rooms", area=8), "two rooms need"),
    ],
)
def test_impossible_controls_end_in_one_sentence(spec: RoomSpec, words: str) -> None:
    with pytest.raises(UserError, match=words):
        build_room(spec)


def test_most_of_the_catalogue_occurs() -> None:
    seen = {c for seed in range(16) for c in summary(room(seed))}
    assert len(seen & set(CATALOG)) >= 42
