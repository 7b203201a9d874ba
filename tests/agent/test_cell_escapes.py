"""Cells that try to get out, in the real kernel behind the real wall."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator

import pytest

from surveyor.agent.cells.host import CellBounds, CellCall, CellEnd, KernelProcess, Reply
from tests.support.cell_stage import CellStage, cell_stage
from tests.support.escapes import ATTEMPTS, Attempt

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CellStage]:
    with cell_stage(tmp_path_factory.mktemp("host")) as made:
        yield made


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda one: one.name)
def test_no_cell_gets_out(attempt: Attempt, stage: CellStage) -> None:
    assert asyncio.run(stage.escaped(attempt)) == ""


@pytest.mark.parametrize("attempt", [a for a in ATTEMPTS if a.bare], ids=lambda one: one.name)
def test_without_the_wall_it_would(attempt: Attempt, stage: CellStage) -> None:
    """That these attempts work where nothing stops them is what makes the others a test."""
    assert stage.bare(attempt)


def test_two_episodes_share_nothing() -> None:
    async def carry(_call: CellCall) -> Reply:
        raise AssertionError

    async def both() -> CellEnd:
        first, second = [await KernelProcess.start([], [], CellBounds()) for _ in range(2)]
        await first.run("import builtins\nbuiltins.left = np.left = left = 'ESCAPED'", carry)
        seen = await second.run(
            "import builtins as b\n[hasattr(b, 'left'), hasattr(np, 'left'), 'left' in globals()]",
            carry,
        )
        for kernel in (first, second):
            await kernel.aclose()
        return seen

    assert asyncio.run(both()).value == "[False, False, False]"
