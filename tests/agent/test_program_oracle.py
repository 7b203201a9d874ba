"""A1: programs come to what an oracle of nested loops says, and to nothing where it says so."""

from __future__ import annotations

import pytest

from tests.support.program_cases import EXECUTED, compared


@pytest.mark.parametrize(("heaped", "rooms"), [(True, 150), (False, 5)])
def test_every_operator_agrees_with_brute_force(heaped: bool, rooms: int) -> None:
    asked, without, wrong = compared(range(rooms), heaped)
    assert wrong == []
    assert set(asked) == set(EXECUTED)
    assert not heaped or sum(without.values()) > 100, (
        "programs that cannot be answered are among them"
    )
