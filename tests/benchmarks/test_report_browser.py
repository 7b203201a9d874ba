"""The report page in a real browser: it fits a phone, follows the theme, and asks nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.benchmarks.report.page import write_page
from surveyor.benchmarks.scoring import score_run
from tests.benchmarks.bench import make_dataset, play
from tests.support.axe import axe_source, findings
from tests.support.browser import browser

pytestmark = pytest.mark.browser


def test_the_page_reads_well_everywhere(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", scenes=("living",))
    folders = [play(tmp_path / name, dataset)[0] for name in ("one", "two")]
    for folder in folders:
        score_run(folder, dataset.path)
    write_page(folders, [dataset.blobs], "Two runs of " + "a-dataset-with-a-very-long-name" * 3)
    url = (folders[0].path / "report.html").as_uri()
    with browser() as tab:
        backgrounds = []
        for width, dark in ((360, False), (1280, True)):
            tab.show(url, width, 800, dark)
            assert tab.value("document.documentElement.scrollWidth") <= width
            backgrounds.append(tab.value("getComputedStyle(document.body).backgroundColor"))
            pictures = "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
            assert tab.value(f"document.images.length > 0 && {pictures}")
            overflowing = (
                "[...document.querySelectorAll('main *')].filter(e =>"
                " e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('details')"
                " && !e.closest('svg')).length"
            )
            assert tab.value(overflowing) == 0
            assert findings(tab, axe_source()) == []
        assert backgrounds[0] != backgrounds[1]
        tab.value("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert tab.value("document.documentElement.scrollWidth") <= 1280
        assert tab.problems == []
