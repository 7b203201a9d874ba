"""Rows in three dialects: TRL's conversations, ms-swift's JSON lines, LLaMA-Factory's ShareGPT.

Each is a pure function from a row to what stands in the file; nothing is cut. Argument objects
are written as JSON text, because columns of mixed types lose or invent keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from surveyor.training.rows.records import Chat, Row, text_of

Located = Callable[[str], str]
"""From a picture's hash to where it is found."""


def conversation(messages: Sequence[Chat], *, parts: bool) -> list[Chat]:
    """Messages as TRL takes them: with ``parts`` content is a list whose images are taken, in
    order, from the row's images; without, it is text."""
    told = []
    for message in messages:
        one: Chat = {
            "role": message["role"],
            "content": _parts(message) if parts else text_of(message),
            "tool_calls": [_call(call) for call in message.get("tool_calls") or ()] or None,
            "tool_call_id": message.get("tool_call_id"),
            "name": message.get("name"),
        }
        told.append(one)
    return told


def _parts(message: Chat) -> list[Chat]:
    content = message.get("content")
    if isinstance(content, list):
        return [
            {"type": "text", "text": part["text"]}
            if part["type"] == "text"
            else {"type": "image", "text": None}
            for part in content
        ]
    return [{"type": "text", "text": content}] if content else []


def _call(call: Chat) -> Chat:
    function = call["function"]
    inner = {"name": function["name"], "arguments": function["arguments"]}
    return {"id": call.get("id"), "type": "function", "function": inner}


def swift(row: Row, path: Located) -> dict[str, Any]:
    """One line of ms-swift: ``tool_call`` and ``tool_response`` turns, ``<image>`` tags."""
    told: list[Chat] = []
    for message in row.messages:
        text = _tagged(message)
        calls = message.get("tool_calls") or ()
        if message["role"] == "tool":
            told.append({"role": "tool_response", "content": text})
            continue
        if text or not calls:
            told.append({"role": message["role"], "content": text})
        told += [{"role": "tool_call", "content": _as_text(call)} for call in calls]
    return {
        "messages": told,
        "tools": orjson.dumps(list(row.tools)).decode(),
        "images": [path(sha) for sha in row.images],
    }


def sharegpt(row: Row, path: Located) -> dict[str, Any]:
    """One row of LLaMA-Factory: turns alternate, so the calls of a turn are one list and so are
    their results; a turn's reasoning stands before its calls."""
    system = ""
    turns: list[Chat] = []
    for message in row.messages:
        text = _tagged(message)
        calls = message.get("tool_calls") or ()
        if message["role"] == "system":
            system = text
        elif message["role"] == "tool" and turns and turns[-1]["from"] == "observation":
            turns[-1]["value"] += f"\n{text}"
        elif message["role"] == "tool":
            turns.append({"from": "observation", "value": text})
        elif calls:
            listed = orjson.dumps([orjson.loads(_as_text(call)) for call in calls]).decode()
            said = f"<think>{text}</think>\n{listed}" if text else listed
            turns.append({"from": "function_call", "value": said})
        elif message["role"] == "user" and turns and turns[-1]["from"] in ("human", "observation"):
            turns[-1]["value"] += f"\n{text}"
        else:
            turns.append({"from": _NAMES[message["role"]], "value": text})
    return {
        "conversations": turns,
        "system": system,
        "tools": orjson.dumps([tool["function"] for tool in row.tools]).decode(),
        "images": [path(sha) for sha in row.images],
    }


_NAMES = {"user": "human", "assistant": "gpt"}


def _tagged(message: Chat) -> str:
    content = message.get("content")
    if not isinstance(content, list):
        return content or ""
    return "\n".join(part["text"] if part["type"] == "text" else "<image>" for part in content)


def _as_text(call: Chat) -> str:
    function = call["function"]
    told = {"name": function["name"], "arguments": orjson.loads(function["arguments"] or b"{}")}
    return orjson.dumps(told).decode()
