"""A training's metrics, whoever wrote them: our own lines, or TensorBoard's event files."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from surveyor.core.errors import UserError

LINES = "metrics.jsonl"
_EVENTS = "events.out.tfevents.*"


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """One row a step, in order. Lines are read where there are any, else event files below.

    Raises `UserError` for a folder without either, and where TensorBoard is needed and not there.
    """
    lines = run / LINES
    if lines.exists():
        return [json.loads(line) for line in lines.read_text().splitlines() if line.endswith("}")]
    events = sorted(run.rglob(_EVENTS))
    if not events:
        raise UserError(f"{run} holds no training yet (no {LINES}, no TensorBoard events)")
    return _of_events([*dict.fromkeys(file.parent for file in events)])


def _of_events(folders: list[Path]) -> list[dict[str, Any]]:
    """Scalars of every tag by step; a later folder's value stands where two say one."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-not-found, unused-ignore]
            EventAccumulator,
        )
    except ImportError:
        raise UserError(
            "these metrics are TensorBoard's; install it with `pip install tensorboard`"
        ) from None
    rows: dict[int, dict[str, Any]] = defaultdict(dict)
    for folder in folders:
        found = EventAccumulator(str(folder))
        found.Reload()
        for tag in found.Tags()["scalars"]:
            for event in found.Scalars(tag):
                rows[event.step][tag.removeprefix("train/")] = event.value
    return [{"step": step, **rows[step]} for step in sorted(rows)]
