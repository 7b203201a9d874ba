"""``/docs``: the OpenAPI description of a service as one page that fetches nothing.

The usual page loads its scripts and styles from a network of mirrors, which machines with experts
often cannot reach: it stays blank there. This one is text: no script, no picture, no other file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Schema = Mapping[str, Any]

# Nothing may be fetched, whatever a description holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.92em}
pre{background:#8881;padding:.6rem;overflow-x:auto}
table{border-collapse:collapse;margin:.4rem 0}
td,th{text-align:left;vertical-align:top;padding:.15rem .8rem .15rem 0}
tr{border-bottom:1px solid #8884}
summary{cursor:pointer;font-weight:600}
details{border:1px solid #8886;border-radius:.3rem;padding:.4rem .8rem;margin:.6rem 0}
:root{color-scheme:light dark}
"""
_METHODS = ("get", "head", "put", "post", "delete")
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "{} or more",
    "maxItems": "{} at most",
    "minLength": "{} or more characters",
    "maxLength": "{} characters at most",
    "pattern": "like {}",
    "default": "default {}",
}


def page(description: Schema, base: str = "") -> str:
    """HTML of an OpenAPI description; ``base`` is the path that the service is mounted at."""
    info = description["info"]
    token = bool(description.get("components", {}).get("securitySchemes"))
    parts = [
        f"<h1>{escape(info['title'])}</h1>",
        f'<p>Contract {escape(info["version"])}; <a href="{escape(base)}/openapi.json">'
        "openapi.json</a> describes it for programs.",
        " Send the service's token as <code>Authorization: Bearer …</code>.</p>"
        if token
        else "</p>",
    ]
    for path, operations in description["paths"].items():
        for method in _METHODS:
            if method in operations:
                parts += _operation(method, base + path, operations[method], token)
    parts.append("<h2>Records</h2>")
    for name, schema in sorted(description.get("components", {}).get("schemas", {}).items()):
        parts += _record(name, schema)
    title = escape(info["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style>{''.join(parts)}</html>"
    )


def _operation(method: str, path: str, told: Schema, token: bool) -> Iterator[str]:
    first = " open" if "expert" in told.get("tags", ()) else ""
    yield f"<details{first}><summary><code>{method.upper()} {escape(path)}</code> "
    yield f"{escape(told.get('summary', ''))}</summary>{_prose(told.get('description', ''))}"
    rows = [
        (one["name"], one.get("schema", {}), one.get("required", False), f"in the {one['in']}")
        for one in told.get("parameters", ())
    ]
    if rows:
        yield _table(rows)
    body = told.get("requestBody", {}).get("content", {})
    for media, content in body.items():
        yield f"<p>Body, <code>{escape(media)}</code>: {_type(content.get('schema', {}))}</p>"
    if "application/json" in body:
        secret = " -H 'authorization: Bearer TOKEN'" if token else ""
        json = "-H 'content-type: application/json' -d '{…}'"
        yield f"<pre>curl -X {method.upper()} $URL{escape(path)}{secret} {json}</pre>"
    yield "<table>"
    for status, answer in told.get("responses", {}).items():
        kinds = "; ".join(
            f"<code>{escape(media)}</code> {_type(content.get('schema', {}))}"
            for media, content in answer.get("content", {}).items()
        )
        yield f"<tr><th>{escape(status)}<td>{escape(answer.get('description', ''))}<td>{kinds}"
    yield "</table></details>"


def _record(name: str, schema: Schema) -> Iterator[str]:
    # A browser opens a closed part when what is linked lies inside it.
    yield f'<details><summary><code>{escape(name)}</code></summary><div id="{escape(name)}">'
    yield _prose(schema.get("description", ""))
    properties, required = schema.get("properties"), schema.get("required", ())
    if properties:
        yield _table(
            [
                (key, value, key in required, value.get("description", ""))
                for key, value in properties.items()
            ]
        )
    else:
        yield f"<p>{_type(schema)}</p>"
    yield "</div></details>"


def _table(rows: list[tuple[str, Schema, bool, str]]) -> str:
    lines = (
        f"<tr><td><code>{escape(name)}</code><td>{_type(schema)}<td>"
        f"{'required' if required else ''}<td>{escape(text)}"
        for name, schema, required, text in rows
    )
    return f"<table>{''.join(lines)}</table>"


def _type(schema: Schema) -> str:
    """A schema in words; other records are links."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            words = " or ".join(_type(one) for one in schema[choice])
            return words + _bounds(schema)
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{escape(repr(value))}</code>" for value in values)
    if "prefixItems" in schema:
        return f"({', '.join(_type(one) for one in schema['prefixItems'])})"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}{_bounds(schema)}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}{_bounds(schema)}"
    kind = schema.get("format") or schema.get("type", "anything")
    return f"{escape(str(kind))}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    told = [
        words.format(schema[key]) for key, words in _BOUNDS.items() if schema.get(key) is not None
    ]
    return escape(f" ({', '.join(told)})") if told else ""


def _prose(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())
