"""The skills that ship with the package, under their name and the one they had."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.skills import open_skills
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("skills") / "dataset"
    make_vsi_meta_dataset(path, META)
    return Dataset.open(path)


def opened(dataset, name, tmp_path):
    config = RunConfig(dataset=str(dataset.path), skills=name)
    with open_skills(config, dataset, list(dataset.tasks()), tmp_path) as skills:
        return skills


def test_the_old_name_opens_the_same_skills_with_a_line_of_notice(dataset, tmp_path, capsys):
    new = opened(dataset, "builtin", tmp_path)
    assert capsys.readouterr().err == ""
    old = opened(dataset, "seeds", tmp_path)
    assert "'builtin' now" in capsys.readouterr().err
    assert old.id == new.id


def test_a_wrong_name_lists_the_right_ones(dataset, tmp_path):
    with pytest.raises(UserError, match="choose none, builtin or"):
        opened(dataset, "built-in", tmp_path)
