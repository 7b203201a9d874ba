"""What an episode spent, folded from its events."""

from __future__ import annotations

from benchmarks.effective import Basis, Use, tool_use
from benchmarks.report.record import Spend
from memory.episodes import Episode


def spend(episode: Episode) -> Spend:
    """Calls, priced expert time, tokens and seconds of the last attempt."""
    use = tool_use(episode)
    outcomes, asked = episode.outcomes, episode.model_calls
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
