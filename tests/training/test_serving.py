"""Serving small models: the API's promises, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from surveyor.training.serving.app import build_server
from surveyor.training.serving.contract import ChatRequest, ModelReply, NotServed, SpokenCall

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


class Parrot:
    """Answers by what it is asked; no weights."""

    weights = "abc"

    def reply(self, request: ChatRequest) -> ModelReply:
        if "long" in str(request.messages):
            raise NotServed("too long", code="context_length_exceeded")
        calls = (SpokenCall("sum", '{"a": 1}'),) if request.tools else ()
        content = None if calls else "<answer>A</answer>"
        finish = "tool_calls" if calls else "stop"
        return ModelReply(content, calls, finish, (1, 2), (3, 4), ("x", "é"), (-0.5, -0.25))


@pytest.fixture
def client() -> TestClient:
    return TestClient(build_server(Parrot(), "m"))


def ask(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/v1/chat/completions", json={**ASK, **fields}).json()
    return answer


def test_a_reply_has_what_a_run_records(client: TestClient) -> None:
    told = ask(client, logprobs=True, return_token_ids=True, temperature=0, max_tokens=9)
    (choice,) = told["choices"]
    assert choice["message"] == {"role": "assistant", "content": "<answer>A</answer>"}
    assert choice["token_ids"] == [3, 4]
    assert told["prompt_token_ids"] == [1, 2]
    assert [entry["logprob"] for entry in choice["logprobs"]["content"]] == [-0.5, -0.25]
    assert choice["logprobs"]["content"][1]["bytes"] == list("é".encode())
    assert told["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    assert told["system_fingerprint"] == "abc"
    assert client.get("/v1/models").json()["data"][0]["id"] == "m"
    assert client.get("/health").status_code == 200


def test_calls_come_without_content(client: TestClient) -> None:
    (choice,) = ask(client, tools=[{"type": "function"}])["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "sum", "arguments": '{"a": 1}'}


def test_a_stream_ends_as_streams_do(client: TestClient) -> None:
    body = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
    lines = client.post("/v1/chat/completions", json=body).text.strip().split("\n\n")
    assert len(lines) == 4
    assert '"finish_reason": "stop"' in lines[1]
    assert '"usage"' in lines[2]
    assert lines[-1] == "data: [DONE]"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 2}, "n: one reply"),
        ({"top_logprobs": 5}, "top_logprobs"),
        ({"tool_choice": "required"}, "tool_choice: auto or none"),
        ({"guided_json": {}}, "guided_json: this server does not know it"),
        ({"temperature": 9}, "temperature"),
        ({"messages": []}, "messages"),
        ({"model": "other"}, "'other' is not served here"),
        ({"messages": [{"role": "user", "content": "long"}]}, "too long"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(
    client: TestClient, fields: dict[str, Any], named: str
) -> None:
    answer = client.post("/v1/chat/completions", json={**ASK, **fields})
    assert answer.status_code in (400, 404)
    assert named in answer.json()["error"]["message"]
