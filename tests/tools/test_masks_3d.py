"""`segment_3d`, `search_region` and `answer_with_mask` over the real wire."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.blobs import BlobStore
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.builtin import default_tools
from surveyor.tools.evidence_store import EvidenceStore
from surveyor.tools.geometry.kept_masks import read_mask
from surveyor.tools.perception import masks_3d
from surveyor.tools.registry import Registry
from surveyor.tools.schemas import MasksData
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.support.box_room import THINGS, BoxRoom
from tests.tools.conftest import make_client


class Session:
    """Calls one after another in one workspace."""

    def __init__(self, room: BoxRoom, path: Path, evidence: EvidenceStore | None = None) -> None:
        self.client = make_client(room, path)
        self.client.evidence = evidence
        self.kept = BlobStore(path / "kept")
        self.workspace = Workspace(room.task(), self.client, self.kept)
        self.registry = Registry(default_tools())
        self.loop = asyncio.new_event_loop()

    def call(self, name: str, **arguments: object) -> ToolOutcome:
        request = CallRequest(f"c_{name}", name, json.dumps(arguments))
        (outcome,) = self.loop.run_until_complete(
            self.registry.execute(0, [request], self.workspace)
        )
        return outcome

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


def data(outcome: ToolOutcome) -> MasksData:
    assert outcome.status is ToolStatus.OK, outcome.text
    return MasksData.model_validate(outcome.data)


def test_every_instance_gets_a_mask_that_the_run_keeps(room: BoxRoom, tmp_path: Path) -> None:
    with Session(room, tmp_path) as session:
        found = session.call("segment_3d", query=["chair"])
        chairs = data(found)
        assert [row.accepted for row in chairs.objects] == [True, True]
        for row, mask in zip(chairs.objects, chairs.masks, strict=True):
            truth = min(
                (box for name, box in THINGS if name == "chair"),
                key=lambda box: float(np.linalg.norm(np.array(box.center) - row.center)),
            )
            assert mask.mask is not None
            points, around = read_mask(session.kept.get(mask.mask.sha256))
            assert len(points) == mask.points > 100
            assert truth.contains(points, 0.03).mean() > 0.97
            assert truth.contains(around, -0.02).mean() < 0.05
            assert len(mask.agreed) == row.support >= 6
            assert row.confidence > 0.8
        assert "agreed in frame_" in found.text
        asked = room.asked["reconstruct"]
        again = session.call("segment_3d", query=["sofa"])
        assert data(again).reconstruction == chairs.reconstruction
        assert room.asked["reconstruct"] == asked


def test_a_thing_that_one_view_shows_is_weak_and_there(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "frames")
    missing = frozenset((frame, 3) for frame in range(1, 12))
    with Session(BoxRoom(store, misses=missing), tmp_path) as session:
        (row,) = data(session.call("segment_3d", query=["table"])).objects
        assert (row.support, row.accepted) == (1, False)
        assert row.confidence < 0.2


def test_fused_masks_are_remembered_for_the_next_run(
    room: BoxRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = EvidenceStore(tmp_path / "evidence")
    with Session(room, tmp_path / "a", evidence) as first:
        before = data(first.call("segment_3d", query=["sofa"])).masks

    def never(*_: object) -> object:
        raise AssertionError("what was fused before is voted on again")

    monkeypatch.setattr(masks_3d, "vote", never)
    with Session(room, tmp_path / "b", evidence) as second:
        assert data(second.call("segment_3d", query=["sofa"])).masks == before
        with pytest.raises(AssertionError, match="voted on again"):
            second.call("segment_3d", query=["lamp"])


def test_a_region_is_found_before_the_thing_in_it(room: BoxRoom, tmp_path: Path) -> None:
    with Session(room, tmp_path) as session:
        near = session.call(
            "search_region", region="the floor within 1.5 m of the lamp", query=["chair", "table"]
        )
        assert data(near).objects == ()
        assert data(near).room is not None
        beside = data(
            session.call("search_region", region="the area around the table", query=["chair"])
        )
        assert len(beside.objects) == 1
        whole = data(
            session.call("search_region", region="the room with the sofa", query=["chair"])
        )
        assert len(whole.objects) == 2
        assert session.call("floor_area", place=whole.room).status is ToolStatus.OK


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ("the larger room", "one room"),
        ("the room with the piano", "no piano was found"),
        ("...", "say which region"),
    ],
)
def test_a_region_that_is_not_there_is_said(
    room: BoxRoom, tmp_path: Path, region: str, words: str
) -> None:
    with Session(room, tmp_path) as session:
        outcome = session.call("search_region", region=region, query=["chair"])
        assert outcome.status is ToolStatus.MISTAKE
        assert words in outcome.text


def test_an_answer_with_its_mask_is_one_handle_and_one_text(room: BoxRoom, tmp_path: Path) -> None:
    with Session(room, tmp_path) as session:
        session.call("segment_3d", query=["chair"])
        outcome = session.call("answer_with_mask", objects=["objs_1"], answer="2")
        answered = data(outcome)
        assert answered.said == f"2; {outcome.handles[0]}"
        assert {row.handle for row in answered.objects} == {"obj_1", "obj_2"}
        assert f"answer with exactly: {answered.said}" in outcome.text
        session.call("scene")
        for objects, words in ((["obj_9"], "there is no obj_9"), (["obj_3"], "")):
            refused = session.call("answer_with_mask", objects=objects)
            assert refused.status is ToolStatus.MISTAKE
            assert words in refused.text
        assert (
            session.call("answer_with_mask", objects=["obj_1", "obj_3"]).status
            is ToolStatus.MISTAKE
        )
