"""More scenes of the same kind are added to a dataset; names of scenes stay in its folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.datasets.writer import DatasetPlan, SceneBundle
from surveyor.scenes.formats.registry import export_dataset
from tests.scenes.test_dataset import PLAN, make
from tests.scenes.worlds import filmed

LARGER = PLAN.model_copy(update={"scenes": ("a", "b", "c", "d")})


def counted(built: list[str]) -> Callable[[str], SceneBundle]:
    def build(scene_id: str) -> SceneBundle:
        built.append(scene_id)
        return filmed(scene_id)

    return build


def test_a_larger_dataset_keeps_the_scenes_that_are_there(tmp_path: Path) -> None:
    built: list[str] = []
    make(tmp_path / "dataset", PLAN, build=counted(built))
    larger = make(tmp_path / "dataset", LARGER, build=counted(built))
    assert built == ["a", "b", "c", "d"]
    assert larger.content_hash == make(tmp_path / "afresh", LARGER).content_hash
    dataset = Dataset.open(tmp_path / "dataset")
    assert len(list(dataset.tasks())) == len(targets(dataset.path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["afresh", "dataset"]


def test_growing_survives_an_interruption_and_keeps_the_dataset_until_the_end(
    tmp_path: Path,
) -> None:
    path, before = tmp_path / "dataset", make(tmp_path / "dataset", PLAN)

    def stumble(scene_id: str) -> SceneBundle:
        if scene_id == "d":
            raise KeyboardInterrupt
        return filmed(scene_id)

    with pytest.raises(KeyboardInterrupt):
        make(path, LARGER, build=stumble)
    assert Dataset.open(path).manifest == before
    built: list[str] = []
    make(path, LARGER, build=counted(built))
    assert built == ["d"]
    assert Dataset.open(path).manifest.scenes == LARGER.scenes


def test_other_changes_are_named(tmp_path: Path) -> None:
    make(tmp_path / "dataset", LARGER)
    with pytest.raises(UserError, match=r"other settings \(4 scenes, not 2\)"):
        make(tmp_path / "dataset", PLAN)
    with pytest.raises(UserError, match=r"seed = .*, not 77"):
        make(tmp_path / "dataset", LARGER.model_copy(update={"seed": 77}))
    others = LARGER.model_copy(update={"scenes": ("z", *LARGER.scenes[1:])})
    with pytest.raises(UserError, match=r"another kind or seed: a, not z"):
        make(tmp_path / "dataset", others)


def test_a_scene_named_out_of_its_folder_is_never_written_or_read(tmp_path: Path) -> None:
    for name in ("../x", "a/b", "/tmp/x"):
        bad: DatasetPlan = PLAN.model_copy(update={"scenes": (name,)})
        with pytest.raises(UserError, match="is no name of a file"):
            make(tmp_path / "dataset", bad)
    assert list(tmp_path.iterdir()) == []
    make(tmp_path / "dataset", PLAN)
    manifest = tmp_path / "dataset" / "dataset.json"
    fields = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(fields | {"scenes": ["../../x", *fields["scenes"][1:]]}))
    with pytest.raises(UserError, match="is no name of a file"):
        export_dataset(tmp_path / "dataset", tmp_path / "out", "scannet")
    manifest.write_text(json.dumps(fields))
    truth = tmp_path / "dataset" / "truth" / "scenes" / "a" / "truth.json"
    truth.write_text(truth.read_text().replace('"scene_id":"a"', '"scene_id":"../../x"'))
    with pytest.raises(UserError, match="about another scene"):
        export_dataset(tmp_path / "dataset", tmp_path / "out", "apeiria")
    assert not (tmp_path / "x").exists()
