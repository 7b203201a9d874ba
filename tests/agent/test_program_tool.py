"""A chat model's program over what its episode found: values, reasons, and how to mend a slip."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from surveyor.agent.program.tool import program_tool
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client


def outcomes(tmp_path: Path, *texts: str, look: bool = True) -> list[ToolOutcome]:
    """What the tool answers to each text, after the table of objects was read."""
    room = BoxRoom(BlobStore(tmp_path / "frames"))
    workspace = Workspace(room.task("How many?"), make_client(room, tmp_path))
    registry = Registry([*default_tools(), program_tool()])
    told = [("scene", "{}")] if look else []
    told += [("program", orjson.dumps({"text": text}).decode()) for text in texts]

    async def run() -> list[ToolOutcome]:
        done: list[ToolOutcome] = []
        for number, (name, raw) in enumerate(told):
            done += await registry.execute(number, [CallRequest(str(number), name, raw)], workspace)
        return done[look:]

    return asyncio.run(run())


def test_values_rest_on_the_objects_they_are_of(tmp_path: Path) -> None:
    count, gap, two = outcomes(
        tmp_path,
        "count(filter(scene(), chair))",
        "distance(unique(filter(scene(), sofa)), argmin(filter(scene(), chair), distance, "
        "unique(filter(scene(), lamp))))",
        "longest_edge(unique(filter(scene(), chair)))",
    )
    assert count.text == "meas_1: count(filter(scene(), chair)) = 2"
    assert len(count.sources) == 2
    assert gap.status is ToolStatus.OK
    assert float(gap.data["value"]) == pytest.approx(3.55, abs=0.01)  # type: ignore[index,call-overload,arg-type]
    assert "cannot be answered: 2 found" in two.text
    assert two.handles == (), "what has no value is no measurement"


def test_a_slip_is_an_observation_that_says_what_was_expected(tmp_path: Path) -> None:
    (slip,) = outcomes(tmp_path, "count(unique(filter(scene(), sofa)))")
    assert slip.status is ToolStatus.MISTAKE
    assert "it wants a set of objects, such as filter(scene(), chair)" in slip.text
    (early,) = outcomes(tmp_path / "early", "count(scene())", look=False)
    assert "look first" in early.text
