"""The self-checks find what they are for, and find nothing in real rooms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from surveyor.scenes.capture.rendering import Renderer
from surveyor.scenes.rooms.room import Room, RoomSpec, build_room
from tests.claims.rooms.exactness import (
    backends_agree,
    collisions,
    coverage,
    floating,
    inside_cameras,
    plane_error,
)
from tests.claims.rooms.speed import primary_rays

ROOM = build_room(RoomSpec(seed=6))


def shifted(room: Room, dz: float) -> Room:
    """The room with one of its chairs lifted."""
    k = next(k for k, q in enumerate(room.placed) if q.model.category == "chair")
    placed = list(room.placed)
    placed[k] = replace(placed[k], z=placed[k].z + dz)
    return Room(room.spec, room.plan, room.kinds, tuple(placed), room.shell)


def test_depth_is_exact_and_no_ray_escapes() -> None:
    film = Renderer(ROOM)
    for camera in inside_cameras(ROOM, 6):
        error, escaped = plane_error(film, camera)
        assert error < 1e-5
        assert escaped == 0


def test_a_floating_thing_is_found() -> None:
    assert floating(ROOM) == []
    assert len(floating(shifted(ROOM, 0.01))) == 1


def test_intersecting_things_are_found() -> None:
    assert collisions(ROOM) == []
    k = next(k for k, q in enumerate(ROOM.placed) if q.model.category == "chair")
    twin = replace(ROOM.placed[k], x=ROOM.placed[k].x + 0.1)
    doubled = Room(ROOM.spec, ROOM.plan, ROOM.kinds, (*ROOM.placed, twin), ROOM.shell)
    assert ("chair", "chair") in collisions(doubled)


def test_coverage_counts_askable_objects() -> None:
    seen, asked = coverage(ROOM, 24)
    assert 0 < asked < len(ROOM.objects)
    assert seen >= 0.95 * asked


def test_backends_are_compared_or_the_claim_says_why_not() -> None:
    claim = backends_agree([ROOM], 1)
    assert claim.ok
    assert isinstance(claim.value, float) or "not installed" in claim.note


def test_primary_rays_are_timed_against_embree() -> None:
    claim = primary_rays(6, repeats=2)
    assert isinstance(claim.value, float)
    assert 0.3 < claim.value < 5
    assert np.isfinite(claim.value)
