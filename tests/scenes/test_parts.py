"""Shapes are closed, face outwards and have the size that they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.scenes.rooms.shapes import (
    Part,
    box,
    cushion,
    cylinder,
    lathe,
    pillow,
    rod,
    rotation,
    tube,
)

CLOSED = {
    "box": box(0.6, 0.4, 0.3, 0.02, 2),
    "sharp box": box(0.6, 0.4, 0.3, 0.0),
    "cushion": cushion(0.6, 0.5, 0.16),
    "cylinder": cylinder(0.2, 0.5),
    "lathe": lathe([(0, 0), (0.2, 0), (0.1, 0.3), (0.05, 0.3), (0.05, 0.1), (0, 0.1)]),
    "pillow": pillow(0.5, 0.4, 0.15),
    "rod": rod((0, 0, 0), (0.1, 0.2, 0.9), 0.02),
    "tube": tube([(0, 0, 0), (0, 0.3, 0.2), (0, 0.5, 0.6)], 0.02),
}


def volume(part: Part) -> float:
    """Signed volume: positive when a closed surface faces outwards."""
    a, b, c = np.moveaxis(part.vertices[part.faces], 1, 0)
    return float((a * np.cross(b, c)).sum() / 6)


def open_edges(part: Part) -> int:
    """Edges, by place, that are not used once in each direction."""
    _, place = np.unique(np.round(part.vertices, 6), axis=0, return_inverse=True)
    faces = place.ravel()[part.faces]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    forward = {tuple(e) for e in edges.tolist()}
    return sum((b, a) not in forward for a, b in forward)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_shapes_are_watertight_and_face_outwards(name: str) -> None:
    part = CLOSED[name]
    assert open_edges(part) == 0
    assert volume(part) > 0
    assert np.allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-6)


@given(
    x=st.floats(0.05, 3), y=st.floats(0.05, 3), z=st.floats(0.02, 3), bevel=st.floats(0.001, 0.1)
)
@settings(max_examples=30, deadline=None)
def test_a_box_keeps_its_outer_size(x: float, y: float, z: float, bevel: float) -> None:
    part = box(x, y, z, bevel, 2)
    assert np.allclose(np.ptp(part.vertices, axis=0), (x, y, z), atol=1e-9)
    assert 0 < volume(part) <= x * y * z + 1e-12


def test_normals_agree_with_winding() -> None:
    for part in CLOSED.values():
        a, b, c = np.moveaxis(part.vertices[part.faces], 1, 0)
        face = np.cross(b - a, c - a)
        area = np.linalg.norm(face, axis=1)
        mean = part.normals[part.faces].mean(axis=1)
        assert ((face * mean).sum(axis=1)[area > 1e-9] > -1e-9).all()


def test_rotation_is_about_x_then_y_then_z() -> None:
    turn = rotation(x=np.pi / 2, z=np.pi / 2)
    assert np.allclose(turn @ (0, 1, 0), (0, 0, 1), atol=1e-12)
    assert np.allclose(turn @ (1, 0, 0), (0, 1, 0), atol=1e-12)
