"""A browser that has let itself in, for every module that has a ``home``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.browser import Tab, browser
from tests.viewer.stage import TOKEN


@pytest.fixture(scope="module")
def tab(home: str) -> Iterator[Tab]:
    with browser() as tab:
        tab.home = home
        tab.show(f"{home}/?token={TOKEN}", 1280, 900)
        tab.until("document.querySelectorAll('tbody tr').length")
        yield tab
