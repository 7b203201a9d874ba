"""Training a compact agent from scratch: one process, one loop, resumable at any step.

Muon for the matrices (Jordan et al. 2024; its momentum is orthogonalised, which learns copying in
a fraction of AdamW's steps at this size) and AdamW for embeddings and norms; a trapezoid of
learning rates. The loss counts the model's own tokens only.
"""

from __future__ import annotations

import io
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.errors import UserError
from surveyor.training.checkpoints import newest, prune, write_folder
from surveyor.training.compact.model import ModelShape, begin_from, make_model, write_tokenizer
from surveyor.training.compact.sequences import Order, Spoken, blurred, renamed
from surveyor.training.compact.vocabulary import PAD, Vocabulary
from surveyor.training.extras import need


class CompactSettings(BaseModel):
    """``steps`` of ``batch`` episodes; ``permuted`` is the share whose name slots are permuted,
    ``blurred`` the share in whose question one word of eight says nothing.

    ``held_out`` is the share of episodes (whole scenes) that only measure. ``save_every`` and
    ``tell_every`` are steps. ``minutes`` stops early at a wall-clock time and still finishes the
    schedule of learning rates.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: ModelShape = ModelShape()
    steps: int = Field(default=3000, ge=1)
    batch: int = Field(default=8, ge=1)
    rate: float = Field(default=0.02, gt=0)
    adam_rate: float = Field(default=3e-3, gt=0)
    warm_up: float = Field(default=0.02, ge=0, lt=1)
    cool_down: float = Field(default=0.6, gt=0, le=1)
    permuted: float = Field(default=0.1, ge=0, le=1)
    blurred: float = Field(default=0.3, ge=0, le=1)
    save_every: int = Field(default=200, ge=1)
    tell_every: int = Field(default=20, ge=1)
    seed: int = 0
    threads: int = Field(default=0, ge=0)


Told = Callable[[dict[str, float]], None]


@dataclass
class _State:
    model: Any
    optimizers: list[Any]
    step: int = 0


def train_compact(
    data: Sequence[Spoken],
    held_out: Sequence[Spoken],
    vocabulary: Vocabulary,
    out: Path,
    settings: CompactSettings,
    told: Told = lambda row: None,
    start: Path | None = None,
) -> Path:
    """Train, or go on with what ``out`` holds, and return the model's folder.

    ``start`` is an earlier agent's folder to begin with instead of random weights.

    Raises `UserError` for too few episodes, a loss that is not a number, or a full disk; the last
    whole checkpoint stays and the same call resumes from it.
    """
    torch = need("torch")
    if settings.threads:
        torch.set_num_threads(settings.threads)
    order = Order.of(data, settings.batch, settings.seed)
    state = _begin(out, vocabulary, settings, start)
    began, first, tokens = time.monotonic(), state.step, 0
    while state.step < settings.steps:
        loss, seen, right = _step(torch, state, data, order, vocabulary, settings)
        tokens += seen
        state.step += 1
        if not math.isfinite(loss):
            raise UserError(
                f"the loss of step {state.step} is not a number; lower --rate and run again: "
                "it goes on from the last whole checkpoint"
            )
        if state.step % settings.tell_every == 0 or state.step == settings.steps:
            spent = time.monotonic() - began
            row = {
                "step": state.step,
                "loss": loss,
                "accuracy": right,
                "tokens_per_second": tokens / spent,
                "seconds_left": spent / (state.step - first) * (settings.steps - state.step),
            }
            _log(out, row)
            told(row)
        if state.step % settings.save_every == 0:
            _checkpoint(torch, state, out / "checkpoints")
    summary = {
        "parameters": sum(p.numel() for p in state.model.parameters()),
        "steps": settings.steps,
        "episodes": len(data),
        "held_out_accuracy": accuracy(state.model, held_out, vocabulary, settings.batch),
    }
    model = out / "model"
    write_folder(model, lambda folder: _finish(folder, state.model, vocabulary, settings, summary))
    return model


def accuracy(model: Any, data: Sequence[Spoken], vocabulary: Vocabulary, batch: int) -> float:
    """The share of own tokens that the model would say too, given those before; 0 without data."""
    torch = need("torch")
    right = total = 0
    model.eval()
    with torch.no_grad():
        for start in range(0, len(data), batch):
            ids, labels = _padded(torch, data[start : start + batch], vocabulary)
            best = model(input_ids=ids[:, :-1], use_cache=False).logits.argmax(-1)
            wanted = labels[:, 1:]
            right += int(((best == wanted) & (wanted >= 0)).sum())
            total += int((wanted >= 0).sum())
    model.train()
    return right / total if total else 0.0


def _begin(
    out: Path, vocabulary: Vocabulary, settings: CompactSettings, start: Path | None
) -> _State:
    torch = need("torch")
    model = make_model(settings.shape, vocabulary, settings.seed)
    if start is not None:
        begin_from(model, vocabulary, start)
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    chosen = {id(p) for p in inner}
    others = [p for p in model.parameters() if id(p) not in chosen]
    optimizers = [
        torch.optim.Muon(inner, lr=settings.rate, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(others, lr=settings.adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    state = _State(model.train(), optimizers)
    found = newest(out / "checkpoints")
    if found is not None:
        try:
            saved = torch.load(found[1] / "state.pt", weights_only=True)
            model.load_state_dict(saved["model"])
            for optimizer, kept in zip(optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(kept)
        except (RuntimeError, ValueError, KeyError, OSError):
            raise UserError(
                f"{found[1]} is of another shape or language; give --out another folder, or "
                "delete this one"
            ) from None
        state.step = found[0]
        _forget_after(out, state.step)
    return state


def _step(
    torch: Any,
    state: _State,
    data: Sequence[Spoken],
    order: Order,
    vocabulary: Vocabulary,
    settings: CompactSettings,
) -> tuple[float, int, float]:
    """One update; loss, tokens and the share of own tokens that were right."""
    dice = random.Random(f"{settings.seed}/{state.step}")
    chosen = [data[k] for k in order.step(state.step)]
    chosen = [
        renamed(one, vocabulary, dice) if dice.random() < settings.permuted else one
        for one in chosen
    ]
    chosen = [
        blurred(one, vocabulary, dice, 0.125) if dice.random() < settings.blurred else one
        for one in chosen
    ]
    ids, labels = _padded(torch, chosen, vocabulary)
    share = _schedule(state.step / settings.steps, settings)
    for optimizer, rate in zip(state.optimizers, (settings.rate, settings.adam_rate), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate * share
    logits = state.model(input_ids=ids[:, :-1], use_cache=False).logits
    wanted = labels[:, 1:]
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), wanted.flatten(), ignore_index=-100
    )
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
    for optimizer in state.optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    mine = wanted >= 0
    right = float((logits.argmax(-1) == wanted)[mine].float().mean())
    return float(loss.detach()), int((ids != vocabulary.ids[PAD]).sum()), right


def _padded(torch: Any, chosen: Sequence[Spoken], vocabulary: Vocabulary) -> tuple[Any, Any]:
    """Ids and labels (B, L); padding stands behind, where no token looks."""
    length, pad = max(len(one.ids) for one in chosen), vocabulary.ids[PAD]
    ids = [[*one.ids, *[pad] * (length - len(one.ids))] for one in chosen]
    labels = [
        [*(k if own else -100 for k, own in zip(one.ids, one.own, strict=True))]
        + [-100] * (length - len(one.ids))
        for one in chosen
    ]
    return torch.tensor(ids), torch.tensor(labels)


def _schedule(done: float, settings: CompactSettings) -> float:
    """Up, level, and down along a half cosine to a fiftieth."""
    if done < settings.warm_up:
        return (done + 1 / settings.steps) / settings.warm_up
    level = 1 - settings.cool_down
    if done < level:
        return 1.0
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (done - level) / settings.cool_down))


def _checkpoint(torch: Any, state: _State, folder: Path) -> None:
    saved = {
        "model": state.model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in state.optimizers],
    }
    whole = io.BytesIO()  # torch's own writer hides a full disk behind another error
    torch.save(saved, whole)
    target = folder / f"step-{state.step}"
    write_folder(target, lambda at: bool((at / "state.pt").write_bytes(whole.getvalue())))
    prune(folder, keep=2)


def _finish(
    folder: Path,
    model: Any,
    vocabulary: Vocabulary,
    settings: CompactSettings,
    summary: dict[str, Any],
) -> None:
    model.save_pretrained(folder)
    vocabulary.save(folder)
    write_tokenizer(folder, vocabulary)
    told = {**summary, "settings": settings.model_dump(mode="json")}
    (folder / "training.json").write_text(json.dumps(told, indent=1) + "\n")


def _log(out: Path, row: dict[str, float]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def _forget_after(out: Path, step: int) -> None:
    """Take back what was logged after the checkpoint: those steps are taken again."""
    path = out / "metrics.jsonl"
    if path.exists():
        lines = [line for line in path.read_text().splitlines() if line.endswith("}")]
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        path.write_text("".join(f"{line}\n" for line in kept))
