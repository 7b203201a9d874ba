"""Effective tool use, counted from the log of any planner.

A call is *failed* when it did not succeed; *effective* when it succeeded and its result is
consumed, directly or through other results, by the evidence of the final answer; *redundant*
otherwise: it repeated an earlier call, or nothing that mattered rests on it. The three add up to
all calls. The definition with its reasons: ``docs/effective-tool-use.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson
from pydantic import JsonValue

from surveyor.agent.cells.tool import CELL
from surveyor.memory.episodes import Episode
from surveyor.memory.events import Answer, ModelCall, ToolCall, ToolOutcome, ToolStatus

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*_\d+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class Use(StrEnum):
    """What became of one call."""

    EFFECTIVE = "effective"
    REDUNDANT = "redundant"
    FAILED = "failed"


class Basis(StrEnum):
    """How the evidence of the answer was found.

    ``stated``: the planner named the handles, or said that it guessed; ``quoted``: its last words
    contain handles or numbers of results; ``last``: it said nothing, so the answer is taken to rest
    on what it had seen last; ``none``: there is no answer.
    """

    STATED = "stated"
    QUOTED = "quoted"
    LAST = "last"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The uses of an episode's calls by call id, in call order."""

    uses: Mapping[str, Use]
    basis: Basis

    def count(self, use: Use) -> int:
        """How many calls ended so."""
        return sum(1 for value in self.uses.values() if value is use)


def tool_use(episode: Episode) -> ToolUse:
    """Classify every tool call of an episode's last attempt."""
    outcomes = {outcome.call_id: outcome for outcome in episode.outcomes}
    good = {key: value for key, value in outcomes.items() if value.status is ToolStatus.OK}
    calls = {call.call_id: call for call in episode.calls}
    evidence, basis = _evidence(episode, good)
    consumed = _closure(evidence, _inputs(good, calls), good)
    # A call that had others made for it is consumed with any of them.
    parents = {call.parent for call in calls.values()}
    consumed |= {calls[key].parent for key in consumed if key in calls and calls[key].parent}
    # A cell of code that called nothing asked nobody: it computed from what others had found.
    consumed |= {key for key in good if good[key].name == CELL and key not in parents}
    uses = {key: Use.REDUNDANT if key in good else Use.FAILED for key in calls}
    asked: dict[bytes, list[str]] = {}
    for key in calls:
        if key in good and key in consumed:
            asked.setdefault(_asked(calls[key]), []).append(key)
    for same in asked.values():  # what was learnt is compared only where the same was asked twice
        learnt = {_learnt(good[key]): key for key in reversed(same)} if same[1:] else {b"": same[0]}
        uses |= dict.fromkeys(learnt.values(), Use.EFFECTIVE)
    return ToolUse(uses, basis)


def _evidence(episode: Episode, good: Mapping[str, ToolOutcome]) -> tuple[set[str], Basis]:
    """Ids of the calls that the answer itself rests on; a guess that names none rests on none."""
    answer = next((e for e in reversed(episode.events) if isinstance(e, Answer)), None)
    if answer is None:
        return set(), Basis.NONE
    if answer.sources or answer.guess:
        return _makers(answer.sources, good), Basis.STATED
    words = answer.text + "\n" + _last_words(episode)
    telling = _telling(words)
    quoted = _makers(_WORD.findall(words), good) | {
        key for key, outcome in good.items() if telling and _shows(outcome, telling)
    }
    if quoted:
        return quoted, Basis.QUOTED
    last = max((outcome.turn for outcome in good.values()), default=None)
    return {key for key, outcome in good.items() if outcome.turn == last}, Basis.LAST


def _last_words(episode: Episode) -> str:
    """What a model said when it answered: its text and reasoning in the last turn."""
    calls = episode.model_calls
    if not calls:
        return ""
    final: ModelCall = calls[-1]
    return f"{final.reasoning}\n{final.text}"


def _makers(handles: Iterable[str], good: Mapping[str, ToolOutcome]) -> set[str]:
    """Calls that made any of these handles; a handle may also be a call's own id."""
    wanted = set(handles)
    return {
        key
        for key, outcome in good.items()
        if key in wanted or not wanted.isdisjoint(outcome.handles)
    }


def _telling(words: str) -> list[str]:
    """The numbers in what was said that tell where they are from.

    Whole numbers below 10 are said too often by chance: they count only as the whole answer.
    """
    answer = words.split("\n", 1)[0].strip()
    said = _NUMBER.findall(words)
    return [text for text in said if "." in text or abs(int(text)) >= 10 or text == answer]


def _shows(outcome: ToolOutcome, telling: Iterable[str]) -> bool:
    """Whether one of these numbers was read off this result, as it was or rounded."""
    shown = [float(text) for text in _NUMBER.findall(_WORD.sub(" ", outcome.text))]
    return any(_rounds_to(value, text) for text in telling for value in shown)


def _rounds_to(value: float, text: str) -> bool:
    digits = len(text.partition(".")[2])
    return abs(value - float(text)) <= 0.5 * 10.0**-digits + 1e-9


def _inputs(
    good: Mapping[str, ToolOutcome], calls: Mapping[str, ToolCall]
) -> Mapping[str, set[str]]:
    """For every call, the handles that it consumed: those it says, and those in its arguments."""
    made = {handle for outcome in good.values() for handle in outcome.handles}
    return {
        key: made.intersection(_texts(calls[key].arguments if key in calls else None)).union(
            outcome.sources
        )
        for key, outcome in good.items()
    }


def _texts(value: JsonValue) -> list[str]:
    found: list[str] = []
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            left += one.values()
    return found


def _closure(
    start: set[str], inputs: Mapping[str, set[str]], good: Mapping[str, ToolOutcome]
) -> set[str]:
    """All calls that ``start`` rests on, itself included."""
    makers: dict[str, list[str]] = {}
    for key, outcome in good.items():
        for handle in (*outcome.handles, key):
            makers.setdefault(handle, []).append(key)
    reached, frontier = set(start), list(start)
    while frontier:
        for handle in inputs[frontier.pop()]:
            for maker in makers.get(handle, ()):
                if maker not in reached:
                    reached.add(maker)
                    frontier.append(maker)
    return reached


def _asked(call: ToolCall) -> bytes:
    """Equal for calls that asked the same."""
    return orjson.dumps([call.name, call.arguments], option=orjson.OPT_SORT_KEYS)


def _learnt(outcome: ToolOutcome) -> bytes:
    """Equal for results that say the same, whatever their handles are called.

    An action may be repeated on purpose, and then shows something new.
    """
    learnt = orjson.dumps(outcome.data) if outcome.data is not None else outcome.text.encode()
    for number, handle in enumerate(outcome.handles):
        learnt = re.sub(rb"\b%s\b" % re.escape(handle.encode()), b"#%d" % number, learnt)
    return learnt
