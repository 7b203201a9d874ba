"""Other frameworks' rollout loops over our environment: a scripted policy plays one whole episode
through each, and gets the reward that our own GRPO gives it. A framework that is not installed is
skipped; none of them shares an environment with the versions that the rest is tested with."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.training.evolution.scoring import Scorer
from surveyor.training.grpo.adapters.rollout import Grounds, as_text, calls_in
from surveyor.training.grpo.environment import environment_of
from surveyor.training.grpo.trl import GrpoSettings, reward_function
from surveyor.training.rewards.parts import weights_of
from tests.support.grounded_stage import described_name, grounded_room, grounded_stage
from tests.support.mock_endpoint import RehearsalServer, says

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs, not ours

PARTS = weights_of(["boxes", "answer", "format:0.5", "tools:0.5", "length:0.1"])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return grounded_room(tmp_path_factory.mktemp("grounded") / "train")


@pytest.fixture(scope="module")
def task(dataset: Dataset) -> Task:
    return next(task for task in dataset.tasks() if " that is " in task.question)


def said(task: Task) -> tuple[str, ...]:
    """The policy's turns: a call that is none, the table of objects, an answer."""
    call = {"name": "scene", "arguments": {"categories": [described_name(task)]}}
    return (
        '<tool_call>\n{"name": "look_hard", "arguments": {}}\n</tool_call>',
        f"<tool_call>\n{json.dumps(call)}\n</tool_call>",
        "<answer>obj_1</answer>",
    )


def play(
    dataset: Dataset, work: Path, through: Callable[[Grounds], Coroutine[Any, Any, Any]]
) -> Any:
    """Let a coroutine use grounds whose experts live in the loop that carries their calls out."""

    async def whole() -> Any:
        async with (
            grounded_stage(dataset, work) as stage,
            Scorer([dataset.path]) as scorer,
        ):
            made = Grounds(stage, scorer.judge, PARTS, _loop=asyncio.get_running_loop())
            return await asyncio.to_thread(lambda: asyncio.run(through(made)))

    return asyncio.run(whole())


@pytest.fixture(scope="module")
def ours(dataset: Dataset, task: Task, tmp_path_factory: pytest.TempPathFactory) -> float:
    """The reward of the same turns through our own trainer's environment and reward function."""

    async def whole() -> float:
        async with (
            grounded_stage(dataset, tmp_path_factory.mktemp("ours")) as stage,
            Scorer([dataset.path]) as scorer,
        ):
            reward = reward_function(scorer.judge, GrpoSettings(group=2, weights=PARTS), {})
            lived = [environment_of(stage)() for _ in range(2)]
            for one in lived:
                one.reset(task_id=task.id)
                for turn in said(task)[:-1]:
                    await one._call(*calls_in(turn)[0])
            final = [{"role": "assistant", "content": said(task)[-1]}]
            first, second = await reward([final, final], [task.id] * 2, lived)
            assert first == second
            return first

    return asyncio.run(whole())


def test_a_rollout_outside_is_rewarded_as_inside(
    dataset: Dataset, task: Task, ours: float, tmp_path: Path
) -> None:
    async def through(grounds: Grounds) -> tuple[list[str], float, float]:
        rollout, told = grounds.rollout(task.id), []
        for turn in said(task)[:-1]:
            told += [as_text(await rollout.call(*call)) for call in calls_in(turn)]
        whole = (await rollout.reward(said(task)[-1])).total
        return told, whole, (await rollout.reward(said(task)[-1], cut=True)).total

    (wrong, found), reward, cut = play(dataset, tmp_path, through)
    assert "look_hard" in wrong
    assert found.startswith("objs_1: ")
    assert reward == pytest.approx(ours)
    assert 0 < reward < 1
    assert cut == 0


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("no call", []),
        ('<tool_call>{"name": "a"}</tool_call>', [("a", "{}")]),
        ('<tool_call>{"name": "a", "arguments": {"b": 1}}</tool_call>', [("a", '{"b":1}')]),
        ("<tool_call>{</tool_call>", [("", "{")]),
        ("<tool_call>[1]</tool_call> <tool_call>3</tool_call>", [("", "[1]"), ("", "3")]),
    ],
)
def test_calls_are_read_off_a_turn(text: str, calls: list[tuple[str, str]]) -> None:
    assert calls_in(text) == calls


def test_ms_swifts_scheduler(dataset: Dataset, task: Task, ours: float, tmp_path: Path) -> None:
    pytest.importorskip("swift.rollout.multi_turn", reason="ms-swift is not installed")
    from swift.infer_engine.protocol import (
        ChatCompletionResponse,
        ChatCompletionResponseChoice,
        ChatMessage,
        RolloutInferRequest,
        UsageInfo,
    )

    from surveyor.training.grpo.adapters.swift import scheduler_of

    turns = iter(said(task))
    seen: list[list[dict[str, Any]]] = []

    class Engine:
        """Stands for the endpoint: says the next turn."""

        engine = template = tokenizer = None

        async def infer_async(self, request: Any, _config: Any) -> Any:
            seen.append([dict(message) for message in request.messages])
            message = ChatMessage(role="assistant", content=next(turns))
            choice = ChatCompletionResponseChoice(0, message, "stop", token_ids=[7])
            return ChatCompletionResponse("m", [choice], UsageInfo(1, 1, 2))

    async def through(grounds: Grounds) -> Any:
        scheduler = scheduler_of(grounds)(Engine(), max_turns=8)
        asked = [{"role": "user", "content": task.question}]
        request = RolloutInferRequest(messages=asked, data_dict={"task_id": task.id}, uuid="1")
        scheduler.set_assistant_message_token_ids = lambda *_: None  # the engine has no tokens
        return await scheduler.run(request, None)

    output = play(dataset, tmp_path, through)
    assert output.rollout_infos["total_reward"] == pytest.approx(ours)
    assert output.rollout_infos["num_turns"] == 3
    roles = [message["role"] for message in seen[-1]]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]
    assert seen[-1][-1]["content"].startswith("objs_1: ")


