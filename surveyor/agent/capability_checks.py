"""Probes: small requests that show what a model endpoint can do.

Each probe asks one thing through the real client and returns a `CheckFinding`. None of them raises
for what the endpoint does wrong: that is what they are there to find.
"""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from surveyor.agent.boundary import ProviderRefused
from surveyor.agent.chat.capabilities import Capabilities, Constraint, Coordinates
from surveyor.agent.chat.constrained import constrained
from surveyor.agent.chat.endpoint import Completion, Endpoint
from surveyor.agent.chat.provider_errors import ProviderBusy
from surveyor.agent.chat.reply_parser import made_id, reasoning_of, text_of
from surveyor.agent.chat.tagged_text import read_blocks
from surveyor.agent.chat.turn_schema import turn_schema
from surveyor.agent.limits import LimitExceeded
from surveyor.agent.unparsed import (
    REASONING_CUT,
    REASONING_WRONG,
    SWALLOWED,
    readable_call,
    unreadable_call,
)
from surveyor.core.errors import ServiceUnavailable, UserError
from surveyor.core.tasks import AnswerKind, Task
from surveyor.core.untrusted_text import clean


class Health(StrEnum):
    """How a probe went."""

    WORKS = "works"
    DEGRADED = "degraded"
    BROKEN = "broken"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What one probe found, why it matters and what to do; ``override`` is the capability that
    should be configured. ``once``: it is about the one request that was sent, and may be wrong for
    others; ``later``: about now. What the endpoint said is cleaned, as it goes to a terminal."""

    probe: str
    health: Health
    detail: str
    advice: str = ""
    override: tuple[str, Any] | None = None
    once: bool = False
    later: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", clean(self.detail))


class Refused(str):
    """Why this one request was refused; another may be taken."""


class Busy(str):
    """Why the endpoint answers nobody now; it may later."""


@dataclass(frozen=True, slots=True)
class ProbedEndpoint:
    """The endpoint under examination."""

    endpoint: Endpoint
    capabilities: Capabilities

    async def ask(self, messages: list[dict[str, Any]], **fields: Any) -> Completion | str:
        """A completion, or one sentence saying why there is none."""
        settings = {**self.endpoint.config.sampling, **fields}
        body = {"model": self.endpoint.config.model, **settings, "messages": messages}
        try:
            return await self.endpoint.complete(orjson.dumps(body))
        except (ProviderRefused, LimitExceeded) as refusal:
            return Refused(refusal)
        except ProviderBusy as failure:
            return Busy(failure)
        except (UserError, ServiceUnavailable) as failure:
            return str(failure)


_MEASURE = {
    "type": "function",
    "function": {
        "name": "measure",
        "description": "Measures the height of one thing in metres.",
        "parameters": {
            "type": "object",
            "properties": {"thing": {"type": "string"}},
            "required": ["thing"],
            "additionalProperties": False,
        },
    },
}
_HEIGHT = Task(
    id="height",
    dataset="doctor",
    scene_id="doctor",
    question_type="height",
    question="How high is the table?",
    answer_kind=AnswerKind.NUMBER,
)
_NOT_JSON = "Reply with the word ready and nothing else."
_MANY = 8
_ID = made_id(0, 0)  # of a form that every endpoint takes
_ONE_CALL = "How high is the table? Call the tool measure; do not guess."
_TWO_CALLS = "How high are the table and the lamp? Call measure for both at once, in one turn."


def calls_in(completion: Completion) -> list[dict[str, Any]]:
    """Well-formed native tool calls of a reply."""
    calls = completion.message.get("tool_calls")
    return [c for c in calls if isinstance(c, dict)] if isinstance(calls, list) else []


async def probe_text(patient: ProbedEndpoint) -> CheckFinding:
    """Does it answer at all, and does it count tokens?"""
    reply = await patient.ask([_user("Reply with the word ready.")])
    if isinstance(reply, str):
        advice = "nothing else can work before this does"
        once, later = isinstance(reply, Refused), isinstance(reply, Busy)
        return CheckFinding("text", Health.BROKEN, reply, advice, once=once, later=later)
    said, thought = text_of(reply.message.get("content")), reasoning_of(reply.message)
    if thought.strip() and not said.strip():
        if reply.finish == "length":
            advice = "raise max_tokens in sampling"
            return CheckFinding("text", Health.DEGRADED, REASONING_CUT, advice)
        return CheckFinding("text", Health.BROKEN, REASONING_WRONG, "every answer would be empty")
    if not reply.usage.get("prompt_tokens"):
        detail = "it answers, but does not report how many tokens it used"
        return CheckFinding("text", Health.DEGRADED, detail, "token and cost limits will not trip")
    return CheckFinding("text", Health.WORKS, f"answered in {reply.elapsed:.2f} s")


async def probe_tool_call(patient: ProbedEndpoint) -> CheckFinding:
    """Are native tool calls made and parsed?"""
    reply = await patient.ask([_user(_ONE_CALL)], tools=[_MEASURE])
    tags = ("dialect", "tags")
    if isinstance(reply, str):
        advice = "use the tag dialect (capabilities.dialect = tags)"
        return CheckFinding("tool call", Health.BROKEN, reply, advice, tags)
    if calls := calls_in(reply):
        arguments = (calls[0].get("function") or {}).get("arguments")
        detail = f"called with {str(arguments)[:60]}"
        return CheckFinding("tool call", Health.WORKS, detail)
    said = text_of(reply.message.get("content"))
    if unreadable := unreadable_call(said):
        return CheckFinding("tool call", Health.BROKEN, *unreadable, tags)
    if readable := readable_call(said):
        return CheckFinding("tool call", Health.DEGRADED, *readable)
    if "<tool_call>" in reasoning_of(reply.message):
        advice = "start the server with this model's --reasoning-parser, or without one"
        return CheckFinding("tool call", Health.BROKEN, SWALLOWED, advice, tags)
    detail = "asked to call a tool, it wrote text instead"
    return CheckFinding("tool call", Health.BROKEN, detail, "it may do better with tags", tags)


async def probe_tags(patient: ProbedEndpoint) -> CheckFinding:
    """Does it write calls as tagged text when told how?"""
    form = (
        "Call tools only like this: "
        '<tool_call>{"name": "...", "arguments": {...}}</tool_call>\n'
        f"<tools>{orjson.dumps(_MEASURE['function']).decode()}</tools>"
    )
    reply = await patient.ask([{"role": "system", "content": form}, _user(_ONE_CALL)])
    if isinstance(reply, str):
        return CheckFinding("tagged call", Health.BROKEN, reply)
    blocks = read_blocks(text_of(reply.message.get("content")))
    if not blocks.calls:
        detail = "told how to write a tagged call, it wrote none"
        return CheckFinding("tagged call", Health.BROKEN, detail, "this model will not use tools")
    if blocks.repairs:
        detail = f"readable after repairs: {', '.join(blocks.repairs)}"
        return CheckFinding("tagged call", Health.DEGRADED, detail, "each repair will be logged")
    return CheckFinding("tagged call", Health.WORKS, f"called {blocks.calls[0].name}")


async def probe_grammar(patient: ProbedEndpoint) -> list[CheckFinding]:
    """Does the server make the model write what a schema allows, and by which request field?

    It is asked for something else, so that only a server that enforces gives what is wanted.
    """
    schema = turn_schema([_MEASURE], _HEIGHT)
    refused = []
    for how in Constraint:
        reply = await patient.ask([_user(_NOT_JSON)], **constrained(schema, how))
        if isinstance(reply, str):
            refused.append(reply)
            continue
        if _is_turn(text_of(reply.message.get("content"))):
            detail = f"enforced through {how}"
            advice = "it can call tools in the grammar dialect"
            return [
                CheckFinding("grammar", Health.WORKS, detail, advice, ("dialect", "grammar")),
                CheckFinding("constraint", Health.WORKS, detail, "", ("constraint", how.value)),
            ]
    detail = refused[0] if len(refused) == len(Constraint) else "no form of grammar is enforced"
    return [
        CheckFinding("grammar", Health.DEGRADED, detail, "this server cannot hold it to a form")
    ]


def _is_turn(said: str) -> bool:
    try:
        value = orjson.loads(said)
    except orjson.JSONDecodeError:
        return False
    return (
        isinstance(value, dict) and "thought" in value and ("calls" in value or "answer" in value)
    )


async def probe_two_turns(patient: ProbedEndpoint) -> CheckFinding:
    """Does the server's chat template take a tool result and go on?"""
    function = {"name": "measure", "arguments": '{"thing": "table"}'}
    call = {"id": _ID, "type": "function", "function": function}
    history = [
        _user(_ONE_CALL),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": _ID, "content": "0.74 m"},
    ]
    reply = await patient.ask(history, tools=[_MEASURE])
    if isinstance(reply, str):
        advice = "its chat template cannot continue after a tool result: use the tag dialect"
        return CheckFinding("two turns", Health.BROKEN, reply, advice, ("dialect", "tags"))
    if "74" in text_of(reply.message.get("content")):
        return CheckFinding("two turns", Health.WORKS, "it used the tool's result")
    detail = "it went on after a tool result, but did not use it"
    return CheckFinding("two turns", Health.DEGRADED, detail, "expect it to repeat calls")


