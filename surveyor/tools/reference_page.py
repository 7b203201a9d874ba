"""The page about tools, written from the tools themselves so that it cannot go stale."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surveyor.tools.prices import DEFAULT_PRICES
from surveyor.tools.spec import Tool

_OPENING = """\
# Tools

What a planner may call. This page is generated from the tools (`surveyor/tools/reference_page.py`);
a test fails when it is out of date.

A tool takes one JSON object and gives one short text (units, frame of reference and confidence
included), the same as data, and **handles**: `frame_3`, `box_7`, `mask_2`, `depth_1`, `recon_1`,
`cloud_4`, `obj_5`, `meas_1`. Wherever handles are taken, a group handle such as `boxes_1` stands
for all its members. Every result names the handles it was made from, so an answer can be traced
back to pixels. Images come with a result only where looking helps.

- **Units**: metres (`m`) unless the text says *units*: a relative reconstruction has no metres,
  and measuring lengths in it is refused until `align` scaled it by metric depth. Angles in texts
  are degrees. +Z is up.
- **Frames of reference**: objects of one reconstruction (or of the object table) can be measured
  against each other; objects that were lifted with depths alone live in their own view's frame.
- **Derived frames** (restored, cropped) map back to the captured frame they came from: what is
  found in them is lifted in the captured frame.
- **Distances** are between the closest points of two oriented boxes, exactly (corners against
  faces, edges against edges): boxes bound an object on the sides that no view showed.
- **Objects** are found by a vote: outlines of several views that show the same surface become one
  object; `support` views outlined it out of `visible` views in which enough of it was in sight.
  Candidates below the asked support are kept, marked weak.
- **Wrong arguments** come back as text that names the field and what to change; they cost a turn
  and no more.
"""


def describe(tools: Iterable[Tool[Any]]) -> str:
    """The page in Markdown."""
    lines = [_OPENING, "| tool | effects | what it does | arguments |", "|---|---|---|---|"]
    for tool in tools:
        arguments = ", ".join(_arguments(tool)) or "none"
        lines.append(f"| `{tool.name}` | {tool.effects} | {tool.description} | {arguments} |")
    lines += ["", *_prices()]
    return "\n".join(lines)


def _arguments(tool: Tool[Any]) -> Iterable[str]:
    for name, field in tool.arguments.model_fields.items():
        yield f"`{name}`" if field.is_required() else f"`{name}`?"


def _prices() -> list[str]:
    lines = [
        "## Prices",
        "",
        "Looking is priced in seconds of one accelerator, the same whether or not the cache",
        "answers (`surveyor/tools/prices.py` says where the numbers come from and how to",
        "replace them).",
        "",
        "| expert | seconds a request | and a view |",
        "|---|---|---|",
    ]
    for name, price in DEFAULT_PRICES.items():
        view = f"{price.per_view:g}" if price.per_view else ""
        lines.append(f"| {name} | {price.base:g} | {view} |")
    return [*lines, ""]
