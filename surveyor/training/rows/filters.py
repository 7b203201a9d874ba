"""Which episodes are worth learning from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, Field

from surveyor.training.rows.records import Row, text_of


class Filters(BaseModel):
    """What a row must be; the defaults take everything.

    ``score`` is the least score (unscored rows then fall out), ``effective`` the least share of
    calls that the answer rests on, ``longest`` the most characters of all messages. ``skills``,
    ``workflows``, ``types`` and ``scenes`` name what is wanted; empty means any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float | None = Field(default=None, ge=0, le=1)
    effective: float = Field(default=0.0, ge=0, le=1)
    guess_free: bool = False
    longest: int | None = Field(default=None, ge=1)
    skills: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    without_scenes: tuple[str, ...] = ()

    def takes(self, row: Row) -> bool:
        """Whether a row passes all of them."""
        if self.score is not None and (row.score is None or row.score < self.score):
            return False
        if row.calls and row.effective / row.calls < self.effective:
            return False
        if self.guess_free and row.guess:
            return False
        if self.longest is not None and length(row) > self.longest:
            return False
        return (
            (not self.skills or bool(set(self.skills) & set(row.skills)))
            and (not self.workflows or row.workflow in self.workflows)
            and (not self.types or row.question_type in self.types)
            and (not self.scenes or row.scene_id in self.scenes)
            and row.scene_id not in self.without_scenes
        )


def chosen(rows: Iterable[Row], filters: Filters) -> Iterator[Row]:
    """The rows that pass, in order."""
    return (row for row in rows if filters.takes(row))


def length(row: Row) -> int:
    """Characters of a row's messages, calls included."""
    return sum(
        len(text_of(message))
        + sum(len(str(call["function"])) for call in message.get("tool_calls") or ())
        for message in row.messages
    )