async def probe_parallel(patient: ProbedEndpoint) -> CheckFinding:
    """Are several calls made in one turn?"""
    reply = await patient.ask([_user(_TWO_CALLS)], tools=[_MEASURE])
    if isinstance(reply, str):
        cure = ("parallel_calls", False)
        return CheckFinding("parallel calls", Health.BROKEN, reply, "ask for one at a time", cure)
    number = len(calls_in(reply))
    if number >= 2:
        return CheckFinding("parallel calls", Health.WORKS, f"{number} calls in one turn")
    detail = "asked for two calls at once, it made " + ("one" if number else "none")
    return CheckFinding("parallel calls", Health.DEGRADED, detail, "episodes will need more turns")


async def probe_image(patient: ProbedEndpoint) -> CheckFinding:
    """Is an image in a user message seen?"""
    question = "Which colour is this image? One word."
    reply = await patient.ask([_user(question, picture((220, 20, 20)))])
    if isinstance(reply, str):
        advice = "the model sees nothing; it can only work with tools (capabilities.images = false)"
        return CheckFinding("image", Health.BROKEN, reply, advice, ("images", False))
    said = text_of(reply.message.get("content"))
    if re.search(r"\bred\b", said, re.IGNORECASE):
        return CheckFinding("image", Health.WORKS, "it saw that a red image is red")
    detail = f"shown a red image, it said {said[:60]!r}"
    return CheckFinding("image", Health.BROKEN, detail, "images are accepted but not seen")


