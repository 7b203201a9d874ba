# ruff: noqa: E501 - page scripts read better in one line
"""Own places in the browser: dropping photos, asking, marking by hand, follow-ups, and its guard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import httpx2
import numpy as np
import pytest

from surveyor.compose.ask import Asking, ask
from surveyor.compose.by_hand import _place, check_joined
from surveyor.compose.hand_marks import Mark
from surveyor.compose.hand_memory import kept_marks
from surveyor.compose.place import make_place, open_place
from surveyor.core.errors import UserError
from surveyor.core.photos import read_photos
from surveyor.viewer.asking import file_name
from tests.support.box_room import CAMERA, BoxRoom
from tests.support.browser import Tab
from tests.viewer.box_experts import joined
from tests.viewer.stage import TOKEN, make_run, photo, served

FAR = "How far is the sofa from the lamp?"


def corner(
    room: BoxRoom, point: tuple[float, float, float], frames: tuple[int, ...]
) -> dict[int, tuple[float, float]]:
    """Pixels of a point of the room in some frames."""
    pixels = {}
    for k in frames:
        at, depth = CAMERA.project(room.poses[k].to_camera(np.array([point])))
        assert depth[0] > 0
        pixels[k] = (round(float(at[0, 0]), 2), round(float(at[0, 1]), 2))
    return pixels


def mark(name: str, pixels: dict[int, tuple[float, float]]) -> str:
    return f"{name}=" + " ".join(f"{k + 1}:{u},{v}" for k, (u, v) in pixels.items())


@pytest.fixture(scope="module")
def home(asking: Asking, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base = tmp_path_factory.mktemp("home")
    make_run(base / "runs" / "one", 2)
    with served([base / "runs"], base / "cache", asking=asking, experts=asking.experts) as address:
        yield address


def marked(room: BoxRoom) -> tuple[list[str], str]:
    """Marks on the sofa's long front edge (1.8 m) and the table's (1.2 m), and the latter as known."""
    frames = (0, 1, 11)
    ends = {
        "a": (0.2, 1.0, 0.8),
        "b": (2.0, 1.0, 0.8),
        "c": (2.4, 2.15, 0.7),
        "d": (3.6, 2.15, 0.7),
    }
    return [
        mark(n, corner(room, p, frames)) for n, p in ends.items()
    ], "table = 1.20 m ± 0.5 cm, c to d"


def test_a_length_by_hand_is_right_and_a_follow_up_recalls_the_known_size(
    room: BoxRoom, asking: Asking
) -> None:
    points, known = marked(room)
    by_hand = Asking(root=asking.root, place="boxes", points=tuple(points), known=(known,))
    found = ask([], "How long is the sofa?", by_hand)
    assert found.answer.value == pytest.approx(1.8, abs=0.03)
    assert found.answer.low is not None
    assert found.answer.low < 1.8 < (found.answer.high or 0)
    deep = [
        mark("e", corner(room, (2.4, 2.15, 0.7), (0, 1, 11))),
        mark("f", corner(room, (2.4, 2.85, 0.7), (0, 1, 11))),
    ]
    again = ask(
        [], "How deep is the table?", Asking(root=asking.root, place="boxes", points=tuple(deep))
    )
    assert again.answer.value == pytest.approx(0.7, abs=0.03)
    assert "as marked before" in " ".join(again.scale.basis)
    kept = kept_marks(open_place(asking.root, "boxes"))
    assert {text[0] for text in kept.points} == set("abcdef")
    assert kept.known == (known,)
    with pytest.raises(UserError, match="exactly two ends"):
        ask([], "", Asking(root=asking.root, place="boxes", points=(deep[0],)))
    moved = (*deep, mark("c", corner(room, (2.0, 1.0, 0.8), (0, 1, 11))))
    with pytest.raises(UserError, match="end 'c' is one of 'table'"):
        ask([], "How deep?", Asking(root=asking.root, place="boxes", points=moved))


def test_a_known_size_has_two_ends_apart(room: BoxRoom, asking: Asking) -> None:
    points, _ = marked(room)
    at = corner(room, (2.4, 2.15, 0.7), (0, 1, 11))
    near = {k: (u + 3, v) for k, (u, v) in at.items()}
    for ends, other in (("c to c", at), ("c to d", at), ("c to d", near)):
        two = (*points[:2], mark("c", at), mark("d", other))
        known = (f"door = 1.00 m, {ends}",)
        with pytest.raises(UserError, match="the ends of 'door' are marked within 8 pixels"):
            ask([], "", Asking(root=asking.root, place="boxes", points=two, known=known))


def test_marks_of_two_spots_are_no_end(room: BoxRoom, asking: Asking) -> None:
    points, known = marked(room)
    (u, v), *_ = corner(room, (0.2, 1.0, 0.8), (11,)).values()
    astray = corner(room, (0.2, 1.0, 0.8), (0, 1)) | {11: (u, v - 30 if v > 40 else v + 30)}
    wrong = (mark("a", astray), *points[1:])
    by_hand = Asking(root=asking.root, place="boxes", points=wrong, known=(known,))
    with pytest.raises(UserError, match="end 'a' are not one point"):
        ask([], "How long is the sofa?", by_hand)


def test_an_end_behind_a_camera_is_said_without_a_number(room: BoxRoom) -> None:
    apart = Mark("a", {0: (64.0, 48.0), 7: (80.0, 0.0)})  # rays that come closest behind photo 8
    with pytest.raises(UserError, match="they meet behind a camera; mark the same spot in photos"):
        _place(apart, joined(room), [str(k) for k in range(12)])


def test_an_end_is_marked_by_one_point(room: BoxRoom, asking: Asking) -> None:
    points, known = marked(room)
    twice = (*points, points[0])
    by_hand = Asking(root=asking.root, place="boxes", points=twice, known=(known,))
    with pytest.raises(UserError, match="end 'a' is marked by two --point"):
        ask([], "How long is the sofa?", by_hand)


def test_photos_that_fit_badly_tell_no_focal_length(room: BoxRoom) -> None:
    view = joined(room)
    for error, known, refused in ((0.5, False, False), (1.2, True, False), (1.2, False, True)):
        told = replace(view, error=error, focal_known=known)
        with pytest.raises(UserError, match="fit together badly") if refused else nullcontext():
            check_joined(told)


def test_photos_come_in_by_the_page_and_the_answer_is_that_of_the_command_line(
    client: httpx2.Client, asking: Asking, files: list[Path]
) -> None:
    for k, path in enumerate(files):
        told = client.post(
            f"/api/upload/{'ab' * 8}/{k}", params={"name": path.name}, content=path.read_bytes()
        )
        assert told.status_code == 200, told.text
    kept = client.post(f"/api/places/{'ab' * 8}", params={"name": "dropped"})
    assert kept.json() == {"name": "dropped", "warnings": []}
    assert [p["name"] for p in client.get("/api/place/dropped").json()["photos"]] == [
        p.name for p in files
    ]
    done = client.post("/api/place/dropped/ask", content=json.dumps({"question": FAR}))
    assert done.json() == {"id": "ask-1"}, done.text
    shown = client.get("/api/place/dropped").json()["answers"][0]
    same = ask(files, FAR, Asking(root=asking.root, place="cli", experts=asking.experts))
    assert shown["sentence"] == same.sentence
    assert shown["answer"]["value"] == same.answer.value
    assert shown["kind"] == "measured"
    assert str(asking.root) not in json.dumps(shown)  # no path of the machine
    assert client.get("/api/place/dropped/picture/ask-1").headers["content-type"] == "image/jpeg"
    run = client.get(f"/api/run/{shown['run']}/episode", params={"task": "dropped.ask-1"})
    assert run.json()["question"] == FAR
    again = client.post("/api/place/dropped/ask", content=json.dumps({"question": FAR}))
    recalled = client.get("/api/place/dropped").json()["answers"][0]
    assert recalled["id"] == again.json()["id"] == "ask-2"
    assert recalled["remembered"]
    assert "as measured before" in recalled["lines"][1]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/api/place/boxes/ask", {"question": ""}, 409, "write a question"),
        ("/api/place/boxes/ask", {"question": "Is it nice here?"}, 409, "six kinds"),
        ("/api/place/none/ask", {"question": FAR}, 409, "no place"),
        ("/api/place/boxes/ask", {"question": 3}, 422, "a question is a text"),
        ("/api/place/boxes/ask", {"other": 3}, 422, "a question is a text"),
        ("/api/place/boxes/ask", {"points": ["a=1:1,1"]}, 409, "one photo only"),
        ("/api/place/boxes/ask", {"points": ["a=1:1,1 2:1,1", "b=1:999,1 2:1,1"]}, 409, "outside"),
        ("/api/upload/zz/0?name=a.jpg", {}, 404, "16 hex digits"),
        ("/api/upload/0123456789abcdef/999?name=a.jpg", {}, 413, "at most 256"),
        ("/api/places/0123456789abcdef?name=x", {}, 409, "no photo arrived"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence(
    client: httpx2.Client, path: str, body: object, status: int, says: str
) -> None:
    told = client.post(path, content=json.dumps(body))
    assert told.status_code == status
    assert says in told.json()["detail"]


@pytest.mark.parametrize(
    "name", ["../../x", "a/b", ".hidden", "", "x" * 300, "a\u0000b", "a\u202eb"]
)
def test_no_name_of_a_place_leaves_its_folder(
    client: httpx2.Client, asking: Asking, name: str
) -> None:
    before = sorted(asking.root.parent.rglob("*"))
    client.post(
        f"/api/upload/{'cd' * 8}/0", params={"name": "../../../evil.jpg"}, content=photo(33)
    )
    told = client.post(f"/api/places/{'cd' * 8}", params={"name": name})
    assert told.status_code == 409
    assert sorted(asking.root.parent.rglob("*")) == before


def test_file_names_of_browsers_are_made_plain() -> None:
    assert file_name("C:\\fakepath\\IMG 1.JPG") == "IMG 1.JPG"
    assert file_name("../../etc/passwd") == "passwd"
    assert file_name("..") == "photo"
    assert file_name("a\u0000<b>.jpg") == "a__b_.jpg"
    assert len(file_name("x" * 500 + ".jpeg")) == 65


def test_only_the_viewers_own_pages_may_send_and_only_where_asked_for(
    home: str, tmp_path: Path
) -> None:
    with httpx2.Client(base_url=home) as client:
        client.get("/", params={"token": TOKEN})
        for headers in ({}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert (
                client.post("/api/place/boxes/ask", content="{}", headers=headers).status_code
                == 403
            )
    assert (
        httpx2.post(
            f"{home}/api/place/boxes/ask", content="{}", headers={"sec-fetch-site": "same-origin"}
        ).status_code
        == 403
    )
    with (
        served([make_run(tmp_path / "run", 1).path], tmp_path / "cache") as quiet,
        httpx2.Client(base_url=quiet) as client,
    ):
        client.get("/", params={"token": TOKEN})
        same = {"sec-fetch-site": "same-origin"}
        assert client.get("/api/places").json() == {"asked": False, "places": []}
        assert client.post("/api/place/boxes/ask", content="{}", headers=same).status_code in (
            404,
            405,
        )
        assert client.post(f"/api/upload/{'ab' * 8}/0?name=a", headers=same).status_code in (
            404,
            405,
        )


@pytest.mark.browser
def test_a_person_with_a_keyboard_asks_and_sees_why(tab: Tab, home: str) -> None:
    tab.problems.clear()
    tab.show(f"{home}/places", 1280, 900)
    tab.until("document.querySelector('.places a')")
    tab.press("j")
    while not tab.value("document.activeElement.textContent.startsWith('boxes')"):
        tab.press("j")
    tab.press("Enter")
    tab.until("document.getElementById('question')")
    tab.press("/")
    tab.call("Input.insertText", text="How many chairs are there?")
    tab.press("Enter")
    tab.until(
        "document.querySelector('.answer.open .said')?.textContent === '2 of them were found.'", 60
    )
    assert tab.value("location.search") == "?a=ask-1"
    tab.until("document.querySelector('.answer.open img').naturalWidth > 100")
    tab.press("w")
    tab.until("document.querySelectorAll('.links .chip').length > 5")
    assert tab.value("document.querySelector('h1').textContent") == "How many chairs are there?"
    tab.value("history.back()")
    tab.until("document.querySelector('.answer.open')")
    assert tab.problems == []


@pytest.mark.browser
def test_points_are_marked_with_the_keyboard_alone_and_the_address_holds_them(
    tab: Tab, home: str, room: BoxRoom
) -> None:
    tab.problems.clear()
    tab.show(f"{home}/place/boxes/mark?photo=1", 1280, 900)
    tab.until("document.getElementById('photo')?.naturalWidth && document.body.dataset.ready")
    points, _ = marked(room)
    for name, text in zip("abcd", points, strict=True):
        for pair in text.partition("=")[2].split():
            k, at = pair.split(":")
            u, v = (float(x) for x in at.split(","))
            _walk(tab, f"photo {k} of", ".", ",", int(k))
            tab.value("document.getElementById('stage').focus()")
            _cross_to(tab, round(u), round(v))
            tab.press("Enter")
        if name != "d":
            tab.press("]")
    tab.value("document.getElementById('known').focus()")
    tab.call("Input.insertText", text="table")
    tab.press("Tab")
    tab.call("Input.insertText", text="1.2")
    tab.value("document.activeElement.blur()")
    address = tab.value("location.href")
    tab.show(address, 1280, 900)
    tab.until("!document.getElementById('measure').disabled")
    assert tab.value("document.querySelectorAll('#stage circle').length") == 4
    tab.press("m")
    tab.until("document.querySelector('.answer.open')", 60)
    assert "hand-" in tab.value("location.search")
    said = tab.value("document.querySelector('.answer.open .said').textContent")
    value = float(said.split("About ")[1].split(" m")[0])
    assert value == pytest.approx(1.8, abs=0.15)  # marks on whole pixels of a picture 128 wide
    assert "scale from table = 1.20 m" in tab.value(
        "document.querySelector('.answer.open').textContent"
    )
    assert tab.problems == []


@pytest.mark.browser
def test_what_is_still_to_mark_is_said_and_measuring_waits_for_it(tab: Tab, home: str) -> None:
    """A length that is typed needs its own two ends, not those of an earlier question."""
    two = "p=a=1:9,9+2:9,9&p=b=1:30,9+2:30,9"
    tab.show(f"{home}/place/boxes/mark?{two}", 1280, 860)
    tab.until("document.getElementById('missing').textContent.includes('no metres')")
    assert not tab.value("document.getElementById('measure').disabled")
    tab.show(f"{home}/place/boxes/mark?{two}&known=door+=+2+m,+c+to+d", 1280, 960)
    tab.until("document.getElementById('missing').textContent")
    said = tab.value("document.getElementById('missing').textContent")
    assert said == "Still to mark: c in 2 more photos, d in 2 more photos."
    assert tab.value("document.getElementById('measure').disabled")
    bottom = "document.getElementById('measure').getBoundingClientRect().bottom"
    assert tab.value(f"{bottom} <= innerHeight"), "who measures need not scroll"


def _walk(tab: Tab, wanted: str, onward: str, back: str, k: int) -> None:
    for _ in range(20):
        told = tab.value("document.getElementById('where').textContent")
        if wanted in told:
            return
        now = int(told.split("photo ")[1].split(" ")[0])
        tab.press(onward if now < k else back)
    raise AssertionError(wanted)


def _cross_to(tab: Tab, u: int, v: int) -> None:
    told = tab.value("document.getElementById('where').textContent").rpartition("at ")[2]
    x, y = (round(float(value)) for value in told.split(", "))
    for key, steps in (
        ("ArrowRight", u - x),
        ("ArrowLeft", x - u),
        ("ArrowDown", v - y),
        ("ArrowUp", y - v),
    ):
        for _ in range(max(0, steps)):
            tab.press(key)


@pytest.mark.browser
def test_dropping_files_keeps_them_as_a_place(tab: Tab, home: str, files: list[Path]) -> None:
    tab.problems.clear()
    tab.show(f"{home}/places", 1280, 900)
    tab.until("document.getElementById('files')")
    tab.value("(() => { const name = document.getElementById('name'); name.value = 'by drop'; })()")
    node = tab.call("DOM.getDocument")["root"]["nodeId"]
    found = tab.call("DOM.querySelector", nodeId=node, selector="#files")["nodeId"]
    tab.call("DOM.setFileInputFiles", files=[str(p) for p in files[:4]], nodeId=found)
    tab.until("document.getElementById('chosen').textContent.startsWith('4 chosen')")
    tab.press("Enter")  # the focus is on the button
    tab.until(
        "location.pathname === '/place/by%20drop' && document.querySelectorAll('figure img').length === 4"
    )
    assert tab.problems == []


@pytest.mark.browser
def test_hostile_words_about_a_place_are_words(
    tab: Tab, home: str, asking: Asking, tmp_path: Path
) -> None:
    tab.problems.clear()
    name = "<img src=x onerror=hacked=1>"
    (tmp_path / name.replace("/", "_")).write_bytes(photo(90))
    (tmp_path / "<svg onload=hacked=1>.jpg").write_bytes(photo(91))
    make_place(asking.root, name, read_photos([tmp_path / "<svg onload=hacked=1>.jpg"]))
    for path in ("/places", "/place/%3Cimg%20src%3Dx%20onerror%3Dhacked%3D1%3E?q=%3Cscript%3Ehacked=1%3C/script%3E",
                 "/place/boxes/mark?p=a=%3Cimg%20src=x%20onerror=hacked=1%3E&known=%3Cb%3E%20=%203%20m,&end=__proto__&q=%22%3E%3Cimg%20src=x%20onerror=hacked=1%3E"):  # fmt: skip
        tab.show(home + path, 1280, 900)
        tab.until("document.querySelector('h1') && document.body.dataset.ready")
        assert tab.value("window.hacked") is None
        assert tab.value("document.scripts.length") == 1
    assert tab.problems == []
