"""`load_skill`: a chat model reads a skill in full, in the middle of an episode.

The skills that were retrieved for a task stand in its prompt. Of the others a model knows names
and what they are for, and asks for the text when it turns out to need one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import Field

from surveyor.core.errors import ModelMistake, UserError
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace

_MOST_LISTED = 40


class LoadSkillArguments(Arguments):
    """Which skill."""

    name: Annotated[str, Field(min_length=1, max_length=200, description="the skill's name")]


def load_skill_tool(
    read: Callable[[str], str], known: Mapping[str, str]
) -> Tool[LoadSkillArguments]:
    """A tool over one pinned library.

    ``read`` gives a skill's text and raises `UserError` for one that is unknown or not active;
    ``known`` says what each skill is for, by name. The description lists them, the same for every
    episode, so that a provider's prompt cache holds.
    """

    async def run(asked: LoadSkillArguments, workspace: Workspace) -> ToolResult:
        try:
            text = read(asked.name)
        except UserError as error:
            names = ", ".join(list(known)[:_MOST_LISTED])
            raise ModelMistake(f"{error}; skills: {names}") from None
        return ToolResult(f"# Skill: {asked.name}\n{text.strip()}", data={"skill": asked.name})

    lines = [f"- {name}: {' '.join(use.split())}" for name, use in known.items()]
    more = len(lines) - _MOST_LISTED
    lines = lines[:_MOST_LISTED] + ([f"- and {more} more"] if more > 0 else [])
    description = (
        "Read a skill in full: which evidence to gather for a kind of question or of scene, and "
        "what goes wrong. Skills:\n" + "\n".join(lines)
    )
    return Tool("load_skill", description, LoadSkillArguments, Effects.PURE, run)
