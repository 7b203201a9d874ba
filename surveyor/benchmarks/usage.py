"""What one (task, epoch) spent, folded from its events.

How tools were used is told of the last attempt, which is the one that is scored. What was paid
(requests, tokens, dollars, priced seconds) adds up over all attempts: a retry does not refund.
"""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.benchmarks.report.record import Spend
from surveyor.benchmarks.tool_use import Basis, Use, tool_use
from surveyor.memory.episodes import Episode
from surveyor.memory.events import Event, ModelCall, ToolOutcome


def spend(episode: Episode, events: Sequence[Event] | None = None) -> Spend:
    """Use and cost; ``events`` are those of all attempts, if there was more than one."""
    use = tool_use(episode)
    paid = episode.events if events is None else events
    outcomes = [event for event in paid if isinstance(event, ToolOutcome)]
    asked = [event for event in paid if isinstance(event, ModelCall)]
    costs = [call.usage.cost for call in asked]
    known = [cost for cost in costs if cost is not None]
    tokens = sum((call.usage.input_tokens or 0) + (call.usage.output_tokens or 0) for call in asked)
    return Spend(
        episodes=1,
        calls=len(use.uses),
        effective=use.count(Use.EFFECTIVE),
        redundant=use.count(Use.REDUNDANT),
        failed_calls=use.count(Use.FAILED),
        inferred=int(use.basis is Basis.LAST and bool(use.uses)),
        expert_calls=sum(outcome.expert_calls for outcome in outcomes),
        cached=sum(outcome.cached for outcome in outcomes),
        cost=sum(outcome.cost for outcome in outcomes),
        seconds=episode.elapsed,
        model_calls=len(asked),
        tokens=tokens,
        dollars=sum(known) if len(known) == len(costs) else None,
        attempts=episode.attempts,
    )
