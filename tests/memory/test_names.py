"""Names that come from files: any script, but nothing that a path or a terminal could misread."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.core.errors import UserError
from surveyor.core.names import check_name, safe_name
from surveyor.core.wording import many


@pytest.mark.parametrize(
    "name", ["scene0001_00", "客厅", "my room", "Ärmel (2)", "a.b", "غرفة", "🛏", "x" * 128, "a:b"]
)
def test_printable_text_of_any_script_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *(("", "is empty"), (" a", "space"), ("a\n", "space"), ("x" * 129, "longer than 128")),
        *(("厅" * 100, "240 bytes"), ("a/b", "path separator"), ("a\\b", "path separator")),
        *((".a", "dot"), ("..", "dot"), ("a..b", "two in a row"), ("a\x1b[1mb", "printed")),
        *(
            ("a\u202eb", "printed"),
            ("a\0b", "printed"),
            ("a\ud800b", "printed"),
            ("a\nb", "printed"),
        ),
    ],
)
def test_what_is_no_name_is_refused_in_one_printable_sentence(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as raised:
        check_name(name, "row 7: the scene name")
    told = str(raised.value)
    assert told.startswith("row 7: the scene name ")
    assert told.isprintable()
    assert "correct it in the file" in told


@given(st.text(max_size=200))
def test_an_allowed_name_stays_in_its_folder(name: str) -> None:
    try:
        check_name(name)
    except UserError:
        return
    path = Path("/folder") / name
    assert path.parent == Path("/folder")
    assert path.name == name
    assert len(name.encode()) <= 255


@given(st.text(max_size=200), st.text(max_size=200))
def test_every_text_has_a_file_name_of_its_own(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) is (one == other)
    assert safe_name(one).isascii()
    assert 0 < len(safe_name(one)) <= 120


def test_one_thing_has_no_s() -> None:
    assert [many(n, "room") for n in (0, 1, 2)] == ["0 rooms", "1 room", "2 rooms"]
