"""Folding any planner's calls into the workflow grammar: how did it look?

What a model does is rarely one of our workflows to the letter. This reads off which frames were
searched, whether they were restored, what was lifted, how views were joined and scaled, and gives
the nearest workflow, or nothing where the calls were not a way of looking at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.skills.workflow import (
    Evidence,
    Frames,
    Join,
    MetricScale,
    Restore,
    Stop,
    Support,
    Workflow,
)

NUMBERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Frame numbers that are told apart; what lies between counts as the nearest."""


def fold_workflow(episode: Episode) -> Workflow | None:
    """The nearest workflow; ``None`` when no detector looked at any frame."""
    done = [o for o in episode.outcomes if o.status is ToolStatus.OK]
    made = {handle: o for o in done for handle in o.handles}
    searched = _frames(done, "detect", made)
    if not searched:
        return None
    joined = _frames(done, "reconstruct", made)
    metric = _frames(done, "depth", made)
    restored = _frames(done, "restore", made)
    fused = bool(joined) and any(o.name == "fuse" for o in done)
    join = Join.FUSE if fused else Join.VOTE if len(searched) > 1 else Join.BEST
    frames = joined if fused else searched
    return Workflow(
        frames=Frames(number=_nearest(len(frames))),
        restore=_restoring(restored, searched),
        evidence=Evidence.MASKS if any(o.name == "segment" for o in done) else Evidence.BOXES,
        join=join,
        scale=MetricScale.DEPTH if metric or not fused else MetricScale.NONE,
        scale_frames=min(32, _nearest(len(metric))) if fused and metric else 4,
        support=Support() if len(searched) > 1 else Support(views=1, share=0.0),
        stop=Stop(first=_nearest(len(searched))) if fused and len(searched) < len(frames) else None,
    )


def _restoring(restored: frozenset[str], searched: frozenset[str]) -> Restore:
    if not restored:
        return Restore.NONE
    return Restore.ALWAYS if len(restored) >= len(searched) > 1 else Restore.DIM


def _frames(done: Iterable[ToolOutcome], name: str, made: dict[str, ToolOutcome]) -> frozenset[str]:
    """Captured frames that the results of a tool rest on, directly or through derived ones."""
    waiting = [handle for o in done if o.name == name for handle in o.sources]
    found: set[str] = set()
    seen: set[str] = set()
    while waiting:
        handle = waiting.pop()
        if handle in seen:
            continue
        seen.add(handle)
        if handle in made:
            waiting.extend(made[handle].sources)
        elif handle.startswith("frame_"):
            found.add(handle)
    return frozenset(found)


def _nearest(number: int) -> int:
    return min(NUMBERS, key=lambda known: (abs(known - number), known))
