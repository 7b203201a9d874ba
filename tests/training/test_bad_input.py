"""What goes wrong in training ends with one sentence, and nothing is lost."""

from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.training import roll_out, train_compact_agent
from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode
from surveyor.training.checkpoints import newest, prune, write_folder
from surveyor.training.compact.rollouts import play_run
from surveyor.training.compact.vocabulary import Vocabulary
from surveyor.training.evolution.scoring import Scored
from surveyor.training.grpo.trl import GrpoSettings, answer_of, reward_function
from surveyor.training.models.families import family_of
from surveyor.training.rows.filters import Filters


def test_a_full_disk_leaves_the_last_whole_checkpoint(tmp_path: Path) -> None:
    write_folder(tmp_path / "step-1", lambda at: (at / "state").write_text("one"))

    def full(at: Path) -> None:
        (at / "state").write_text("tw")
        raise OSError(errno.ENOSPC, "No space left on device")

    for step in (1, 2):
        with pytest.raises(UserError, match=r"No space left on device.*last whole"):
            write_folder(tmp_path / f"step-{step}", full)
    assert newest(tmp_path) == (1, tmp_path / "step-1")
    assert (tmp_path / "step-1" / "state").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["step-1"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("[enforce fail at inline_container.cc:672] unexpected pos 64 vs 0"), "disk"),
        (type("SafetensorError", (Exception,), {})("I/O error: Disk full (os error 28)"), "Disk"),
    ],
)
def test_what_writers_hide_is_said(tmp_path: Path, error: Exception, why: str) -> None:
    def full(_: Path) -> None:
        raise error

    with pytest.raises(UserError, match=rf"cannot save .*{why}.*make room"):
        write_folder(tmp_path / "step-1", full)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="another"):
        write_folder(tmp_path / "step-1", lambda _: _raise(RuntimeError("another")))


def _raise(error: Exception) -> None:
    raise error


def test_test_scenes_are_not_learnt_from(tmp_path: Path) -> None:
    from tests.support.grounded_stage import grounded_room

    train = grounded_room(tmp_path / "train").path
    run = tmp_path / "run"
    config = RunConfig(dataset=str(train), expert_options={"preset": "perfect"}, limit=2)
    asyncio.run(play_run(run, train, tmp_path / "work", config))
    settings: dict[str, object] = {"steps": 1}
    with pytest.raises(UserError, match=r"scene room_000031 gave a training row and is in a test"):
        train_compact_agent(tmp_path / "out", [run], Filters(), settings, test=[train])
    assert not (tmp_path / "out").exists()


def test_what_is_trained_is_not_trained_again_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(UserError, match="holds an agent whose training is done"):
        train_compact_agent(tmp_path, [], Filters(), {"steps": 1})


def test_checkpoints_are_replaced_whole_and_pruned(tmp_path: Path) -> None:
    for step in (1, 2, 10, 10):
        write_folder(tmp_path / f"step-{step}", lambda at: (at / "state").write_text("x"))
    (tmp_path / ".step-11-killed").mkdir()
    prune(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-10", "step-2"]


def test_a_preset_that_is_none_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no preset 'nonsense'; choose one of: perfect"):
        roll_out(tmp_path / "train", tmp_path / "out", "nonsense", None, False, None)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_another_family_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no readable config"):
        family_of(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(UserError, match="holds a llama model; the families known here are qwen3"):
        family_of(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "qwen3"}')
    assert family_of(tmp_path) == "qwen3"
    Vocabulary.of(()).save(tmp_path)
    with pytest.raises(UserError, match=r"is a compact agent.*train reinforce"):
        family_of(tmp_path)


class _Lived:
    """An environment that was left as it began."""

    def _episode(self, answer: str | None, said: str) -> Any:
        from tests.training.test_rewards import HONEST, episode

        return episode(HONEST, answer, said)


def test_a_reward_that_is_not_a_number_stops_the_training() -> None:
    async def broken(_episode: Episode) -> Scored:
        return Scored(float("nan"))

    reward = reward_function(broken, GrpoSettings(group=2), {})
    said = [[{"role": "assistant", "content": "<answer>213</answer>"}]] * 2
    with pytest.raises(UserError, match="not a number"):
        asyncio.run(reward(said, ["t", "t"], [_Lived(), _Lived()]))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ([], None),
        ([{"role": "tool", "content": "<answer>4</answer>"}], None),
        ([{"role": "assistant", "content": "", "tool_calls": [{}]}], None),
        ([{"role": "assistant", "content": "<answer> </answer>"}], None),
        ([{"role": "assistant", "content": "so <answer>4</answer>"}], "4"),
        ([{"role": "assistant", "content": [{"type": "text", "text": "<answer>4</answer>"}]}], "4"),
    ],
)
def test_only_the_models_own_last_words_are_an_answer(
    said: list[dict[str, Any]], answer: str | None
) -> None:
    assert answer_of(said)[1] == answer


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "compact", "OUT"], "name at least one run to train on with --run"),
        (["train", "compact", "OUT", "--run", "none"], "none is not a run"),
        (["train", "watch", "OUT"], "holds no training yet"),
        (["train", "rollouts", "none", "OUT"], "none holds no dataset"),
        (["serve-model", "none"], "there is no folder none"),
        (["export", "sft", "OUT", "--run", "none"], "none is not a run"),
        (["export", "sft", "OUT", "--run", "none", "--dialect", "x"], "there is no dialect 'x'"),
        (["train", "grpo", "none", "OUT", "--prompts", "p"], "name the datasets"),
        (["train", "sft", "none", "OUT", "--data", "rows:x"], "FOLDER or FOLDER:WEIGHT"),
    ],
)
def test_one_sentence_and_nothing_is_written(
    arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    code = "from surveyor.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
