"""Supervised fine-tuning of Qwen3 and Qwen3-VL by TRL's trainer, with a collator of our own."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.errors import UserError
from surveyor.training.checkpoints import unsaved, write_folder
from surveyor.training.export.tables import table_of
from surveyor.training.extras import need
from surveyor.training.models.collator import AgentCollator
from surveyor.training.models.families import load_checkpoint
from surveyor.training.models.rendering import check_template


class SftSettings(BaseModel):
    """``steps`` of ``batch`` × ``accumulate`` episodes; ``lora`` is a rank, 0 trains all weights.

    ``length`` is the most tokens of an episode. ``save_every`` is steps. ``loss`` is the negative
    log-likelihood, or Dynamic Fine-Tuning's, which weighs each token by its own probability
    (arXiv 2508.05629).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=100, ge=1)
    batch: int = Field(default=1, ge=1)
    accumulate: int = Field(default=8, ge=1)
    rate: float = Field(default=1e-5, gt=0)
    lora: int = Field(default=0, ge=0)
    length: int | None = Field(default=None, ge=1)
    save_every: int = Field(default=50, ge=1)
    seed: int = 0
    loggers: tuple[str, ...] = ()
    loss: Literal["nll", "dft"] = "nll"


class Mixture:
    """Rows of several exported folders, drawn by weight; the order is a function of the seed.

    Rows are read from Parquet when they are asked for, so memory does not grow with them.
    """

    def __init__(self, sources: Sequence[tuple[Path, float]], seed: int, length: int) -> None:
        datasets = need("datasets")
        self._tables = []
        for folder, _ in sources:
            file = table_of(folder, "rows", "sft")
            self._tables.append(datasets.Dataset.from_parquet(str(file)))
        weights = [weight for _, weight in sources]
        if min(weights, default=0) <= 0:
            raise UserError("a source needs a weight above 0, as in --data rows:2")
        self._order = list(drawn([len(table) for table in self._tables], weights, seed, length))

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, position: int) -> dict[str, Any]:
        table, row = self._order[position]
        found: dict[str, Any] = self._tables[table][row]
        return found


def drawn(
    sizes: Sequence[int], weights: Sequence[float], seed: int, length: int
) -> Iterator[tuple[int, int]]:
    """Source and row, each source shuffled anew whenever it is used up."""
    dice = random.Random(seed)
    waiting: list[list[int]] = [[] for _ in sizes]
    for _ in range(length):
        (table,) = dice.choices(range(len(sizes)), weights)
        if not waiting[table]:
            waiting[table] = dice.sample(range(sizes[table]), sizes[table])
        yield table, waiting[table].pop()


def train_sft(
    checkpoint: Path, sources: Sequence[tuple[Path, float]], out: Path, settings: SftSettings
) -> Path:
    """Train, or go on with what ``out`` holds; return the folder of the trained model.

    Raises `UserError` for a checkpoint of another family, a template that drops tools or images, a
    row that is too long, a loss that is not a number or a full disk.
    """
    if not sources:
        raise UserError("name at least one folder of rows with --data")
    trl, torch = need("trl"), need("torch")
    loaded = load_checkpoint(checkpoint, dtype="auto" if torch.cuda.is_available() else "float32")
    check_template(loaded.processor, vision=loaded.vision)
    rows = Mixture(sources, settings.seed, settings.steps * settings.batch * settings.accumulate)
    trainer = trl.SFTTrainer(
        model=loaded.model,
        processing_class=loaded.processor,
        train_dataset=_as_dataset(rows),
        data_collator=AgentCollator(loaded.processor, settings.length),
        args=trl.SFTConfig(
            output_dir=str(out / "checkpoints"),
            max_steps=settings.steps,
            per_device_train_batch_size=settings.batch,
            gradient_accumulation_steps=settings.accumulate,
            learning_rate=settings.rate,
            save_steps=settings.save_every,
            loss_type=settings.loss,
            **common(settings.seed, settings.loggers),
            remove_unused_columns=False,
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
        ),
        peft_config=lora(settings.lora),
    )
    return run_trainer(trainer, loaded.processor, out, settings.lora)


def common(seed: int, loggers: Sequence[str]) -> dict[str, Any]:
    """What both trainers are told, by what this machine has."""
    gpu = need("torch").cuda.is_available()
    return {
        "use_cpu": not gpu,
        "bf16": gpu,
        "gradient_checkpointing": gpu,
        "logging_steps": 1,
        "save_total_limit": 2,
        "seed": seed,
        "data_seed": seed,
        "report_to": list(loggers) or "none",
        "disable_tqdm": True,
    }


def lora(rank: int) -> Any:
    """Low-rank adapters on all linear layers of the language model; ``None`` for rank 0."""
    if not rank:
        return None
    return need("peft").LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def run_trainer(trainer: Any, processor: Any, out: Path, rank: int) -> Path:
    """Train from the last whole checkpoint of ``out``, and write the model to the side."""
    found = need("transformers.trainer_utils").get_last_checkpoint
    folder = out / "checkpoints"
    last = found(str(folder)) if folder.is_dir() else None
    try:
        trainer.train(resume_from_checkpoint=last)
    except Exception as error:  # noqa: BLE001 - errors of writing have no class in common
        raise unsaved(out, error) from None
    history = [row for row in trainer.state.log_history if "loss" in row]
    if any(not math.isfinite(row["loss"]) for row in history):
        raise UserError("the loss became not a number; lower --rate and train again")
    with (out / "metrics.jsonl").open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in trainer.state.log_history)
    model = trainer.accelerator.unwrap_model(trainer.model)
    if rank:
        model = model.merge_and_unload()

    def fill(target: Path) -> None:
        model.save_pretrained(target)
        processor.save_pretrained(target)

    write_folder(out / "model", fill)
    return out / "model"


def _as_dataset(rows: Mixture) -> Any:
    """The rows as `datasets` wants them: positions, which become rows when they are asked for."""

    def fetched(batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        found = [rows[position] for position in batch["position"]]
        return {name: [row.get(name) for row in found] for name in found[0]}

    positions = need("datasets").Dataset.from_dict({"position": list(range(len(rows)))})
    return positions.with_transform(fetched)
