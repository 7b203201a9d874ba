"""Training a projector, and a language model with it, on records: one loop, resumable at any step.

Two rates, because the projector is new and the language model is not; both go up over a warm-up and
down along a half cosine. Which rows come, and which views are left out, is a function of the seed
and the step, so a run that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import io
import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.errors import UserError
from surveyor.training.checkpoints import newest, prune, write_folder
from surveyor.training.extras import need
from surveyor.training.geometry.model import GeometryModel
from surveyor.training.geometry.records import GeometryExample, Mixed, kept_views


class GeometrySettings(BaseModel):
    """``steps`` of ``batch`` rows. ``rate`` is the language model's, 0 leaves it frozen.

    ``dropout`` is the share of views left out of a row; ``splits`` may be trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: str = "vggt"
    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=6, ge=1)
    rate: float = Field(default=5e-6, ge=0)
    projector_rate: float = Field(default=1e-4, gt=0)
    warm_up: float = Field(default=0.03, ge=0, lt=1)
    decay: float = Field(default=0.1, ge=0)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    latents: int = Field(default=128, ge=1)
    width: int = Field(default=512, ge=8)
    layers: int = Field(default=6, ge=1)
    save_every: int = Field(default=200, ge=1)
    seed: int = 0
    splits: tuple[str, ...] = ("train",)


Told = Callable[[dict[str, float]], None]


def train_geometry(
    checkpoint: Path,
    sources: Sequence[tuple[Path, float]],
    out: Path,
    settings: GeometrySettings,
    told: Told = lambda row: None,
    until: int | None = None,
) -> Path:
    """Train, or go on with what ``out`` holds, and return the model's folder.

    ``until`` stops after that step, as a machine that is taken away does. Raises `UserError` for
    rows that may not be trained on, a loss that is not a number, or a full disk.
    """
    torch = need("torch")
    if not sources:
        raise UserError("name at least one folder of records with --data")
    rows = Mixed(sources, settings.seed, settings.steps * settings.batch, settings.splits)
    torch.manual_seed(settings.seed)
    sizes = {"latents": settings.latents, "width": settings.width, "layers": settings.layers}
    model = GeometryModel.fresh(checkpoint, settings.features, **sizes)
    optimizer = _optimizer(torch, model, settings)
    first = _resumed(torch, model, optimizer, out)
    for step in range(first, min(settings.steps, until or settings.steps)):
        row = _step(torch, model, optimizer, rows, step, settings)
        if not math.isfinite(row["loss"]):
            raise UserError(f"the loss of step {step + 1} is not a number; lower the rates")
        out.mkdir(parents=True, exist_ok=True)
        with (out / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        told(row)
        if (step + 1) % settings.save_every == 0 or step + 1 == until:
            _checkpoint(torch, model, optimizer, out / "checkpoints", step + 1)
    write_folder(out / "model", model.save)
    return out / "model"


def _optimizer(torch: Any, model: GeometryModel, settings: GeometrySettings) -> Any:
    groups = [{"params": list(model.projector.parameters()), "top": settings.projector_rate}]
    model.language.train()
    for parameter in model.language.parameters():
        parameter.requires_grad_(settings.rate > 0)
    if settings.rate > 0:
        groups.append({"params": list(model.language.parameters()), "top": settings.rate})
    return torch.optim.AdamW(groups, lr=settings.projector_rate, weight_decay=settings.decay)


def _step(
    torch: Any,
    model: GeometryModel,
    optimizer: Any,
    rows: Mixed,
    step: int,
    settings: GeometrySettings,
) -> dict[str, float]:
    """One update; its loss, the rates and the length of the projector's gradient."""
    share = schedule(step / settings.steps, settings.warm_up)
    for group in optimizer.param_groups:
        group["lr"] = group["top"] * share
    dice = random.Random(f"{settings.seed}/{step}")
    total = 0.0
    chosen = rows.step(step, settings.batch)
    for example in chosen:
        loss = example_loss(model, example, settings.dropout, dice) / len(chosen)
        loss.backward()
        total += float(loss.detach())
    projector = list(model.projector.parameters())
    length = torch.nn.utils.clip_grad_norm_(projector, 1.0)
    if settings.rate > 0:
        torch.nn.utils.clip_grad_norm_(model.language.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return {
        "step": step + 1,
        "loss": total,
        "grad_norm": float(length),
        "projector_rate": settings.projector_rate * share,
        "rate": settings.rate * share,
    }


def example_loss(
    model: GeometryModel, example: GeometryExample, dropout: float, dice: random.Random
) -> Any:
    """The loss of one row with some of its views left out."""
    record = example.record
    pictures = [example.folder / name for name in record.images]
    shown = kept_views(len(pictures), dropout, dice)
    latents = model.seen(pictures, record.geometry, shown)
    return model.loss(record.question, example.said, latents)


def schedule(done: float, warm_up: float) -> float:
    """The share of the top rate after the share ``done`` of all steps: up, then half a cosine."""
    if done < warm_up:
        return max(done / warm_up, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))


def _checkpoint(torch: Any, model: GeometryModel, optimizer: Any, folder: Path, step: int) -> None:
    whole = io.BytesIO()  # torch's own writer hides a full disk behind another error
    state = {
        "projector": model.projector.state_dict(),
        "language": model.language.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(state, whole)
    target = folder / f"step-{step}"
    write_folder(target, lambda at: bool((at / "state.pt").write_bytes(whole.getvalue())))
    prune(folder, keep=2)


def _resumed(torch: Any, model: GeometryModel, optimizer: Any, out: Path) -> int:
    """The step to go on from; what was logged after it is forgotten."""
    found = newest(out / "checkpoints")
    if found is None:
        (out / "metrics.jsonl").unlink(missing_ok=True)
        return 0
    try:
        state = torch.load(found[1] / "state.pt", weights_only=True)
        model.projector.load_state_dict(state["projector"])
        model.language.load_state_dict(state["language"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError, KeyError, OSError):
        raise UserError(
            f"{found[1]} is of another shape; give another folder, or delete this one"
        ) from None
    log = out / "metrics.jsonl"
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    log.write_text("".join(lines[: found[0]]))
    return found[0]
