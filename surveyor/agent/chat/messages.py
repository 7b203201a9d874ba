"""Chat messages before they are bytes: text and pictures, in order.

A picture is a handle and a blob reference. Its pixels appear only in
`surveyor.agent.chat.transcript`, at the moment when a message becomes JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from surveyor.core.blobs import BlobRef
from surveyor.memory.events import FormatError, ToolOutcome

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as the model is told about it; ``original`` pictures belong to the task."""

    handle: str
    ref: BlobRef
    original: bool = False


Part: TypeAlias = str | Picture


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``fields`` are the keys besides role and content, as JSON values."""

    role: Role
    parts: tuple[Part, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures in it, in order."""
        return tuple(part for part in self.parts if isinstance(part, Picture))


def pictures_of(outcome: ToolOutcome) -> tuple[Picture, ...]:
    """A result's images under their handles; a nameless one goes by its call."""
    named = outcome.handles if len(outcome.handles) == len(outcome.images) else ()
    names = named or tuple(f"{outcome.name} image {i + 1}" for i in range(len(outcome.images)))
    return tuple(Picture(name, ref) for name, ref in zip(names, outcome.images, strict=True))


def labelled(pictures: Iterable[Picture]) -> tuple[Part, ...]:
    """Each picture after its handle, so that the model can name it."""
    return tuple(part for picture in pictures for part in (f"{picture.handle}:", picture))


def one_message(
    observations: Iterable[ToolOutcome | FormatError],
    told: Callable[[ToolOutcome], str],
    *,
    images: bool,
    wrong: str = "Not understood: {}",
) -> list[Message]:
    """What came back as one user message in call order, none for nothing: ``told`` of every result
    with its pictures, and ``wrong`` around what was not understood."""
    parts: list[Part] = []
    for observation in observations:
        if isinstance(observation, FormatError):
            parts.append(wrong.format(observation.observation))
            continue
        parts.append(told(observation))
        if images:
            parts.extend(labelled(pictures_of(observation)))
    return [Message("user", tuple(parts))] if parts else []
