"""GRPO of a compact agent: it plays through the real `chat` planner and learns from what it said.

The served model and the trained one are the same weights in one process, so what is sampled is
what is trained on: the ids and log-probabilities come from the log of the episode, as they would
from any endpoint that gives them. One update a batch of groups (Shao et al. 2024, with the
token-level average of Yu et al. 2025 and no reference model); groups whose rewards are all equal
teach nothing and are left out. With a price the reward is what an episode is worth, its score less
what its experts' seconds cost; without one it is the weighted parts of `surveyor.training.rewards`.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import orjson
from pydantic import BaseModel, ConfigDict, Field

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.planner import Planner
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.events import ModelCall
from surveyor.training.checkpoints import write_folder
from surveyor.training.compact.episodes import seconds_of, utility
from surveyor.training.compact.model import write_tokenizer
from surveyor.training.curves import curve_svg
from surveyor.training.extras import need
from surveyor.training.rewards.parts import WEIGHTS, Rewarded, rewards
from surveyor.training.serving.app import build_server
from surveyor.training.serving.compact import CompactBackend

Play = Callable[[Planner, Sequence[Task]], Awaitable[Sequence[Rewarded]]]
"""Plays the tasks and judges the episodes, in order."""

PARITY = 0.05


class ReinforceSettings(BaseModel):
    """``groups`` tasks a step, ``group`` episodes each; ``clip`` bounds the ratio of one update.

    ``price`` is what a priced expert second costs in score; ``None``: ``weights`` apply.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=30, ge=1)
    groups: int = Field(default=4, ge=1)
    group: int = Field(default=8, ge=2)
    rate: float = Field(default=1e-4, gt=0)
    clip: float = Field(default=0.2, gt=0)
    temperature: float = Field(default=1.0, gt=0)
    seed: int = 0
    price: float | None = Field(default=None, ge=0)
    weights: Mapping[str, float] = Field(default_factory=lambda: dict(WEIGHTS))


@dataclass(frozen=True, slots=True)
class Trace:
    """A stretch of one conversation: ids, which of them were sampled, and under what."""

    ids: list[int]
    own: list[bool]
    logprobs: list[float]


async def reinforce(
    folder: Path,
    tasks: Sequence[Task],
    play: Play,
    out: Path,
    settings: ReinforceSettings,
    told: Callable[[Mapping[str, float]], None] = lambda row: None,
) -> Path:
    """Improve the agent of ``folder`` on ``tasks``; return the new model's folder.

    ``out/metrics.jsonl`` gets a row a step, ``out/curve.svg`` is drawn from it. Raises `UserError`
    when the log-probabilities of sampling and training differ by more than 0.05 on average, a
    reward is not a number, or every group of the training was alike and nothing was learnt.
    """
    torch = need("torch")
    backend = CompactBackend(folder)
    torch.manual_seed(settings.seed)
    order = random.Random(settings.seed).sample(list(tasks), len(tasks))
    rows: list[Mapping[str, float]] = []
    optimizer = torch.optim.AdamW(backend.model.parameters(), lr=settings.rate, weight_decay=0.0)
    for step in range(settings.steps):
        start = step * settings.groups
        chosen = [order[(start + k) % len(order)] for k in range(settings.groups)]
        row = await _step(torch, backend, optimizer, chosen, play, settings)
        rows.append({"step": step + 1, **row})
        _log(out, rows)
        told(rows[-1])
    if not any(row["learnt_from"] for row in rows):
        raise UserError(
            "every group's episodes were alike, so nothing was learnt; raise --temperature, or "
            "begin with an agent that is less sure (fewer steps, or --untold)"
        )

    def fill(target: Path) -> None:
        backend.model.save_pretrained(target)
        backend.vocabulary.save(target)
        write_tokenizer(target, backend.vocabulary)

    write_folder(out / "model", fill)
    return out / "model"


def _log(out: Path, rows: Sequence[Mapping[str, float]]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "metrics.jsonl").open("w" if len(rows) == 1 else "a") as file:
        file.write(json.dumps(rows[-1]) + "\n")
    (out / "curve.svg").write_text(curve_svg(rows, ("reward", "score", "seconds")) + "\n")


