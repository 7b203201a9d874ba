"""The one place where an exception becomes the end of an episode.

Who is to blame decides: a limit ends the episode for good, a provider that refuses this very
request fails it for good, and anything that failed around the planner leaves it *incomplete*. A
`UserError` ends the run, and a bug of ours crashes loudly: both pass through untouched, and the
episode, having no end in its log, is incomplete as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from surveyor.agent.limits import LimitExceeded
from surveyor.core.errors import InfrastructureError, SurveyorError
from surveyor.core.untrusted_text import clean
from surveyor.memory.events import EpisodeStatus


class ProviderRefused(SurveyorError):
    """The provider will never answer this request (content filter, payload too large)."""


@dataclass(slots=True)
class EpisodeVerdict:
    """How an episode ended; answered unless something stopped it."""

    status: EpisodeStatus = EpisodeStatus.ANSWERED
    reason: str = ""


@contextmanager
def boundary(report_limit: Callable[[LimitExceeded], None], name: str) -> Iterator[EpisodeVerdict]:
    """Yield the verdict that the body earns.

    ``report_limit`` records a limit of the scope called ``name``, or of the model itself. A limit
    of an outer scope (the run's budget) is not this episode's doing, so the episode is incomplete.
    """
    verdict = EpisodeVerdict()
    try:
        yield verdict
    except LimitExceeded as stop:
        ours = stop.scope is None or stop.scope.name == name
        verdict.status = EpisodeStatus.LIMIT if ours else EpisodeStatus.INCOMPLETE
        verdict.reason = clean(str(stop))
        if ours:
            report_limit(stop)
    except ProviderRefused as refusal:
        verdict.status, verdict.reason = EpisodeStatus.FAILED, clean(str(refusal))
    except InfrastructureError as failure:
        verdict.status, verdict.reason = EpisodeStatus.INCOMPLETE, clean(str(failure))
