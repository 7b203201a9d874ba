"""Messages as token ids by a checkpoint's own template: one renderer for training and serving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surveyor.core.errors import UserError
from surveyor.training.rows.records import Chat

_PROBE_TOOL = "probe_of_the_template"


@dataclass(frozen=True, slots=True)
class Rendered:
    """Ids of one conversation, the tensors that a model takes (batch of one), the tokenizer."""

    ids: list[int]
    tensors: dict[str, Any]
    tokenizer: Any


def tokenizer_of(processor: Any) -> Any:
    """The tokenizer, with or without an image processor around it."""
    return getattr(processor, "tokenizer", processor)


def render(
    processor: Any, messages: Sequence[Chat], tools: Sequence[Chat], *, generation: bool
) -> Rendered:
    """A conversation in ids; with ``generation`` it ends where the model is to speak.

    Image parts hold pictures: ``{"type": "image", "image": PIL image}``.
    """
    vision = processor is not tokenizer_of(processor)
    told = [_plain(message, parts=vision) for message in messages]
    out = processor.apply_chat_template(
        [told],
        tools=list(tools) or None,
        add_generation_prompt=generation,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    tensors = {key: out[key] for key in out}
    return Rendered(tensors["input_ids"][0].tolist(), tensors, tokenizer_of(processor))


def _plain(message: Chat, *, parts: bool) -> Chat:
    """Content as the family's templates take it: parts for vision, else text; and nothing for a
    turn that only calls, where an empty text would add a line."""
    whole = {key: value for key, value in message.items() if value is not None}
    content = whole.get("content")
    if parts:
        said = [{"type": "text", "text": content}] if isinstance(content, str) else content
        whole["content"] = [] if not content else said
    elif isinstance(content, list):
        whole["content"] = "\n".join(part["text"] for part in content if part["type"] == "text")
    else:
        whole["content"] = content or ""
    return whole


def check_template(processor: Any, *, vision: bool) -> None:
    """`UserError` naming what a template drops: tools, or images in tool results."""
    tool = {"type": "function", "function": {"name": _PROBE_TOOL, "parameters": {}}}
    call = {"type": "function", "function": {"name": _PROBE_TOOL, "arguments": {}}}
    told: list[Chat] = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "name": _PROBE_TOOL, "content": [{"type": "text", "text": "r"}]},
    ]
    if vision:
        told[2]["content"].append({"type": "image"})
    messages = [_plain(message, parts=vision) for message in told]
    text = processor.apply_chat_template(messages, tools=[tool], tokenize=False)
    if text.count(_PROBE_TOOL) < 2:
        raise UserError("this checkpoint's chat template drops tools; use one that shows them")
    if vision and "<|image_pad|>" not in text:
        raise UserError(
            "this checkpoint's chat template drops images in tool results; use one that shows them"
        )
