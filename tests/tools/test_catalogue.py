from __future__ import annotations

from pathlib import Path

from surveyor.agent.survey.tool import survey_tool
from surveyor.tools.builtin import default_tools
from surveyor.tools.reference_page import describe

TOOLS = (survey_tool(), *default_tools())
PAGE = Path(__file__).parents[2] / "docs" / "tools.md"


def test_the_page_about_tools_is_up_to_date() -> None:
    written = describe(TOOLS)
    assert PAGE.read_text() == written, (
        "write it again: PAGE.write_text(describe(TOOLS)) as in this test"
    )


def test_every_argument_is_on_the_page() -> None:
    page = describe(TOOLS)
    for tool in TOOLS:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{tool.name}`"))
        assert all(f"`{name}`" in row for name in tool.arguments.model_fields)
