from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from surveyor.core.errors import UserError
from surveyor.skills.builtin import builtin_documents
from surveyor.skills.documents import SECTIONS, SkillDocument, parse
from surveyor.skills.frontmatter import split, write
from surveyor.skills.workflow import GUARDED, PLAIN, Join, Stop, Workflow

Make = Callable[..., SkillDocument]

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=60)
KEYS = st.from_regex(r"key-[a-z-]{0,9}", fullmatch=True)  # YAML reads a bare `no` as false


@settings(deadline=None)
@given(st.dictionaries(KEYS, TEXT, min_size=1), st.dictionaries(KEYS, TEXT, min_size=1))
@example({"key-": "0"}, {"key-": "ends its line\n"})
def test_front_matter_survives_writing_and_reading(
    fields: dict[str, str], metadata: dict[str, str]
) -> None:
    whole = {**fields, "metadata": metadata}
    assert split(write(whole) + "body\n", "x") == (whole, "body\n")


@settings(deadline=None)
@given(st.dictionaries(KEYS, TEXT, min_size=1))
def test_what_we_write_is_yaml_to_others(fields: dict[str, str]) -> None:
    yaml = pytest.importorskip("yaml")
    text = write(fields).removeprefix("---\n").removesuffix("---\n")
    assert yaml.safe_load(text) == fields


def test_front_matter_of_other_authors_is_read() -> None:
    text = (
        "---\nname: pdf-tools\n# a comment\ndescription: >-\n  Reads and\n  fills forms.\n"
        "license: 'MIT, it''s free'\nmetadata:\n  version: \"1.0\"\n  author: someone\n---\nBody"
    )
    fields, body = split(text, "x")
    assert fields == {
        "name": "pdf-tools",
        "description": "Reads and fills forms.",
        "license": "MIT, it's free",
        "metadata": {"version": "1.0", "author": "someone"},
    }
    assert body == "Body"


@pytest.mark.parametrize(
    "front",
    [
        "name: [a, b]",
        "name: &x y",
        "no colon here",
        "name: a\nname: b",
        "metadata:\n  a:\n    b: c",
        'name: "unfinished',
        "name: a: b",
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(front: str) -> None:
    with pytest.raises(UserError, match=r"SKILL\.md:\d+ "):
        split(f"---\n{front}\n---\nbody", "SKILL.md")


@settings(deadline=None)
@given(st.text(max_size=400))
def test_no_text_breaks_the_parser(text: str) -> None:
    for candidate in (text, f"---\nname: x\ndescription: y\n{text}\n---\n{text}"):
        with contextlib.suppress(UserError):
            parse(candidate, foreign=True)


def test_a_document_is_its_parts(skill: Make) -> None:
    workflow = Workflow(join=Join.VOTE)
    document = skill(workflow=workflow, metadata={"question-types": "a b", "scene": "views <= 8"})
    assert document.workflow == workflow
    assert document.scope.question_types == ("a", "b")
    assert document.scope.scene_text == "views <= 8"
    assert document.lessons == ("Lamps are small.",)
    assert parse(document.text) == document


def test_a_version_is_the_text_and_nothing_else(skill: Make) -> None:
    assert skill().version == skill().version
    assert skill().version != skill(sections={"Lessons": "- Other."}).version


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("```workflow", "```json"), "exactly one"),
        (('"join": "fuse"', '"join": "glue"'), "workflow field join"),
        (('"join": "fuse"', '"joint": "fuse"'), "workflow field joint"),
        (("## Stop rules", "## Halt"), "lacks the section '## Stop rules'"),
        (("name: count-lamps", "name: Count Lamps"), "must be 1-64"),
        (("question-types: object_counting", "scene: mood > 3"), "must be `measure"),
    ],
)
def test_a_bad_document_is_refused_by_name(
    skill: Make, change: tuple[str, str], message: str
) -> None:
    text = skill(metadata={"question-types": "object_counting"}).text
    assert change[0] in text.replace('"object_counting"', "object_counting")
    broken = text.replace('"object_counting"', "object_counting").replace(*change)
    with pytest.raises(UserError, match=message):
        parse(broken)


def test_seeds_are_complete_and_different() -> None:
    seeds = builtin_documents()
    assert len(seeds) >= 8
    assert len({s.name for s in seeds}) == len(seeds)
    for seed in seeds:
        assert tuple(seed.sections) == SECTIONS
        assert seed.workflow is not None
        assert seed.lessons
        assert seed.tokens < 1500
        assert "Use " in seed.description


def test_keys_of_workflows_that_do_not_stop_stay_as_they_were() -> None:
    """Trials, findings and documents name workflows by key; a later part must not rename them."""
    assert (PLAIN.key, GUARDED.key) == ("f297ff335b05", "6209f67227b1")
    assert "stop" not in PLAIN.model_dump(mode="json")
    early = PLAIN.model_copy(update={"stop": Stop(first=4, seen=1)})
    assert early.key != PLAIN.key
    assert Workflow.model_validate_json(early.model_dump_json()) == early


def test_the_builtin_skills_are_found_beside_a_foreign_package_of_that_name(tmp_path):
    (tmp_path / "skills").mkdir()
    (tmp_path / "skills" / "__init__.py").touch()
    program = "from surveyor.skills.builtin import builtin_documents as b; print(len(b()))"
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), root))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) >= 8
