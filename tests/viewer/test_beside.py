"""Truth beside measured boxes, the skill library and training curves: their numbers and guards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from surveyor.compose.viewing import viewer_app
from surveyor.core.blobs import BlobRef
from surveyor.core.cameras import Camera
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics, OrientedBox, Scale, World
from surveyor.memory.runs import RunFolder
from surveyor.scenes.records import SceneTruth
from surveyor.tools.geometry.kept import KeptGeometry, KeptView
from surveyor.viewer.shelves import SkillShelf, TrainingShelf, read_metrics
from surveyor.viewer.truth import into_space, overlap
from tests.viewer.beside import make_library, make_training, make_truth
from tests.viewer.stage import TOKEN, make_run, served

LENS = Intrinsics.from_hfov(1.2, 120, 90)
NUMBERS = st.floats(-3, 3)


@given(
    turn=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    shift=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    factor=st.floats(0.2, 4),
    count=st.integers(2, 6),
)
def test_truth_is_brought_into_a_reconstruction_by_common_cameras(
    turn: tuple[float, ...], shift: tuple[float, ...], factor: float, count: int
) -> None:
    R = Rotation.from_rotvec(turn).as_matrix()
    draws = np.random.default_rng(count)
    true, own = [], []
    for _ in range(count):
        T = np.eye(4)
        T[:3, :3] = Rotation.from_rotvec(draws.normal(0, 1, 3)).as_matrix()
        T[:3, 3] = draws.normal(0, 2, 3)
        true.append(Camera(T_world_camera=T.tolist(), intrinsics=LENS))
        M = np.eye(4)
        M[:3, :3], M[:3, 3] = R @ T[:3, :3], factor * R @ T[:3, 3] + np.array(shift)
        own.append(M.tolist())
    truth = SceneTruth(scene_id="s", source="t", room_area=1, objects=(), cameras=tuple(true))
    views = tuple(
        KeptView(frame=f"frame_{k}", T_world_camera=M, intrinsics=LENS) for k, M in enumerate(own)
    )
    nothing = BlobRef(sha256="0" * 64, media_type="x/y", size=0)
    kept = KeptGeometry(
        scale=Scale.RELATIVE,
        world=next(iter(World)),
        views=views,
        cloud=nothing,
        points=0,
        origin=(0, 0, 0),
        step=1,
    )
    found = into_space(truth, kept)
    assert found is not None
    assert np.abs(found[0] - R).max() < 1e-6
    assert found[1] == pytest.approx(factor)
    assert found[2] == pytest.approx(np.array(shift), abs=1e-6)
    strangers = kept.model_copy(
        update={"views": (views[0].model_copy(update={"frame": "frame_99"}),)}
    )
    assert into_space(truth, strangers) is None


def test_overlap_of_boxes() -> None:
    box = OrientedBox.upright((1, 2, 0.5), (2, 1, 1), 0.4)
    assert overlap(box, box) == pytest.approx(1)
    half = OrientedBox.upright((1 + np.cos(0.4), 2 + np.sin(0.4), 0.5), (2, 1, 1), 0.4)
    assert overlap(box, half) == pytest.approx(1 / 3, abs=0.03)
    assert overlap(box, OrientedBox.upright((9, 9, 9), (1, 1, 1), 0)) == 0


@contextmanager
def client(home: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=home) as asked:
        asked.get("/", params={"token": TOKEN})
        yield asked


def held(tmp_path: Path, folder: RunFolder) -> Path:
    """The truth of a stage's run, where the run's record says that its dataset is."""
    path = make_truth(tmp_path / "d")
    record = folder.path / "run.json"
    record.write_text(record.read_text().replace('"nowhere"', f'"{path}"'))
    return path


def test_truth_is_shown_only_where_it_is_held_and_asked_for(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 2)
    which = {"task": "t0", "space": "recon_1"}
    with served([folder.path], tmp_path / "c0", truth=True) as home, client(home) as asked:
        assert asked.get("/api/run/run/scene", params=which).json()["truth"] == "none"
        assert asked.get("/api/run/run/truth", params=which).status_code == 404
    held(tmp_path, folder)
    with served([folder.path], tmp_path / "c1") as home, client(home) as asked:
        told = asked.get("/api/run/run/scene", params=which)
        assert told.json()["truth"] == "off"
        for path in ("/api/run/run/scene", "/api/run/run/episode", "/api/run/run/truth"):
            assert b"door" not in asked.get(path, params=which).content  # true, and never measured
    with served([folder.path], tmp_path / "c2", truth=True) as home, client(home) as asked:
        assert asked.get("/api/run/run/scene", params=which).json()["truth"] == "held"
        told = asked.get("/api/run/run/truth", params=which)
        rows = {row["category"]: row for row in told.json()["rows"]}
        assert rows["lamp"]["handle"] == "obj_2"
        assert rows["lamp"]["overlap"] == pytest.approx(1, abs=0.01)
        assert rows["chair"]["off"] == pytest.approx(0.1, abs=0.001)
        assert rows["chair"]["overlap"] == pytest.approx(0.6, abs=0.03)
        assert rows["door"]["handle"] == ""
        assert told.json()["wrong"] == []
        assert asked.get("/api/run/run/truth", params={**which, "space": "none"}).status_code == 404


def test_a_dataset_of_other_content_is_not_that_runs_truth(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 1)
    manifest = held(tmp_path, folder) / "dataset.json"
    manifest.write_text(manifest.read_text().replace('"content_hash":""', '"content_hash":"other"'))
    with served([folder.path], tmp_path / "cache", truth=True) as home, client(home) as asked:
        which = {"task": "t0", "space": "recon_1"}
        assert asked.get("/api/run/run/truth", params=which).status_code == 404


def test_a_library_shows_lineage_lift_and_what_changed(tmp_path: Path) -> None:
    shelf = SkillShelf(make_library(tmp_path / "skills.sqlite"))
    rows = {(row["name"], row["lift"]): row for row in shelf.rows()}
    assert rows["count-chairs", 0.08]["low"] == pytest.approx(0.03)
    assert rows["count-chairs", 0.08]["high"] == pytest.approx(0.13)
    assert rows["measure-sofa", None]["low"] is None
    first, second = (v["version"] for v in (shelf.one("count-chairs", "", "") or {})["versions"])
    told = shelf.one("count-chairs", second, first)
    assert told is not None
    assert any(line.startswith("+") and "three times" in line for line in told["diff"])
    assert told["versions"][1]["parents"] == (f"count-chairs@{first}",)
    assert shelf.one("none", "", "") is None
    assert shelf.one("count-chairs", "none", "") is None


def test_a_library_is_named_by_its_folder(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 1)
    make_library(tmp_path / "library" / "skills.sqlite")
    library, cache = tmp_path / "library", tmp_path / "cache"
    with served([folder.path], cache, library=library) as home, client(home) as asked:
        assert asked.get("/api/skills").json()["rows"]
    with pytest.raises(UserError, match=r"no skill library at .*evolve"):
        viewer_app([folder.path], TOKEN, library=tmp_path / "nothing")


def test_a_library_tells_its_evolutions_rung_by_rung_and_what_the_gate_said(tmp_path: Path) -> None:
    (told,) = SkillShelf(make_library(tmp_path / "skills.sqlite")).evolutions()
    assert told["curve"] == pytest.approx([0.55, 0.6, 0.6, 0.7])
    first, second = told["rounds"]
    assert first["rungs"] == [8, 16]
    assert first["promoted"] == 1
    assert first["gate"]["lift"] == 0.08
    assert first["gate"]["low"] == pytest.approx(0.03)
    assert second["gate"] is None


def test_curves_are_what_training_wrote_and_are_thinned(tmp_path: Path) -> None:
    shelf = TrainingShelf((make_training(tmp_path / "training", 5003),))
    told = shelf.one("compact")
    assert told is not None
    assert told["steps"] == 5003  # the torn line is not one
    assert len(told["rows"]) <= 2002
    assert told["rows"][-1]["step"] == 5003
    assert told["settings"] == {"settings": {"rate": 0.001}}
    assert shelf.one("../training") is None
    assert shelf.rows()[0]["last"]["step"] == 5003
    assert TrainingShelf((tmp_path / "none",)).rows() == []


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=6))
def test_any_bytes_are_read_as_rows_or_left_out(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        path.write_bytes(b"\n".join([*lines, b'{"loss": 1.5, "name": "x", "ok": true}', b""]))
        rows = read_metrics(path)
    assert rows[-1]["loss"] == 1.5
    assert all(isinstance(v, (int, float)) for row in rows for v in row.values())
