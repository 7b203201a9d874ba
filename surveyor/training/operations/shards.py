"""A checkpoint whose weights lie in pieces, as one folder that anything can load."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from surveyor.core.errors import UserError
from surveyor.training.checkpoints import write_folder
from surveyor.training.extras import need

FSDP = "pytorch_model_fsdp_0"
INDEX = "model.safetensors.index.json"
WEIGHTS = "model.safetensors"
_BESIDE = ("*.json", "*.jinja", "*.txt", "*.model")
_NOT_BESIDE = frozenset({INDEX, "trainer_state.json"})


def merge_shards(checkpoint: Path, out: Path) -> Path:
    """Write ``out`` with all weights in one file and the checkpoint's configuration beside them.

    Takes FSDP's sharded state and transformers' numbered files. Raises `UserError` for a
    checkpoint that holds neither, lacks a piece, or is DeepSpeed's, whose own script merges it.
    """
    if (checkpoint / FSDP).is_dir():
        weights = _of_fsdp(checkpoint / FSDP)
    elif (checkpoint / INDEX).is_file():
        weights = _of_files(checkpoint)
    elif (checkpoint / "zero_to_fp32.py").is_file():
        raise UserError(
            f"{checkpoint} is sharded by DeepSpeed, which puts its own converter there: run "
            f"`python {checkpoint / 'zero_to_fp32.py'} {checkpoint} {out} --safe_serialization`"
        )
    else:
        raise UserError(
            f"{checkpoint} holds no sharded weights ({FSDP} or {INDEX}); name one of the "
            "checkpoint-N folders of a training"
        )

    def fill(target: Path) -> None:
        need("safetensors.torch").save_file(
            {name: value.contiguous().clone() for name, value in weights.items()},
            str(target / WEIGHTS),
            metadata={"format": "pt"},
        )
        for pattern in _BESIDE:
            for file in checkpoint.glob(pattern):
                if file.name not in _NOT_BESIDE:
                    shutil.copy(file, target / file.name)

    write_folder(out, fill)
    return out


def _of_fsdp(folder: Path) -> dict[str, Any]:
    formats = need("torch.distributed.checkpoint.format_utils")
    reader = need("torch.distributed.checkpoint").FileSystemReader(str(folder))
    state: dict[str, Any] = {}
    try:
        # As accelerate's `merge_fsdp_weights` reads it, without starting its distributed state.
        formats._load_state_dict(
            state,
            storage_reader=reader,
            planner=formats._EmptyStateDictLoadPlanner(),
            no_dist=True,
        )
    except (OSError, RuntimeError) as error:
        raise UserError(f"{folder} lacks a piece or is damaged ({error})") from None
    return next(iter(state.values())) if len(state) == 1 else state


def _of_files(checkpoint: Path) -> dict[str, Any]:
    names: dict[str, str] = json.loads((checkpoint / INDEX).read_text())["weight_map"]
    weights: dict[str, Any] = {}
    for file in sorted(set(names.values())):
        if not (checkpoint / file).is_file():
            raise UserError(f"{checkpoint} lacks {file}, which {INDEX} names; copy it there")
        weights |= need("safetensors.torch").load_file(str(checkpoint / file))
    if missing := sorted(set(names) - set(weights)):
        raise UserError(f"{checkpoint} lacks {len(missing)} weights, such as {missing[0]}")
    return weights
