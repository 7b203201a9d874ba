"""Baked light: interpolation, shadows, energy, and pictures that make sense."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.geometry import Pose
from surveyor.scenes.capture.raycast import Hits, ray_caster
from surveyor.scenes.capture.rendering import PHONE, Renderer, camera_at
from surveyor.scenes.capture.tone_mapping import CaptureStyle, ToneMapping
from surveyor.scenes.rooms.light.baking import BakeQuality, bake_light, hammersley
from surveyor.scenes.rooms.light.patches import build_patches
from surveyor.scenes.rooms.light.sources import Light
from surveyor.scenes.rooms.mesh import Mesh, build_mesh
from surveyor.scenes.rooms.room import RoomSpec, build_room
from surveyor.scenes.rooms.shapes import box, flipped, sheet
from surveyor.scenes.rooms.surfaces.atlas import Atlas
from surveyor.scenes.rooms.surfaces.materials import Material
from tests.claims.rooms.exactness import inside_cameras

GREY = Material("plain", "#bcbcbc")
LAMP = Light(np.array([[0.0, 0.0, 1.8]]), 0.05, (20.0, 20.0, 20.0))


def cell(table: bool) -> Mesh:
    """A closed 4 x 4 x 2 m box, seen from inside, with or without a board under its lamp."""
    shell = box(4, 4, 2, 0.0).moved(z=1.0)
    inside = type(shell)(shell.vertices, -shell.normals, shell.uv, flipped(shell.faces))
    pieces = [(inside, GREY, 1)]
    if table:
        pieces.append((box(1.2, 1.2, 0.05, 0.0).moved(z=1.0), GREY, 2))
    return build_mesh(pieces)


def light_on_floor(mesh: Mesh, places: list[tuple[float, float]], bounces: int = 3) -> np.ndarray:
    caster = ray_caster(mesh)
    baked = bake_light(mesh, caster, (LAMP,), Atlas.of(mesh.materials), BakeQuality(24, bounces))
    origins = np.array([[x, y, 0.4] for x, y in places], np.float32)
    down = np.tile(np.array([0, 0, -1], np.float32), (len(places), 1))
    light: np.ndarray = baked.at(caster.hit(origins, down)).mean(axis=1)
    return light


def test_light_falls_off_with_distance() -> None:
    near, far = light_on_floor(cell(False), [(0.0, 0.0), (1.8, 0.0)])
    assert near > 1.5 * far > 0


def test_direct_light_has_the_textbook_value() -> None:
    (below,) = light_on_floor(cell(False), [(0.0, 0.0)], bounces=0)
    assert below == pytest.approx(20.0 * 0.05 / (np.pi * 1.8**2), rel=0.05)


def test_a_board_throws_a_shadow() -> None:
    (free,) = light_on_floor(cell(False), [(0.0, 0.0)])
    (shaded,) = light_on_floor(cell(True), [(0.0, 0.0)])
    assert shaded < 0.5 * free


def test_bounces_brighten_but_keep_energy() -> None:
    places = [(x, y) for x in (-1.5, 0, 1.5) for y in (-1.5, 0, 1.5)]
    direct = light_on_floor(cell(False), places, bounces=0)
    lit = light_on_floor(cell(False), places, bounces=6)
    share = float(Atlas.of((GREY,)).mean.mean())
    assert (lit > direct).all()
    assert lit.mean() < direct.mean() / (1 - share) * 2


def test_lattices_interpolate_linear_fields() -> None:
    mesh = build_mesh([(sheet((0, 0, 0), (1, 0, 0), (0, 1, 0)), GREY, 1)])
    patches = build_patches(mesh)
    rng = np.random.default_rng(0)
    u = rng.random(50).astype(np.float32)
    v = (rng.random(50) * (1 - u)).astype(np.float32)
    triangle = rng.integers(0, 2, 50).astype(np.int32)
    samples, weights = patches.lookup(triangle, u, v)
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-5)
    a, b, c = np.moveaxis(mesh.vertices[mesh.triangles[triangle]], 1, 0)
    place = a + u[:, None] * (b - a) + v[:, None] * (c - a)
    near = (patches.place[samples] * weights[..., None]).sum(axis=1)
    assert np.abs(near - place).max() < 0.05


def test_hammersley_points_cover_the_square_evenly() -> None:
    x, y = hammersley(64)
    counts, _, _ = np.histogram2d(x, y, bins=4, range=((0, 1), (0, 1)))
    assert (counts == 4).all()


def test_a_picture_is_well_exposed_and_its_film_repeats() -> None:
    room = build_room(RoomSpec(seed=13))
    film = Renderer(room)
    film.shader(BakeQuality(8, 2))
    camera = inside_cameras(room, 1)[0]
    plain = film.render(camera, look=CaptureStyle(antialias=False, noise=0)).rgb
    smooth = film.render(camera, look=CaptureStyle(noise=0)).rgb
    assert plain is not None
    assert smooth is not None
    assert 60 < plain.mean() < 200
    changed = (plain != smooth).any(axis=2).mean()
    assert 0 < changed < 0.6


def test_tone_grows_with_light() -> None:
    film = ToneMapping(1.0, 0.0)
    ramp = np.linspace(0, 4, 50, dtype=np.float32)[:, None].repeat(3, axis=1)[None]
    assert (np.diff(film.tone(ramp)[0, :, 0]) >= 0).all()


def test_mirrors_show_what_is_before_them() -> None:
    red, mirror = Material("plain", "#c02020"), Material("mirror", "#dfe5e6", 1.0, 0.92, 0.0)
    mesh = build_mesh(
        [
            (sheet((2, 1, 0), (0, -2, 0), (0, 0, 2)), mirror, 1),
            (sheet((-2, -1, 0), (0, 2, 0), (0, 0, 2)), red, 2),
        ]
    )
    from surveyor.scenes.rooms.light.shading import Shader

    caster = ray_caster(mesh)
    lamp = Light(np.array([[0.0, 0.0, 1.0]]), 0.2, (9.0, 9.0, 9.0))
    atlas = Atlas.of(mesh.materials)
    shader = Shader.of(
        mesh, caster, atlas, bake_light(mesh, caster, (lamp,), atlas, BakeQuality(8, 1))
    )
    origins = np.array([[0, 0.0, 1.2]], np.float32)
    ahead = np.array([[1, 0, 0]], np.float32)
    hits: Hits = caster.hit(origins, ahead)
    seen = shader.radiance(hits, origins, ahead)[0]
    assert seen[0] > 3 * seen[1]
    assert camera_at(Pose(np.eye(4)), PHONE).intrinsics == PHONE


def test_motion_smears_along_its_direction_alone() -> None:
    dot = np.zeros((21, 21, 3), np.float32)
    dot[10, 10] = 1
    smeared = ToneMapping(1.0, 0.0, motion=(8.0, 0.0)).develop(dot, 0)
    rows, columns = np.nonzero(smeared[..., 0])
    assert set(rows.tolist()) == {10}
    assert 7 <= np.ptp(columns) <= 9
