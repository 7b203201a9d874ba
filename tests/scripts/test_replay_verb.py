"""`surveyor rerun` without a swap: recorded decisions again, and what comes out otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surveyor.benchmarks.run.config import RunConfig
from surveyor.cli.rerun import app
from surveyor.compose.replay import replay
from surveyor.compose.session import Request, carry_out
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.services.launch import up
from tests.support.openai_server import RehearsalServer, Reply, says
from tests.support.openai_server import Request as Asked

DETECT = '{"frames": ["frame_0"], "phrases": ["chair"]}'
MISSING = {"preset": "perfect:detect.miss=0.3"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One embedded room, and a run on it whose detector misses things."""
    folder = tmp_path_factory.mktemp("replay")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEYOR_CACHE", str(folder / "cache"))
        make_rooms_dataset(folder / "room", seeds=[7], settings=RoomsSettings(n_frames=8))
        config = RunConfig(dataset=str(folder / "room"), limit=8, expert_options=MISSING)
        carry_out(Request(config, out=folder / "a"))
        yield folder


def test_the_same_experts_give_the_same_results_anew(place: Path) -> None:
    done = CliRunner().invoke(app, [str(place / "a")])
    assert done.exit_code == 0, done.output
    assert "8 episodes replayed" in done.output
    assert "0 episodes came out otherwise" in done.output
    again = RunFolder.open(place / "a-replayed")
    episodes = [again.episode(task.id, epoch) for task, epoch in again.scheduled()]
    asked = [outcome.expert_calls for one in episodes if one for outcome in one.outcomes]
    assert sum(asked) > 0, "nothing was kept from the first time"
    first, second = (
        json.loads((place / run / "report.json").read_bytes()) for run in ("a", "a-replayed")
    )
    assert first["overall"] == second["overall"]
    assert first["guesses"] == second["guesses"]
    again = CliRunner().invoke(app, [str(place / "a")])
    assert isinstance(again.exception, UserError), "what was kept is not checked for made anew"
    assert "remove it" in str(again.exception)


def test_other_experts_are_told_apart_and_the_exit_says_so(place: Path) -> None:
    names = ["detect", "segment", "depth", "reconstruct"]
    with up(names, [place / "room"], "perfect", place / "better") as handle:
        words = [
            str(place / "a"),
            "--experts",
            str(handle.endpoints_file),
            "--out",
            str(place / "b"),
        ]
        done = CliRunner().invoke(app, words)
    assert done.exit_code == 1, done.output
    assert ": detect said" in done.output


def test_a_models_run_is_replayed_without_the_model(place: Path) -> None:
    def script(asked: Asked) -> Reply:
        return says(calls=(("detect", DETECT),)) if asked.turn == 0 else says("2.0")

    with RehearsalServer(script) as server:
        options = {"model": "m", "base_url": server.url}
        config = RunConfig(
            dataset=str(place / "room"), planner="chat", limit=2, planner_options=options
        )
        carry_out(Request(config, out=place / "chat"))
    (one, two) = replay(place / "chat")
    assert [one.first, two.first] == ["", ""]
    assert one.results > 0
    again = RunFolder.open(place / "chat-replayed")
    for task, epoch in again.scheduled():
        episode = again.episode(task.id, epoch)
        assert episode is not None
        assert (episode.answer, episode.model_calls) == ("2.0", ())


def test_a_strangers_commands_wait_for_trust(place: Path, tmp_path: Path) -> None:
    record = json.loads((place / "a" / "run.json").read_bytes())
    mark = tmp_path / "mark"
    record["config"]["mcp"] = {"x": f"/bin/touch {mark}"}
    sent = tmp_path / "sent"
    sent.mkdir()
    (sent / "run.json").write_text(json.dumps(record))
    for words in ([str(sent)], [str(sent), "--swap", "detect=http://127.0.0.1:9"]):
        done = CliRunner().invoke(app, words)
        assert isinstance(done.exception, UserError)
        assert "--trust" in str(done.exception)
    assert not mark.exists()


def test_what_cannot_be_replayed_is_refused_in_words(place: Path, tmp_path: Path) -> None:
    record = json.loads((place / "a" / "run.json").read_bytes())
    for number, (changes, words) in enumerate(
        [({}, "is not finished"), ({"memory": str(tmp_path / "m")}, "a replay would do so again")]
    ):
        folder = tmp_path / f"r{number}"
        folder.mkdir()
        (folder / "run.json").write_text(
            json.dumps({**record, "config": record["config"] | changes})
        )
        (folder / "schedule.jsonl").write_bytes((place / "a" / "schedule.jsonl").read_bytes())
        with pytest.raises(UserError, match=words):
            replay(folder)
