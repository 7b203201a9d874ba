# ruff: noqa: E501 - wordings and programs read better in one line
"""Asking about one's own photos: reading them, wordings, refusals, answers, follow-ups."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.agent.program.plain_questions import read_plainly, singular
from surveyor.compose.ask import Asking, ask
from surveyor.compose.asking_shell import split
from surveyor.compose.hand_marks import read_known, read_mark
from surveyor.compose.place import make_place, open_place
from surveyor.compose.recalled import picture_of, with_earlier
from surveyor.compose.viewing import viewer_app
from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError
from surveyor.core.photos import read_photo, read_photos
from surveyor.memory.evidence import chain, nodes
from surveyor.viewer.drawing import picture
from surveyor.viewer.finding import FoundEpisode, FoundEvidence, Value, finding
from tests.support.pictures import oriented
from tests.viewer.stage import make_run, photo


def save(folder: Path, *names: str) -> None:
    for k, name in enumerate(names):
        (folder / name).write_bytes(photo(60 + k))


def test_plain_photos_keep_their_bytes_and_their_natural_order(tmp_path: Path) -> None:
    save(tmp_path, "IMG_10.jpg", "IMG_2.jpg", "IMG_1.jpg")
    found = read_photos([tmp_path])
    assert [p.name for p in found.photos] == ["IMG_1.jpg", "IMG_2.jpg", "IMG_10.jpg"]
    assert found.photos[0].data == (tmp_path / "IMG_1.jpg").read_bytes()
    assert not found.video


def test_what_a_camera_wrote_beside_the_pixels_is_dropped_the_focal_length_kept() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x0110] = "Secret Phone 12"
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "red").save(out, "JPEG", exif=exif, comment=b"at home")
    kept = read_photo(out.getvalue(), "a.jpg")
    assert b"Secret" not in kept.data
    assert b"at home" not in kept.data
    assert b"Exif" not in kept.data
    assert kept.focal == pytest.approx(26 / 43.2666 * 500)
    assert Image.open(io.BytesIO(kept.data)).size == (400, 300)
    same = np.asarray(Image.open(io.BytesIO(out.getvalue())))
    assert (np.asarray(Image.open(io.BytesIO(kept.data))) == same).all()  # pixels are untouched


@pytest.mark.parametrize("turn", range(1, 9))
def test_photos_stand_upright(turn: int) -> None:
    kept = read_photo(oriented("JPEG", turn), "a.jpg")
    assert (kept.width, kept.height) == (40, 60)


def test_damaged_ones_are_named_twins_said_and_the_rest_used(tmp_path: Path) -> None:
    save(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "c.jpg").write_bytes((tmp_path / "a.jpg").read_bytes())
    (tmp_path / "d.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:200])
    (tmp_path / "e.png").write_bytes(b"nothing")
    found = read_photos([tmp_path])
    assert [p.name for p in found.photos] == ["a.jpg", "b.jpg"]
    assert any("c.jpg is the same picture as a.jpg" in w for w in found.warnings)
    assert any("d.jpg" in w for w in found.warnings)
    assert any("e.png" in w for w in found.warnings)


def test_marks_are_refused_where_what_was_left_out_shifts_the_numbers(tmp_path: Path) -> None:
    save(tmp_path, "1.jpg", "3.jpg")
    marks = Asking(root=tmp_path / "places", place="p", points=("a=1:5,5 2:5,5", "b=1:9,9 2:9,9"))
    (tmp_path / "2.jpg").write_bytes(b"damaged")
    (tmp_path / "4.jpg").write_bytes((tmp_path / "1.jpg").read_bytes())  # last, shifts nothing
    assert read_photos([tmp_path]).left_out == ("2.jpg",)
    with pytest.raises(UserError, match=r"^2\.jpg: damaged, or given twice"):
        ask([tmp_path], "How wide?", marks)
    with pytest.raises(UserError, match=r"^2\.jpg: damaged"):  # as well without the photos
        ask([], "How wide?", marks)
    (tmp_path / "2.jpg").write_bytes((tmp_path / "1.jpg").read_bytes())
    assert read_photos([tmp_path]).left_out == ("2.jpg",)
    (tmp_path / "2.jpg").unlink()
    with pytest.raises(UserError, match=r"joined|OpenCV"):  # read, and then judged as photos
        ask([tmp_path], "How wide?", marks)


def test_places_are_kept_in_a_folder(tmp_path: Path) -> None:
    save(tmp_path, "a.jpg")
    for root in (tmp_path / "a.jpg", tmp_path / "a.jpg" / "places"):
        said = f"{tmp_path / 'a.jpg'} is a file"
        with pytest.raises(UserError, match=said):
            ask([tmp_path / "a.jpg"], "How far?", Asking(root=root))
        with pytest.raises(UserError, match=said):
            viewer_app([tmp_path], "token", asking=Asking(root=root))


def test_a_run_judges_no_marks(tmp_path: Path) -> None:
    save(tmp_path, "a.jpg", "b.jpg")
    asking = Asking(root=tmp_path / "places", points=("a=1:5,5 2:5,5",), judged_by=tmp_path)
    with pytest.raises(UserError, match="interval of their own"):
        ask([tmp_path / "a.jpg", tmp_path / "b.jpg"], "How wide?", asking)


def test_a_place_refuses_other_photos_under_its_name(tmp_path: Path) -> None:
    save(tmp_path, "a.jpg", "b.jpg")
    place = make_place(tmp_path / "places", "living room", read_photos([tmp_path / "a.jpg"]))
    assert open_place(tmp_path / "places", "living room").record == place.record
    assert place.names == {"frame_0": "a.jpg"}
    with pytest.raises(UserError, match="has other photos"):
        make_place(tmp_path / "places", "living room", read_photos([tmp_path / "b.jpg"]))
    with pytest.raises(UserError, match="there: living room"):
        open_place(tmp_path / "places", "kitchen")


@pytest.mark.parametrize(
    ("question", "program"),
    [
        ("How far is the sofa from the door?", "distance(surest(filter(scene(), sofa)), surest(filter(scene(), door)))"),
        ("how far apart are my desk and the bed", "distance(surest(filter(scene(), desk)), surest(filter(scene(), bed)))"),
        ("distance between tv and sofa in m", "distance(surest(filter(scene(), tv)), surest(filter(scene(), sofa)))"),
        ("How many chairs are there?", "count(filter(scene(), chair))"),
        ("Count the shelves.", "count(filter(scene(), shelf))"),
        ("How many trash bins can you see in this room?", "count(filter(scene(), trash bin))"),
        ("How long is the table?", "longest_edge(surest(filter(scene(), table)))"),
        ("How big is the room?", "floor_area(scene())"),
        ("Which is closest to the bed: the lamp, a chair or the door?", "nearest(surest(filter(scene(), bed)), [filter(scene(), lamp), filter(scene(), chair), filter(scene(), door)])"),
        ("When I stand by the door and face the bed, where is the lamp?", "direction(surest(filter(scene(), door)), surest(filter(scene(), bed)), surest(filter(scene(), lamp)), hard)"),
        ("How many lamp(s) are in this room?", "count(filter(scene(), lamp))"),
    ],
)  # fmt: skip
def test_questions_in_free_words(question: str, program: str) -> None:
    assert str(read_plainly(question)) == program


@pytest.mark.parametrize(
    "question",
    ["How tall is the sofa?", "How many books are on the table?", "Is it nice here?", "", "sofa"],
)
def test_what_only_resembles_a_known_question_is_not_answered_by_it(question: str) -> None:
    assert read_plainly(question) is None


def test_singulars() -> None:
    words = ("chairs", "boxes", "glass", "bookshelves", "batteries", "dishes", "sofa", "bus stops")
    assert [singular(word) for word in words] == [
        "chair", "box", "glass", "bookshelf", "battery", "dish", "sofa", "bus stop",
    ]  # fmt: skip


def test_where_nothing_can_see_three_ways_on_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path, "a.jpg")
    with pytest.raises(UserError, match=r"nothing here can see.*serve up.*--model.*--point"):
        ask(["a.jpg"], "How many chairs are there?", Asking())
    with pytest.raises(UserError, match=r"does not exist.*serve up"):
        ask(["a.jpg"], "How many chairs are there?", Asking(experts=Path("none.json")))
    with pytest.raises(UserError, match="needs --point marks"):
        ask(["a.jpg"], "?", Asking(known=("door = 2 m, a to b",)))
    with pytest.raises(UserError, match="give photos"):
        ask([], "How many?", Asking(root=tmp_path / "empty"))


def test_the_question_stands_last_and_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path, "a.jpg")
    assert split(["a.jpg", "How far?"], place=False) == (["a.jpg"], "How far?")
    assert split(["a.jpg"], place=False) == (["a.jpg"], "")
    assert split(["and how wide is it?"], place=True) == ([], "and how wide is it?")
    with pytest.raises(UserError, match=r"no file or folder 'b\.jpg'"):
        split(["b.jpg", "How far?"], place=False)
    for given, said in (
        (["a.jpg", ""], "question is empty"),
        (["", "How far?"], "name of a photo"),
    ):
        with pytest.raises(UserError, match=said):
            split(given, place=False)
    with pytest.raises(UserError, match="path separator; choose another, as in --place"):
        ask(["a.jpg"], "How far?", Asking(root=tmp_path / "places", place="../../evil"))
    with pytest.raises(UserError, match="no file or folder 'nowhere'"):
        split(["nowhere"], place=False)


def test_marks_and_known_sizes_are_read_or_explained() -> None:
    mark = read_mark("a=1:412,220 2:380.5,231")
    assert mark.pixels == {0: (412.0, 220.0), 1: (380.5, 231.0)}
    known = read_known("door height = 6 ft +- 1 in, c to d")
    assert known.metres == pytest.approx(1.8288)
    assert known.error == pytest.approx(0.0254)
    assert known.ends == ("c", "d")
    assert read_known("table=160cm, a to b").error == pytest.approx(0.016)
    for text in ("a", "a=", "a=1:2", "=1:2,3 2:3,4", "a=1:x,y 2:1,1"):
        with pytest.raises(UserError, match="is no mark"):
            read_mark(text)
    with pytest.raises(UserError, match="in one photo only"):
        read_mark("a=1:412,220")
    with pytest.raises(UserError, match="end 'a' is marked twice in photo 1"):
        read_mark("a=1:412,220 1:90,80 2:1,1")
    for text in ("door", "door = 2", "door = 2 miles, a to b", "door = 2 m"):
        with pytest.raises(UserError, match="is no known size"):
            read_known(text)


def test_a_finding_leads_from_the_sentence_to_the_pixels(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 1)
    episode = folder.episode("t0", 0)
    assert episode is not None
    found = finding(episode, {"frame_0": "sofa.jpg"})
    assert found.sentence == "About 0.80 m between the closest points of the two."
    assert (found.answer.value, found.answer.unit, found.kind) == (0.8, "m", "measured")
    assert found.answer.low is None  # no interval is made up
    assert [(e.handle, e.photo) for e in found.evidence] == [
        ("mask_1", "sofa.jpg"), ("box_2", "sofa.jpg"),
    ]  # fmt: skip
    assert "not verified by a known size" in " ".join(found.lines)
    links = chain(episode)
    assert links.stated
    assert set(links.nodes) == {
        "frame_0", "box_1", "box_2", "mask_1", "cloud_1", "cloud_2", "obj_1", "obj_2", "meas_1",
    }  # fmt: skip
    assert all(name in nodes(episode) for n in nodes(episode).values() for name in n.made_from)
    from surveyor.core.blobs import BlobStore

    store = BlobStore(folder.path / "blobs")
    drawn = picture(episode, lambda _: photo(), store.get, "0.80 m")
    assert drawn is not None
    yellow = (
        np.abs(np.asarray(Image.open(io.BytesIO(drawn)), int) - (255, 214, 10)).sum(axis=2) < 60
    )
    assert yellow.sum() > 200  # the measured segment
    assert sha256_of(drawn) == sha256_of(
        picture(episode, lambda _: photo(), store.get, "0.80 m") or b""
    )


def test_an_answer_from_memory_shows_all_photos_that_it_rests_on(tmp_path: Path) -> None:
    save(tmp_path, "a.jpg", "b.jpg")
    place = make_place(tmp_path / "places", "room", read_photos([tmp_path]))
    box = (10.0, 10.0, 60.0, 60.0)
    for k, (name, shown) in enumerate([("chair", "a.jpg"), ("lamp", "b.jpg")], start=1):
        seen = FoundEvidence(handle=f"box_{k}", kind="box", photo=shown, category=name, box=box)
        told = FoundEpisode(
            question=f"How long is the {name}?", status="answered", kind="measured",
            sentence=".", answer=Value(text="1"), evidence=(seen,), picture=f"{name}.jpg",
        )  # fmt: skip
        (place.path / f"ask-{k}").mkdir()
        (place.path / f"ask-{k}" / "answer.json").write_text(told.model_dump_json())
    folder = make_run(place.path / "ask-3", 1)

    def recalled(question: str) -> FoundEpisode:
        again = told.model_copy(
            update={"question": question, "evidence": (), "remembered": True, "picture": ""}
        )
        return with_earlier(place, folder, again)

    both = recalled("How far is the chair from the lamp?")
    assert [(e.category, e.photo) for e in both.evidence] == [("lamp", "b.jpg"), ("chair", "a.jpg")]
    assert "(ask-2) and" in both.warnings[-1]
    assert both.picture == ""  # no earlier picture shows both, so one is drawn
    drawn = picture_of(place, both)
    assert drawn is not None
    assert Image.open(io.BytesIO(drawn)).width > 1400  # two photos side by side
    assert recalled("How long is the lamp?").picture == "lamp.jpg"
    assert recalled("How long is the sofa?").evidence == ()
