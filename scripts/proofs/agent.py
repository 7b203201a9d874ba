"""Claims of the agent: orchestration cost, a hostile server, fuzzed outputs."""

from __future__ import annotations

from agent.selfcheck import measure

__all__ = ["measure"]
