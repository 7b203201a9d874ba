"""A small Qwen3 or Qwen3-VL behind the chat API, by transformers alone."""

from __future__ import annotations

import base64
import binascii
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from surveyor.agent.chat.tagged_text import read_blocks
from surveyor.training.models.families import load_checkpoint
from surveyor.training.models.rendering import check_template, render
from surveyor.training.rows.records import Chat
from surveyor.training.serving.contract import (
    ChatRequest,
    Drawn,
    ModelReply,
    NotServed,
    SpokenCall,
)
from surveyor.training.serving.sampling import sampled
from surveyor.training.serving.weights import weights_id


class ChatBackend:
    """Loads a folder of a family that the training code knows; `UserError` names another one."""

    def __init__(self, folder: Path) -> None:
        loaded = load_checkpoint(folder)
        self.model, self.processor = loaded.model.eval(), loaded.processor
        self.vision = loaded.vision
        self.weights = weights_id(folder)
        check_template(self.processor, vision=self.vision)
        config = self.model.config
        self._longest = int(getattr(config, "text_config", config).max_position_embeddings)
        self._turn = threading.Lock()

    def reply(self, request: ChatRequest) -> ModelReply:
        """One turn, calls read as Qwen's own parser reads them."""
        messages = [with_pixels(message, vision=self.vision) for message in request.messages]
        tools = list(request.tools) if request.tool_choice == "auto" else []
        prompt = render(self.processor, messages, tools, generation=True)
        room = self._longest - len(prompt.ids)
        if room < 1:
            raise NotServed(
                f"this conversation has {len(prompt.ids)} tokens and the model takes "
                f"{self._longest}",
                code="context_length_exceeded",
            )
        tokenizer = prompt.tokenizer
        with self._turn:
            drawn = sampled(
                self.model,
                prompt.tensors,
                end=int(tokenizer.eos_token_id),
                most=min(room, request.most or 512),
                temperature=request.temperature,
                top_p=request.top_p,
                seed=request.seed,
            )
        return reply_of(tokenizer, prompt.ids, drawn)


def reply_of(tokenizer: Any, prompt: list[int], drawn: Drawn) -> ModelReply:
    """What was sampled, read as text and calls."""
    said = drawn.ids[:-1] if drawn.ended else drawn.ids
    text = tokenizer.decode(said)
    blocks = read_blocks(text, cut=not drawn.ended)
    calls = () if blocks.faults else tuple(SpokenCall(c.name, c.arguments) for c in blocks.calls)
    content = text.partition("<tool_call>")[0].rstrip("\n") if calls else text
    finish = "tool_calls" if calls else "stop" if drawn.ended else "length"
    texts = tuple(tokenizer.decode([one]) for one in drawn.ids)
    return ModelReply(
        content or None,
        calls,
        finish,
        tuple(prompt),
        tuple(drawn.ids),
        texts,
        tuple(drawn.logprobs),
    )


def with_pixels(message: Chat, *, vision: bool) -> Chat:
    """The message with images decoded and arguments as objects, as templates want them."""
    whole = {key: value for key, value in message.items() if value is not None}
    if isinstance(whole.get("content"), list):
        whole["content"] = list(_parts(whole["content"], vision=vision))
    if calls := whole.get("tool_calls"):
        whole["tool_calls"] = [_object_arguments(call) for call in calls]
    return whole


def _object_arguments(call: Chat) -> Chat:
    function = dict(call["function"])
    if isinstance(function.get("arguments"), str):
        try:
            function["arguments"] = json.loads(function["arguments"] or "{}")
        except ValueError:
            raise NotServed("messages: the arguments of an old call are not JSON") from None
    return {**call, "function": function}


def _parts(content: list[Chat], *, vision: bool) -> Iterator[Chat]:
    for part in content:
        if part.get("type") == "text":
            yield part
        elif part.get("type") == "image_url":
            if not vision:
                raise NotServed("messages: this model takes no images")
            yield {"type": "image", "image": _picture(str(part["image_url"]["url"]))}
        else:
            raise NotServed(f"messages: content of type {part.get('type')!r} is not taken")


def _picture(url: str) -> Image.Image:
    if not url.startswith("data:"):
        raise NotServed("messages: this server fetches no images; send them as data: URLs")
    try:
        data = base64.b64decode(url.partition(",")[2], validate=True)
        return Image.open(io.BytesIO(data)).convert("RGB")
    except (binascii.Error, OSError):
        raise NotServed("messages: an image that can't be read") from None
