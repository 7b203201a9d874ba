"""Skill documents: the Agent Skills layout with one machine-readable workflow block.

A skill is a folder of its own name with ``SKILL.md`` (front matter, then the sections named in
`SECTIONS`) and ``provenance.json`` beside it. Its *version* is the hash of the ``SKILL.md``
bytes, so a version can't change. The workflow stands in exactly one fenced block::

    ```workflow
    { ...fields of surveyor.skills.workflow.Workflow, as JSON... }
    ```

The `program` planner executes that block; a chat model reads it as part of the text.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surveyor.core.errors import UserError
from surveyor.skills.frontmatter import Value, split, write
from surveyor.skills.scope import Scope, parse_scope
from surveyor.skills.workflow import Workflow

SECTIONS = (
    "When to use",
    "Workflow",
    "Evidence that suffices",
    "Stop rules",
    "Fallbacks",
    "Lessons",
)
"""Headings (level two) of a skill of ours, in this order."""

MAX_TOKENS = 5000
_NAME = re.compile(r"^[a-z0-9](?:[a-z0-9]|-(?!-)){0,62}[a-z0-9]$|^[a-z0-9]$")
_FENCES = re.compile(r"^```workflow[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)


class SkillDocument(BaseModel):
    """A parsed ``SKILL.md``.

    ``text`` is the whole file, ``body`` what follows the front matter. ``workflow`` is ``None`` for
    documents that were not written for Surveyor, and for ways that the workflow grammar can't say;
    those are shown and never executed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    license: str = ""
    compatibility: str = ""
    metadata: dict[str, str] = Field(default_factory=dict)
    body: str
    workflow: Workflow | None = None
    scope: Scope = Scope()
    text: str

    @cached_property
    def version(self) -> str:
        """Content hash of the file: 16 hex digits."""
        return version_of(self.text)

    @cached_property
    def tokens(self) -> int:
        """Rough size in tokens: a quarter of the characters."""
        return (len(self.text) + 3) // 4

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """Tools that the skill needs, from its metadata."""
        return tuple(self.metadata.get("tools", "").split())

    @cached_property
    def sections(self) -> dict[str, str]:
        """Text under each level-two heading."""
        parts = _HEADING.split(self.body)
        return {h: t.strip() for h, t in zip(parts[1::2], parts[2::2], strict=True)}

    @property
    def lessons(self) -> tuple[str, ...]:
        """Bullet points of the Lessons section."""
        lines = self.sections.get("Lessons", "").splitlines()
        return tuple(line[2:].strip() for line in lines if line.startswith("- "))

    @cached_property
    def index_text(self) -> str:
        """What is embedded and searched: when to use it, nothing else."""
        return f"{self.description}\n{self.sections.get('When to use', '')}".strip()


def version_of(text: str) -> str:
    """The version that a ``SKILL.md`` with this text has."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse(text: str, source: str = "SKILL.md", *, foreign: bool = False) -> SkillDocument:
    """Read and validate a document.

    ``foreign`` accepts documents of other origin, without our sections and workflow block. Raises
    `UserError` naming ``source`` and what to mend.
    """
    fields, body = split(text, source)
    workflow = _workflow(body, source, required=not foreign)
    metadata = _map(fields, "metadata", source)
    document = SkillDocument(
        name=_name(fields, source),
        description=_description(fields, source),
        license=_text(fields, "license", source),
        compatibility=_text(fields, "compatibility", source),
        metadata=metadata,
        body=body,
        workflow=workflow,
        scope=parse_scope(metadata.get("question-types", ""), metadata.get("scene", ""), source),
        text=text,
    )
    if not foreign:
        _check_sections(document, source)
    return document


def compose(
    name: str,
    description: str,
    metadata: dict[str, str],
    title: str,
    sections: dict[str, str],
    workflow: Workflow | None = None,
) -> SkillDocument:
    """Write a document from its parts; the result has been parsed back, so it is valid. Without a
    ``workflow`` it is text to be read."""
    block = ""
    if workflow is not None:
        block = f"```workflow\n{json.dumps(workflow.model_dump(mode='json'), indent=2)}\n```"
    parts = [f"# {title}"]
    for heading in SECTIONS:
        text = sections.get(heading, "").strip()
        if heading == "Workflow":
            text = f"{text}\n\n{block}".strip()
        parts.append(f"## {heading}\n\n{text}")
    fields: dict[str, Value] = {
        "name": name,
        "description": description,
        "metadata": dict(sorted(metadata.items())),
    }
    text = write(fields) + "\n" + "\n\n".join(parts) + "\n"
    return parse(text, source=f"{name}/SKILL.md", foreign=workflow is None)


def _workflow(body: str, source: str, *, required: bool) -> Workflow | None:
    blocks: list[str] = _FENCES.findall(body)
    if len(blocks) != 1:
        if not required and not blocks:
            return None
        raise UserError(f"{source} needs exactly one ```workflow block, it has {len(blocks)}")
    try:
        return Workflow.model_validate_json(blocks[0])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the block"
        raise UserError(f"{source}: workflow field {where}: {first['msg']}") from None


def _check_sections(document: SkillDocument, source: str) -> None:
    missing = [h for h in SECTIONS if h not in document.sections]
    if missing:
        raise UserError(f"{source} lacks the section '## {missing[0]}'")
    if document.tokens > MAX_TOKENS:
        raise UserError(f"{source} is longer than {MAX_TOKENS} tokens; shorten it")


def _name(fields: dict[str, Value], source: str) -> str:
    name = _text(fields, "name", source)
    if not _NAME.match(name):
        raise UserError(f"{source}: name {name!r} must be 1-64 of a-z, 0-9 and single hyphens")
    return name


def _description(fields: dict[str, Value], source: str) -> str:
    text = _text(fields, "description", source).strip()
    if not 1 <= len(text) <= 1024:
        raise UserError(f"{source}: description must have 1 to 1024 characters")
    return text


def _text(fields: dict[str, Value], key: str, source: str) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str):
        if not value:
            return ""
        raise UserError(f"{source}: {key} must be text")
    return value


def _map(fields: dict[str, Value], key: str, source: str) -> dict[str, str]:
    value = fields.get(key, {})
    if isinstance(value, str):
        raise UserError(f"{source}: {key} must be a map of texts")
    return value
