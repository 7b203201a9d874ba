"""What must never be trained on: test scenes, and secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.training.rows.records import Row, text_of

_SECRET = re.compile(
    r"\b(sk-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{16}|ghp_[A-Za-z0-9]{20,})"
    r"|Bearer [A-Za-z0-9._-]{16,}"
)
_BEGINS = ("sk-", "hf_", "AKIA", "ghp_", "Bearer ")
"""What all that the pattern finds begins with: looking for these first takes little time."""
_NAMED = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Apart:
    """Scenes and frame contents that are kept for testing."""

    scenes: frozenset[str]
    frames: frozenset[str]

    @classmethod
    def of(cls, datasets: Iterable[Path]) -> Apart:
        """Everything of these datasets."""
        scenes: set[str] = set()
        frames: set[str] = set()
        for path in datasets:
            dataset = Dataset.open(path)
            scenes |= set(dataset.manifest.scenes)
            frames |= {f.image.sha256 for c in dataset.captures.values() for f in c.frames}
        return cls(frozenset(scenes), frozenset(frames))


def refuse_test(datasets: Iterable[Path]) -> None:
    """`UserError` for a dataset that is not of split train."""
    for path in datasets:
        if (split := Dataset.open(path).manifest.split) != "train":
            raise UserError(
                f"{path} is of split {split}; only datasets of split train may be trained on"
            )


def guarded(rows: Iterable[Row], apart: Apart, splits: Sequence[str] = ("train",)) -> Iterator[Row]:
    """The rows, each held against what is kept apart and searched for secrets.

    Raises `UserError` at the first that is of another split, of a test scene by name or by the
    content of a frame (a renamed scene is the same scene), or holds something like a key.
    """
    secrets = _of_the_environment()
    for row in rows:
        if row.split not in splits:
            raise UserError(
                f"{row.task_id} is of split {row.split!r}, and only {', '.join(splits)} may be "
                "trained on; run on another dataset, or say so with --split"
            )
        if row.scene_id in apart.scenes:
            raise UserError(
                f"scene {row.scene_id} gave a training row and is in a test dataset; leave it out "
                "with --without-scene"
            )
        if shared := apart.frames.intersection(row.frames):
            raise UserError(
                f"scene {row.scene_id} shows frame {min(shared)[:12]} of a test dataset under "
                "another name; leave it out with --without-scene"
            )
        if found := _secret(row, secrets):
            raise UserError(f"the messages of {row.task_id} hold {found}; mend the run's prompt")
        yield row


def _of_the_environment() -> tuple[str, ...]:
    return tuple(
        value
        for name, value in os.environ.items()
        if _NAMED.search(name) and len(value) >= _SHORTEST
    )


def _secret(row: Row, secrets: Sequence[str]) -> str:
    for message in row.messages:
        text = text_of(message) + str(message.get("tool_calls") or "")
        if any(begin in text for begin in _BEGINS) and _SECRET.search(text):
            return "what looks like a key"
        if any(secret in text for secret in secrets):
            return "a secret of this machine's environment"
    return ""
