"""Rollouts a CPU-second of `train grpo` beside TRL's trainer with an environment as its examples
have them: the same tiny model, prompts, schemas and sampling, one run after the other.

A model that was fitted to call a tool and to answer plays both, so that tokens are the same. What
ours adds is a workspace, a checked call, an event log, a score and six rewards.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surveyor.core.blobs import BlobStore
from surveyor.memory.episodes import Episode
from surveyor.training.evolution.scoring import Scored
from surveyor.training.export.dialects import conversation
from surveyor.training.export.tables import write_parquet
from surveyor.training.extras import need
from surveyor.training.grpo import trl as ours
from surveyor.training.grpo.environment import RolloutStage
from surveyor.training.models.families import load_checkpoint
from surveyor.training.models.tiny import make_tiny
from surveyor.training.sft import SftSettings, train_sft
from tests.claims.agent.instant_tools import no_experts
from tests.claims.claim import Claim
from tests.support.agent_stage import TOOLS, make_task

GROUP, STEPS, ROUNDS = 8, 5, 2


@dataclass
class Clock:
    """When the rewards of each step were asked for, in this process's CPU seconds."""

    group: int = GROUP
    times: list[float] = field(default_factory=list)
    asked: int = 0

    def one(self) -> None:
        """A rollout is rewarded; the first of a step is what counts."""
        if self.asked % self.group == 0:
            self.times.append(time.process_time())
        self.asked += 1

    def seconds(self) -> list[float]:
        """CPU seconds of every step but the first."""
        return [b - a for a, b in zip(self.times, self.times[1:], strict=False)]


class Example:
    """An environment as TRL's documentation writes them: tools are its methods."""

    def reset(self, **_row: Any) -> None:
        """Begin anew."""

    def look(self, frame: str) -> str:
        """Shows a frame again.

        Args:
            frame: A frame to look at.
        """
        return "a crop"


def beside_trl(root: Path) -> Iterator[Claim]:
    """Ours and theirs in turns, by the median step of each."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    model, prompts = _fitted(root)
    settings = ours.GrpoSettings(
        steps=STEPS, group=GROUP, rate=1e-7, completion=300, turns=3, temperature=0.1,
        save_every=1000,
    )  # fmt: skip
    spent: dict[str, list[float]] = {"ours": [], "theirs": []}
    tokens: dict[str, list[float]] = {"ours": [], "theirs": []}
    players: dict[str, Callable[[Path], tuple[list[float], float]]] = {
        "theirs": lambda out: _theirs(model, prompts, out, settings),
        "ours": lambda out: _ours(model, prompts, out, settings),
    }
    for number in range(ROUNDS):
        for name, player in players.items():
            seconds, long = player(root / f"{name}{number}")
            spent[name] += seconds
            tokens[name].append(long)
    rates = {name: GROUP / statistics.median(seconds) for name, seconds in spent.items()}
    means = {name: statistics.mean(told) for name, told in tokens.items()}
    note = (
        f"{rates['ours']:.2f} and {rates['theirs']:.2f} rollouts a CPU-second, {means['ours']:.0f} "
        f"and {means['theirs']:.0f} sampled tokens a rollout, {ROUNDS} x {STEPS} steps of {GROUP}"
    )
    yield Claim.at_least("GRPO: rollouts, of TRL's own example's", rates["ours"] / rates["theirs"],
                         1.0, note)  # fmt: skip


def _fitted(root: Path) -> tuple[Path, Path]:
    """A tiny Qwen3 that calls `look` and answers, and the prompts of one task."""
    call = {"name": "look", "arguments": '{"frame": "frame_1"}'}
    told = conversation(
        [
            {"role": "system", "content": "You measure."},
            {"role": "user", "content": "Question: Which is closer to the door?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": call}],
            },
            {"role": "tool", "content": "a crop", "tool_call_id": "c"},
            {"role": "assistant", "content": "<answer>A</answer>"},
        ],
        parts=False,
    )
    tools = json.dumps(list(TOOLS.schemas))
    row = {"messages": told, "prompt": told[:2], "tools": tools, "task_id": "t1"}
    make_tiny(root / "random", [json.dumps(row)] * 4, vision=False)
    for name, column in (("rows", "messages"), ("prompts", "prompt")):
        (root / name).mkdir()
        columns = (column, "tools", "task_id")
        write_parquet(root / name / "data.parquet", [row] * 4, columns, parts=False)
    settings = SftSettings(steps=120, batch=2, accumulate=1, rate=5e-3, save_every=1000)
    model = train_sft(root / "random", [(root / "rows", 1.0)], root / "sft", settings)
    return model, root / "prompts"


def _ours(
    model: Path, prompts: Path, out: Path, settings: ours.GrpoSettings
) -> tuple[list[float], float]:
    clock, blobs = Clock(), BlobStore(out / "blobs")
    task, client = make_task(blobs), no_experts(blobs)
    stage = RolloutStage({"t1": task}, TOOLS, lambda: client)

    async def marker(episode: Episode) -> Scored:
        clock.one()
        return Scored(float(episode.answer == "A"))

    ours.train_grpo(model, prompts, out, stage, marker, settings)
    asyncio.run(client.aclose())
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return clock.seconds(), _length(list(map(json.loads, lines)))


def _theirs(
    model: Path, prompts: Path, out: Path, settings: ours.GrpoSettings
) -> tuple[list[float], float]:
    trl, clock = need("trl"), Clock()
    loaded = load_checkpoint(model, dtype="float32")
    ours._teach_reading(loaded.processor)

    def reward(completions: list[Any], **_: Any) -> list[float]:
        for _one in completions:
            clock.one()
        return [float("<answer>A</answer>" in str(said[-1]["content"])) for said in completions]

    trainer = trl.GRPOTrainer(
        model=loaded.model,
        reward_funcs=reward,
        args=ours._arguments(trl, out, settings),
        train_dataset=ours._prompts(prompts, vision=False),
        processing_class=loaded.processor,
        environment_factory=Example,
    )
    trainer._env_tools = {None: list(TOOLS.schemas)}  # the same prompt tokens
    trainer.train()
    return clock.seconds(), _length(trainer.state.log_history)


def _length(rows: list[dict[str, Any]]) -> float:
    name = "completions/mean_length"
    return statistics.mean(float(row[name]) for row in rows if name in row)
