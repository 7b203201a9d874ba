"""Whether an exported episode has the tokens that the endpoint got and sampled.

The endpoint's side is what `serve-model` does with a request, and a model that says each of the
episode's turns in its family's form. The exported side is the collator's, of the row that the
export would write. Where both agree, what is trained on is what was played.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, zip_longest
from pathlib import Path
from typing import Any

from surveyor.training.export.dialects import conversation
from surveyor.training.models.collator import AgentCollator
from surveyor.training.models.rendering import render, tokenizer_of
from surveyor.training.rows.records import Row, text_of
from surveyor.training.serving.chat import reply_of, with_pixels
from surveyor.training.serving.contract import Drawn
from tests.claims.claim import Claim


@dataclass
class Exactness:
    """Counts over episodes; ``differing`` are tokens that are not the same at their place."""

    episodes: int = 0
    tokens: int = 0
    sampled: int = 0
    differing: int = 0


EPISODES = 500


def exact(rows: Sequence[Row], root: Path) -> Iterator[Claim]:
    """Both families' templates, over as many episodes (repeated where there are fewer)."""
    from surveyor.training.models.families import load_checkpoint
    from surveyor.training.models.tiny import make_tiny

    told = [json.dumps(rows[0].messages), json.dumps(rows[0].tools)]
    for name, vision in (("Qwen3", False), ("Qwen3-VL", True)):
        folder = make_tiny(root / f"tiny{vision}", told, vision=vision)
        processor = load_checkpoint(folder).processor
        found = exactness(processor, islice(cycle(rows), EPISODES), vision)
        note = f"{found.episodes} episodes ({len(rows)} different), {found.sampled} sampled"
        yield Claim.at_most(
            f"{name}: tokens of {found.tokens} that differ from the endpoint's",
            found.differing,
            0,
            note,
        )


def exactness(processor: Any, rows: Iterable[Row], vision: bool) -> Exactness:
    """Play every row's turns against the endpoint's own functions, and compare."""
    found = Exactness()
    tokenizer, collator = tokenizer_of(processor), AgentCollator(processor)
    for row in rows:
        served: list[dict[str, Any]] = []
        ids: list[int] = []
        own: list[bool] = []
        for message in row.messages:
            if message["role"] != "assistant":
                served.append(message)
                continue
            told = [with_pixels(one, vision=vision) for one in served]
            prompt = render(processor, told, row.tools, generation=True).ids
            found.differing += _apart(prompt[: len(ids)], ids)
            said = tokenizer.encode(_as_said(message) + "<|im_end|>", add_special_tokens=False)
            own += [False] * (len(prompt) - len(own)) + [True] * len(said)
            ids = [*prompt, *said]
            reply = reply_of(tokenizer, prompt, Drawn(said, [0.0] * len(said), True))
            served.append(_recorded(message, reply))
        told_row = {
            "messages": conversation(served, parts=vision), "tools": list(row.tools), "images": [],
        }  # fmt: skip
        tensors, labels = collator.encode(told_row)
        exported = tensors["input_ids"][0].tolist()
        # Templates end a last turn with a line that no model says.
        found.differing += _apart(exported[: len(ids)], ids)
        found.differing += sum(
            (label >= 0) != mine for label, mine in zip(labels, own, strict=False)
        )
        found.differing += max(0, len(exported) - len(ids) - 1)
        found.episodes += 1
        found.tokens += len(ids)
        found.sampled += sum(own)
    return found


def _as_said(message: dict[str, Any]) -> str:
    """A turn as a model of these families writes it."""
    text, calls = text_of(message), []
    for call in message.get("tool_calls") or ():
        function = call["function"]
        said = {"name": function["name"], "arguments": json.loads(function["arguments"])}
        calls.append(f"<tool_call>\n{json.dumps(said, ensure_ascii=False)}\n</tool_call>")
    return "\n".join(part for part in (text, *calls) if part)


def _recorded(message: dict[str, Any], reply: Any) -> dict[str, Any]:
    """What the log keeps of the reply."""
    kept: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.calls:
        old = message.get("tool_calls") or ()
        kept["tool_calls"] = [
            {
                "id": one["id"],
                "type": "function",
                "function": {"name": c.name, "arguments": c.arguments},
            }
            for one, c in zip(old, reply.calls, strict=True)
        ]
    return kept


def _apart(one: list[int], other: list[int]) -> int:
    return sum(a != b for a, b in zip_longest(one, other))
