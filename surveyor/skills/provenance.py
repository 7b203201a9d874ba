"""Where a skill version comes from, and what the gate said about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, JsonValue

from surveyor.core.tasks import Task


class Origin(StrEnum):
    """``imported`` documents are untrusted text until a person promotes them; ``textual`` ones are
    ways of a chat agent that no workflow says, so that they can be read and not executed."""

    SEED = "seed"
    DISTILLED = "distilled"
    TEXTUAL = "textual"
    IMPORTED = "imported"


class Status(StrEnum):
    """Only ``active`` versions are retrieved; ``untrusted`` ones are shown and never executed."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    RETIRED = "retired"
    UNTRUSTED = "untrusted"


class Provenance(BaseModel):
    """Lives as ``provenance.json`` beside ``SKILL.md``.

    ``parents`` are ``name@version``. ``episodes`` are keys of the episodes it was distilled from,
    ``scenes`` their scene ids and ``splits`` the splits those scenes belong to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: Origin
    distiller: str = ""
    parents: tuple[str, ...] = ()
    episodes: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    source: str = ""
    notes: dict[str, JsonValue] = {}


class SceneMark(BaseModel):
    """How a scene is recognised again: by id, and by the content of any of its frames."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene_id: str
    frames: tuple[str, ...] = ()


def mark(task: Task) -> SceneMark:
    """The mark of a task's scene."""
    return SceneMark(
        scene_id=task.scene_id, frames=tuple(sorted({f.image.sha256[:16] for f in task.frames}))
    )


def digest(parts: Iterable[str]) -> str:
    """One hash over texts, with unambiguous borders."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode()
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()
