"""The OpenAI-compatible server of the tests: `tests.support.mock_endpoint` plus a few common
scripts."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.mock_endpoint import RehearsalServer, Reply, Request, Script, fails, says

__all__ = ["RehearsalServer", "Reply", "Request", "Script", "fails", "in_order", "says"]


def in_order(replies: Sequence[Reply]) -> Script:
    """The n-th reply to the n-th request, the last one for ever."""

    def script(request: Request) -> Reply:
        return replies[min(request.number, len(replies) - 1)]

    return script
