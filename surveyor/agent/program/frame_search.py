"""Which frames are looked at, and what is found in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue, TypeAdapter

from surveyor.agent.program.tool_calls import Call, Caller, Steps, group, worked
from surveyor.memory.events import ToolOutcome
from surveyor.skills.workflow import Restore, Stop, Workflow
from surveyor.tools.schemas import BoxRow

_HANDLES: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...])
_BOXES: TypeAdapter[tuple[BoxRow, ...]] = TypeAdapter(tuple[BoxRow, ...])


@dataclass(frozen=True, slots=True)
class Look:
    """``frames``: all that were chosen, mended where they were looked at; ``boxes``: what was found
    in them; ``hits``: the frames that show any of it. All are handles or groups. ``searched`` says
    that every search was made: only then is nothing found a finding."""

    frames: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()
    searched: bool = False


class FrameSearch:
    """Chooses and mends frames and finds things in them, each once."""

    def __init__(self, caller: Caller, workflow: Workflow) -> None:
        self._caller = caller
        self._workflow = workflow
        self._mended: str | None = None
        self._found: dict[tuple[str, ...], Look] = {}

    def search(self, categories: Sequence[str], *, in_time: bool = False) -> Steps[Look]:
        """Find the categories, in all frames or until the workflow says that it is enough."""
        asked = tuple(categories)
        if asked not in self._found:
            stop = self._workflow.stop
            if stop is None:
                frames = yield from self._all()
                self._found[asked] = yield from self._whole(frames, asked)
            else:
                self._found[asked] = yield from self._until(stop, asked, in_time)
        return self._found[asked]

    def beside(
        self, tool: str, categories: Sequence[str], why: str, *, hits: bool = False
    ) -> Steps[tuple[ToolOutcome | None, Look]]:
        """What ``tool`` makes of the frames, and what was found in them.

        In one turn where every frame is searched anyway. Where a search may stop it comes first,
        and with ``hits`` the tool is given only the frames that show something.
        """
        if self._workflow.stop is not None and categories:
            look = yield from self.search(categories)
            frames = look.hits if hits else look.frames
            outcomes = yield from self._given(tool, frames, [], why)
        else:
            mended = yield from self._all()
            frames = () if mended is None else (mended,)
            new = [] if not categories or tuple(categories) in self._found else [*categories]
            outcomes = yield from self._given(tool, frames, new, why)
            if len(outcomes) > 1:
                self._found[tuple(categories)] = _look(frames, outcomes[1:])
            look = self._found.get(tuple(categories), Look(frames))
        return (worked(outcomes[0]) if outcomes else None), look

    def _given(
        self, tool: str, frames: Sequence[str], categories: Sequence[str], why: str
    ) -> Steps[tuple[ToolOutcome, ...]]:
        if not frames:
            return ()
        calls = [Call(tool, {"frames": [*frames]})]
        if categories:
            calls.append(_detect(frames, categories))
            why = f"{why}, find things"
        return (yield from self._caller.together(calls, why))

    def _whole(self, frames: str | None, categories: Sequence[str]) -> Steps[Look]:
        if frames is None:
            return Look()
        why = "find the asked things"
        outcomes = yield from self._caller.together([_detect([frames], categories)], why)
        return _look((frames,), outcomes)

    def _until(self, stop: Stop, categories: Sequence[str], in_time: bool) -> Steps[Look]:
        """Search more and more frames until everything was seen often enough."""
        chosen = yield from self._choose()
        if chosen is None:
            return Look()
        whole = _HANDLES.validate_python(chosen.data)
        left = list(whole)
        seen: Counter[str] = Counter()
        searched: list[str] = []
        outcomes: list[ToolOutcome] = []
        for batch in batches(whole, stop.first, in_time=in_time):
            frames = yield from self._restored(batch)
            searched.extend(frames)
            why = "look for what was not seen often enough" if outcomes else "look for things"
            found = yield from self._caller.together([_detect(frames, categories)], why)
            outcomes.extend(found)
            left = [handle for handle in left if handle not in batch]
            seen.update(category for _, category in {(r.frame, r.category) for r in _rows(found)})
            if all(seen[category] >= stop.seen for category in categories):
                break
        return _look((*searched, *left), outcomes)

    def _all(self) -> Steps[str | None]:
        if self._mended is None:
            chosen = yield from self._choose()
            if chosen is None:
                return None
            (self._mended,) = yield from self._restored((chosen.handles[0],))
        return self._mended

    def _choose(self) -> Steps[ToolOutcome | None]:
        wanted = self._workflow.frames
        return (
            yield from self._caller.one(
                "frames", "choose frames", policy=wanted.policy.value, number=wanted.number
            )
        )

    def _restored(self, frames: tuple[str, ...]) -> Steps[tuple[str, ...]]:
        """The frames, made easier to see where the workflow says so and an expert can."""
        how = self._workflow.restore
        if how is Restore.NONE:
            return frames
        ways: dict[Restore, dict[str, bool]] = {
            Restore.DIM: {"guard": True, "soft": False},
            Restore.GUARD: {"guard": True},
            Restore.ALWAYS: {"guard": False},
        }
        why = "mend what is dark or noisy" + ("" if how is Restore.DIM else " or soft")
        done = yield from self._caller.one("restore", why, frames=[*frames], **ways[how])
        return (done.handles[-1],) if done is not None else frames


def batches(handles: Sequence[str], size: int, *, in_time: bool) -> Iterator[tuple[str, ...]]:
    """The handles, ``size`` and then twice as many at a time: spread over all that are left, or
    from the first on."""
    left = list(handles)
    while left:
        batch = tuple(left[:size]) if in_time else evenly(left, size)
        yield batch
        left = [handle for handle in left if handle not in batch]
        size *= 2


def evenly(handles: Sequence[str], number: int) -> tuple[str, ...]:
    """At most ``number`` of the handles, evenly spread."""
    if number >= len(handles):
        return tuple(handles)
    step = len(handles) / number
    return tuple(handles[int((position + 0.5) * step)] for position in range(number))


def _detect(frames: Sequence[str], categories: Sequence[str]) -> Call:
    phrases: list[JsonValue] = [*categories]
    return Call("detect", {"frames": [*frames], "phrases": phrases})


def _rows(outcomes: Sequence[ToolOutcome]) -> list[BoxRow]:
    return [
        row
        for outcome in outcomes
        if worked(outcome) is not None
        for row in _BOXES.validate_python(outcome.data)
    ]


def _look(frames: tuple[str, ...], outcomes: Sequence[ToolOutcome]) -> Look:
    groups = tuple(found for one in outcomes if (found := group(one)) is not None)
    searched = bool(outcomes) and all(worked(outcome) is not None for outcome in outcomes)
    return Look(
        frames, groups, tuple(dict.fromkeys(row.frame for row in _rows(outcomes))), searched
    )
