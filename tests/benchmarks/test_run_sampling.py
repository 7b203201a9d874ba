"""Which tasks a limit takes, how progress counts attempts, and what the report page may do."""

from __future__ import annotations

from collections import Counter
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.report.page import write_page
from surveyor.benchmarks.run.progress import Progress, describe
from surveyor.benchmarks.run.schedule import sample
from surveyor.benchmarks.scoring import score_run
from surveyor.memory.events import EpisodeEnded, EpisodeStatus
from tests.benchmarks.bench import World, make_dataset, play
from tests.benchmarks.test_run_config import task
from tests.support.browser import browser


def test_a_limit_takes_every_type_alike_and_keeps_the_order() -> None:
    tasks = [task(i, "a", kind) for i, kind in enumerate(["count"] * 10 + ["size"] * 3 + ["far"])]
    assert [t.id for t in sample(tasks, 5)] == ["t0", "t1", "t10", "t11", "t13"]
    assert Counter(t.question_type for t in sample(tasks, 9)) == {"count": 5, "size": 3, "far": 1}
    assert sample(tasks, 99) == tasks


@given(
    kinds=st.lists(st.sampled_from(["a", "b", "c"]), max_size=30),
    few=st.integers(1, 30),
    more=st.integers(0, 30),
)
def test_a_larger_sample_holds_a_smaller_one(kinds: list[str], few: int, more: int) -> None:
    tasks = [task(i, "s", kind) for i, kind in enumerate(kinds)]
    small, large = sample(tasks, few), sample(tasks, few + more)
    assert len(small) == min(few, len(tasks))
    assert {t.id for t in small} <= {t.id for t in large}
    assert [t for t in large if t in small] == small


def test_an_episode_that_is_tried_again_is_incomplete_once(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", scenes=("living",))
    _, summary = play(tmp_path / "r", dataset, World(broken=lambda task: True), limit=6, passes=3)
    assert summary.progress.incomplete == summary.progress.left == 6
    incomplete = EpisodeEnded(status=EpisodeStatus.INCOMPLETE, reason="gone")
    tried = Progress(total=2).after(incomplete, 1.0).after(incomplete, 2.0, again=True)
    assert "1 incomplete" in describe(tried)
    home = tried.after(EpisodeEnded(status=EpisodeStatus.ANSWERED), 3.0, again=True)
    assert (home.incomplete, home.answered) == (0, 1)


@pytest.mark.browser
def test_nothing_in_the_page_runs_or_asks_anybody(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", scenes=("living",))
    folder, _ = play(tmp_path / "one", dataset)
    score_run(folder, dataset.path)
    text = write_page([folder], [dataset.blobs], "</title><script>window.ran = 1</script>")
    assert "default-src 'none'" in unescape(text)
    sneaked = text.replace(
        "<main>",
        "<main><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"
        "<style>body {display: none}</style><img src='https://example.invalid/x.png'>",
        1,
    )
    assert sneaked != text
    (tmp_path / "sneaked.html").write_text(sneaked)
    with browser() as tab:
        for page in (folder.path / "report.html", tmp_path / "sneaked.html"):
            tab.show(page.as_uri(), 1280, 800)
            assert tab.value("window.ran") is None
            assert tab.value("getComputedStyle(document.body).display") == "block"
            assert tab.value("document.querySelector('.track b').style.left") != ""
            shown = "[...document.images].filter(i => i.src.startsWith('data:'))"
            assert tab.value(f"{shown}.length > 0 && {shown}.every(i => i.naturalWidth > 0)")
            assert tab.value("document.querySelector('.track').clientHeight") > 0
