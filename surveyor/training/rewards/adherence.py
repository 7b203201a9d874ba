"""What a workflow demands of an episode's calls, and which demands were met.

The same table rewards a policy in GRPO and measures the compact agent's adherence. A demand that
an episode gave no occasion for (the scale of a reconstruction that was metric already, a stop
where every instance must be found) is left out, not counted as met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor.agent.program.parser import parse
from surveyor.agent.program.planner import exhaustive
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolCall, ToolOutcome, ToolStatus
from surveyor.skills.workflow import Evidence, Join, MetricScale, Restore, Workflow
from surveyor.tools.schemas import ReconstructionData

_RESTORES: Mapping[Restore, Mapping[str, bool]] = {
    Restore.DIM: {"guard": True, "soft": False},
    Restore.GUARD: {"guard": True},
    Restore.ALWAYS: {"guard": False},
}


def adherence(episode: Episode, workflow: Workflow) -> dict[str, bool]:
    """Demands by name, and whether they were met."""
    return dict(_demands(_Told(episode), workflow))


class _Told:
    """The calls of an episode by tool, and their outcomes."""

    def __init__(self, episode: Episode) -> None:
        self.outcomes = {outcome.call_id: outcome for outcome in episode.outcomes}
        self.calls = episode.calls
        self.question = episode.started.question

    def of(self, *names: str) -> list[ToolCall]:
        """Calls of these tools, in order."""
        return [call for call in self.calls if call.name in names]

    def first(self, name: str) -> Mapping[str, Any] | None:
        """The arguments of the first call of a tool."""
        found = self.of(name)
        return (found[0].arguments or {}) if found else None

    def outcome(self, call: ToolCall) -> ToolOutcome | None:
        """What came back, where it was no refusal."""
        found = self.outcomes.get(call.call_id)
        return found if found is not None and found.status is ToolStatus.OK else None


def _demands(told: _Told, way: Workflow) -> Iterator[tuple[str, bool]]:
    frames = told.first("frames")
    yield "frames", _is(frames, policy=way.frames.policy.value, number=way.frames.number)
    restore = told.first("restore")
    if way.restore is Restore.NONE:
        yield "restore", restore is None
    else:
        yield "restore", _is(restore, **_RESTORES[way.restore])
    program = parse(told.question)
    if way.stop is not None and not exhaustive(program):
        yield "first batch", _first_batch(told, way.stop.first)
    if program is None or program.op != "order_by_first_sight":  # answered by detections alone
        yield from _joining(told, way)


def _joining(told: _Told, way: Workflow) -> Iterator[tuple[str, bool]]:
    fused = bool(told.of("reconstruct"))
    yield "join", fused == (way.join is Join.FUSE)
    lifted = told.first("lift")
    if lifted is not None:
        yield "evidence", ("masks" in lifted) == (way.evidence is Evidence.MASKS)
    joined = told.first("fuse")
    if joined is not None:
        yield "support", _is(joined, views=way.support.views, share=way.support.share)
    if fused and (scaled := _scaled(told, way)) is not None:
        yield "scale", scaled
    said = [call.arguments or {} for call in told.calls]
    apart = {str(one["join"]) for one in said if "join" in one}
    if apart:
        asked = {way.join.value, way.fallback.join.value if way.fallback else way.join.value}
        yield "views", apart <= asked


def _scaled(told: _Told, way: Workflow) -> bool | None:
    """Whether a relative reconstruction was scaled as asked; ``None`` where there was none."""
    outcome = told.outcome(told.of("reconstruct")[0])
    if outcome is None:
        return None
    recon = ReconstructionData.model_validate(outcome.data)
    if recon.scale.value != "relative":
        return None
    if way.scale is MetricScale.NONE:
        return not told.of("align")
    depths = told.first("depth")
    wanted = min(way.scale_frames, len(recon.registered))
    return depths is not None and len(depths.get("frames", ())) == wanted


def _first_batch(told: _Told, first: int) -> bool:
    """Whether the first frames that were mended or searched are as many as asked."""
    looked = [call for call in told.of("restore", "detect") if call.arguments]
    if not looked:
        return False
    chosen = next((told.outcome(c) for c in told.of("frames")), None)
    whole = len(chosen.data) if chosen is not None and isinstance(chosen.data, list) else first
    given = (looked[0].arguments or {}).get("frames", ())
    return isinstance(given, list) and len(given) == min(first, whole)


def _is(arguments: Mapping[str, Any] | None, **wanted: object) -> bool:
    return arguments is not None and all(
        arguments.get(name) == value for name, value in wanted.items()
    )
