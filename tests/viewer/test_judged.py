"""The page of a place asks which scored run tells how far off lengths are, as --judged-by does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from surveyor.compose.ask import Asking, ask
from surveyor.compose.place import make_place, open_place
from surveyor.core.photos import read_photos
from surveyor.memory.events import EpisodeStatus, Score
from surveyor.memory.runs import RunFolder
from tests.support.browser import Tab
from tests.viewer.stage import make_run, served

FAR = "How far is the sofa from the lamp?"


def make_judge(path: Path, asking: Asking, files: list[Path]) -> RunFolder:
    """A scored run of the same experts: ten times the same distance, 1 % to 10 % too long."""
    ask(files, FAR, replace(asking, place="judged"))
    asked = RunFolder.open(open_place(asking.root, "judged").asked[0])
    tasks = [asked.schedule[0].model_copy(update={"id": f"t{k}"}) for k in range(1, 11)]
    folder = RunFolder.create(path, asked.record, tasks)
    for task in tasks:
        log = asked.episode_path(asked.schedule[0].id, 0).read_bytes()
        folder.episode_path(task.id, 0).parent.mkdir(exist_ok=True)
        folder.episode_path(task.id, 0).write_bytes(log)
    folder.write_results(
        Score(task_id=f"t{k}", scorer="s", value=1, prediction=str(1 + k / 100),
              fields={"correct": "1"}, status=EpisodeStatus.ANSWERED)
        for k in range(1, 11)
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def home(
    asking: Asking, files: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    base = tmp_path_factory.mktemp("home")
    make_run(base / "runs" / "one", 2, scored=False)
    make_judge(base / "runs" / "judge", asking, files)
    with served([base / "runs"], base / "cache", asking=asking, experts=asking.experts) as address:
        yield address


def test_a_scored_run_that_is_shown_gives_intervals_as_on_the_command_line(
    client: httpx2.Client, asking: Asking, files: list[Path], tmp_path: Path
) -> None:
    make_place(asking.root, "judged by page", read_photos(files))
    assert client.get("/api/places").json()["ways"]["judges"] == ["judge"]  # "one" has no scores
    body = {"question": FAR, "judged_by": "judge"}
    done = client.post("/api/place/judged by page/ask", content=json.dumps(body))
    assert done.status_code == 200, done.text
    shown = client.get("/api/place/judged by page").json()["answers"][0]["answer"]
    judge = make_judge(tmp_path / "judge", asking, files).path
    same = ask(files, FAR, replace(asking, place="judged by cli", judged_by=judge)).answer
    assert (shown["low"], shown["high"], shown["level"]) == (same.low, same.high, same.level)
    wide = 1.1 ** ((1.1 / shown["value"]) ** 0.5)
    assert shown["high"] == pytest.approx(shown["value"] * wide, abs=1e-3)
    for name in ("one", "none", "../judge"):
        body = {"question": FAR, "judged_by": name}
        told = client.post("/api/place/judged by page/ask", content=json.dumps(body))
        assert told.status_code == 409
        assert "no scored run" in told.json()["detail"]


@pytest.mark.browser
def test_the_run_that_judges_is_chosen_with_the_keyboard_and_stands_in_the_address(
    tab: Tab, home: str, asking: Asking, files: list[Path]
) -> None:
    tab.problems.clear()
    make_place(asking.root, "judging", read_photos(files))
    tab.show(f"{home}/place/judging", 1280, 900)
    tab.until("document.getElementById('judge')")
    tab.press("i")
    tab.press("ArrowDown")
    tab.until("location.search === '?j=judge'")
    tab.value("document.activeElement.blur()")
    tab.press("/")
    tab.call("Input.insertText", text=FAR)
    tab.press("Enter")
    tab.until("document.querySelector('.answer.open .said')", 60)
    assert "90 % interval" in tab.value("document.querySelector('.answer.open .said').textContent")
    assert tab.value("location.search") == "?a=ask-1&j=judge"
    assert tab.value("document.getElementById('judge').value") == "judge"
    assert tab.problems == []
