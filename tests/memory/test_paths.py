"""A path from a file stays below its folder, or is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.core.errors import UserError
from surveyor.core.paths import child, inside


@pytest.mark.parametrize(
    "relative",
    ["../secret.jpg", "a/../../secret.jpg", "/etc/passwd", "", "a\0b", "out/x.jpg", "out"],
)
def test_what_leads_out_is_refused(tmp_path: Path, relative: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (root / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"no path below|leads out of"):
        inside(root, relative)


def test_what_stays_is_given_as_it_was_written(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "link").symlink_to(root / "real")
    assert inside(root, "link/a.jpg") == root / "link" / "a.jpg"
    assert inside(root, "客厅/..0.jpg") == root / "客厅" / "..0.jpg"
    (root / "store").symlink_to(tmp_path / "cache")
    assert inside(root, "store/b", also=(tmp_path / "cache",)) == root / "store" / "b"
    (tmp_path / "alias").symlink_to(root)
    assert inside(tmp_path / "alias", "real/a") == tmp_path / "alias" / "real" / "a"


@given(st.text(alphabet="./\\a\0", max_size=12))
def test_whatever_is_let_in_is_inside(text: str) -> None:
    root = Path("/nowhere/root")
    try:
        found = inside(root, text)
    except UserError:
        return
    assert found.resolve().is_relative_to(root)


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".hidden", "", "a\\b"])
def test_a_child_is_one_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError):
        child(tmp_path, name)
    assert child(tmp_path, "room_000001") == tmp_path / "room_000001"
