"""A run whose model writes cells: through the same loop, log, report and replay as any other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from surveyor.agent.replay import recorded_turns
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.tool_use import Basis, Use, tool_use
from surveyor.compose.replay import replay
from surveyor.compose.run import Job, check_planner
from surveyor.compose.session import finish, reference_experts
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from tests.support.openai_server import RehearsalServer, Reply, Request, says

needs_wall = pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")
LOOK = """\
The things first.
```python
seen = survey(categories=["chair"])
counted = count(objects=[one.handle for one in seen.objects if one.accepted])
print(counted)
```"""
END = """\
```python
answer(int(counted.value), because=[counted])
```"""


def counting(request: Request) -> Reply:
    return says([LOOK, END][request.turn] if request.turn < 2 else "<answer>0</answer>")


def config_of(dataset: Path, url: str = "http://127.0.0.1:9/v1") -> RunConfig:
    options = {"model": "test", "base_url": url, "capabilities": {"dialect": "code"}}
    return RunConfig(
        dataset=str(dataset),
        planner="chat",
        planner_options=options,
        types=("object_counting",),
        limit=1,
    )


@needs_wall
def test_cells_answer_a_question_through_a_run(tmp_path: Path) -> None:
    path = tmp_path / "rooms"
    settings = RoomsSettings(n_frames=8, size=(96, 72), light_rays=1, types=("object_counting",))
    make_rooms_dataset(path, range(8100, 8103), settings=settings)
    with RehearsalServer(counting) as server:
        config = config_of(path, server.url)
        with reference_experts(path, "perfect", tmp_path / "experts", config) as endpoints:
            finish(Job(path, tmp_path / "run", config, endpoints, tmp_path / "cache"))
    run = RunFolder.open(tmp_path / "run")
    (task,) = run.schedule
    episode = run.episode(task.id, 0)
    assert episode is not None
    assert episode.given is not None
    own = [call for call in episode.calls if not call.parent]
    assert [call.name for call in own] == ["cell", "cell"]
    assert json.loads(own[0].raw_arguments)["code"].startswith("seen = survey")
    inner = {call.name: call.parent for call in episode.calls if call.parent == own[0].call_id}
    assert list(inner) == ["survey", "count"]
    counted = next(one for one in episode.outcomes if one.name == "count")
    assert isinstance(counted.data, dict)
    assert episode.given.text == str(int(float(str(counted.data["value"]))))
    assert episode.given.sources == (counted.data["handle"],)
    assert len(recorded_turns(episode.events)) == 3
    use = tool_use(episode)
    assert use.basis is Basis.STATED
    assert {use.uses[call.call_id] for call in own} == {Use.EFFECTIVE}
    assert [one["name"] for one in episode.model_calls[0].tool_calls] == ["cell"]
    sent = server.requests[-1].json["messages"]
    assert "count(objects?: [str]" in sent[0]["content"]
    assert "Run one cell" not in sent[0]["content"]
    assert "meas_1" in sent[-1]["content"]
    assert "Output:" in sent[-1]["content"]
    assert Dataset.open(path).manifest.questions
    (replayed,) = replay(tmp_path / "run")
    assert (replayed.first, replayed.results) == ("", len(episode.outcomes))


def test_without_bubblewrap_the_dialect_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"bubblewrap.*install it \(Debian, Ubuntu: apt-get"):
        check_planner(config_of(tmp_path))
