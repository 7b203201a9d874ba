"""What the published engines say to the forms that we send them.

The libraries (`llguidance`, `xgrammar`: what vLLM and SGLang decode with) and llama.cpp's server
are no dependencies: each part skips without. ``SURVEYOR_LLAMA_SERVER`` and
``SURVEYOR_LLAMA_MODEL`` are paths of a llama-server and of any small GGUF model.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from surveyor.agent.chat.capabilities import Capabilities, Constraint, DialectName
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.constrained import GrammarDialect
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.chat.terse import first_steps
from surveyor.agent.planner import PlannerInput
from surveyor.agent.survey.offer import offered
from surveyor.core.tasks import AnswerKind, Task
from tests.agent.test_grammar import task
from tests.support.engine_shapes import (
    Conversation,
    FormattedRequest,
    LlamaRequest,
    VllmRequest,
)
from tests.support.gbnf_sampler import Grammar
from tests.support.mock_endpoint import RehearsalServer, says

LIMIT = 2000
"""llama.cpp refuses a grammar in which nested repetitions multiply to this or more."""
CALL = '{"thought": "look", "calls": [{"name": "count", "arguments": {"objects": ["obj_1"]}}]}'


def dialect(how: Constraint, kind: AnswerKind, *named: str) -> GrammarDialect:
    tools = tuple(tool.schema for tool in offered(frames=True, named=named or ("all",)))
    return GrammarDialect(
        task(kind), PlannerInput(tools), Capabilities(dialect=DialectName.GRAMMAR, constraint=how)
    )


def grammar(kind: AnswerKind, *named: str) -> str:
    text: str = dialect(Constraint.LLAMACPP, kind, *named).request_fields["grammar"]
    return text


def schema(kind: AnswerKind) -> Any:
    return dialect(Constraint.VLLM, kind).request_fields["structured_outputs"]["json"]


def most_repeats(node: tuple[Any, ...]) -> int:
    """The largest product of nested repetitions within one rule; other rules count as one."""
    match node:
        case ("many", _, high, part):
            return int(high) * most_repeats(part)
        case ("any" | "all", parts):
            return max((most_repeats(part) for part in parts), default=1)
    return 1


@pytest.mark.parametrize("kind", list(AnswerKind))
def test_no_rule_repeats_more_than_llama_cpp_allows(kind: AnswerKind) -> None:
    rules = Grammar.of(grammar(kind)).rules
    assert {name: n for name, rule in rules.items() if (n := most_repeats(rule)) >= LIMIT} == {}


@pytest.mark.parametrize("kind", list(AnswerKind))
@pytest.mark.parametrize(
    ("how", "shape"),
    [
        (Constraint.VLLM, VllmRequest),
        (Constraint.RESPONSE_FORMAT, FormattedRequest),
        (Constraint.LLAMACPP, LlamaRequest),
    ],
)
def test_requests_have_the_published_shapes(
    how: Constraint, shape: type[Conversation], kind: AnswerKind
) -> None:
    """The whole request as it goes over the wire, tools and all."""
    capabilities = {"dialect": "grammar", "constraint": how, "images": False}
    brief = PlannerInput(tuple(tool.schema for tool in offered(frames=True)))

    async def sent(url: str) -> None:
        config = ChatConfig(model="m", base_url=url, capabilities=capabilities)
        async with ChatPlanner(config, ()) as planner:
            await planner.start(task(kind), brief).next(())

    with RehearsalServer(lambda _: says('{"answer": "1"}')) as server:
        asyncio.run(sent(server.url))
    (request,) = server.requests
    shape.model_validate_json(request.body)
    others = [one for one in (VllmRequest, FormattedRequest, LlamaRequest) if one is not shape]
    for other in others:
        with pytest.raises(ValidationError):
            other.model_validate_json(request.body)


@pytest.mark.parametrize("kind", list(AnswerKind))
def test_the_schema_is_a_schema(kind: AnswerKind) -> None:
    validators = pytest.importorskip("jsonschema").validators
    validators.Draft202012Validator.check_schema(schema(kind))


def test_fewer_arguments_keep_their_bounds() -> None:
    tools = first_steps(tool.schema for tool in offered(frames=True, named=("measure",)))
    fields = {
        tool["function"]["name"]: tool["function"]["parameters"]["properties"] for tool in tools
    }
    assert set(fields["survey"]) == {"categories", "every"}
    assert fields["depth_at"]["points"]["items"]["maxItems"] == 2


def test_the_short_form_enforces_what_tools_check() -> None:
    server = RehearsalServer(lambda _: says('{"thought": "", "answer": 3}'))
    with server:
        config = ChatConfig(
            model="m",
            base_url=server.url,
            capabilities={"dialect": "grammar", "terse": True, "constraint": "vllm"},
        )
        tools = tuple(tool.schema for tool in offered(frames=True, named=("measure",)))
        asyncio.run(_one_turn(config, PlannerInput(tools)))
    sent = json.dumps(server.requests[0].json["structured_outputs"])
    assert '"maxItems": 2' in sent
    assert '"skill"' not in sent


async def _one_turn(config: ChatConfig, brief: PlannerInput) -> None:
    task = Task(
        id="t",
        dataset="d",
        scene_id="s",
        question_type="q",
        question="How many?",
        answer_kind=AnswerKind.NUMBER,
    )
    async with ChatPlanner(config, ()) as planner:
        assert (await planner.start(task, brief).next(())).answer == "3"


@pytest.mark.parametrize("kind", list(AnswerKind))
def test_llguidance_enforces_the_schema(kind: AnswerKind) -> None:
    llguidance = pytest.importorskip("llguidance")
    form = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema(kind)))
    tokenizer = llguidance.LLTokenizer("byte")

    def taken(text: str) -> int:
        matcher = llguidance.LLMatcher(tokenizer, form)
        assert matcher.get_error() == ""
        return int(matcher.try_consume_tokens(tokenizer.tokenize_str(text)))

    assert taken(CALL) == len(CALL)
    for wrong in (CALL.replace("count", "counts"), CALL.replace("objects", "object")):
        assert taken(wrong) < len(wrong)


@pytest.mark.parametrize("kind", list(AnswerKind))
def test_xgrammar_reads_schema_and_grammar(kind: AnswerKind) -> None:
    xgrammar = pytest.importorskip("xgrammar")
    assert "root" in str(xgrammar.Grammar.from_json_schema(json.dumps(schema(kind))))
    assert "root" in str(xgrammar.Grammar.from_ebnf(grammar(kind)))


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """The address of a real llama-server."""
    server, model = (os.environ.get(f"SURVEYOR_LLAMA_{n}") for n in ("SERVER", "MODEL"))
    if not server or not model:
        pytest.skip("SURVEYOR_LLAMA_SERVER and SURVEYOR_LLAMA_MODEL are not set")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [server, "-m", model, "--jinja", "-t", "1", "--poll", "0", "-c", "2048", "-np", "1"]
    running = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        env={**os.environ, "LD_LIBRARY_PATH": str(Path(server).parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        while not _healthy(url):
            assert running.poll() is None, "the server has ended"
            time.sleep(0.5)
        yield url
    finally:
        running.terminate()
        running.wait()


@pytest.mark.parametrize("named", ["all", "measure"])
@pytest.mark.parametrize("kind", list(AnswerKind))
def test_llama_cpp_takes_the_grammar_and_keeps_to_it(
    llama: str, kind: AnswerKind, named: str
) -> None:
    speaking = dialect(Constraint.LLAMACPP, kind, named)
    body = {
        "messages": [{"role": "user", "content": "Answer at once: how many chairs are here?"}],
        "temperature": 0,
        "max_tokens": 48,
        **speaking.request_fields,
    }
    reply = httpx2.post(f"{llama}/v1/chat/completions", json=body, timeout=600)
    assert reply.status_code == 200, reply.text
    choice = reply.json()["choices"][0]
    reading = speaking.read(choice["message"], choice["finish_reason"], 0)
    assert choice["finish_reason"] == "length" or reading.mistake is None


def _healthy(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False
