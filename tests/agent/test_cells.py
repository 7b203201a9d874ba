"""Cells: what a message is read as, what comes back, and what becomes of a killed kernel."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import orjson
import pytest

from surveyor.agent.cells.host import CellBounds
from surveyor.agent.cells.results import RESULTS, fields_of
from surveyor.agent.cells.tool import CELL, MOST_CODE, answered, cell_tool
from surveyor.agent.chat.capabilities import Capabilities, DialectName
from surveyor.agent.chat.code import CodeDialect
from surveyor.agent.chat.planner import dialect_for
from surveyor.agent.chat.tags import TagDialect
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.replay import ReplayPlanner
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.agent.survey.offer import offered
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import EpisodeStatus, ToolStatus
from surveyor.memory.log import EventList
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client

walled = pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")
SCHEMAS = tuple(tool.schema for tool in offered(frames=True, named=("measure",)))
TASK = Task(
    id="t",
    dataset="d",
    scene_id="s",
    question_type="q",
    question="How far?",
    answer_kind=AnswerKind.NUMBER,
)
SEEN = 'seen = survey(categories=["chair"])\nprint(len(seen.objects))'


def played(room: BoxRoom, path: Path, *cells: str, bounds: CellBounds | None = None) -> Episode:
    """An episode whose planner writes these cells and then gives up."""
    made = [
        Turn(calls=(CallRequest(f"c{n}", CELL, orjson.dumps({"code": code}).decode()),))
        for n, code in enumerate(cells)
    ]
    return by(ScriptedPlanner(turns(*made, Turn(answer="0"))), room, path, bounds)


def by(
    planner: ScriptedPlanner | ReplayPlanner,
    room: BoxRoom,
    path: Path,
    bounds: CellBounds | None = None,
    limits: Limits | None = None,
) -> Episode:
    async def play() -> Episode:
        task, log, client = room.task(), EventList(), make_client(room, path)
        tools = offered(frames=True, named=("measure",))
        registry = Registry((*tools, cell_tool(tools, bounds)), inner=default_tools())
        workspace = Workspace(task, client)
        await run_episode(task, planner, registry, workspace, log, limits or Limits())
        await client.aclose()
        episode = fold(log)
        assert episode is not None
        return episode

    return asyncio.run(play())


def told(episode: Episode) -> list[str]:
    return [one.text for one in episode.outcomes if one.name == CELL]


def read(text: str, finish: str = "stop") -> tuple[str | None, str | None, str | None]:
    """Code, answer and mistake of one message."""
    dialect = CodeDialect(TASK, PlannerInput(SCHEMAS), Capabilities())
    reading = dialect.read({"content": text}, finish, 0)
    code = orjson.loads(reading.calls[0].raw_arguments)["code"] if reading.calls else None
    return code, reading.answer, reading.mistake


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("First.\n```python\nx = 1\nx\n```\nDone.", "x = 1\nx"),
        ("```py\nprint('``')\n```", "print('``')"),
        ("```\nx = 1\n```", "x = 1"),
        ("<think>```python\nno\n```</think>```python\nyes\n```", "yes"),
        ("```python\nx = 1", "x = 1"),
    ],
)
def test_a_cell_is_read(text: str, code: str) -> None:
    assert read(text) == (code, None, None)


@pytest.mark.parametrize(
    ("text", "finish", "told_of"),
    [
        ("I think so.", "stop", "no cell"),
        ("```python\nx = 1\n```\n```python\ny = 2\n```", "stop", "exactly one"),
        ("```python\nx = (1,", "length", "cut off"),
        (f"```python\n{'x' * (MOST_CODE + 1)}\n```", "stop", "longer than"),
        ("", "stop", "no cell"),
    ],
)
def test_what_is_no_cell_is_told(text: str, finish: str, told_of: str) -> None:
    code, answer, mistake = read(text, finish)
    assert (code, answer) == (None, None)
    assert told_of in (mistake or "")


def test_an_answer_without_a_cell_is_taken() -> None:
    assert read("2.5")[1] == "2.5"
    assert read("<answer>2.5</answer>")[1] == "2.5"


def test_the_prompt_tells_functions_and_what_they_give() -> None:
    text = CodeDialect(TASK, PlannerInput(SCHEMAS), Capabilities()).instructions
    assert "count(objects?: [str]" in text
    assert "survey: skill join objects[handle category" in text
    assert fields_of("no tool") == ""
    known = {tool.name for tool in (*default_tools(), *offered(frames=True))}
    assert set(RESULTS) <= known


def test_without_tools_there_are_no_cells() -> None:
    can = Capabilities(dialect=DialectName.CODE)
    assert isinstance(dialect_for(TASK, PlannerInput(()), can), TagDialect)


@walled
def test_names_last_and_calls_are_logged_under_their_cell(room: BoxRoom, tmp_path: Path) -> None:
    episode = played(room, tmp_path, SEEN, "[one.category for one in seen]", "x = 1")
    assert told(episode)[:2] == ["2", "['chair', 'chair']"]
    assert "the cell ran, made x" in told(episode)[2]
    assert [call.parent for call in episode.calls if call.name == "survey"] == ["c0"]
    assert {call.parent for call in episode.calls if call.name == "detect"} == {"c0.1"}


@walled
def test_an_error_is_an_observation_with_its_line(room: BoxRoom, tmp_path: Path) -> None:
    episode = played(room, tmp_path, "print('before')\nx = 1\ny = x / 0", "distance(1)", "f(")
    first, second, third = told(episode)
    assert first == "before\nline 3: y = x / 0\nZeroDivisionError: division by zero"
    assert "ToolMistake" in second
    assert "SyntaxError" in third
    kinds = [one.status for one in episode.outcomes if one.name == CELL]
    assert kinds == [ToolStatus.MISTAKE] * 3
    assert episode.status is EpisodeStatus.LIMIT


@walled
def test_a_cell_that_takes_the_output_away_takes_its_own_only(
    room: BoxRoom, tmp_path: Path
) -> None:
    episode = played(room, tmp_path, "import sys\nsys.stdout = None", "print('heard')")
    assert told(episode)[1] == "heard"


@walled
def test_a_killed_kernel_is_made_again_from_the_log(room: BoxRoom, tmp_path: Path) -> None:
    bounds = CellBounds(wall=1.0)
    episode = played(room, tmp_path, SEEN, "while True: pass", "len(seen.objects)", bounds=bounds)
    assert told(episode)[0] == told(episode)[2] == "2"
    assert "longer than 1 s" in told(episode)[1]
    assert sum(call.name == "survey" for call in episode.calls) == 1


@walled
def test_a_cell_makes_so_many_calls(room: BoxRoom, tmp_path: Path) -> None:
    code = "for _ in range(9):\n    count(objects=[seen[0]])"
    episode = played(room, tmp_path, SEEN, code, bounds=CellBounds(calls=4))
    assert "at most 4 calls" in told(episode)[1]
    assert sum(call.name == "count" for call in episode.calls) == 4


@walled
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("count(objects=[10**30])", "count"),
        ("count(objects=[-2**63-1])", "count"),
        ("count(category='x' * 40_000)", "write at most 32000"),
        ("count()", "count what?"),
        ("count(category='\\ud800')", "not all found"),
        ("globals()['\\ud800'] = 1", "the cell ran"),
        ("answer('x' * 100_001)", "at most 100000 characters"),
        ("while True:\n    try: nosuch = count(objects=[seen[0]])\n    except ToolMistake: pass",
         "asked 256 times"),
    ],
)  # fmt: skip
def test_wild_calls_of_a_cell_are_the_models_mistakes(
    room: BoxRoom, tmp_path: Path, code: str, words: str
) -> None:
    episode = played(room, tmp_path, SEEN, code, "len(seen.objects)")
    assert words in told(episode)[1]
    assert told(episode)[2] == "2", "earlier cells stand"


@walled
def test_calls_of_cells_count_against_the_episode(room: BoxRoom, tmp_path: Path) -> None:
    code = orjson.dumps({"code": "while True:\n    survey(categories=['chair'])"}).decode()
    planner = ScriptedPlanner(turns(Turn(calls=(CallRequest("c", CELL, code),))))
    episode = by(planner, room, tmp_path, limits=Limits(tool_calls=12))
    assert episode.limit is not None
    assert episode.limit.limit == "tool_calls"


@walled
def test_an_answer_rests_on_handles_that_exist(room: BoxRoom, tmp_path: Path) -> None:
    episode = played(
        room, tmp_path, SEEN, "answer(2, because=['obj_99'])", "answer(2, because=seen.objects)"
    )
    _, wrong, right = (one for one in episode.outcomes if one.name == CELL)
    assert answered([wrong]) is None
    assert "there is no obj_99" in wrong.text
    assert answered([right]) == ("2", tuple(right.sources))
    assert len(right.sources) == 2


@walled
def test_a_replay_gives_the_same_log(room: BoxRoom, tmp_path: Path) -> None:
    first = played(room, tmp_path, SEEN, "np.random.rand(), {'b', 'a'}, random.random()")
    again = by(ReplayPlanner(lambda _task: first), room, tmp_path)
    drop = {"t", "mono", "seq", "elapsed", "cached", "expert_calls"}
    kept = [[e.model_dump(exclude=drop) for e in one.outcomes] for one in (first, again)]
    assert kept[0] == kept[1]
    assert len(kept[0]) > 2
