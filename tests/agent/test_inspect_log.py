"""The exported Inspect log: complete, with nothing dropped, and readable by Inspect itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from surveyor.agent.interop.inspect_log import (
    RunHeader,
    ScoredEpisode,
    inspect_log,
    write_inspect_log,
)
from surveyor.agent.limits import Limits
from surveyor.agent.planner import Turn
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import ModelCall, Score, Usage
from surveyor.tools.spec import CallRequest
from tests.support.agent_stage import play

HEADER = RunHeader("run-1", "stage", "chat:m", {"seed": 1}, {"surveyor": "0.1.0"})


def episode(root: Path, *sequence: Turn, limits: Limits | None = None) -> Episode:
    _, log = asyncio.run(play(ScriptedPlanner(turns(*sequence)), root, limits))
    events = [event.model_copy(update={"seq": i}) for i, event in enumerate(log.events)]
    found = fold(events)
    assert found is not None
    return found


def three(root: Path) -> list[ScoredEpisode]:
    usage = Usage(input_tokens=10, output_tokens=2, cost=0.01)
    answered = episode(
        root,
        Turn(
            calls=(CallRequest("a", "sum", '{"a":1,"b":2}'), CallRequest("b", "sum", "{oops")),
            model=ModelCall(model="m", turn=0, text="so", reasoning="hm", usage=usage),
        ),
        Turn(mistake="neither", raw="eh", model=ModelCall(model="m", turn=1, usage=Usage())),
        Turn(answer="A", model=ModelCall(model="m", turn=2, text="<answer>A</answer>")),
    )
    broken = episode(root, Turn(calls=(CallRequest("c", "broken", "{}"),)))
    stuck = episode(root, Turn(mistake="?"), Turn(mistake="?"), limits=Limits(mistakes=2))
    score = Score(task_id="t1", scorer="vsi@1", value=1.0, prediction="A")
    return [ScoredEpisode(answered, (score,), "A"), ScoredEpisode(broken), ScoredEpisode(stuck)]


def test_every_scheduled_episode_is_there_and_counts(tmp_path: Path) -> None:
    log = inspect_log(HEADER, three(tmp_path))
    assert log["version"] == 2
    assert log["status"] == "cancelled"
    assert (log["results"]["total_samples"], log["results"]["completed_samples"]) == (3, 2)
    (score,) = log["results"]["scores"]
    assert score["metrics"]["mean"]["value"] == pytest.approx(1 / 3)
    assert score["unscored_samples"] == 2
    answered, broken, stuck = log["samples"]
    assert [m["role"] for m in answered["messages"]] == [
        *("user", "assistant", "tool", "tool", "assistant", "user", "assistant")
    ]
    calls = answered["messages"][1]["tool_calls"]
    assert [(c["id"], c["arguments"]) for c in calls] == [("a", {"a": 1, "b": 2}), ("b", {})]
    assert calls[1]["parse_error"] == "{oops"
    assert answered["output"]["completion"] == "A"
    assert answered["model_usage"]["m"]["total_cost"] is None
    assert broken["error"]["message"].startswith("broken failed")
    assert stuck["limit"]["type"] == "custom"
    assert "target" in answered
    assert len({m["id"] for s in log["samples"][:1] for m in s["messages"]}) == 7


def test_inspect_reads_it_back(tmp_path: Path) -> None:
    inspect = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    path = tmp_path / "run.json"
    write_inspect_log(path, HEADER, three(tmp_path)[:1])
    log = inspect.read_eval_log(str(path))
    assert log.status == "success"
    (sample,) = log.samples
    assert sample.output.completion == "A"
    assert sample.messages[1].tool_calls[0].function == "sum"
    assert sample.scores["vsi@1"].value == 1.0


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_inspect_log(path, HEADER, three(tmp_path))
    assert orjson.loads(path.read_bytes())["eval"]["task"] == "stage"
