"""What differs between models, as a table and not as ``if``s.

The first row whose pattern is found in the model's name applies; the configuration may override
any field. A wrong row costs accuracy, never a crash: `surveyor doctor` probes what matters.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem


class Coordinates(StrEnum):
    """How a model gives places in an image: pixels of what it was sent, or 0-1000 of each side."""

    PIXELS = "pixels"
    THOUSANDTHS = "thousandths"


class DialectName(StrEnum):
    """How calls and answers are written: the API's own tool calls, tags in the text, JSON that
    the server is made to enforce, cells of Python, or the tags and tool names of the Skill-3D
    checkpoints."""

    NATIVE = "native"
    TAGS = "tags"
    GRAMMAR = "grammar"
    CODE = "code"
    SKILL3D = "skill3d"


class Constraint(StrEnum):
    """How an engine is told what it may decode: vLLM's ``structured_outputs``, the API's own
    ``response_format`` (SGLang and hosted models), llama.cpp's ``grammar``."""

    VLLM = "vllm"
    RESPONSE_FORMAT = "response_format"
    LLAMACPP = "llamacpp"


class Capabilities(BaseModel):
    """What a model and its provider take.

    ``images_in_tools``: images may stand in a tool message; otherwise they move to a user message
    that follows. ``max_images`` and ``max_pixels`` (of one image) bound a request.
    ``fetches_urls``: the endpoint can load images that it is given by URL. ``echo_reasoning``
    names the field in which a provider wants its own reasoning back. ``constraint`` is for the
    grammar dialect. ``terse``: tools are described in few tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dialect: DialectName = DialectName.NATIVE
    images: bool = True
    images_in_tools: bool = False
    parallel_calls: bool = True
    max_images: int = Field(default=64, ge=0)
    max_pixels: int | None = Field(default=None, ge=1)
    coordinates: Coordinates = Coordinates.PIXELS
    fetches_urls: bool = True
    echo_reasoning: str | None = None
    constraint: Constraint = Constraint.RESPONSE_FORMAT
    terse: bool = False


_QWEN3_VL = Capabilities(
    images_in_tools=True, max_images=64, coordinates=Coordinates.THOUSANDTHS, max_pixels=393_216
)
"""What fits into three quarters of the 32,768 tokens that `surveyor vllm up` serves with, at 1024
pixels a token. Hosted ones, and a server with a longer context, take more."""

_TABLE: tuple[tuple[str, Capabilities], ...] = (
    (r"\b(gpt-[4-9]|o[1-9]\b|chatgpt)", Capabilities(max_images=250, max_pixels=2_500_000)),
    (r"claude", Capabilities(max_images=90, max_pixels=1_150_000)),
    (r"gemini", Capabilities(max_images=250, coordinates=Coordinates.THOUSANDTHS)),
    (r"skill-?3d-(sft|grpo)", _QWEN3_VL.model_copy(update={"dialect": DialectName.SKILL3D})),
    (r"skill-?3d|surveyor", _QWEN3_VL.model_copy(update={"dialect": DialectName.TAGS})),
    (
        r"qwen3?-?vl-(max|plus|flash)",
        _QWEN3_VL.model_copy(update={"max_images": 128, "max_pixels": 2_000_000}),
    ),
    (r"qwen3(\.\d)?-?vl|qwen3\.\d", _QWEN3_VL),
    (r"qwen2(\.5)?-?vl", Capabilities(max_images=48, max_pixels=392_000)),
    (
        r"internvl",
        Capabilities(max_images=48, coordinates=Coordinates.THOUSANDTHS, max_pixels=2_000_000),
    ),
    (
        r"glm-?\d(\.\d)?v",
        Capabilities(
            max_images=64,
            coordinates=Coordinates.THOUSANDTHS,
            echo_reasoning="reasoning_content",
        ),
    ),
    (r"kimi", Capabilities(max_images=64, echo_reasoning="reasoning_content")),
    (r"gemma", Capabilities(max_images=32, max_pixels=1_000_000)),
    (r"llama-?4|llama4", Capabilities(max_images=8, parallel_calls=False)),
    (r"pixtral|mistral|ministral|magistral", Capabilities(max_images=8, max_pixels=1_000_000)),
    (r"llava|minicpm|phi-?[34]", Capabilities(max_images=16, max_pixels=1_000_000)),
    (r"gpt-oss|deepseek", Capabilities(images=False, echo_reasoning="reasoning_content")),
)


def capabilities_of(model: str, overrides: dict[str, Any] | None = None) -> Capabilities:
    """The table's row for ``model``, with ``overrides`` from the configuration.

    An unknown model gets the cautious default. Raises `UserError` naming a field that does not
    exist or a value that does not fit.
    """
    name = model.rsplit("/", 1)[-1].lower()
    found = next((row for pattern, row in _TABLE if re.search(pattern, name)), Capabilities())
    if not overrides:
        return found
    try:
        return Capabilities.model_validate(found.model_dump() | overrides)
    except ValidationError as error:
        problem = first_problem(error, Capabilities)
        raise UserError(f"model capabilities of {model}: {problem}") from None
