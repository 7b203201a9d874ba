"""Whole trajectories for a distiller that reads: what was done, never what came out.

Calls with their arguments, whether each succeeded, how many things it found and what it cost. What
was measured, said and answered is left out, and targets are not in this process at all: a skill
must say how to look, and could not help but leak what it saw.
"""

from __future__ import annotations

from surveyor.memory.episodes import Episode
from surveyor.memory.events import FormatError, ToolCall, ToolOutcome, ToolStatus

_LONGEST = 240
"""Characters of one call's arguments."""


def trajectory_text(episode: Episode, verdict: str) -> str:
    """One episode, a line for each call; ``verdict`` says how it ended (well, badly)."""
    outcomes = {outcome.call_id: outcome for outcome in episode.outcomes}
    lines = [f"{episode.started.question_type}, {len(episode.started.frames)} frames, {verdict}:"]
    for event in episode.events:
        if isinstance(event, ToolCall):
            lines.append(_call(event, outcomes.get(event.call_id)))
        elif isinstance(event, FormatError):
            lines.append("- a turn that was neither a call nor an answer")
    if episode.limit is not None:
        lines.append(f"- ended by the limit on {episode.limit.limit}")
    return "\n".join(lines)


def _call(call: ToolCall, outcome: ToolOutcome | None) -> str:
    asked = f"- {call.name} {call.raw_arguments[:_LONGEST]}"
    if outcome is None:
        return f"{asked}: never came back"
    if outcome.status is not ToolStatus.OK:
        return f"{asked}: {outcome.status.value}"
    return f"{asked}: {len(outcome.handles)} found, {outcome.cost:.2f} s"
