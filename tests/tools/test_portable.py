"""Schemas that every provider takes, saying what pydantic enforces."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import Field

from surveyor.tools.builtin import default_tools
from surveyor.tools.schema_compat import portable
from surveyor.tools.spec import Arguments, Tool


def inside(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema within a schema."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from inside(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from inside(value)


@pytest.mark.parametrize("tool", default_tools(), ids=lambda tool: str(tool.name))
def test_no_tool_needs_more_than_every_provider_understands(tool: Tool[Any]) -> None:
    parameters = tool.schema["function"]["parameters"]
    assert parameters["type"] == "object"
    assert parameters["additionalProperties"] is False
    for schema in inside(parameters):
        assert not {"$ref", "$defs", "prefixItems"} & schema.keys()
        assert schema.get("type") != "array" or "items" in schema
        assert {"type": "null"} not in schema.get("anyOf", ())
    for field in parameters.get("properties", {}).values():
        assert "type" in field or "anyOf" in field


class Colour(StrEnum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


class Odd(Arguments):
    """Everything that pydantic writes in its own way."""

    title: str
    colour: Annotated[Colour, Field(description="which one")] = Colour.RED
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    maybe: Annotated[str | None, Field(description="may be left out")] = None
    either: int | str = 0


def test_references_tuples_and_options_are_said_in_plain_words() -> None:
    schema = portable(Odd.model_json_schema())
    fields = schema["properties"]
    assert fields["title"] == {"type": "string"}, "a field may be called title"
    assert fields["colour"]["enum"] == ["red", "blue"]
    assert fields["colour"]["description"] == "which one"
    assert fields["colour"]["default"] == "red"
    assert fields["place"]["items"] == {"type": "number"}
    assert (fields["place"]["minItems"], fields["place"]["maxItems"]) == (3, 3)
    assert fields["maybe"] == {"type": "string", "description": "may be left out"}
    assert [branch["type"] for branch in fields["either"]["anyOf"]] == ["integer", "string"]
    assert schema["required"] == ["title"]


def test_foreign_schemas_are_read_as_far_as_they_can_be() -> None:
    schema = {
        "type": "object",
        "definitions": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/x/Node"}}}},
        "properties": {
            "node": {"$ref": "#/definitions/Node"},
            "maybe": {"anyOf": [{"$ref": "#/definitions/Node"}, {"type": "null"}]},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]},
            "lost": {"$ref": "#/definitions/Nowhere", "description": "kept"},
        },
    }
    fields = portable(schema)["properties"]
    assert fields["node"]["properties"]["next"] == {}
    assert fields["maybe"]["type"] == "object"
    assert [branch["type"] for branch in fields["pair"]["items"]["anyOf"]] == ["string", "number"]
    assert fields["lost"] == {"description": "kept"}
    assert not any("$ref" in found for found in inside(portable(schema)))
