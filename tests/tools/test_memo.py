from __future__ import annotations

from surveyor.tools.memoize import Memo


def test_a_result_is_made_once_and_the_oldest_is_forgotten() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    memo: Memo[str] = Memo(2)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert memo.get(name, lambda name=name: make(name)) == name.upper()  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"], "a was used lately, b was not"
