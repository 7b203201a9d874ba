"""Whether an exported episode has the tokens that the endpoint got and sampled.

The endpoint's side is what `serve-model` does with a request, pictures as data URLs, and a model
that says each of the episode's turns in its family's form. The exported side is the collator's, of
the row as it stands in the written file. Where both agree, what is trained on is what was played.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.core.blobs import BlobStore
from surveyor.training.export.write import RowDialect, write_sft
from surveyor.training.models.collator import AgentCollator
from surveyor.training.models.rendering import render, tokenizer_of
from surveyor.training.rows.records import Chat, Row, text_of
from surveyor.training.serving.chat import reply_of, with_pixels
from surveyor.training.serving.contract import Drawn
from tests.claims.claim import Claim
from tests.claims.training.rooms import rolled_out


@dataclass
class Exactness:
    """Counts over episodes; ``differing`` are tokens that are not the same at their place."""

    episodes: int = 0
    tokens: int = 0
    sampled: int = 0
    pictures: int = 0
    differing: int = 0


EPISODES, ROOMS, FRAMES = 500, 44, 4


def exact(root: Path) -> Iterator[Claim]:
    """Both families' templates, over episodes of which no two are the same task."""
    from surveyor.training.models.families import load_checkpoint
    from surveyor.training.models.tiny import make_tiny

    for name, vision in (("Qwen3", False), ("Qwen3-VL", True)):
        can = Capabilities(images=vision, images_in_tools=vision)
        source = rolled_out(root, rooms=ROOMS, frames=FRAMES, capabilities=can)
        rows = list(islice(source.rows(), EPISODES))
        if vision:
            rows = [_looked(row) if k % 3 == 0 else row for k, row in enumerate(rows)]
        told = [json.dumps(rows[0].messages), json.dumps(rows[0].tools)]
        folder = make_tiny(root / f"tiny{vision}", told, vision=vision)
        blobs = source.dataset.blobs
        written = root / f"rows{vision}"
        write_sft(written, rows, RowDialect.TRL, [blobs], ["rooms"], vision=vision)
        found = exactness(load_checkpoint(folder).processor, rows, written, blobs)
        yield Claim.at_most(
            f"{name}: tokens of {found.tokens} that differ from the endpoint's",
            found.differing,
            0,
            f"{found.sampled} sampled, {found.pictures} pictures",
        )
        yield Claim.at_least(f"{name}: different episodes compared", found.episodes, EPISODES)


def _looked(row: Row) -> Row:
    """The episode as if its first tool had shown a frame as well."""
    picture = {"type": "image_url", "image_url": {"url": row.frames[0]}}
    first = next(k for k, message in enumerate(row.messages) if message["role"] == "tool")
    shown = {
        **row.messages[first],
        "content": [{"type": "text", "text": text_of(row.messages[first])}, picture],
    }
    messages = (*row.messages[:first], shown, *row.messages[first + 1 :])
    return replace(row, messages=messages)


def exactness(processor: Any, rows: Sequence[Row], written: Path, blobs: BlobStore) -> Exactness:
    """Play every row's turns against the endpoint's own functions, and compare with the file."""
    from datasets import Dataset

    found = Exactness()
    tokenizer, collator = tokenizer_of(processor), AgentCollator(processor)
    vision = processor is not tokenizer
    exported = Dataset.from_parquet(str(written / "data.parquet"), cache_dir=str(written / "read"))
    for row, told_row in zip(rows, exported, strict=True):
        served: list[Chat] = []
        ids: list[int] = []
        own: list[bool] = []
        for message in row.messages:
            if message["role"] != "assistant":
                served.append(with_pixels(_sent(message, blobs), vision=vision))
                continue
            prompt = render(processor, served, row.tools, generation=True).ids
            found.differing += _apart(prompt[: len(ids)], ids)
            said = tokenizer.encode(_as_said(message) + "<|im_end|>", add_special_tokens=False)
            own += [False] * (len(prompt) - len(own)) + [True] * len(said)
            ids = [*prompt, *said]
            reply = reply_of(tokenizer, prompt, Drawn(said, [0.0] * len(said), True))
            served.append(with_pixels(_recorded(message, reply), vision=vision))
        tensors, labels = collator.encode(told_row)
        there = tensors["input_ids"][0].tolist()
        # Templates end a last turn with a line that no model says.
        found.differing += _apart(there[: len(ids)], ids)
        found.differing += sum(
            (label >= 0) != mine for label, mine in zip(labels, own, strict=False)
        )
        found.differing += max(0, len(there) - len(ids) - 1)
        found.episodes += 1
        found.tokens += len(ids)
        found.sampled += sum(own)
        found.pictures += len(row.images)
    return found


def _sent(message: Chat, blobs: BlobStore) -> Chat:
    """The message as it goes over the wire: pictures as data URLs."""
    if not isinstance(content := message.get("content"), list):
        return message
    return {**message, "content": [_inline(part, blobs) for part in content]}


def _inline(part: Chat, blobs: BlobStore) -> Chat:
    if part["type"] != "image_url":
        return part
    data = base64.b64encode(blobs.get(part["image_url"]["url"])).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}


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
