"""Telling what a program did, in sentences, from the events alone.

For people who read a run, and for training rows: a fine-tuned planner learns to say why before it
calls. Nothing is said that the events do not show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from surveyor.agent.program.parser import parse
from surveyor.memory.events import Answer, EpisodeStarted, Event, ToolCall, ToolOutcome, ToolStatus

Arguments = Mapping[str, JsonValue]
_SHOWN = 160


def narrate(events: Iterable[Event]) -> str:
    """An episode as numbered steps: what was asked, tried, found and answered."""
    lines: list[str] = []
    found: dict[str, ToolOutcome] = {}
    calls: list[ToolCall] = []
    for event in events:
        match event:
            case EpisodeStarted():
                lines += _opening(event)
                calls, found = [], {}
            case ToolCall():
                calls.append(event)
            case ToolOutcome():
                found[event.call_id] = event
            case Answer():
                lines += _steps(calls, found)
                rests = f", resting on {', '.join(event.sources)}" if event.sources else ""
                rests += ", a guess" if event.guess else ""
                lines.append(f"Answer: {event.text or '(none)'}{rests}.")
                calls, found = [], {}
    return "\n".join([*lines, *_steps(calls, found)])


def reason(calls: Sequence[tuple[str, Arguments]]) -> str:
    """Why a turn's calls are made: one sentence a call, in the first person."""
    return " ".join(_reason(name, arguments) for name, arguments in calls)


def plan(question: str) -> str:
    """How the question is read: the sentence that opens a planner's reasoning."""
    program = parse(question)
    if program is None:
        return "This question fits no template that I know how to measure."
    return f"To answer, I need {program}."


def _opening(started: EpisodeStarted) -> list[str]:
    lines = [f"Question: {started.question}", *(f"  {option}" for option in started.options)]
    return [*lines, plan(started.question)]


def _steps(calls: Sequence[ToolCall], found: Mapping[str, ToolOutcome]) -> list[str]:
    lines = []
    for number, call in enumerate(calls, start=1):
        arguments = call.arguments or {}
        lines.append(f"{number}. {_reason(call.name, arguments)}")
        lines += _code(call.name, arguments)
        outcome = found.get(call.call_id)
        if outcome is not None:
            lines.append(f"   {_result(outcome)}")
    return lines


def _code(name: str, arguments: Arguments) -> list[str]:
    """What a cell ran, line by line."""
    code = arguments.get("code")
    if name != "cell" or not isinstance(code, str):
        return []
    return [f"   | {line}".rstrip() for line in code.strip("\n").splitlines()]


def _result(outcome: ToolOutcome) -> str:
    first = outcome.text.partition("\n")[0]
    first = first if len(first) <= _SHOWN else first[: _SHOWN - 3] + "..."
    if outcome.status is ToolStatus.OK:
        return f"-> {first}"
    return f"-> refused: {first}" if outcome.status is ToolStatus.MISTAKE else f"-> failed: {first}"


def _reason(name: str, arguments: Arguments) -> str:
    sentence = _SENTENCES.get(name, f"I call {name}.")
    return sentence.format_map(
        _ArgumentWords((key, _say(value)) for key, value in arguments.items())
    )


class _ArgumentWords(dict[str, str]):
    """Arguments in words; what was left to its default is passed over."""

    def __missing__(self, name: str) -> str:
        return _DEFAULTS.get(name, "what was asked")


_DEFAULTS = {"number": "16", "policy": "uniform", "views": "2", "categories": "everything"}
_SENTENCES = {
    "frames": "I choose {number} frames ({policy}).",
    "restore": "I restore the frames that are hard to see.",
    "survey": "I survey the place for {categories}.",
    "marks": "I look for what is drawn into {frames}.",
    "region": "I find the middle of the {name}.",
    "zoom": "I look closer at a part of {frame}.",
    "detect": "I look for {phrases} in {frames}.",
    "segment": "I cut out what was found.",
    "depth": "I measure depth in {frames}.",
    "depth_at": "I read how far single places are, and which is nearer.",
    "reconstruct": "I reconstruct the place from {frames}.",
    "align": "I scale {reconstruction} to metres by measured depth.",
    "lift": "I lift the outlines into space.",
    "fuse": "I join what {views} or more views agree on into objects.",
    "segment_3d": "I cut {query} out of the place, in all views at once.",
    "search_region": "I find {region}, and {query} in it.",
    "answer_with_mask": "I answer with the mask of {objects}.",
    "cell": "I run a cell of Python.",
    "load_skill": "I read the skill {name} in full.",
    "scene": "I look up {categories} in the object table.",
    "count": "I count the objects.",
    "distance": "I measure from {first} to {second}.",
    "size": "I measure {object}.",
    "nearest": "I rank the candidates by their distance from {anchor}.",
    "direction": "I stand at {stand}, face {face} and look for {query}.",
    "floor_area": "I measure the floor of {place}.",
    "route_turns": "I walk from {start}, facing {facing}, to {stops} and note the turns.",
    "appearance_order": "I order {categories} by first sight.",
    "camera_motion": "I compare the cameras of {start} and {end}.",
    "orient": "I ask which way {box} faces.",
    "bird_eye": "I look at the place from above.",
    "render_view": "I look at the place from another side.",
    "place_anchor": "I mark a spot and call it {name}.",
}


def _say(value: JsonValue) -> str:
    if not isinstance(value, list):
        return str(value)
    names = [str(name) for name in value]
    if len(names) < 2:
        return "".join(names) or "everything"
    if len(names) > 4:
        return f"{names[0]} to {names[-1]} ({len(names)})"
    return f"{', '.join(names[:-1])} and {names[-1]}"