async def probe_many_images(patient: ProbedEndpoint) -> CheckFinding:
    """How many images may one request hold? Servers refuse more than they were started for."""
    number = min(patient.capabilities.max_images, _MANY)
    small = [picture((220, 20, 20), size=(64, 64)) for _ in range(number)]
    reply = await patient.ask([_user("Reply with the word seen.", *small)])
    if not isinstance(reply, str):
        return CheckFinding(
            "several images", Health.WORKS, f"{number} images in one request are taken"
        )
    told = re.search(r"at most (\d+)", reply, re.IGNORECASE)
    allowed = max(1, int(told[1])) if told else 1
    advice = f"at most {allowed} an episode will be shown; a local server can be started for more"
    return CheckFinding("several images", Health.BROKEN, reply, advice, ("max_images", allowed))


async def probe_tool_image(patient: ProbedEndpoint) -> CheckFinding:
    """May an image stand in a tool result?"""
    function = {"name": "measure", "arguments": '{"thing": "wall"}'}
    call = {"id": _ID, "type": "function", "function": function}
    shown = [{"type": "text", "text": "the wall"}, picture((20, 20, 220))]
    history = [
        _user("Look at the wall with measure, then say its colour in one word."),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": _ID, "content": shown},
    ]
    reply = await patient.ask(history, tools=[_MEASURE])
    said = "" if isinstance(reply, str) else text_of(reply.message.get("content"))
    sees = bool(re.search(r"\bblue\b", said, re.IGNORECASE))
    if sees == patient.capabilities.images_in_tools:
        detail = "taken" if sees else "not taken; they go into a user message instead"
        return CheckFinding("image in a tool result", Health.WORKS, detail)
    if sees:
        detail, advice = "taken, though the table says otherwise", "configure it to save a message"
        health = Health.WORKS
    else:
        detail = f"not taken: {(reply if isinstance(reply, str) else said)[:120]!r}"
        advice, health = "tool images would be lost or refused", Health.BROKEN
    return CheckFinding("image in a tool result", health, detail, advice, ("images_in_tools", sees))


async def probe_places(patient: ProbedEndpoint) -> CheckFinding:
    """Does it give places in pixels or in thousandths?"""
    # A 640 x 320 image whose square lies at (480, 80) in pixels and (750, 250) in thousandths.
    question = "Give the centre of the red square as two numbers: x, y."
    reply = await patient.ask([_user(question, picture((230, 230, 230), square=True))])
    if isinstance(reply, str):
        return CheckFinding("places", Health.SKIPPED, reply)
    said = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text_of(reply.message.get("content")))]
    found = _convention(said[:2])
    if found is None:
        detail = f"the centre of a square at (480, 80) of 640 x 320 was given as {said[:4]}"
        return CheckFinding(
            "places", Health.DEGRADED, detail, "do not rely on boxes from this model"
        )
    if found is patient.capabilities.coordinates:
        return CheckFinding("places", Health.WORKS, f"given in {found}, as the table says")
    detail = f"given in {found}, but the table says {patient.capabilities.coordinates}"
    advice = "boxes would land in the wrong place"
    return CheckFinding("places", Health.BROKEN, detail, advice, ("coordinates", found.value))


def _convention(place: list[float]) -> Coordinates | None:
    if len(place) < 2:
        return None
    for convention, target in (
        (Coordinates.PIXELS, (480.0, 80.0)),
        (Coordinates.THOUSANDTHS, (750.0, 250.0)),
    ):
        if all(abs(a - b) <= 40 for a, b in zip(place, target, strict=True)):
            return convention
    return None


def _user(text: str, *more: dict[str, Any]) -> dict[str, Any]:
    if not more:
        return {"role": "user", "content": text}
    return {"role": "user", "content": [{"type": "text", "text": text}, *more]}


def picture(
    colour: tuple[int, int, int], *, square: bool = False, size: tuple[int, int] = (640, 320)
) -> dict[str, Any]:
    """A one-coloured image part, with a red square at (480, 80) if asked."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", size, colour)
    if square:
        ImageDraw.Draw(image).rectangle((450, 50, 510, 110), fill=(220, 20, 20))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
