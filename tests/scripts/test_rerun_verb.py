"""A4: another expert under finished plans, over HTTP, and programs on one scene by the verb."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.program.account import read_account
from surveyor.benchmarks.run.config import RunConfig
from surveyor.cli.program import app as program_app
from surveyor.compose.rerun import CHANGES, RerunChanges, Swaps, rerun, rerun_and_tell
from surveyor.compose.session import Request, carry_out
from surveyor.compose.training import source_of
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.scenes.datasets.truth import scene_truths
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from surveyor.scenes.formats.apeiria import write_apeiria
from surveyor.services.contract import Endpoints
from surveyor.services.launch import SupervisorHandle, up
from surveyor.training.export.pairs import preference_pairs
from surveyor.training.rows.accounts import Layout
from surveyor.training.rows.filters import Filters

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A dataset without frames, and a run whose table lacks a third of the objects."""
    folder = tmp_path_factory.mktemp("rerun")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEYOR_CACHE", str(folder / "cache"))
        make_vsi_meta_dataset(folder / "meta", META)
        worse = {"preset": "perfect:detect.miss=0.3"}
        config = RunConfig(dataset=str(folder / "meta"), expert_options=worse)
        carry_out(Request(config, out=folder / "a"))
        yield folder


@pytest.fixture(scope="module")
def exact(place: Path) -> Iterator[SupervisorHandle]:
    with up(["scene"], [place / "meta"], "perfect", place / "exact") as handle:
        yield handle


def test_plans_stay_and_what_rests_on_the_expert_is_executed(
    place: Path, exact: SupervisorHandle, capsys: pytest.CaptureFixture[str]
) -> None:
    url = exact.endpoints.experts[0].url
    folder = rerun_and_tell(place / "a", Swaps.read([f"scene={url}"]), place / "b")
    changes = RerunChanges.model_validate_json((folder.path / CHANGES).read_bytes())
    assert all(one.same_plan for one in changes.episodes)
    assert all(one.executed == one.dependants > 0 for one in changes.episodes)
    old, new = changes.swapped["scene"]
    assert old != new
    told = capsys.readouterr().out
    assert "score before" in told
    assert any(one.before != one.after for one in changes.episodes)


def test_an_endpoints_file_and_boxes_are_taken_too(place: Path, exact: SupervisorHandle) -> None:
    by_file = Swaps.read([f"scene={exact.endpoints_file}"])
    first = rerun(place / "a", by_file, place / "by_file")
    boxes = place / "boxes"
    for truth in scene_truths(place / "meta"):
        write_apeiria(boxes / f"{truth.scene_id}.json", truth)
    second = rerun(place / "a", Swaps.read([f"scene={boxes}"]), place / "by_boxes")
    said = []
    for folder in (first, second):
        changes = RerunChanges.model_validate_json((folder.path / CHANGES).read_bytes())
        said.append([one.after for one in changes.episodes if one.plan.startswith("count")])
    assert said[0] == said[1]
    assert said[0]


def test_what_cannot_be_swapped_is_refused_in_words(place: Path) -> None:
    with pytest.raises(UserError, match="is not EXPERT=WHO; experts: scene"):
        Swaps.read(["table=x"])
    with pytest.raises(UserError, match="never asked 'detect'"):
        rerun(place / "a", Swaps.read(["detect=http://127.0.0.1:1"]), place / "c")
    with pytest.raises(UserError, match="no such file, folder or address"):
        rerun(place / "a", Swaps.read([f"scene={place / 'nowhere'}"]), place / "c")
    nobody = place / "nobody.json"
    nobody.write_text(Endpoints(supervisor=0, experts=()).model_dump_json())
    with pytest.raises(UserError, match="names nobody who serves 'scene'"):
        rerun(place / "a", Swaps.read([f"scene={nobody}"]), place / "c")
    with pytest.raises(InfrastructureError, match="scene expert does not answer"):
        rerun(place / "a", Swaps.read(["scene=http://127.0.0.1:1"]), place / "c")
    assert not [*place.glob("c.*"), *place.glob("c")]


def test_a_program_is_computed_on_boxes_and_on_an_experts_table(
    place: Path, exact: SupervisorHandle
) -> None:
    truth = next(iter(scene_truths(place / "meta")))
    name = truth.objects[0].category
    count = sum(one.category == name for one in truth.objects)
    file = place / "one.json"
    write_apeiria(file, truth)
    text = f'count(filter(scene(), "{name}"))'
    table = ["--dataset", str(place / "meta"), "--experts", str(exact.endpoints_file)]
    alone = ["--scene", truth.scene_id, *table[:2]]  # by an expert of its own
    for where in (["--scene", str(file)], ["--scene", truth.scene_id, *table], alone):
        result = CliRunner().invoke(program_app, [text, *where])
        assert result.output.strip() == str(count)
    shown = CliRunner().invoke(program_app, [text, "--scene", str(file), "--layout", "own"])
    assert shown.output.startswith(f"Question: {text}\nPlan: count(filter(scene(), {name}))\n1. ")
    account = place / "account.txt"
    account.write_text(shown.output)
    held = CliRunner().invoke(program_app, [str(account), "--scene", str(file)])
    assert held.output == "3 of 3 steps hold\n"
    account.write_text(shown.output.replace(f"-> {count}", f"-> {count + 1}"))
    broken = CliRunner().invoke(program_app, [str(account), "--scene", str(file)])
    assert f"told {count + 1}, measured {count}" in broken.output
    assert "2 of 3 steps hold" in broken.output
    for said in (["count(", "--scene", str(file)], [text, "--scene", "nowhere", *table[:2]]):
        wrong = CliRunner().invoke(program_app, said)
        assert isinstance(wrong.exception, UserError), said


def test_right_and_wrong_accounts_of_one_question_make_pairs(
    place: Path, exact: SupervisorHandle
) -> None:
    rerun(place / "a", Swaps.read([f"scene={exact.endpoints_file}"]), place / "paired")
    told = [source_of(place / name, Capabilities(), layout=Layout.OWN) for name in ("a", "paired")]
    rows = list(told[1].rows())
    assert rows
    for row in rows:
        account = read_account(row.messages[-1]["content"])
        assert " ".join(row.messages[1]["content"].split()).startswith(account.asked)
    pairs = list(preference_pairs(told, Filters()))
    assert pairs
    for pair in pairs:
        assert pair.shared == 2, "the same question, before what was seen"
        texts = (one.messages[-1]["content"] for one in (pair.chosen, pair.rejected))
        better, worse = map(read_account, texts)
        assert better.program == worse.program
        assert better.things != worse.things
