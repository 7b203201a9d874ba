"""The doctor, against servers that are ill in different ways."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from surveyor.agent.capability_checks import Health
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.doctor import Diagnosis, examine, preflight
from surveyor.core.errors import ServiceUnavailable, UserError
from tests.support.openai_server import RehearsalServer, Reply, Request, Script, fails, says


def seen(message: dict[str, Any]) -> Image.Image | None:
    """The picture in a message, if it holds one."""
    parts = message["content"] if isinstance(message["content"], list) else []
    for part in parts:
        if part["type"] == "image_url":
            data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
            return Image.open(io.BytesIO(data)).convert("RGB")
    return None


def healthy(request: Request) -> Reply:
    """A model that really looks at pixels, calls tools, and reads their results."""
    first, last = request.json["messages"][0], request.json["messages"][-1]
    if first["role"] == "system" and "<tool_call>" in first["content"]:
        return says('<tool_call>{"name": "measure", "arguments": {"thing": "table"}}</tool_call>')
    picture = seen(last)
    if picture is not None:
        if "square" in str(last["content"][0]):
            return says("480, 80")
        red, _, blue = picture.getpixel((5, 5))  # type: ignore[misc]
        return says("Red." if red > blue else "Blue.")
    if last["role"] == "tool":
        return says(f"It is {last['content']}.")
    things = re.findall(r"table|lamp", last["content"])
    if request.json.get("tools") and things:
        return says(calls=tuple(("measure", f'{{"thing": "{thing}"}}') for thing in things))
    return says("ready")


def but(change: Callable[[Request], Reply | None]) -> Script:
    """A healthy model except where ``change`` replies."""
    return lambda request: change(request) or healthy(request)


def diagnose(script: Script, **changes: Any) -> Diagnosis:
    with RehearsalServer(script) as server:
        config = ChatConfig(model="some-model", base_url=server.url, backoff=0.0, **changes)
        return asyncio.run(examine(config))


def health(diagnosis: Diagnosis) -> dict[str, Health]:
    return {finding.probe: finding.health for finding in diagnosis.findings}


def test_a_healthy_endpoint_works_in_every_probe() -> None:
    diagnosis = diagnose(healthy, capabilities={"images_in_tools": True})
    states = health(diagnosis)
    assert states.pop("tagged call") is Health.SKIPPED
    assert set(states.values()) == {Health.WORKS}
    assert len(states) == 8
    assert diagnosis.verdict.startswith("ready")
    assert diagnosis.settings == ""
    with RehearsalServer(healthy) as server:
        asyncio.run(preflight(ChatConfig(model="some-model", base_url=server.url)))
    assert diagnosis.usable
    assert diagnosis.overrides == {}


def test_what_works_against_the_table_becomes_an_override() -> None:
    diagnosis = diagnose(healthy, capabilities={"coordinates": "thousandths"})
    assert diagnosis.overrides == {"images_in_tools": True, "coordinates": "pixels"}
    assert diagnosis.usable
    assert tomllib.loads(diagnosis.settings) == {
        "planner_options": {"capabilities": diagnosis.overrides}
    }


def no_tools(request: Request) -> Reply | None:
    return fails(400, "tools are not supported") if request.json.get("tools") else None


def parser_asleep(request: Request) -> Reply | None:
    if request.json.get("tools") and request.json["messages"][-1]["role"] == "user":
        return says('<tool_call>{"name": "measure", "arguments": {"thing": "table"}}</tool_call>')
    return None


def blind(request: Request) -> Reply | None:
    return says("A nice room.") if seen(request.json["messages"][-1]) else None


def no_images(request: Request) -> Reply | None:
    return fails(400, "image_url is not supported") if b"image_url" in request.body else None


def no_template(request: Request) -> Reply | None:
    return fails(500) if request.json["messages"][-1]["role"] == "tool" else None


def one_at_a_time(request: Request) -> Reply | None:
    reply = healthy(request)
    return says(calls=(("measure", "{}"),)) if reply.body.count(b"call_") > 1 else None


def counts_nothing(request: Request) -> Reply | None:
    reply = healthy(request)
    return Reply(reply.body.replace(b"prompt_tokens", b"tokens"))


@pytest.mark.parametrize(
    ("illness", "probe", "found", "override"),
    [
        (no_tools, "tool call", Health.BROKEN, {"dialect": "tags"}),
        (parser_asleep, "tool call", Health.DEGRADED, {}),
        (blind, "image", Health.BROKEN, {}),
        (no_images, "image", Health.BROKEN, {"images": False}),
        (no_template, "two turns", Health.BROKEN, {"dialect": "tags"}),
        (one_at_a_time, "parallel calls", Health.DEGRADED, {}),
        (counts_nothing, "text", Health.DEGRADED, {}),
    ],
)
def test_each_illness_is_found_with_its_cure(
    illness: Callable[[Request], Reply | None],
    probe: str,
    found: Health,
    override: dict[str, object],
) -> None:
    diagnosis = diagnose(but(illness))
    assert health(diagnosis)[probe] is found
    assert override.items() <= diagnosis.overrides.items()
    if found is Health.BROKEN:
        assert diagnosis.usable is bool(override)


def one_image(request: Request) -> Reply | None:
    if request.body.count(b'"image_url":{') > 1:
        return fails(400, "At most 1 image(s) may be provided in one prompt.")
    return None


def test_a_server_that_takes_few_images_is_asked_for_no_more() -> None:
    diagnosis = diagnose(but(one_image))
    assert health(diagnosis)["several images"] is Health.BROKEN
    assert diagnosis.overrides["max_images"] == 1
    assert diagnosis.usable


def test_tags_are_advised_only_where_the_model_can_write_them() -> None:
    def speaks_nothing(request: Request) -> Reply | None:
        return no_tools(request) or (says("Hm.") if b"<tools>" in request.body else None)

    assert "not usable" not in diagnose(but(no_tools)).verdict
    diagnosis = diagnose(but(speaks_nothing))
    assert health(diagnosis)["tagged call"] is Health.BROKEN
    assert not diagnosis.usable
    assert diagnosis.verdict.startswith("not usable: told how to write a tagged call")
    assert diagnosis.settings == ""


def enforcing(field: str) -> Callable[[Request], Reply | None]:
    """A server whose model calls nothing, but which holds it to what stands in ``field``."""

    def script(request: Request) -> Reply | None:
        if request.json.get(field):
            return says('{"thought": "so be it", "answer": 1}')
        return no_tools(request) or (says("Hm.") if b"<tools>" in request.body else None)

    return script


@pytest.mark.parametrize(
    ("field", "constraint"),
    [
        ("structured_outputs", "vllm"),
        ("response_format", "response_format"),
        ("grammar", "llamacpp"),
    ],
)
def test_a_model_that_calls_nothing_is_usable_where_a_grammar_is_enforced(
    field: str, constraint: str
) -> None:
    diagnosis = diagnose(but(enforcing(field)))
    assert diagnosis.usable
    assert diagnosis.overrides["dialect"] == "grammar"
    assert diagnosis.overrides["constraint"] == constraint
    assert 'dialect = "grammar"' in diagnosis.settings


@pytest.mark.parametrize(
    ("reply", "said", "kind"),
    [
        (Reply(b"<html>", headers={"content-type": "text/html"}), "web page", UserError),
        (fails(401), "OPENAI_API_KEY", UserError),
        (fails(404, "no such model"), "some-model", UserError),
        (fails(429, "insufficient_quota"), "has no quota left", UserError),
        (fails(429), "no answer in 2 attempts", ServiceUnavailable),
        (fails(503), "no answer in 2 attempts", ServiceUnavailable),
    ],
)
def test_an_endpoint_that_cannot_answer_is_asked_nothing_more(
    reply: Reply, said: str, kind: type[Exception]
) -> None:
    diagnosis = diagnose(lambda _request: reply)
    with RehearsalServer(lambda _request: reply) as server:
        config = ChatConfig(model="some-model", base_url=server.url, backoff=0.0)
        with pytest.raises(kind, match=said):
            asyncio.run(preflight(config))
    (only,) = diagnosis.findings
    assert only.health is Health.BROKEN
    assert said in only.detail
    assert not diagnosis.usable


def test_tags_and_blind_models_are_not_asked_for_what_they_do_not_use() -> None:
    diagnosis = diagnose(healthy, capabilities={"dialect": "tags", "images": False})
    states = health(diagnosis)
    assert states.pop("text") is Health.WORKS
    assert states.pop("tagged call") is Health.WORKS
    assert set(states.values()) == {Health.SKIPPED}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<tool_call>{"name": "measure", "arguments": {}}</tool_call>', Health.WORKS),
        ('<tool_call>{"name": "measure", "arguments": {}}', Health.DEGRADED),
        ("The table is 0.74 m high.", Health.BROKEN),
    ],
)
def test_a_checkpoint_that_speaks_tags_is_asked_in_tags(text: str, found: Health) -> None:
    tagged = {"dialect": "tags", "images": False}
    diagnosis = diagnose(lambda _request: says(text), capabilities=tagged)
    assert health(diagnosis)["tagged call"] is found


def answers_in_reasoning(_request: Request) -> Reply:
    return says(None, reasoning_content="B")


def test_a_reasoning_parser_that_takes_the_answer_is_named_before_a_run() -> None:
    diagnosis = diagnose(answers_in_reasoning)
    assert not diagnosis.usable
    assert "content is empty and reasoning is not" in diagnosis.verdict
    assert "reasoning parser is wrong" in diagnosis.verdict
    with RehearsalServer(answers_in_reasoning) as server:
        config = ChatConfig(model="some-model", base_url=server.url, backoff=0.0)
        with pytest.raises(UserError, match="reasoning parser is wrong"):
            asyncio.run(preflight(config))


def test_a_length_limit_inside_the_reasoning_is_no_parsers_fault() -> None:
    diagnosis = diagnose(but(lambda r: says(None, reasoning="hm", finish="length")))
    text = diagnosis.findings[0]
    assert text.health is Health.DEGRADED
    assert "max_tokens" in text.advice


@pytest.mark.parametrize(
    ("text", "parser"),
    [
        ("<tool_call>\n<function=measure>\n</function>\n</tool_call>", "qwen3_coder or qwen3_xml"),
        ("<tool_call>measure\n<arg_key>thing</arg_key>\n</tool_call>", "glm45 or glm47"),
        ('[TOOL_CALLS]measure{"thing": "table"}', "mistral"),
        ('<|python_tag|>{"name": "measure"}', "llama3_json"),
    ],
)
def test_the_tool_parser_that_a_call_wanted_is_named(text: str, parser: str) -> None:
    def unparsed(request: Request) -> Reply | None:
        return says(text) if request.json.get("tools") else None

    diagnosis = diagnose(but(unparsed))
    (found,) = (f for f in diagnosis.findings if f.probe == "tool call")
    assert found.health is Health.BROKEN
    assert found.detail.endswith(parser)
    assert diagnosis.overrides["dialect"] == "tags"


def test_a_call_that_went_into_the_reasoning_is_found() -> None:
    def swallowed(request: Request) -> Reply | None:
        call = '<tool_call>{"name": "measure", "arguments": {}}</tool_call>'
        return says("", reasoning_content=call) if request.json.get("tools") else None

    (found,) = (f for f in diagnose(but(swallowed)).findings if f.probe == "tool call")
    assert "reasoning parser is wrong" in found.detail


def test_ids_in_probes_are_taken_by_an_endpoint_that_wants_nine_letters() -> None:
    def strict(request: Request) -> Reply | None:
        ids = re.findall(rb'"(?:tool_call_id|id)":"([^"]*)"', request.body)
        wrong = [i for i in ids if not re.fullmatch(rb"[A-Za-z0-9]{9}", i)]
        return fails(400, f"Tool call id was {wrong[0]!r}") if wrong else None

    assert health(diagnose(but(strict)))["two turns"] is Health.WORKS


def test_what_an_endpoint_says_cannot_drive_the_terminal() -> None:
    diagnosis = diagnose(lambda _request: fails(400, "no \x1b[2J\x1b]0;mine\x07"))
    assert diagnosis.findings[0].detail.endswith("no \\x1b[2J\\x1b]0;mine\\x07")


@pytest.mark.parametrize("reply", [fails(413), fails(400, "prompt is too long")])
def test_one_refused_request_does_not_keep_a_run_from_starting(reply: Reply) -> None:
    with RehearsalServer(lambda _request: reply) as server:
        config = ChatConfig(model="some-model", base_url=server.url, backoff=0.0)
        asyncio.run(preflight(config))
        assert not asyncio.run(examine(config)).usable
