"""The table of true objects is offered where nothing can be looked at, or by name, and told."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.benchmarks.report.record import read_report
from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.run import Job
from surveyor.compose.session import experts_needed, finish, reference_experts
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.memory.events import ToolStatus
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from surveyor.tools.builtin import default_tools, offered_tools
from tests.support.openai_server import RehearsalServer, Reply, Request, says

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("rooms") / "rooms"
    make_rooms_dataset(path, [8100], settings=RoomsSettings(n_frames=4, size=(96, 72)))
    return Dataset.open(path)


def cheat(request: Request) -> Reply:
    """Ask for the table, then answer whatever."""
    messages = request.json["messages"]
    asked = any(message["role"] == "tool" for message in messages)
    return says("<answer>1</answer>") if asked else says(calls=(("scene", "{}"),))


def played(rooms: Dataset, folder: Path, tools: tuple[str, ...] = ()) -> RunFolder:
    """One question, answered by a model that wants to read the table."""
    with RehearsalServer(cheat) as server:
        config = RunConfig(
            dataset=str(rooms.path),
            planner="chat",
            planner_options={"model": "test", "base_url": server.url, "backoff": 0.0},
            tools=tools,
            limit=1,
        )
        with reference_experts(rooms.path, "harsh", folder / "experts", config) as endpoints:
            job = Job(rooms.path, folder / "run", config, endpoints, folder / "cache")
            finish(job)
    return RunFolder.open(folder / "run")


def test_a_model_cannot_read_the_truth_of_what_it_should_look_at(
    rooms: Dataset, tmp_path: Path
) -> None:
    run = played(rooms, tmp_path)
    (task,) = run.schedule
    episode = run.episode(task.id, 0)
    assert episode is not None
    (outcome,) = episode.outcomes
    assert outcome.status is ToolStatus.MISTAKE
    assert "there is no tool 'scene'" in outcome.text
    manifest = run.record.manifest
    assert "scene" not in {producer.name for producer in manifest.experts}
    usual = {tool.name for tool in default_tools()} - {"scene"}
    assert set(manifest.tools) == usual | {"survey"}
    assert not read_report(run).table
    assert "table of objects" not in (run.path / "report.html").read_text()


def test_the_table_is_offered_by_name_and_the_report_says_so(
    rooms: Dataset, tmp_path: Path
) -> None:
    run = played(rooms, tmp_path, tools=("scene", "count"))
    (task,) = run.schedule
    episode = run.episode(task.id, 0)
    assert episode is not None
    assert episode.outcomes[0].status is ToolStatus.OK
    assert run.record.manifest.tools == ("scene", "count")
    assert read_report(run).table
    assert "The table of objects was offered" in (run.path / "report.html").read_text()


def test_the_expert_is_started_where_its_tool_is_offered(rooms: Dataset, tmp_path: Path) -> None:
    make_vsi_meta_dataset(tmp_path / "meta", META)
    meta = Dataset.open(tmp_path / "meta")
    for planner in ("program", "chat"):
        plain = RunConfig(dataset="any", planner=planner)
        assert experts_needed(meta, plain) == ("scene",)
        assert "scene" not in experts_needed(rooms, plain)
        assert "scene" in experts_needed(rooms, plain.changed(tools=["scene", "detect"]))
    assert (meta.has_frames, rooms.has_frames) == (False, True)


def test_tools_are_chosen_by_name() -> None:
    everything = [tool.name for tool in default_tools()]
    assert [tool.name for tool in offered_tools(frames=False)] == everything
    looking = [tool.name for tool in offered_tools(frames=True)]
    assert looking == [name for name in everything if name != "scene"]
    some = offered_tools(frames=True, named=("count", "scene"))
    assert [tool.name for tool in some] == ["scene", "count"]
    with pytest.raises(UserError, match=r"no tool 'scenes'; choose from: frames, "):
        offered_tools(frames=True, named=("scenes",))
