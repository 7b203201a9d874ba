"""What a foreign server answers, bounded: text, data and images become a tool result."""

from __future__ import annotations

import base64
import io
import re
import warnings
from typing import Any

import orjson

from surveyor.core.blobs import BlobRef
from surveyor.core.untrusted_text import is_shallow
from surveyor.tools.spec import ToolResult
from surveyor.tools.workspace import Workspace

MOST_TEXT = 50_000
"""Characters of a result that a planner is shown and the log keeps."""
_MOST_DATA = 200_000  # bytes of JSON
_MOST_IMAGES = 16
_MOST_IMAGE_BYTES = 20_000_000
_MOST_PIXELS = 50_000_000
_MEDIA_TYPE = re.compile(r"image/(png|jpeg|webp|gif)")


def result_of(answer: Any, workspace: Workspace) -> ToolResult:
    """An MCP result as one of ours; what is left out is said in its text."""
    notes: list[str] = []
    listed = [part for part in answer.content if part.type == "image"]
    images = [ref for part in listed[:_MOST_IMAGES] if (ref := _image(part, workspace))]
    if len(images) < len(listed):
        notes.append(f"[{len(listed) - len(images)} of {len(listed)} images cannot be shown]")
    data = answer.structured_content
    if data is not None and not _fits(data):
        data = None
        notes.append("[its structured data is too large or too deep and was left out]")
    text = "\n".join((text_of(answer), *notes)).strip()
    return ToolResult(text or "done", data=data, images=tuple(images))


def text_of(answer: Any) -> str:
    """The text parts, cut where they are too long, which the last line then says."""
    text = "\n".join(part.text for part in answer.content if part.type == "text")
    if len(text) <= MOST_TEXT:
        return text
    return (
        f"{text[:MOST_TEXT]}\n[cut: the result has {len(text)} characters, these are the first "
        f"{MOST_TEXT}; ask for less]"
    )


def _fits(data: Any) -> bool:
    try:
        return is_shallow(data) and len(orjson.dumps(data)) <= _MOST_DATA
    except TypeError:
        return False


def _image(part: Any, workspace: Workspace) -> BlobRef | None:
    """The stored image, ``None`` for what is none or too large. Its media type goes into requests
    as it is, so only known ones pass."""
    from PIL import Image

    if not _MEDIA_TYPE.fullmatch(part.mime_type) or len(part.data) > _MOST_IMAGE_BYTES * 4 // 3:
        return None
    try:
        data = base64.b64decode(part.data, validate=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
    except (ValueError, OSError, Image.DecompressionBombError):
        return None
    if width * height > _MOST_PIXELS:
        return None
    return workspace.experts.blobs.put(data, part.mime_type, width=width, height=height)
