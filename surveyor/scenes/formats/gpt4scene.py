"""GPT4Scene's ShareGPT records: a bird's-eye view and marked frames, ids as ``<OBJ007>``.

Each ``<image>`` in the text stands for one path in ``images``. Object ids here are the scene's own
(ground truth), where GPT4Scene's are those of segmentation proposals.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem
from surveyor.scenes.formats.posed_images import read_json, write_json
from surveyor.scenes.formats.question_records import Asked

SHORT = " Answer the question using a single word or phrase."
ONE = (
    'Which object is meant by "{}"? Give its ID.',
    'Look at the numbered objects and name the one that fits "{}".',
    'Someone says: "{}". Say the ID of that object.',
    'Give the ID of the object that is described as "{}".',
)
SEVERAL = (
    'Are there any objects fitting the description of "{}"? If so, give their IDs.',
    'List the IDs of all objects that fit "{}", if there are any.',
    'Does anything here match "{}"? Name every ID that does.',
)
"""Wordings of ours; which one a question gets follows from its id."""
IMAGE = "<image>"
_ROLES = {"human": "user", "gpt": "assistant"}
_ID = re.compile(r"<OBJ(\d{3,})>")


class ChatMessage(BaseModel):
    """One message of a ShareGPT conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    speaker: str = Field(alias="from")
    value: str


class ShareGpt(BaseModel):
    """A ShareGPT record; as many ``<image>`` as images."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    conversations: tuple[ChatMessage, ...]
    images: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _images_are_named(self) -> ShareGpt:
        named = sum(turn.value.count("<image>") for turn in self.conversations)
        if named != len(self.images):
            raise ValueError(f"{named} <image> placeholders but {len(self.images)} images")
        return self


def object_ids(ids: Sequence[int]) -> str:
    """The answer to a grounding question: nothing, one, or several objects."""
    names = [f"<OBJ{k:03d}>" for k in ids]
    if not names:
        return "No."
    if len(names) == 1:
        return f"Yes. {names[0]}."
    last = " and " if len(names) == 2 else ", and "
    return f"Yes. {', '.join(names[:-1])}{last}{names[-1]}."


def parse_object_ids(answer: str) -> list[int]:
    """Inverse of `object_ids`; ids in the order said, each once."""
    return list(dict.fromkeys(int(number) for number in _ID.findall(answer)))


def record(row: Asked, images: Sequence[str]) -> ShareGpt | None:
    """A question as a record over given images; ``None`` for answers that are not words or ids."""
    kind = row.task.question_type
    if kind in ("scanrefer", "multi3drefer"):
        said = row.task.question.split(": ", 1)[1]
        text = _phrased(row.task.id, SEVERAL if kind == "multi3drefer" else ONE).format(said)
        ids = row.target.payload.get("object_ids", [row.target.payload.get("object_id")])
        answer = object_ids([int(k) for k in ids])  # type: ignore[arg-type, union-attr]
    elif kind in ("scanqa", "sqa3d"):
        text, answer = row.task.question + SHORT, row.target.answer
    else:
        return None
    human = ChatMessage(speaker="human", value="<image>" * len(images) + text)
    return ShareGpt(
        conversations=(human, ChatMessage(speaker="gpt", value=answer)), images=tuple(images)
    )


def _phrased(task_id: str, phrases: Sequence[str]) -> str:
    """One of the phrases, the same for the same task."""
    return phrases[zlib.crc32(task_id.encode()) % len(phrases)]


def parts_of(record: ShareGpt) -> list[dict[str, JsonValue]]:
    """A record as chat messages: images where they stand, then the text between them."""
    left = iter(record.images)
    told: list[dict[str, JsonValue]] = []
    for turn in record.conversations:
        pieces = turn.value.split(IMAGE)
        content: list[JsonValue] = []
        for number, piece in enumerate(pieces):
            if number:
                content.append({"type": "image_url", "image_url": {"url": next(left)}})
            if piece:
                content.append({"type": "text", "text": piece})
        told.append({"role": _ROLES.get(turn.speaker, turn.speaker), "content": content})
    return told


def record_of(messages: Sequence[Mapping[str, Any]]) -> ShareGpt:
    """Inverse of `parts_of`."""
    turns, images = [], []
    speakers = {role: speaker for speaker, role in _ROLES.items()}
    for message in messages:
        text = ""
        for part in message["content"]:
            if part["type"] == "text":
                text += part["text"]
            else:
                text += IMAGE
                images.append(str(part["image_url"]["url"]))
        role = str(message["role"])
        turns.append(ChatMessage(speaker=speakers.get(role, role), value=text))
    return ShareGpt(conversations=tuple(turns), images=tuple(images))


def write_dataset_info(folder: Path, file: str) -> None:
    """``dataset_info.json``, by which LLaMA-Factory finds the records (``--dataset surveyor
    --dataset_dir FOLDER --media_dir FOLDER``)."""
    entry = {
        "file_name": file,
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "images": "images"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": "human",
            "assistant_tag": "gpt",
        },
    }
    write_json(folder / "dataset_info.json", {"surveyor": entry})


def write_sharegpt(path: Path, records: Sequence[ShareGpt]) -> None:
    """Write records as one JSON array."""
    write_json(path, [row.model_dump(by_alias=True) for row in records])


def read_sharegpt(path: Path) -> list[ShareGpt]:
    """Read records; `UserError` says which is wrong and why."""
    rows = read_json(path)
    if not isinstance(rows, list):
        raise UserError(f"{path} is no list of ShareGPT records")
    found = []
    for number, row in enumerate(rows):
        try:
            found.append(ShareGpt.model_validate(row))
        except ValidationError as error:
            raise UserError(f"{path} record {number}: {first_problem(error)}") from None
    return found