def test_verls_agent_loop(dataset: Dataset, task: Task, ours: float, tmp_path: Path) -> None:
    module = "verl.experimental.agent_loop.tool_agent_loop"
    pytest.importorskip(module, reason="verl is not installed")
    pytest.importorskip("trl", reason="its chat templates make the tokenizer")
    from omegaconf import OmegaConf
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap
    from verl.workers.rollout.replica import TokenOutput

    from surveyor.training.grpo.adapters.verl import loop_of
    from surveyor.training.models.families import load_checkpoint
    from surveyor.training.models.tiny import make_tiny

    make_tiny(tmp_path / "tiny", [*said(task), task.question] * 4)
    tokenizer = load_checkpoint(tmp_path / "tiny").processor
    turns = iter(said(task))
    prompts: list[str] = []

    class Server:
        """Stands for the endpoint: says the next turn in tokens."""

        async def generate(self, prompt_ids: list[int], **_: Any) -> Any:
            prompts.append(tokenizer.decode(prompt_ids))
            ids = tokenizer.encode(f"{next(turns)}<|im_end|>")
            return TokenOutput(token_ids=ids, log_probs=[0.0] * len(ids))

    rollout = {
        "multi_turn": {
            "max_user_turns": 8,
            "max_assistant_turns": 8,
            "max_parallel_calls": 4,
            "max_tool_response_length": 4000,
            "tool_response_truncate_side": "left",
            "format": "hermes",
        },
        "prompt_length": 100_000,
        "response_length": 8000,
        "full_determinism": False,
    }
    config = OmegaConf.create({"actor_rollout_ref": {"rollout": rollout}})

    async def through(grounds: Grounds) -> Any:
        loop = loop_of(grounds)(
            DictConfigWrap(config),
            Server(),
            tokenizer,
            None,
            SimpleNamespace,
            DictConfigWrap(OmegaConf.create({})),
            hf_model_type="qwen3",
        )
        asked = [{"role": "user", "content": task.question}]
        return await loop.run({}, raw_prompt=asked, extra_info={"task_id": task.id})

    output = play(dataset, tmp_path / "work", through)
    assert output.reward_score == pytest.approx(ours)
    assert len(prompts) == 3
    assert '"name": "scene"' in prompts[0], "the tools are shown as a run shows them"
    assert "objs_1: " in prompts[-1]
    assert 0 < sum(output.response_mask) < len(output.response_mask), "results are not trained on"


def test_verifiers_environment(
    dataset: Dataset,
    task: Task,
    ours: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vf = pytest.importorskip("verifiers.v1", reason="verifiers is not installed")
    from surveyor.training.grpo.adapters.verifiers import plugin_of

    call = ("scene", json.dumps({"categories": [described_name(task)]}))
    turns = [
        says(None, calls=(("look_hard", "{}"),), ids="first_"),
        says(None, calls=(call,), ids="second_"),
        says("<answer>obj_1</answer>"),
    ]

    async def through(grounds: Grounds) -> Any:
        module = ModuleType("rooms_of_a_test")
        names = ["RoomsTaskset", "RoomsHarness"]
        vars(module).update(zip(names, plugin_of(grounds), strict=True), __all__=names)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        module.__spec__ = ModuleSpec(module.__name__, None)
        played = {"harness": {"id": module.__name__}, "runtime": {"type": "subprocess"}}
        config = {"taskset": {"id": module.__name__}, "agent": played}
        env = vf.SingleAgentEnv(vf.SingleAgentEnvConfig.model_validate(config))
        (asked,) = env.taskset.include(ids=[task.id])
        with RehearsalServer(lambda request: turns[request.turn]) as server:
            client = vf.EvalClientConfig(base_url=server.url, api_key_var="NO_KEY")
            (slot,) = env.slots(asked)
            async with env.serving():
                await env.run_slot(slot, vf.ModelContext(model="m", client=client))
            return slot.episode, server.requests

    monkeypatch.setenv("NO_KEY", "key")
    episode, requests = play(dataset, tmp_path, through)
    assert episode.ok, episode.errors or episode.traces[0].errors
    (trace,) = episode.traces
    assert len(requests) == 3
    assert "look_hard" in requests[1].body.decode()
    assert "objs_1: " in requests[2].body.decode()
    assert trace.reward == pytest.approx(ours)
    assert set(trace.metrics) >= set(PARTS)
