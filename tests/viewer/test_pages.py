# ruff: noqa: E501 - rows of logs and of page scripts read better in one line
"""The viewer's pages in a real browser: what they show, keys, hostile text, light and dark."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from surveyor.memory.events import EpisodeStarted
from surveyor.memory.log import EpisodeLog
from tests.support.browser import Tab, browser
from tests.viewer.stage import TOKEN, make_run, served

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    '"><script>window.hacked=1</script>',
    "'onmouseover='window.hacked=1",
    "javascript:window.hacked=1",
    "[x](javascript:window.hacked=1)",
    "</title><script>window.hacked=1</script>",
    "</style><script>window.hacked=1</script>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'>",
    "<a href=javascript:window.hacked=1>x</a>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<base href=http://evil.example>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<form action=http://evil.example><button>x",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "\u202egnp.exe\u202c \u200b\ufeff \u2066x\u2069",
    "\u0000\u0007\u001b[31mred",
    "A" * 10_000,
    "0 1 2 " * 2_000,
    "../../../../etc/passwd",
    "%00%2e%2e%2f",
    "'; DROP TABLE episodes; --",
    '{"__proto__": {"hacked": 1}}',
    "constructor",
    "__proto__",
    "toString",
    "<math><mtext></mtext><script>window.hacked=1</script></math>",
    "<noscript><p title='</noscript><script>window.hacked=1</script>'>",
    "<template><script>window.hacked=1</script></template>",
    "<object data=javascript:window.hacked=1>",
    "<embed src=javascript:window.hacked=1>",
    "<body onload=window.hacked=1>",
    "<details open ontoggle=window.hacked=1>",
    "<input autofocus onfocus=window.hacked=1>",
    "<video><source onerror=window.hacked=1>",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "data:text/html,<script>window.hacked=1</script>",
    "\U0001f600 שלום مرحبا 你好",
    "<style>@import 'http://evil.example/x.css';</style>",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pages")
    make_run(place / "runs" / "plain", 300)
    make_run(place / "runs" / "other", 300, right=3)
    make_run(place / "runs" / "hostile", len(HOSTILE), HOSTILE)
    make_run(place / "runs" / "<img src=x onerror=window.hacked=1>", 1)
    return place


@pytest.fixture(scope="module")
def home(place: Path) -> Iterator[str]:
    with served([place / "runs"], place / "cache") as address:
        yield address


def at(home: str, path: str, **query: str) -> str:
    return f"{home}{path}" + (f"?{urlencode(query)}" if query else "")


PAGES = (
    ("/", {}, "document.querySelectorAll('tbody tr').length === 4"),
    ("/run/plain", {}, "document.querySelectorAll('.rows a').length > 5"),
    ("/run/plain/episode", {"task": "t4"}, "document.querySelector('figure rect')"),
    ("/run/plain/scene", {"task": "t4"}, "document.querySelector('.stage').dataset.drawn"),
    ("/compare/plain/other", {}, "document.querySelectorAll('tbody tr').length > 10"),
    ("/services", {}, "document.querySelector('h1')?.textContent === 'Services'"),
    ("/skills", {}, "document.querySelector('h1')?.textContent === 'Skills'"),
    ("/run/none", {}, "document.querySelector('h1')?.textContent.includes('cannot')"),
)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_every_page_fits_has_one_headline_and_asks_nobody_else(
    tab: Tab, home: str, width: int, dark: bool
) -> None:
    tab.problems.clear()
    for path, query, ready in PAGES:
        tab.show(at(home, path, **query), width, 900, dark)
        tab.until(f"Boolean({ready})")
        assert tab.value("document.querySelectorAll('h1').length") == 1
        assert tab.value("document.documentElement.scrollWidth <= innerWidth"), (path, width)
        assert tab.value("document.title").endswith("Surveyor")
    assert tab.problems == []


def test_the_highlighted_box_lies_on_the_thing_and_the_mask_is_its_pixels(
    tab: Tab, home: str
) -> None:
    tab.show(at(home, "/run/plain/episode", task="t4", used="1"), 1280, 900)
    tab.until("Boolean(document.querySelector('figure image'))")
    box = tab.value(
        "(() => { const r = document.querySelectorAll('figure rect')[1].getBoundingClientRect();"
        "const i = document.querySelector('figure img').getBoundingClientRect();"
        "return [r.x - i.x, r.y - i.y, r.width, r.height].map((v) => v / i.width * 120); })()"
    )
    assert np.abs(np.array(box) - [10, 20, 40, 50]).max() < 1.5
    assert tab.value("document.querySelectorAll('figure rect').length") == 2  # box_3 is not used
    assert "box_3" in tab.value("document.querySelector('details').textContent")


def test_the_chain_lights_up_and_its_state_has_an_address(tab: Tab, home: str) -> None:
    tab.show(at(home, "/run/plain/episode", task="t4"), 1280, 900)
    tab.until("document.querySelectorAll('.links .chip').length > 5")
    names = tab.value("[...document.querySelectorAll('.links .chip')].map((c) => c.textContent)")
    assert [name.split()[0] for name in names] == [
        "meas_1", "obj_1", "obj_2", "cloud_1", "cloud_2", "mask_1", "box_1", "box_2", "frame_0",
    ]  # fmt: skip
    tab.value(
        "[...document.querySelectorAll('.chip')].find((c) => c.textContent.startsWith('obj_2')).click()"
    )
    assert tab.value("location.search").endswith("h=obj_2")
    faded = tab.value(
        "[...document.querySelectorAll('.links .chip.faded')].map((c) => c.textContent.split(' ')[0])"
    )
    assert faded == ["obj_1", "cloud_1", "mask_1", "box_1"]
    tab.show(tab.value("location.href"), 1280, 900)
    tab.until("document.querySelectorAll('.links .chip.faded').length === 4")


def test_keys_alone_lead_from_the_list_to_the_scene_and_back(tab: Tab, home: str) -> None:
    tab.show(at(home, "/run/plain"), 1280, 900)
    tab.until("document.querySelectorAll('.rows a').length > 5")
    for _ in range(2):
        tab.press("j")
    tab.until("document.activeElement.dataset.i === '2'")
    tab.press("Enter")
    tab.until("location.pathname.endsWith('/episode') && document.body.dataset.ready")
    assert "task=t2" in tab.value("location.search")
    tab.press("j")
    tab.until("location.search.includes('task=t3') && document.body.dataset.ready")
    tab.press("3")
    tab.until(
        "location.pathname.endsWith('/scene') && document.querySelector('.stage')?.dataset.drawn"
    )
    tab.press("u")
    tab.until("location.pathname.endsWith('/episode') && document.body.dataset.ready")
    tab.press("u")
    tab.until("location.pathname === '/run/plain' && document.querySelector('.rows a')")
    tab.press("?")
    tab.until("document.querySelector('dialog')?.open")
    tab.press("Escape")
    tab.until("!document.querySelector('dialog')")


def test_a_filter_is_an_address_and_back_leads_to_the_list(tab: Tab, home: str) -> None:
    tab.show(at(home, "/run/plain", outcome="wrong", type="kind_1"), 1280, 900)
    tab.until("document.getElementById('count').textContent === '150 episodes'")
    tab.show(at(home, "/run/plain", q="chair 29"), 1280, 900)
    tab.until("document.getElementById('count').textContent === '11 episodes'")
    tab.value("document.querySelector('.rows a').click()")
    tab.until("location.pathname.endsWith('/episode') && document.body.dataset.ready")
    tab.value("history.back()")
    tab.until("document.getElementById('count')?.textContent === '11 episodes'")


def test_long_lists_hold_few_rows_in_the_page(tab: Tab, home: str) -> None:
    tab.show(at(home, "/run/plain"), 1280, 900)
    tab.until("document.querySelectorAll('.rows a').length > 5")
    tab.value("document.querySelector('.scroller').scrollTop = 250 * 34")
    tab.until("[...document.querySelectorAll('.rows a')].some((a) => a.dataset.i === '255')")
    assert tab.value("document.querySelectorAll('.rows .row').length") < 40


def test_hostile_text_is_text(tab: Tab, home: str) -> None:
    tab.problems.clear()
    tab.show(at(home, "/"), 1280, 900)
    tab.until("document.querySelectorAll('tbody tr').length === 4")
    for offset in (0, 30 * 34):
        tab.show(at(home, "/run/hostile"), 1280, 900)
        tab.until("document.querySelectorAll('.rows a').length > 5")
        tab.value(f"document.querySelector('.scroller').scrollTop = {offset}")
    for k in range(len(HOSTILE)):
        tab.show(at(home, "/run/hostile/episode", task=f"t{k}"), 1280, 900)
        tab.until("document.querySelectorAll('.links .chip').length > 5")
        tab.value("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert tab.value("document.documentElement.scrollWidth <= innerWidth"), k
        assert tab.value("document.scripts.length") == 1
        assert (
            tab.value("document.querySelectorAll('main iframe, main object, main form').length")
            == 0
        )
    assert tab.value("window.hacked") is None
    assert tab.value("({}).hacked") is None
    assert tab.problems == []


def test_the_policy_stops_what_is_put_into_the_page(tab: Tab, home: str) -> None:
    tab.show(at(home, "/"), 1280, 900)
    tab.until("document.querySelectorAll('tbody tr').length")
    tab.value(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.hacked=2';"
        "document.body.append(s); const a = document.createElement('a');"
        "a.href = 'javascript:window.hacked=3'; a.target = '_self'; document.body.append(a); a.click(); })()"
    )
    assert tab.value("window.hacked") is None
    tab.problems.clear()


def test_the_scene_is_not_blank_and_a_cube_is_where_it_should_be(tab: Tab, home: str) -> None:
    tab.show(at(home, "/run/plain/scene", task="t4"), 1280, 900)
    tab.until("document.querySelector('.stage')?.dataset.drawn")
    time.sleep(0.5)
    rect = tab.value(
        "(() => { const r = document.querySelector('canvas').getBoundingClientRect(); return [r.x, r.y, r.right, r.bottom]; })()"
    )
    image = Image.open(io.BytesIO(tab.picture())).convert("RGB").crop([int(v) for v in rect])
    pixels = np.asarray(image).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) >= 50
    tab.call("Runtime.evaluate", expression="import('/web/gl.js').then((m) => { window.gl = m; })")
    tab.until("Boolean(window.gl)")
    for turn, tilt in ((0.3, 0.6), (-2.0, 1.2), (1.1, 0.1)):
        m = tab.value(
            f"[...gl.matrix({{turn: {turn}, tilt: {tilt}, far: 5, at: [1, 2, 0.5]}}, 1.5)]"
        )
        matrix = np.array(m).reshape(4, 4).T
        back = np.array([np.cos(turn) * np.cos(tilt), np.sin(turn) * np.cos(tilt), np.sin(tilt)])
        right = np.array([-np.sin(turn), np.cos(turn), 0])
        up = np.cross(back, right)
        eye = np.array([1, 2, 0.5]) + 5 * back
        for corner in np.array([[x, y, z] for x in (0, 2) for y in (1, 3) for z in (0, 1)], float):
            clip = matrix @ np.append(corner, 1)
            f, d = 1 / np.tan(np.pi / 8), corner - eye
            expected = f * (d @ right) / 1.5 / -(d @ back), f * (d @ up) / -(d @ back)
            assert np.abs(clip[:2] / clip[3] - expected).max() < 1e-4


def test_a_run_that_is_being_written_is_followed(tab: Tab, home: str, place: Path) -> None:
    folder = make_run(place / "live" / "growing", 3, scored=False)
    path = folder.episode_path("t1", 0)
    path.unlink()
    with served([folder.path], place / "cache-live") as address:
        tab.home = address
        tab.show(f"{address}/run/growing?token={TOKEN}", 1280, 900)
        tab.until("document.querySelectorAll('.rows a').length === 3")
        tab.until("document.getElementById('progress').textContent.startsWith('2 of 3')")
        with EpisodeLog(path) as log:
            log.append(
                EpisodeStarted(
                    task_id="t1",
                    dataset="d",
                    scene_id="s1",
                    question_type="kind_1",
                    question="Just begun?",
                    planner="program",
                )
            )
            tab.until("document.querySelector('.rows').textContent.includes('Just begun?')")
    tab.home = home
    tab.problems.clear()


def test_without_webgl_the_scene_is_shown_from_above(home: str) -> None:
    with browser("--disable-3d-apis") as tab:
        tab.home = home
        tab.show(f"{home}/?token={TOKEN}", 1280, 900)
        tab.until("document.querySelectorAll('tbody tr').length")
        tab.show(at(home, "/run/plain/scene", task="t4"), 1280, 900)
        tab.until(
            "document.getElementById('no-webgl') && document.querySelectorAll('#plan polygon').length === 2"
        )
        assert "obj_1" in tab.value("document.querySelector('table').textContent")


def test_a_page_of_another_site_learns_nothing(tab: Tab, home: str, tmp_path: Path) -> None:
    with served([make_run(tmp_path / "other-site", 1).path], tmp_path / "cache") as foreign:
        tab.home = foreign
        tab.show(f"{foreign}/?token={TOKEN}", 1280, 900)
        tab.until("document.querySelectorAll('tbody tr').length")
        tab.call(
            "Runtime.evaluate",
            expression=f"fetch('{home}/api/runs').then(() => {{ window.told = 'read'; }}, () => {{ window.told = 'refused'; }})",
        )
        tab.until("window.told")
    assert tab.value("window.told") == "refused"
    tab.home = home
    tab.problems.clear()
