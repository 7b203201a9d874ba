"""The reward of grounding on the whole road: tools, handles, and a scorer that holds answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.truth import targets
from surveyor.training.evolution.scoring import Scorer
from surveyor.training.grpo.environment import Environment, environment_of
from surveyor.training.grpo.trl import GrpoSettings, reward_function
from surveyor.training.rewards.boxes import corners_reward
from surveyor.training.rewards.parts import PARTS, WEIGHTS, weights_of
from tests.support.grounded_stage import described_name, grounded_room, grounded_stage

HERE = [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
THERE = [[4.0, 0.0, 0.0], [5.0, 1.0, 1.0]]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return grounded_room(tmp_path_factory.mktemp("grounded") / "train")


@pytest.mark.parametrize(
    ("said", "target", "reward"),
    [
        ([HERE], {"gt_aabb": HERE}, 1.0),
        ([HERE, THERE], {"gt_aabb": HERE}, 2 / 3),
        ([HERE, THERE], {"gt_aabbs": [THERE, HERE]}, 1.0),
        ([], {"gt_aabbs": []}, 1.0),
        ([HERE], {"gt_aabbs": []}, 0.0),
        ([], {"gt_aabb": HERE}, 0.0),
        ("junk", {"gt_aabb": HERE}, 0.0),
        ([[[0, 0, 0], [float("nan"), 1, 1]]], {"gt_aabb": HERE}, 0.0),
        (None, {"gt_aabbs": []}, 0.0),
        ("213", {"ground_truth": "213"}, None),
    ],
)
def test_corners_are_rewarded_as_boxes(
    said: object, target: Mapping[str, object], reward: float | None
) -> None:
    found = corners_reward(said, target)
    assert found == (None if reward is None else pytest.approx(reward))


def test_a_box_further_off_is_worth_less() -> None:
    near, far = ([[d, 0.0, 0.0], [d + 1, 1.0, 1.0]] for d in (0.2, 1.5))
    rewards = [corners_reward([one], {"gt_aabb": HERE}) for one in (HERE, near, far)]
    assert rewards == sorted(rewards, key=lambda r: -(r or 0.0))
    assert len(set(rewards)) == 3


async def _lived(environment: Environment, task: Task) -> dict[str, list[float]]:
    """Look the described things up; centres by handle."""
    environment.reset(task_id=task.id)
    said = await environment.scene(categories=[described_name(task)])  # type: ignore[attr-defined]
    assert said.startswith("objs_1: ")
    outcome = environment._episode(None).outcomes[-1]
    assert isinstance(outcome.data, dict)
    rows: Any = outcome.data["objects"]
    return {row["handle"]: row["center"] for row in rows}


def _final(answer: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": f"<answer>{answer}</answer>"}]


def test_a_scripted_group_is_rewarded_by_the_boxes_that_it_names(
    dataset: Dataset, tmp_path: Path
) -> None:
    several = [task for task in dataset.tasks() if " that is " in task.question]
    task = several[0]  # a description by a relation has at least one distractor
    settings = GrpoSettings(group=5, weights=weights_of(["boxes"]))
    logged: dict[str, float] = {}

    async def play() -> tuple[list[float], dict[str, list[float]]]:
        async with (
            grounded_stage(dataset, tmp_path) as stage,
            Scorer([dataset.path]) as scorer,
        ):
            kind = environment_of(stage)
            lived = [kind() for _ in range(5)]
            placed = [await _lived(one, task) for one in lived]
            handles = [*placed[0]]
            said = [", ".join(handles), *handles[:2], "obj_77", "none"]
            reward = reward_function(scorer.judge, settings, {})
            given = await reward(
                [_final(one) for one in said],
                [task.id] * 5,
                lived,
                lambda name, value: logged.update({name: value}),
            )
            return given, placed[0]

    (every, first, second, unmade, denied), placed = asyncio.run(play())
    (true,) = (t.payload["gt_aabb"] for t in targets(dataset.path) if t.task_id == task.id)
    middle = [(low + high) / 2 for low, high in zip(*true, strict=True)]  # type: ignore[misc]
    off = [sum(abs(a - b) for a, b in zip(at, middle, strict=True)) for at in placed.values()]
    right, wrong = (first, second) if off[0] < off[1] else (second, first)
    assert right > 0.9
    assert wrong < every < right, "naming every one is better than the wrong one, not than the one"
    assert unmade == denied == 0
    assert logged["part/boxes"] == pytest.approx(sum((every, first, second)) / 5)
    assert 0 < logged["part/answer"] < 0.5, "the metric itself reads handles too"


def test_parts_are_chosen_by_name() -> None:
    assert weights_of([]) == dict(WEIGHTS)
    assert weights_of(["boxes", "format:0.1"]) == {"boxes": 1.0, "format": 0.1}
    assert "boxes" in PARTS
    wrong = {"boxen": "no reward", "boxes:0": "NAME:WEIGHT", "boxes:x": "boxes:x"}
    for text, why in wrong.items():
        with pytest.raises(UserError, match=why):
            weights_of([text])


@pytest.mark.parametrize("verb", ["grpo", "reinforce"])
def test_the_verbs_take_it(verb: str, tmp_path: Path) -> None:
    needed = {"grpo": ["--prompts", "p"], "reinforce": ["--dataset", "d"]}[verb]
    arguments = ["train", verb, "none", str(tmp_path), *needed, "--reward", "boxen"]
    shown = CliRunner().invoke(app, arguments)
    assert isinstance(shown.exception, UserError) or shown.exit_code == 2
    assert "no reward 'boxen'" in f"{shown.exception}{shown.output}"


def test_rollouts_of_grounding_questions_are_scored_as_such(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "rollouts", str(dataset.path), "run", "--preset", "perfect"]
    shown = CliRunner().invoke(app, [*arguments, "--limit", "2"])
    assert shown.exit_code == 0, shown.output
    scores = RunFolder.open(tmp_path / "run").results()
    assert {score.scorer.partition("/")[0] for score in scores} == {"scanrefer"}
    assert json.loads((tmp_path / "run" / "report.json").read_text())["metric"] == "scanrefer"
