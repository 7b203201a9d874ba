"""Registration that is fooled: rooms that repeat, and walls that show nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.geometry import Float
from surveyor.scenes.datasets.walks import WalkSettings, make_walks_dataset
from surveyor.services.reference.common_surface import samples, share_seen
from surveyor.services.reference.look_alikes import bareness, doubles
from surveyor.services.reference.presets import preset
from surveyor.services.reference.registration import register
from surveyor.services.reference.world import FrameKey, ImageView, ReferenceWorld

Worlds = dict[str, list[ImageView]]
SCENES = {"repeating": 21, "plain": 22}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    found = {}
    for name, seed in SCENES.items():
        path: Path = tmp_path_factory.mktemp("alike") / name
        chosen = WalkSettings(
            n_frames=97, size=(96, 72), rooms=4, repeating=name == "repeating",
            types=("room_size_estimation",), light_rays=1,
        )  # fmt: skip
        make_walks_dataset(path, [seed], settings=chosen)
        world = ReferenceWorld((path,), keep_frames=64)
        scene = f"walk_{seed:06d}"
        found[name] = [world.whole(FrameKey(path, scene, k)) for k in range(0, 97, 6)]
    return found


def _registered(views: list[ImageView], knobs: str) -> tuple[int, float]:
    """How many views are registered, and the largest error of a distance between two, metres."""
    errors = dataclasses.replace(preset(knobs).reconstruct, free=False)
    joined = register(views, [1.0] * len(views), errors, seed=0)
    true = np.array([views[k].pose.position for k in joined.indices])
    told = np.array([pose.position for pose in joined.poses])

    def apart(points: Float) -> Float:
        return np.asarray(np.linalg.norm(points[:, None] - points[None], axis=-1))

    return len(joined.indices), float(np.abs(apart(true) - apart(told)).max())


def test_only_alike_rooms_have_doubles(worlds: Worlds) -> None:
    views = worlds["repeating"]
    found = doubles(views)
    assert np.allclose(found.shares, found.shares.T)
    assert np.allclose(found.shifts, -found.shifts.transpose(1, 0, 2))
    assert ((found.shares >= 0) & (found.shares <= 1)).all()
    assert found.shares.max() > 0.3
    assert not doubles(worlds["plain"]).shares.any()


def test_a_shifted_view_seems_to_share_what_it_would_in_its_double(worlds: Worlds) -> None:
    views = worlds["repeating"]
    found = doubles(views)
    i, j = np.unravel_index(int(found.shares.argmax()), found.shares.shape)
    shift = found.shifts[i, j]
    assert np.linalg.norm(shift[:2]) > 2, "doubles stand in different rooms"
    moved = samples(views[int(j)]) + shift
    assert share_seen(moved, views[int(i)]) >= found.shares[i, j]
    assert share_seen(samples(views[int(j)]), views[int(i)]) < found.shares[i, j]


def test_alike_rooms_are_folded_onto_each_other_and_more_views_count_as_registered(
    worlds: Worlds,
) -> None:
    views = worlds["repeating"]
    fooled, wrong = _registered(views, "realistic:reconstruct.alias=1.0")
    honest, right = _registered(views, "realistic")
    assert fooled >= honest
    assert wrong > 2.0 > right


def test_bare_walls_are_worth_less_and_things_are_not(worlds: Worlds) -> None:
    shares = bareness([*worlds["plain"], *worlds["repeating"]])
    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares.min() == 0


def test_the_realistic_preset_is_what_it_was() -> None:
    realistic = preset("realistic").reconstruct
    assert (realistic.alias, realistic.blank) == (0.0, 0.0)
    assert "alias" not in repr(realistic)
    walks = preset("long-walks").reconstruct
    assert walks.alias > 0
    assert walks.blank > 0
