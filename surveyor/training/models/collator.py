"""From exported rows to a batch: one collator for text and for vision-language models.

TRL's own drops the tools of a vision row and can't place images in tool results. Nothing is ever
cut: a row that is too long is refused by name, because half an image is no image.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from surveyor.core.errors import UserError
from surveyor.training.extras import need
from surveyor.training.models.rendering import render, tokenizer_of
from surveyor.training.rows.records import Chat

_IGNORED = -100


class AgentCollator:
    """``longest`` is the most tokens of a row."""

    def __init__(self, processor: Any, longest: int | None = None) -> None:
        self._processor = processor
        self._longest = longest
        self._tokenizer = tokenizer_of(processor)
        self._head = self._tokenizer.encode("<|im_start|>assistant\n", add_special_tokens=False)
        self._end = self._tokenizer.convert_tokens_to_ids("<|im_end|>")

    def encode(self, row: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        """Tensors of one row (batch of one) and its labels."""
        messages = list(with_pictures(row["messages"], row.get("images") or ()))
        tools = json.loads(row["tools"]) if isinstance(row["tools"], str) else row["tools"]
        rendered = render(self._processor, messages, tools, generation=False)
        if self._longest is not None and len(rendered.ids) > self._longest:
            raise UserError(
                f"an episode of {row.get('task_id', 'a row')} has {len(rendered.ids)} tokens and "
                f"at most {self._longest} are taken; export with --longest, or raise --length"
            )
        mine = own_tokens(rendered.ids, self._head, self._end)
        if not any(mine):
            raise UserError("a row in which the assistant says nothing; its template is unknown")
        labels = [k if own else _IGNORED for k, own in zip(rendered.ids, mine, strict=True)]
        return rendered.tensors, labels

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """A padded batch."""
        torch = need("torch")
        encoded = [self.encode(row) for row in rows]
        longest = max(len(labels) for _, labels in encoded)
        pad = int(self._tokenizer.pad_token_id)

        def padded(values: Iterable[int], filler: int) -> list[int]:
            listed = list(values)
            return [*listed, *[filler] * (longest - len(listed))]

        batch: dict[str, Any] = {
            "input_ids": torch.tensor(
                [padded(t["input_ids"][0].tolist(), pad) for t, _ in encoded]
            ),
            "attention_mask": torch.tensor([padded([1] * len(ls), 0) for _, ls in encoded]),
            "labels": torch.tensor([padded(labels, _IGNORED) for _, labels in encoded]),
        }
        if "mm_token_type_ids" in encoded[0][0]:
            kinds = [padded(t["mm_token_type_ids"][0].tolist(), 0) for t, _ in encoded]
            batch["mm_token_type_ids"] = torch.tensor(kinds)
        for name in ("pixel_values", "image_grid_thw"):
            found = [tensors[name] for tensors, _ in encoded if name in tensors]
            if found:
                batch[name] = torch.cat(found)
        return batch


def own_tokens(ids: Sequence[int], head: Sequence[int], end: int) -> list[bool]:
    """ChatML: what follows ``<|im_start|>assistant`` up to and with ``<|im_end|>``."""
    mine = [False] * len(ids)
    at, inside = 0, False
    while at < len(ids):
        if not inside and list(ids[at : at + len(head)]) == list(head):
            inside, at = True, at + len(head)
            continue
        if inside:
            mine[at] = True
            inside = ids[at] != end
        at += 1
    return mine


def with_pictures(messages: Sequence[Chat], images: Sequence[Any]) -> Iterator[Chat]:
    """Messages with their pictures in place and arguments as objects, as templates want them."""
    left = iter(images)
    for message in messages:
        whole = {key: value for key, value in message.items() if value is not None}
        content = whole.get("content")
        if isinstance(content, list):
            whole["content"] = [
                {"type": "image", "image": next(left)}
                if part["type"] == "image"
                else {"type": "text", "text": part["text"]}
                for part in content
            ]
        if calls := whole.get("tool_calls"):
            whole["tool_calls"] = [_object_arguments(call) for call in calls]
        yield whole
    if next(left, None) is not None:
        raise UserError("a row has more images than places for them; export it again")


def _object_arguments(call: Chat) -> Chat:
    function = dict(call["function"])
    if isinstance(function["arguments"], str):
        function["arguments"] = json.loads(function["arguments"] or "{}")
    return {**call, "function": function}
