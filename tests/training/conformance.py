"""What a training needs of a chat server, whichever it is: ours, or vLLM.

Each check takes a `Served` and fails by assertion. The model may be of random weights: what it
says is never looked at, only that its tokens, probabilities and prompts are told as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "measure",
        "description": "Measures.",
        "parameters": {
            "type": "object",
            "properties": {"first": {"type": "string"}, "second": {"type": "string"}},
            "required": ["first"],
        },
    },
}
ASKED: list[dict[str, Any]] = [
    {"role": "system", "content": "You measure."},
    {"role": "user", "content": "How far is the sofa from the door?"},
]
CALLED: list[dict[str, Any]] = [
    *ASKED,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "measure", "arguments": '{"first": "sofa"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "meas_1: 2.31 m"},
]


@dataclass(frozen=True)
class Served:
    """``client`` has a base URL and speaks as httpx does; ``prompt_of`` gives the ids of messages
    and tools by the checkpoint's own template, as training renders them."""

    client: Any
    model: str
    prompt_of: Callable[[list[dict[str, Any]], list[dict[str, Any]]], list[int]]

    def ask(self, messages: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
        """One completion of at most a dozen tokens, with all that a run records."""
        body = {
            "model": self.model,
            "messages": messages,
            "max_tokens": 12,
            "temperature": 0,
            "logprobs": True,
            "return_token_ids": True,
            **fields,
        }
        answer = self.client.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def it_says_what_it_serves(served: Served) -> None:
    assert served.client.get("/health").status_code == 200
    models = served.client.get("/v1/models").json()["data"]
    assert served.model in [one["id"] for one in models]


def tokens_and_probabilities_are_told(served: Served) -> None:
    told = served.ask(ASKED)
    (choice,) = told["choices"]
    values = [entry["logprob"] for entry in choice["logprobs"]["content"]]
    assert len(values) == len(choice["token_ids"]) > 0
    assert all(value <= 1e-6 for value in values)
    assert told["usage"]["completion_tokens"] == len(choice["token_ids"])
    assert told["usage"]["prompt_tokens"] == len(told["prompt_token_ids"])


def the_prompt_is_the_one_that_is_trained_on(served: Served) -> None:
    for messages, tools in ((ASKED, []), (ASKED, [TOOL]), (CALLED, [TOOL])):
        fields = {"tools": tools} if tools else {}
        told = served.ask(messages, **fields)
        assert told["prompt_token_ids"] == served.prompt_of(messages, tools)


def a_conversation_only_grows(served: Served) -> None:
    before = served.ask(ASKED, tools=[TOOL])["prompt_token_ids"]
    after = served.ask(CALLED, tools=[TOOL])["prompt_token_ids"]
    assert after[: len(before)] == before


def the_likeliest_is_repeatable(served: Served) -> None:
    first, again = (served.ask(ASKED)["choices"][0] for _ in range(2))
    assert first["token_ids"] == again["token_ids"]


def a_seed_is_repeatable(served: Served) -> None:
    drawn = [
        served.ask(ASKED, temperature=1.0, seed=seed)["choices"][0]["token_ids"]
        for seed in (7, 7, 8)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def a_bound_on_tokens_is_kept_and_said(served: Served) -> None:
    (choice,) = served.ask(ASKED, max_tokens=3, temperature=1.0, seed=1)["choices"]
    assert len(choice["token_ids"]) <= 3
    assert (choice["finish_reason"] == "length") == (len(choice["token_ids"]) == 3)


def a_stream_says_what_the_whole_says(served: Served) -> None:
    whole = served.ask(ASKED)["choices"][0]["message"]["content"] or ""
    body = {
        "model": served.model,
        "messages": ASKED,
        "max_tokens": 12,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    lines = served.client.post("/v1/chat/completions", json=body).text.split("\n")
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    parts = [c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]]
    assert "".join(parts) == whole
    assert chunks[-1]["usage"]["completion_tokens"] > 0


def what_is_wrong_is_said_with_a_message(served: Served) -> None:
    for changes, status in (({"model": "another"}, 404), ({"temperature": -1}, 400)):
        body = {"model": served.model, "messages": ASKED, "max_tokens": 3, **changes}
        answer = served.client.post("/v1/chat/completions", json=body)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["message"]


CHECKS = (
    it_says_what_it_serves,
    tokens_and_probabilities_are_told,
    the_prompt_is_the_one_that_is_trained_on,
    a_conversation_only_grows,
    the_likeliest_is_repeatable,
    a_seed_is_repeatable,
    a_bound_on_tokens_is_kept_and_said,
    a_stream_says_what_the_whole_says,
    what_is_wrong_is_said_with_a_message,
)
