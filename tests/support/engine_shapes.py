"""Which fields three engines take, to hold a request to: read in their published request parsers.

vLLM: `StructuredOutputsParams` takes exactly one constraint and knows no other fields; the older
``guided_…`` names are gone. SGLang and hosted models: ``response_format`` of type ``json_schema``.
llama.cpp: ``grammar`` is text, and refused beside ``json_schema`` and beside ``tools``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Conversation(_Shape):
    """What every request has besides its constraint; no engine takes tools beside it."""

    model: str
    messages: list[dict[str, Any]]
    temperature: float | None = None


class VllmConstraint(_Shape):
    """vLLM's ``structured_outputs``."""

    json_: Annotated[dict[str, Any] | str | None, Field(alias="json")] = None
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None
    structural_tag: str | None = None
    disable_any_whitespace: bool = False
    disable_additional_properties: bool = False
    whitespace_pattern: str | None = None

    @model_validator(mode="after")
    def one(self) -> VllmConstraint:
        """Exactly one constraint."""
        given = (self.json_, self.regex, self.choice, self.grammar, self.json_object)
        if sum(one is not None for one in given) != 1:
            raise ValueError("exactly one constraint")
        return self


class VllmRequest(Conversation):
    """A request to vLLM."""

    structured_outputs: VllmConstraint


class NamedSchema(_Shape):
    """The schema of a response format, with a name that hosted models take."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    description: str | None = None
    strict: bool | None = None


class SchemaFormat(_Shape):
    """``response_format``."""

    type: Literal["json_schema"]
    json_schema: NamedSchema


class FormattedRequest(Conversation):
    """A request to SGLang or a hosted model."""

    response_format: SchemaFormat


class LlamaRequest(Conversation):
    """A request to llama.cpp's server."""

    grammar: Annotated[str, Field(min_length=1)]
