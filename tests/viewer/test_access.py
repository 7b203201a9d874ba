# ruff: noqa: E501 - page scripts read better in one line
"""Every page, light and dark, wide and narrow: readable by everyone, one headline, by keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.compose.ask import Asking, ask
from surveyor.compose.hand_memory import keep_joined
from surveyor.compose.place import make_place
from surveyor.core.blobs import BlobStore
from surveyor.core.photos import read_photos
from tests.support.axe import axe_source, findings
from tests.support.box_room import BoxRoom
from tests.support.browser import Tab, browser
from tests.viewer.beside import make_library, make_training, make_truth
from tests.viewer.box_experts import box_experts, photo_files
from tests.viewer.stage import TOKEN, make_run, served
from tests.viewer.test_places import joined, marked

pytestmark = pytest.mark.browser
SHOTS = "SURVEYOR_SHOTS"
"""A folder that gets a picture of every page, for people to look at."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base = tmp_path_factory.mktemp("access")
    dataset = make_truth(base / "d")
    for name, right in (("plain", 2), ("other", 3)):
        folder = make_run(base / "runs" / name, 40, right=right)
        record = folder.path / "run.json"
        record.write_text(record.read_text().replace('"nowhere"', f'"{dataset}"'))
    room = BoxRoom(BlobStore(base / "room"))
    files = photo_files(room, base / "photos")
    with box_experts(room, base / "endpoints.json") as endpoints:
        asking = Asking(root=base / "places", experts=endpoints)
        place = make_place(asking.root, "living room", read_photos(files))
        keep_joined(place, joined(room))
        points, known = marked(room)
        own = Asking(root=asking.root, place="living room", points=tuple(points), known=(known,))
        ask([], "How long is the sofa?", own)
        ask(
            [],
            "How far is the sofa from the lamp?",
            Asking(root=asking.root, place="living room", experts=endpoints),
        )
        with served(
            [base / "runs", base / "places"], base / "cache", asking=asking, experts=endpoints, truth=True,
            library=make_library(base / "skills.sqlite"), training=(make_training(base / "training"),),
        ) as address:  # fmt: skip
            yield address


ROWS = "document.querySelectorAll('tbody tr').length"
PAGES = {
    "runs": ("/", ROWS),
    "run": ("/run/plain", "document.querySelectorAll('.rows a').length > 5"),
    "episode": ("/run/plain/episode?task=t4&h=obj_2", "document.querySelector('figure rect')"),
    "scene": ("/run/plain/scene?task=t4", "document.querySelector('.stage').dataset.drawn"),
    "truth": ("/run/plain/scene?task=t4&truth=1", "document.querySelector('#beside tbody tr')"),
    "compare": ("/compare/plain/other?cell=only_a", ROWS),
    "services": ("/services", "document.querySelector('h1')"),
    "skills": ("/skills", "document.querySelectorAll('polyline').length === 1"),
    "skill": ("/skill/count-chairs", "document.querySelector('.lineage .against')"),
    "trainings": ("/training", ROWS),
    "training": ("/training/compact", "document.querySelectorAll('polyline').length === 2"),
    "places": ("/places", "document.querySelector('.places a')"),
    "place": ("/place/living%20room", "document.querySelectorAll('.answer').length === 2"),
    "by-hand": ("/place/living%20room?a=hand-1", "document.querySelector('#hand-1 img')"),
    "mark": (
        "/place/living%20room/mark?photo=2&end=c",
        "document.querySelector('#photo').naturalWidth",
    ),
    "missing": ("/run/none", "document.querySelector('h1')?.textContent.includes('cannot')"),
}


def opened(tab: Tab, home: str, name: str, width: int, dark: bool) -> None:
    path, ready = PAGES[name]
    tab.show(home + path, width, 900, dark)
    tab.until(f"document.body.dataset.ready && {ready}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(tab: Tab, home: str, name: str, dark: bool) -> None:
    opened(tab, home, name, 1280, dark)
    folder = os.environ.get(SHOTS)
    if folder:
        tab.until("[...document.images].every((i) => i.complete)")
        shade = "dark" if dark else "light"
        Path(folder, f"{name}-{shade}.png").write_bytes(tab.picture())
    assert findings(tab, axe_source()) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_and_asks_nobody_else(tab: Tab, home: str, width: int) -> None:
    tab.problems.clear()
    for name in PAGES:
        opened(tab, home, name, width, False)
        assert tab.value("document.querySelectorAll('h1').length") == 1, name
        assert tab.value("document.documentElement.scrollWidth <= innerWidth"), (name, width)
        assert tab.value("document.title").endswith("Surveyor")
    assert tab.problems == []


def test_tab_reaches_everything_that_can_be_clicked(tab: Tab, home: str) -> None:
    wanted = "a[href], button:not([disabled]), input:not([disabled]), select, summary"
    for name in PAGES:
        opened(tab, home, name, 1280, False)
        unreachable = tab.value(
            f"[...document.querySelectorAll({wanted!r})].filter((e) => e.tabIndex < 0).length"
        )
        assert unreachable == 0, name
        clickable = tab.value(
            "[...document.querySelectorAll('[onclick]')].filter((e) => e.tabIndex < 0).length"
        )
        assert clickable == 0, name


def test_keys_toggle_the_truth_and_the_address_says_so(tab: Tab, home: str) -> None:
    opened(tab, home, "scene", 1280, False)
    tab.press("t")
    tab.until("document.body.dataset.ready && document.getElementById('truth-shown')")
    assert "truth=1" in tab.value("location.search")
    tab.press("t")
    tab.until("document.body.dataset.ready && !document.getElementById('truth-shown')")
    assert "truth=1" not in tab.value("location.search")


def test_versions_stand_side_by_side_by_their_address(tab: Tab, home: str) -> None:
    opened(tab, home, "skill", 1280, False)
    tab.value("document.querySelector('.lineage .against').click()")
    tab.until("document.querySelectorAll('.pair section').length === 2")
    assert "against=" in tab.value("location.search")
    assert tab.value("document.querySelectorAll('.diff .plus').length") > 0


def test_without_webgl_truth_is_shown_from_above(home: str) -> None:
    with browser("--disable-3d-apis") as tab:
        tab.home = home
        tab.show(f"{home}/?token={TOKEN}", 1280, 900)
        tab.until(ROWS)
        tab.show(f"{home}/run/plain/scene?task=t4&truth=1", 1280, 900)
        tab.until("document.getElementById('no-webgl')")
        assert "no WebGL2" in tab.value("document.getElementById('no-webgl').textContent")
        assert tab.value("document.querySelectorAll('#plan .truth').length") == 3
