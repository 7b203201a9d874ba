"""One episode's evidence under short handles, and what each piece was made from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import TypeVar

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import ModelMistake
from surveyor.core.tasks import Task
from surveyor.tools.experts import ExpertClient
from surveyor.tools.records import FrameRecord, GroupRecord, Record

R = TypeVar("R", bound=Record)

# Set by the registry: the moment from which this call may mint handles.
earlier_calls: ContextVar[asyncio.Event | None] = ContextVar("earlier_calls", default=None)

HANDLE = re.compile(r"[a-z]+_\d+")
"""What a handle looks like, whether or not it stands for anything."""

_NAMES = {
    "FrameRecord": "frame",
    "BoxRecord": "box",
    "MaskRecord": "mask",
    "DepthRecord": "depth",
    "ReconstructionRecord": "reconstruction",
    "CloudRecord": "cloud",
    "ObjectRecord": "object",
    "RoomRecord": "room",
    "MeasureRecord": "measurement",
}


class Workspace:
    """Handles are ``<kind>_<number>``, numbered in call order from 1; a captured frame keeps its
    index in the capture (``frame_0`` is the first). ``kept`` takes what a run keeps for whoever
    looks at it later, when the experts are gone."""

    def __init__(self, task: Task, experts: ExpertClient, kept: BlobStore | None = None) -> None:
        self.task = task
        self.experts = experts
        self.kept = kept
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._records: dict[str, Record] = {}
        self._sources: dict[str, tuple[str, ...]] = {}
        self._counts: dict[str, int] = {}
        for frame in task.frames:
            handle = f"frame_{frame.index}"
            self._records[handle] = FrameRecord(frame.image, frame.index, frame.time, handle)
            self._sources[handle] = ()
        self._frames = tuple(self._records)
        self._counts["frame"] = max((f.index for f in task.frames), default=0)

    @property
    def frame_handles(self) -> tuple[str, ...]:
        """The captured frames in order."""
        return self._frames

    def on_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have something ended with the episode that a tool keeps for it."""
        self._closing.append(close)

    async def aclose(self) -> None:
        """The episode is over: end what its tools kept. The evidence stays."""
        while self._closing:
            await self._closing.pop()()

    async def settle(self) -> None:
        """Wait until every earlier call of the same turn is done.

        A tool calls this after its last expert answered and before it mints handles, so that
        numbering follows the order of calls and not the order in which experts answered.
        """
        event = earlier_calls.get()
        if event is not None:
            await event.wait()

    def add(self, kind: str, record: Record, sources: Iterable[str] = ()) -> str:
        """Store a record and return its new handle."""
        number = self._counts.get(kind, 0) + 1
        self._counts[kind] = number
        handle = f"{kind}_{number}"
        self._records[handle] = record
        self._sources[handle] = tuple(sources)
        return handle

    def group(self, kind: str, members: Sequence[str]) -> str:
        """One handle for several; wherever handles are taken, it stands for its members."""
        return self.add(kind, GroupRecord(tuple(members)), members)

    def get(self, handle: str, form: type[R]) -> R:
        """The record behind a handle; `ModelMistake` names what exists instead."""
        record = self._records.get(handle)
        if isinstance(record, form):
            return record
        if record is not None:
            raise ModelMistake(
                f"{handle} is a {_name(type(record))}, not a {_name(form)}; {self._known(form)}"
            )
        raise ModelMistake(f"there is no {handle}; {self._known(form)}")

    def expand(self, handles: Iterable[str], form: type[R]) -> list[tuple[str, R]]:
        """Handles and records with groups replaced by their members, without repeats."""
        found: dict[str, R] = {}
        for handle in handles:
            record = self._records.get(handle)
            members = record.members if isinstance(record, GroupRecord) else (handle,)
            for member in members:
                found[member] = self.get(member, form)
        return list(found.items())

    def known(self, handle: str) -> bool:
        """Whether a handle stands for anything."""
        return handle in self._records

    def all(self, form: type[R]) -> list[tuple[str, R]]:
        """Every record of one kind with its handle, in the order in which they were made."""
        return [(handle, r) for handle, r in self._records.items() if isinstance(r, form)]

    def stands_for(self, handle: str, forms: tuple[type[Record], ...]) -> bool:
        """Whether a handle names a record of one of these kinds."""
        return isinstance(self._records.get(handle), forms)

    def revise(self, handle: str, change: Callable[[Record], Record]) -> None:
        """Replace what a handle stands for; only the tool-corruption probe does that."""
        self._records[handle] = change(self._records[handle])

    def sources(self, handle: str) -> tuple[str, ...]:
        """The handles that this one was made from directly."""
        return self._sources.get(handle, ())

    def evidence(self, handles: Iterable[str]) -> set[str]:
        """Everything that the handles rest on, themselves included."""
        reached: set[str] = set()
        waiting = list(handles)
        while waiting:
            handle = waiting.pop()
            if handle not in reached:
                reached.add(handle)
                waiting.extend(self.sources(handle))
        return reached

    def _known(self, form: type[R]) -> str:
        names = [h for h, r in self._records.items() if isinstance(r, form)]
        if not names:
            return f"no {_name(form)} was made yet"
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        return f"known: {shown}"


def _name(form: type[object]) -> str:
    return _NAMES.get(form.__name__, "group")
