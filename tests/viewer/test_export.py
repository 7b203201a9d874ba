"""What is written for other programs can be read back, and text shows what the pages show."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from surveyor.cli.show import app as show_app
from surveyor.compose.exporting import export_episode
from surveyor.core.errors import UserError
from surveyor.viewer.index import open_runs
from surveyor.viewer.text import episode_text, names_of, run_text
from tests.viewer.stage import make_run


def test_ply_glb_and_a_page_of_an_episode(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 2, ("<script>alert(1)</script>", "plain"))
    wanted = {kind: tmp_path / f"a.{kind}" for kind in ("ply", "glb", "html")}
    assert len(list(export_episode(folder, "t0", **wanted))) == 3
    head, _, body = wanted["ply"].read_bytes().partition(b"end_header\n")
    count = int(head.split(b"element vertex ")[1].split()[0])
    points = np.frombuffer(body, "<f4").reshape(-1, 3)
    assert len(points) == count > 2000
    assert points[:, 1].min() > 2.8
    data = wanted["glb"].read_bytes()
    magic, version, length = struct.unpack("<III", data[:12])
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    size, kind = struct.unpack("<I4s", data[12:20])
    assert kind == b"JSON"
    document = json.loads(data[20 : 20 + size])
    names = [node["name"] for node in document["nodes"][1:]]
    assert names == ["cloud", "obj_1 chair", "obj_2 lamp", "cameras", "measured 1"]
    assert document["buffers"][0]["byteLength"] == len(data) - 28 - size
    assert document["accessors"][0]["count"] == count
    page = wanted["html"].read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "default-src" in page
    assert "data:image/jpeg" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_scene_for_rerun_holds_cloud_boxes_cameras_and_photos(tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="Rerun's SDK is not installed; extra rerun")
    from rerun.chunk import RrdReader

    folder = make_run(tmp_path / "run", 2)
    (path,) = export_episode(folder, "t0", rrd=tmp_path / "a.rrd")
    rows: dict[str, list[dict[str, object]]] = {}
    for chunk in RrdReader(path).stream():
        batch = chunk.to_record_batch()  # of what was logged, not of when
        told = {n: batch[n].to_pylist() for n in batch.schema.names if ":" in n}
        rows.setdefault(chunk.entity_path, []).append(told)

    def of(place: str, component: str) -> list[object]:
        found = [v for row in rows[place] for k, v in row.items() if k.endswith(component)]
        return [value for values in found for value in values if value is not None]

    cloud = np.array(of("/scene/cloud", "positions")[0])
    assert len(cloud) > 2000
    assert cloud[:, 1].min() > 2.8  # turned nowhere: the wall that the glb's test knows
    assert of("/scene/boxes", "labels")[0] == ["obj_1 chair", "obj_2 lamp"]
    ends = np.array(of("/scene/measured", "strips")[0])
    assert ends.shape == (1, 2, 3)
    cameras = [name for name in rows if name.startswith("/scene/cameras/frame_")]
    assert cameras
    assert all(of(name, "Pinhole:resolution") and of(name, "blob") for name in cameras)


def test_without_reruns_sdk_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surveyor.viewer.rrd.find_spec", lambda name: None)
    folder = make_run(tmp_path / "run", 1)
    with pytest.raises(UserError, match=r"\[rerun\]"):
        list(export_episode(folder, "t0", rrd=tmp_path / "a.rrd"))
    assert not (tmp_path / "a.rrd").exists()


def test_a_run_that_cannot_be_read_is_listed_with_its_reason(tmp_path: Path) -> None:
    make_run(tmp_path / "good", 1)
    damaged = make_run(tmp_path / "damaged", 1)
    log = damaged.episode_path("t0", 0)
    log.unlink()
    log.mkdir()
    lines = sorted(names_of(open_runs([tmp_path])))
    assert lines[0].startswith("damaged: ")
    assert "cannot be read" in lines[0]
    assert "1 of 1" in lines[1]


def test_runs_and_episodes_in_text(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs" / "one", 12)
    (line,) = names_of(open_runs([tmp_path / "runs"]))
    assert "12 of 12" in line
    assert "50.0" in line
    assert any("scored 12, failed 0" in told for told in run_text(folder))
    told = list(episode_text(folder, "t3"))
    assert told[0] == "How far is chair 3?"
    assert told[1].startswith("answered 3.0; correct 1.0; score 0")
    assert any(line.strip().startswith("mask") for line in told)
    story = CliRunner().invoke(show_app, [str(folder.path), "t3", "--story"]).stdout
    assert story.startswith("Question: How far is chair 3?")
    assert "Answer: 3.0" in story
    with pytest.raises(UserError, match="has no episode 't1x'; the first is t0"):
        list(episode_text(folder, "t1x"))
    with pytest.raises(UserError, match="several fit: t0, t1"):
        list(episode_text(folder, "t"))
