"""Registration that is fooled: rooms that repeat, and walls that show nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from surveyor.scenes.datasets.walks import WalkSettings, make_walks_dataset
from surveyor.services.reference.look_alikes import bareness, look_alikes
from surveyor.services.reference.presets import preset
from surveyor.services.reference.registration import register
from surveyor.services.reference.world import FrameKey, ImageView, ReferenceWorld

SCENES = {"repeating": 21, "plain": 22}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[ImageView]]:
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


def _worst_error(views: list[ImageView], knobs: str) -> float:
    """Largest error of a distance between two registered views, metres."""
    errors = dataclasses.replace(preset(knobs).reconstruct, free=False)
    joined = register(views, [1.0] * len(views), errors, seed=0)
    true = np.array([views[k].pose.position for k in joined.indices])
    told = np.array([pose.position for pose in joined.poses])

    def apart(points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points[:, None] - points[None], axis=-1)

    return float(np.abs(apart(true) - apart(told)).max())


def test_repeating_rooms_look_more_alike_than_others(worlds) -> None:
    alike = {name: look_alikes(views, 0) for name, views in worlds.items()}
    for matrix in alike.values():
        assert np.allclose(matrix, matrix.T)
        assert (np.diag(matrix) == 0).all()
        assert ((matrix >= 0) & (matrix <= 1)).all()
    assert alike["repeating"].mean() > alike["plain"].mean()


def test_repeating_rooms_are_folded_onto_each_other_and_nothing_says_so(worlds) -> None:
    views = worlds["repeating"]
    assert _worst_error(views, "realistic:reconstruct.alias=1.0") > 2.0
    assert _worst_error(views, "realistic:reconstruct.overlap=0.001") < 2.0


def test_bare_walls_are_worth_less_and_things_are_not(worlds) -> None:
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
