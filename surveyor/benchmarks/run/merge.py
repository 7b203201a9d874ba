"""Putting the shards of a run together again, with nothing missing and nothing twice."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.dataset import BLOBS
from surveyor.core.errors import UserError
from surveyor.memory.manifest import RunRecord, ScheduledTask
from surveyor.memory.runs import RunFolder


def merge(target: Path, parts: Sequence[RunFolder]) -> RunFolder:
    """Make one run at ``target`` from all its shards; episodes that are incomplete stay incomplete.

    Raises `UserError` when a shard is missing or given twice, when they are not shards of the
    same run, or when a task is in two of them; nothing is made then.
    """
    if not parts:
        raise UserError("name the shards that are to be merged")
    ordered = sorted(parts, key=lambda part: _shard(part)[0])
    _check_coverage(ordered)
    _check_same_run(ordered)
    schedule = _joined([part.schedule for part in ordered])
    first = ordered[0].record
    record = RunRecord(
        id=target.name,
        created=first.created,
        config={**first.config, "shard": None},
        free=first.free,
        epochs=first.epochs,
        manifest=first.manifest,
    )
    if target.exists():
        raise UserError(f"{target} exists already; choose another name for the merged run")
    whole = RunFolder.create(target, record, schedule)
    try:
        for part in ordered:
            for task in part.schedule:
                _copy(task, part, whole)
            if (kept := part.path / BLOBS).is_dir():  # what answers stand on, and what was sent
                shutil.copytree(kept, whole.path / BLOBS, dirs_exist_ok=True)
    except OSError as error:
        shutil.rmtree(target)
        raise UserError(f"cannot merge into {target}: {error.strerror}") from None
    return whole


def _shard(part: RunFolder) -> tuple[int, int]:
    shard = RunConfig.model_validate(part.record.config).shard
    if shard is None:
        raise UserError(f"{part.path} is not a shard: it was run without --shard")
    return shard.index, shard.count


def _check_coverage(parts: Sequence[RunFolder]) -> None:
    counts = {_shard(part)[1] for part in parts}
    if len(counts) > 1:
        raise UserError(f"the shards were cut differently: into {sorted(counts)} parts")
    count = counts.pop()
    given = [_shard(part)[0] for part in parts]
    if missing := sorted(set(range(1, count + 1)) - set(given)):
        raise UserError(f"shard {missing[0]}/{count} is missing ({len(missing)} in all)")
    if len(given) > count:
        twice = next(index for index in given if given.count(index) > 1)
        raise UserError(f"shard {twice}/{count} was given twice")


def _check_same_run(parts: Sequence[RunFolder]) -> None:
    def identity(part: RunFolder) -> dict[str, object]:
        record = part.record
        config = {k: v for k, v in record.config.items() if k not in (*record.free, "shard")}
        return {
            **config,
            "epochs": record.epochs,
            "dataset": record.manifest.dataset,
            "experts": record.manifest.experts,
            "skills": record.manifest.skills,
            "prompt": record.manifest.prompt,
            "code": record.manifest.code,
        }

    first = identity(parts[0])
    for part in parts[1:]:
        other = identity(part)
        for key, value in first.items():
            if other.get(key) != value:
                raise UserError(
                    f"{part.path} is not a shard of the same run as {parts[0].path}: "
                    f"{key} is {other.get(key)}, not {value}"
                )


def _joined(schedules: Sequence[tuple[ScheduledTask, ...]]) -> list[ScheduledTask]:
    seen: set[str] = set()
    joined = []
    for task in (task for schedule in schedules for task in schedule):
        if task.id in seen:
            raise UserError(f"task {task.id!r} is in two of the shards")
        seen.add(task.id)
        joined.append(task)
    return joined


def _copy(task: ScheduledTask, part: RunFolder, whole: RunFolder) -> None:
    for epoch in range(part.record.epochs):
        source = part.episode_path(task.id, epoch)
        if source.exists():
            shutil.copyfile(source, whole.episode_path(task.id, epoch))
