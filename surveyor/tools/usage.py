"""Adding up what a tool call asked of experts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel, JsonValue

from surveyor.core.blobs import BlobRef
from surveyor.core.producer import Producer
from surveyor.services.contract import ExpertAnswer
from surveyor.tools.experts import Reply
from surveyor.tools.spec import ToolResult

A = TypeVar("A", bound=ExpertAnswer)


class ExpertUsage:
    """Counts replies of one call and writes them into its result."""

    def __init__(self, replies: Iterable[Reply[A]] = ()) -> None:
        self._producers: list[Producer] = []
        self._asked = self._cached = 0
        self._cost = 0.0
        for reply in replies:
            self.add(reply)

    def add(self, reply: Reply[A]) -> None:
        """Count one reply."""
        if reply.producer not in self._producers:
            self._producers.append(reply.producer)
        self._asked += not reply.cached
        self._cached += reply.cached
        self._cost += reply.cost

    def result(
        self,
        text: str,
        data: BaseModel | Sequence[BaseModel] | None,
        handles: Sequence[str],
        sources: Sequence[str],
        images: Sequence[BlobRef] = (),
    ) -> ToolResult:
        """A tool result with the counts so far."""
        return ToolResult(
            text=text,
            data=dump(data),
            handles=tuple(handles),
            sources=tuple(sources),
            images=tuple(images),
            producers=tuple(self._producers),
            expert_calls=self._asked,
            cached=self._cached,
            cost=round(self._cost, 6),
        )


def dump(data: BaseModel | Sequence[BaseModel] | None) -> JsonValue:
    """JSON form of rows."""
    if data is None or isinstance(data, BaseModel):
        return None if data is None else data.model_dump(mode="json")
    return [row.model_dump(mode="json") for row in data]
