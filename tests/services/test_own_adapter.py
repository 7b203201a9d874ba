"""An adapter of the user's own that is none yet is refused in one sentence, before it is served."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.services.registry import make_expert

SOURCE = """
class Nothing: ...
class Needy:
    def __init__(self, size): ...
class Other:
    name, max_batch = "depth", 1
    load = info = probe = preprocess = group = forward_batch = postprocess = None
"""


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("nowhere_at_all:Thing", "cannot be imported: No module named"),
        ("own_adapters:Missing", "cannot be imported: module .* has no attribute"),
        ("own_adapters:Needy", "cannot be imported: .*missing 1 required"),
        ("own_adapters:Nothing", "it lacks: name, max_batch, load, .*docs/experts.md"),
        ("own_adapters:Other", "serves 'depth', not 'detect'"),
    ],
)
def test_what_is_no_expert_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, words: str
) -> None:
    (tmp_path / "own_adapters.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_adapters", raising=False)
    with pytest.raises(UserError, match=words):
        make_expert("detect", backend)
