"""`orient` by a box or by a mask, which leaves the background out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

from surveyor.core.blobs import BlobStore
from surveyor.core.producer import Producer
from surveyor.services.contract import (
    Endpoints,
    ExpertEndpoint,
    OrientAnswer,
    Orientation,
    OrientRequest,
)
from surveyor.tools.builtin import default_tools
from surveyor.tools.records import BoxRecord, MaskRecord
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client


@dataclass
class FacingRoom(BoxRoom):
    """A room with an `orient` expert that keeps what it was asked."""

    requests: list[OrientRequest] = field(default_factory=list)

    @property
    def endpoints(self) -> Endpoints:
        known = super().endpoints
        orient = ExpertEndpoint(expert="orient", url="http://orient.test", pid=0, backend="boxes")
        return known.model_copy(update={"experts": (*known.experts, orient)})

    def _orient(self, body: object) -> OrientAnswer:
        self.requests.append(OrientRequest.model_validate(body))
        stands = Orientation(azimuth=30, polar=0, rotation=0, symmetry=1, confidence=0.9)
        return OrientAnswer(producer=Producer(name="orient", version="1"), orientation=stands)


def test_a_mask_goes_along_and_a_box_goes_alone(tmp_path: Path) -> None:
    room = FacingRoom(BlobStore(tmp_path / "frames"))
    workspace = Workspace(room.task(), make_client(room, tmp_path))
    registry = Registry(default_tools())

    def call(name: str, **arguments: object) -> tuple[str, ...]:
        asked = CallRequest("c", name, json.dumps(arguments))
        (outcome,) = asyncio.run(registry.execute(0, [asked], workspace))
        assert outcome.status == "ok", outcome.text
        return outcome.handles

    box = call("detect", frames=["frame_0"], phrases=["table"])[0]
    mask = call("segment", boxes=[box])[0]
    call("orient", box=box)
    call("orient", box=mask, other=mask)
    by_box, by_mask = room.requests
    assert (by_box.mask, by_box.other_mask) == (None, None)
    assert by_box.box == workspace.get(box, BoxRecord).box
    cut_out = workspace.get(mask, MaskRecord)
    assert (by_mask.mask, by_mask.other_mask) == (cut_out.mask, cut_out.mask)
    assert (by_mask.box, by_mask.other_box) == (cut_out.box, cut_out.box)
