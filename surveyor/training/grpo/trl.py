"""GRPO by TRL's trainer with `environment_factory`: text and vision, on a CPU or with vLLM."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.scoring import Scored
from surveyor.training.export.tables import table_of
from surveyor.training.extras import need
from surveyor.training.grpo.environment import Environment, RolloutStage, environment_of
from surveyor.training.models.collator import with_pictures
from surveyor.training.models.families import load_checkpoint
from surveyor.training.models.rendering import check_template, tokenizer_of
from surveyor.training.rewards.parts import PARTS, WEIGHTS, Rewarded, rewards
from surveyor.training.sft import common, lora, run_trainer

Marker = Callable[[Episode], Awaitable[Scored]]
"""The score of an episode's answer, by someone who holds the answers apart."""

_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
PARITY = 0.05


class GrpoSettings(BaseModel):
    """``group`` rollouts a prompt, ``prompts`` prompts a step; ``turns`` of calls at most.

    ``completion`` bounds the tokens of an episode after its prompt, results included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=100, ge=1)
    group: int = Field(default=8, ge=2)
    prompts: int = Field(default=1, ge=1)
    rate: float = Field(default=1e-6, gt=0)
    completion: int = Field(default=2048, ge=16)
    turns: int = Field(default=12, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    beta: float = Field(default=0.0, ge=0)
    lora: int = Field(default=0, ge=0)
    vllm: bool = False
    save_every: int = Field(default=20, ge=1)
    seed: int = 0
    loggers: tuple[str, ...] = ()
    weights: Mapping[str, float] = Field(default_factory=lambda: dict(WEIGHTS))


def train_grpo(
    checkpoint: Path,
    prompts: Path,
    out: Path,
    stage: RolloutStage,
    marker: Marker,
    settings: GrpoSettings,
    workflows: Mapping[str, Workflow] | None = None,
) -> Path:
    """Train on exported prompts, or go on with what ``out`` holds; return the model's folder.

    ``workflows`` are those that the prompts' skills ask for, by task. Raises `UserError` for what
    can be mended, and when sampled log-probabilities are not those that are trained on.
    """
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    trl, torch = need("trl"), need("torch")
    loaded = load_checkpoint(checkpoint, dtype="auto" if torch.cuda.is_available() else "float32")
    check_template(loaded.processor, vision=loaded.vision)
    _teach_reading(loaded.processor)
    factory = environment_of(stage)
    trainer = trl.GRPOTrainer(
        model=loaded.model,
        reward_funcs=reward_function(marker, settings, workflows or {}),
        args=_arguments(trl, out, settings),
        train_dataset=_prompts(prompts, vision=loaded.vision),
        processing_class=loaded.processor,
        environment_factory=factory,
        peft_config=lora(settings.lora),
    )
    # Prompts show the tools as runs do, not as read off the methods.
    trainer._env_tools = {None: list(stage.schemas)}
    if settings.vllm and loaded.vision:
        collapse_image_tokens(trainer)
    model = run_trainer(trainer, loaded.processor, out, settings.lora)
    check_parity(trainer.state.log_history)
    return model


def _arguments(trl: Any, out: Path, settings: GrpoSettings) -> Any:
    engine = {"vllm_mode": "colocate"} if settings.vllm else {}
    return trl.GRPOConfig(
        output_dir=str(out / "checkpoints"),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.group * settings.prompts,
        num_generations=settings.group,
        max_completion_length=settings.completion,
        max_tool_calling_iterations=settings.turns,
        learning_rate=settings.rate,
        temperature=settings.temperature,
        beta=settings.beta,
        # Rare good tokens may grow further than common ones may shrink (clip-higher, DAPO).
        epsilon=0.2,
        epsilon_high=0.28,
        loss_type="dapo",
        scale_rewards="group",
        mask_truncated_completions=True,
        save_steps=settings.save_every,
        use_vllm=settings.vllm,
        **engine,
        **common(settings.seed, settings.loggers),
    )


def _teach_reading(processor: Any) -> None:
    """How calls are read off the tokens, where the tokenizer doesn't say."""
    tokenizer = tokenizer_of(processor)
    if getattr(tokenizer, "response_template", None) is None:
        tokenizer.response_template = need("trl.chat_template_utils").qwen3_template


def _prompts(folder: Path, *, vision: bool) -> Any:
    file = table_of(folder, "prompts", "grpo")
    table = need("datasets").Dataset.from_parquet(str(file))

    def told(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {"task_id": batch["task_id"], "prompt": []}
        images = batch.get("images") or [()] * len(batch["task_id"])
        for messages, pictures in zip(batch["prompt"], images, strict=True):
            found["prompt"].append(list(with_pictures(messages, pictures if vision else ())))
        return found

    return table.with_transform(told)


def reward_function(
    marker: Marker, settings: GrpoSettings, workflows: Mapping[str, Workflow]
) -> Callable[..., Coroutine[Any, Any, list[float]]]:
    """TRL's reward: groups are the rollouts of one task that stand beside each other."""

    async def reward(
        completions: Sequence[Sequence[Mapping[str, Any]]],
        task_id: Sequence[str],
        environments: Sequence[Environment],
        log_metric: Callable[[str, float], None] | None = None,
        **_: Any,
    ) -> list[float]:
        judged = []
        for said, task, environment in zip(completions, task_id, environments, strict=True):
            text, answer = answer_of(said)
            episode = environment._episode(answer, text)
            told = await marker(episode)
            workflow = workflows.get(task)
            judged.append(Rewarded(episode, told.score, workflow, boxes=told.boxes))
        given = []
        for start in range(0, len(judged), settings.group):
            given += rewards(judged[start : start + settings.group], settings.weights)
        if any(not math.isfinite(one.total) for one in given):
            raise UserError("a reward is not a number; look at the scorer and at --reward")
        if log_metric is not None:
            for name in (*PARTS, "tools"):
                log_metric(f"part/{name}", sum(one.parts[name] for one in given) / len(given))
        return [one.total for one in given]

    return reward


def answer_of(said: Sequence[Mapping[str, Any]]) -> tuple[str, str | None]:
    """The last words of a rollout, and the answer in them if they are the model's own."""
    last = said[-1] if said else {}
    if last.get("role") != "assistant" or last.get("tool_calls"):
        return "", None
    content = last.get("content") or ""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    text = "".join(part.get("text") or "" for part in parts)
    found = _ANSWER.search(text)
    return text, found[1].strip() if found and found[1].strip() else None


def check_parity(history: Sequence[Mapping[str, Any]]) -> None:
    """`UserError` when what was sampled is not what is trained on: the gradient is then another
    policy's."""
    name = "sampling/sampling_logp_difference/mean"
    worst = max((abs(row[name]) for row in history if name in row), default=0.0)
    if worst > PARITY:
        raise UserError(
            f"log-probabilities of sampling and training differ by {worst:.3f} (at most {PARITY}); "
            "use the same precision and template for both, and one image token an image"
        )


def collapse_image_tokens(trainer: Any) -> None:
    """One placeholder an image for vLLM in this process, which expands it itself.

    The trainer hands over expanded ones, which are then expanded again (TRL issue 6294); drop this
    when that is closed.
    """
    inner = trainer.vllm_generation
    pad, before = trainer.processing_class.image_token_id, inner.generate

    def generate(prompts: Any, images: Any = None, **others: Any) -> Any:
        if images is not None:
            prompts = [
                [one for k, one in enumerate(p) if one != pad or k == 0 or p[k - 1] != pad]
                for p in prompts
            ]
        return before(prompts=prompts, images=images, **others)

    inner.generate = generate