async def _step(
    torch: Any,
    backend: CompactBackend,
    optimizer: Any,
    tasks: Sequence[Task],
    play: Play,
    settings: ReinforceSettings,
) -> dict[str, float]:
    """Play every task as often as a group has episodes, and update once."""
    repeated = [task for task in tasks for _ in range(settings.group)]
    config = ChatConfig(
        model="compact",
        base_url="http://compact/v1",
        sampling={
            "temperature": settings.temperature,
            "logprobs": True,
            "return_token_ids": True,
        },
        capabilities={"images": False},
    )
    transport = httpx2.ASGITransport(app=build_server(backend, "compact"))
    with TemporaryDirectory(prefix="surveyor-grpo-") as name:
        kept = BlobStore(Path(name))
        async with ChatPlanner(config, [], transport=transport, recording=kept) as planner:
            judged = await play(planner, repeated)
        told = [
            one
            for start in range(0, len(judged), settings.group)
            for one in rewards(judged[start : start + settings.group], settings.weights)
        ]
        totals = [one.total for one in told]
        if settings.price is not None:
            totals = [utility(one, settings.price) for one in judged]
        if any(not math.isfinite(total) for total in totals):
            raise UserError("a reward is not a number; look at the scorer")
        advantages = _advantages(totals, settings.group)
        lessons = [
            (trace, advantage)
            for one, advantage in zip(judged, advantages, strict=True)
            if advantage
            for trace in traces(one.episode.model_calls, kept)
        ]
    difference = _update(torch, backend.model, optimizer, lessons, settings)
    parts = {f"part/{k}": sum(o.parts[k] for o in told) / len(told) for k in told[0].parts}
    seconds = sum(seconds_of(one.episode) for one in judged) / len(judged)
    return {
        "reward": sum(totals) / len(totals),
        "score": sum(one.score for one in judged) / len(judged),
        "seconds": seconds,
        "logp_difference": difference,
        "learnt_from": len(lessons),
        **parts,
    }


def traces(calls: Sequence[ModelCall], kept: BlobStore) -> list[Trace]:
    """An episode's tokens, in one stretch where each prompt goes on from the last reply."""
    found: list[Trace] = []
    whole: list[int] = []
    for call in calls:
        new: list[int] = orjson.loads(kept.get(call.prompt_tokens))
        prompt = [*whole[: call.shared_tokens], *new]
        if not found or call.shared_tokens < len(whole):  # what was said was not what is sent back
            found.append(Trace([], [], []))
            new = prompt
        last = found[-1]
        last.ids.extend([*new, *call.token_ids])
        last.own.extend([*[False] * len(new), *[True] * len(call.token_ids)])
        last.logprobs.extend([*[0.0] * len(new), *call.logprobs])
        whole = [*prompt, *call.token_ids]
    return found


def _advantages(totals: Sequence[float], group: int) -> list[float]:
    """Rewards against their group's mean, in its standard deviations; 0 where all are equal."""
    told: list[float] = []
    for start in range(0, len(totals), group):
        mine = totals[start : start + group]
        mean = sum(mine) / len(mine)
        spread = math.sqrt(sum((one - mean) ** 2 for one in mine) / len(mine))
        told += [(one - mean) / spread if spread > 1e-6 else 0.0 for one in mine]
    return told


def _update(
    torch: Any,
    model: Any,
    optimizer: Any,
    lessons: Sequence[tuple[Trace, float]],
    settings: ReinforceSettings,
) -> float:
    """One clipped step; the mean difference of sampled and trained log-probabilities."""
    tokens = sum(sum(trace.own) for trace, _ in lessons)
    if not tokens:
        return 0.0
    apart = 0.0
    optimizer.zero_grad(set_to_none=True)
    model.train()
    for trace, advantage in lessons:
        ids = torch.tensor([trace.ids])
        scores = model(input_ids=ids[:, :-1], use_cache=False).logits[0] / settings.temperature
        logs = torch.log_softmax(scores.float(), -1).gather(1, ids[0, 1:, None])[:, 0]
        mine = torch.tensor(trace.own[1:])
        before = torch.tensor(trace.logprobs[1:])
        ratio = (logs - before)[mine].exp()
        apart += float((logs - before)[mine].detach().abs().sum())
        bounded = ratio.clamp(1 - settings.clip, 1 + settings.clip)
        gain = torch.minimum(ratio * advantage, bounded * advantage).sum()
        (-gain / tokens).backward()
    model.eval()
    if apart / tokens > PARITY:
        raise UserError(
            f"log-probabilities of sampling and training differ by {apart / tokens:.3f}; the "
            "weights that are served are not those that are trained"
        )
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return apart / tokens
