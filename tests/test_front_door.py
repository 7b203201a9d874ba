"""The Python API: few names, each with a docstring and an example that runs."""

from __future__ import annotations

import asyncio
import doctest
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import surveyor
from surveyor import api
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.tools.workspace import Workspace


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the examples are run, one after the other as a reader would."""
    folder = tmp_path_factory.mktemp("front_door")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SURVEYOR_CACHE", str(folder / "cache"))
        run_examples(surveyor)
        yield folder


def run_examples(thing: object) -> int:
    """Run the examples in a docstring; how many there were."""
    module = inspect.getmodule(thing)
    names = vars(api) | {name: getattr(surveyor, name) for name in surveyor.__all__}
    names |= vars(module) if module else {}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    parser = doctest.DocTestParser()
    text = inspect.getdoc(thing) or ""
    test = parser.get_doctest(text, names, getattr(thing, "__name__", ""), None, 0)
    told: list[str] = []
    assert runner.run(test, out=told.append).failed == 0, "".join(told)
    return len(test.examples)


def test_there_are_few_names_and_each_is_where_it_says() -> None:
    assert len(surveyor.__all__) <= 25
    assert set(surveyor.__all__) == set(surveyor._HOME)
    for name in surveyor.__all__:
        assert inspect.getdoc(getattr(surveyor, name)), name
    with pytest.raises(AttributeError, match="no attribute 'rnu'"):
        _ = surveyor.rnu


@pytest.mark.parametrize("name", surveyor.__all__)
def test_the_example_of_every_name_runs(here: Path, name: str) -> None:
    assert run_examples(getattr(surveyor, name)) > 0


def test_importing_the_package_loads_nothing() -> None:
    heavy = ("numpy", "pydantic", "openai")
    code = f"import sys, surveyor; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_planner_and_a_tool_of_ones_own_in_a_running_loop(here: Path) -> None:
    """As in a notebook, whose cells run inside a loop."""

    async def shout(arguments: surveyor.Arguments, workspace: Workspace) -> surveyor.ToolResult:
        return surveyor.ToolResult("four")

    tool = surveyor.Tool("shout", "Say it.", surveyor.Arguments, surveyor.Effects.PURE, shout)
    call = surveyor.CallRequest("c1", "shout", "{}")
    mine = ScriptedPlanner(turns(surveyor.Turn(calls=(call,)), surveyor.Turn(answer="4")), "mine")

    async def cell() -> surveyor.Run:
        return surveyor.run(
            "out/rooms", planner=mine, tools=[tool], out=here / "mine", limit=2, baseline="all"
        )

    done = asyncio.run(cell())
    assert {episode.answer for episode in done.episodes()} == {"4"}
    assert [o.text for e in done.episodes() for o in e.outcomes] == ["four"] * 2
    assert done.report.planner == "mine"


def test_the_python_lines_of_the_readme_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With smaller rooms: what counts is that the lines as printed work."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert "rooms=3, n_frames=16" in block
    exec(block.replace("rooms=3, n_frames=16", "rooms=1, n_frames=6, size=(160, 120)"), {})
    told = capsys.readouterr().out
    assert "out/runs/three/report.html" in told
    assert " -> " in told


def test_tools_are_named_as_on_the_command_line(here: Path) -> None:
    done = surveyor.run("out/rooms", limit=1, tools=["measure"], out="out/runs/measure")
    assert {call.name for call in next(iter(done.episodes())).calls if not call.parent} <= {
        *("survey", "count", "distance", "size", "nearest", "direction", "floor_area")
    }


def test_a_mistake_is_one_sentence(here: Path) -> None:
    with pytest.raises(surveyor.UserError, match="did you mean 'limit'"):
        surveyor.run("out/rooms", limt=4)
    with pytest.raises(surveyor.UserError, match="no dataset"):
        surveyor.run("nowhere")
