"""Both ray backends keep the same contract."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from surveyor.core.errors import UserError
from surveyor.scenes.capture.raycast import Backend, RayCaster, ray_caster
from surveyor.scenes.capture.rendering import PHONE, Renderer
from surveyor.scenes.rooms.mesh import Mesh, build_mesh
from surveyor.scenes.rooms.room import RoomSpec, build_room
from surveyor.scenes.rooms.shapes import sheet
from surveyor.scenes.rooms.surfaces.materials import Material
from tests.claims.rooms.exactness import inside_cameras

PAINT = Material("plain", "#808080")
HAS_NUMBA = importlib.util.find_spec("numba") is not None
BACKENDS = [
    "embree",
    pytest.param(
        "numba",
        marks=pytest.mark.skipif(
            not HAS_NUMBA, reason="numba is not installed: portable rays untested"
        ),
    ),
]


def wall_ahead() -> Mesh:
    """A 2 m square at x = 3 that faces the origin."""
    return build_mesh([(sheet((3, 1, -1), (0, -2, 0), (0, 0, 2)), PAINT, 5)])


def rays(*directions: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    d = np.array(directions, np.float32)
    return np.zeros_like(d), d


@pytest.fixture(params=BACKENDS)
def caster(request: pytest.FixtureRequest) -> RayCaster:
    backend: Backend = request.param
    return ray_caster(wall_ahead(), backend)


def test_distances_count_in_directions(caster: RayCaster) -> None:
    hits = caster.hit(*rays((1, 0.1, 0.2), (2, 0.2, 0.4), (-1, 0, 0)))
    assert hits.distance[:2] == pytest.approx([3.0, 1.5], rel=1e-6)
    assert (hits.triangle >= 0).tolist() == [True, True, False]


def test_barycentric_coordinates_rebuild_the_hit(caster: RayCaster) -> None:
    mesh = wall_ahead()
    origins, directions = rays((1, 0.1, 0.2), (1, -0.2, -0.3))
    hits = caster.hit(origins, directions)
    a, b, c = np.moveaxis(mesh.vertices[mesh.triangles[hits.triangle]], 1, 0)
    u, v = hits.u[:, None], hits.v[:, None]
    place = a * (1 - u - v) + b * u + c * v
    assert place == pytest.approx(directions * hits.distance[:, None], abs=1e-5)


def test_occlusion_stops_at_far(caster: RayCaster) -> None:
    origins, directions = rays((1, 0, 0.1), (1, 0, 0.1), (0, 1, 0))
    blocked = caster.occluded(origins, directions, np.array([2.9, 3.1, 9], np.float32))
    assert blocked.tolist() == [False, True, False]


@pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed: backends not compared")
def test_backends_see_the_same_ids() -> None:
    room = build_room(RoomSpec(seed=3))
    films = [Renderer(room, backend) for backend in ("embree", "numba")]
    for camera in inside_cameras(room, 2):
        first, second = (film.render(camera, rgb=False) for film in films)
        assert (first.ids == second.ids).mean() >= 0.995


@pytest.mark.skipif(HAS_NUMBA, reason="numba is installed")
def test_a_missing_backend_ends_in_one_sentence() -> None:
    with pytest.raises(UserError, match="install embreex"):
        ray_caster(wall_ahead(), "numba")


def test_single_pixels_are_rays_of_the_whole_picture() -> None:
    film = Renderer(build_room(RoomSpec(seed=3)))
    camera = inside_cameras(film.room, 1)[0]
    _, everything = film.rays(camera)
    _, one = film.rays(camera, np.array([[17, 5]], np.float32))
    assert one[0] == pytest.approx(everything[5 * camera.intrinsics.width + 17], abs=1e-6)
    assert PHONE.width == 640
