"""The program planner over the real tools and the real wire, in a room of boxes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.survey.offer import LOOK
from surveyor.core.blobs import BlobStore
from surveyor.core.tasks import Task
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import (
    GUARDED,
    PLAIN,
    TABLE,
    Fallback,
    Frames,
    Join,
    MetricScale,
    Restore,
    Workflow,
)
from surveyor.tools.builtin import default_tools
from surveyor.tools.experts import ExpertClient
from surveyor.tools.geometry.boxes import box_distance
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Tool
from surveyor.tools.workspace import Workspace
from tests.support.box_room import THINGS, BoxRoom
from tests.tools.conftest import make_client

SOFA_LAMP = (
    "Measuring from the closest point of each object, what is the direct distance between the "
    "sofa and the lamp (in meters)?"
)
CHAIRS = "How many chair(s) are in this room?"
TABLE_EDGE = (
    "What is the length of the longest dimension (length, width, or height) of the table, "
    "measured in centimeters?"
)
FLOOR = (
    "What is the size of this room (in square meters)? \n"
    "If multiple rooms are shown, estimate the size of the combined space."
)
NEAREST = (
    "Measuring from the closest point of each object, which of these objects (chair, sofa, lamp) "
    "is the closest to the table?\n"
    "If there are multiple instances of an object category, measure to the closest."
)
TURN = (
    "If I am standing by the lamp and facing the table, is the sofa to the left or the right of "
    "the table?"
)
ORDER = (
    "What will be the first-time appearance order of the following categories in the video: "
    "sofa, lamp, table?"
)
THREE = ("A. chair", "B. sofa", "C. lamp")
SIDES = ("A. left", "B. right")


@dataclass
class Played:
    """What an episode did."""

    answer: Turn
    turns: list[Turn]
    outcomes: list[ToolOutcome]
    workspace: Workspace

    def tools(self) -> list[str]:
        return [outcome.name for outcome in self.outcomes]


def play(
    planner: ProgramPlanner,
    task: Task,
    client: ExpertClient,
    skills: Sequence[RetrievedSkill] = (),
    tools: Sequence[Tool[Any]] = default_tools(),
) -> Played:
    """Play one episode to its answer, as the loop does."""

    async def episode() -> Played:
        registry, workspace = Registry(tools), Workspace(task, client)
        brief = PlannerInput(registry.schemas, workspace.frame_handles, tuple(skills))
        session, seen = planner.start(task, brief), ()
        played = Played(Turn(answer=""), [], [], workspace)
        while True:
            turn = await session.next(seen)
            if turn.answer is not None:
                return replace(played, answer=turn)
            seen = await registry.execute(len(played.turns), turn.calls, workspace)
            played.turns.append(turn)
            played.outcomes += seen

    return asyncio.run(episode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("program")


@pytest.fixture(scope="module")
def room(folder: Path) -> BoxRoom:
    return BoxRoom(BlobStore(folder / "frames"))


def ask(
    room: BoxRoom,
    path: Path,
    question: str,
    options: tuple[str, ...] = (),
    workflow: Workflow = PLAIN,
    frames: bool = True,
) -> Played:
    task = room.task(question, options, frames)
    return play(ProgramPlanner(workflow), task, make_client(room, path))


SINGLE = Workflow(join=Join.BEST, frames=Frames(number=12))
VOTE = Workflow(join=Join.VOTE)


@pytest.mark.parametrize("workflow", [PLAIN, GUARDED, TABLE, VOTE])
def test_numbers_are_right_however_it_looks(
    room: BoxRoom, tmp_path: Path, workflow: Workflow
) -> None:
    true = box_distance(THINGS[0][1], THINGS[4][1])
    loose = 0.15 if workflow is VOTE else 0.08
    distance = float(ask(room, tmp_path, SOFA_LAMP, workflow=workflow).answer.answer or 0)
    assert distance == pytest.approx(true, rel=loose)
    edge = float(ask(room, tmp_path, TABLE_EDGE, workflow=workflow).answer.answer or 0)
    assert edge == pytest.approx(120, rel=loose + 0.05)


@pytest.mark.parametrize("workflow", [PLAIN, TABLE, SINGLE, VOTE])
def test_choices_are_right_however_it_looks(
    room: BoxRoom, tmp_path: Path, workflow: Workflow
) -> None:
    assert ask(room, tmp_path, TURN, SIDES, workflow).answer.answer == "A"
    assert ask(room, tmp_path, NEAREST, THREE, workflow).answer.answer == "A"


def test_walks_a_route_in_its_head(room: BoxRoom, tmp_path: Path) -> None:
    """From the lamp (5.2, 1.0) over the table (3.0, 2.5): the sofa (1.1, 0.6) is to the left."""
    route = (
        "You are a robot beginning at the lamp facing the table. You want to navigate to the sofa. "
        "You will perform the following actions (Note: for each [please fill in], choose either "
        "'turn back,' 'turn left,' or 'turn right.'): 1. Go forward until the table 2. [please "
        "fill in] 3. Go forward until the sofa. You have reached the final destination."
    )
    options = ("A. Turn Right", "B. Turn Back", "C. Turn Left")
    assert ask(room, tmp_path, route, options).answer.answer == "C"


def test_counts_each_thing_once_from_twelve_views(room: BoxRoom, tmp_path: Path) -> None:
    assert ask(room, tmp_path, CHAIRS).answer.answer == "2"


def test_measures_the_floor(room: BoxRoom, tmp_path: Path) -> None:
    played = ask(room, tmp_path, FLOOR)
    assert float(played.answer.answer or 0) == pytest.approx(30, rel=0.05)
    assert "detect" not in played.tools()


def test_orders_by_first_sight(room: BoxRoom, tmp_path: Path) -> None:
    options = ("A. lamp, sofa, table", "B. table, lamp, sofa", "C. table, sofa, lamp")
    seen = [[(v[1] == t).sum() >= 20 for v in room.views].index(True) for t in (0, 4, 3)]
    assert ask(room, tmp_path, ORDER, options).answer.answer in "ABC"
    assert len(set(seen)) > 1, "the walk must tell some of them apart"


def test_finds_metres_where_the_reconstruction_has_none(tmp_path: Path) -> None:
    room = BoxRoom(BlobStore(tmp_path / "frames"), unit=0.37)
    played = ask(room, tmp_path, SOFA_LAMP)
    assert "align" in played.tools()
    true = box_distance(THINGS[0][1], THINGS[4][1])
    assert float(played.answer.answer or 0) == pytest.approx(true, rel=0.08)


def test_a_relative_reconstruction_gives_directions_but_no_metres(tmp_path: Path) -> None:
    room = BoxRoom(BlobStore(tmp_path / "frames"), unit=0.37)
    blind = PLAIN.model_copy(update={"scale": MetricScale.NONE})
    assert ask(room, tmp_path, TURN, SIDES, blind).answer.answer == "A"
    played = ask(room, tmp_path, SOFA_LAMP, workflow=blind)
    refused = [o for o in played.outcomes if o.status is ToolStatus.MISTAKE]
    assert [o.name for o in refused] == ["distance"]
    assert "relative scale" in refused[0].text
    assert "guess" in played.answer.notes["why"]


def test_what_some_views_missed_is_voted_in(tmp_path: Path) -> None:
    missed = frozenset((frame, thing) for frame in range(0, 12, 3) for thing in range(5))
    room = BoxRoom(BlobStore(tmp_path / "frames"), misses=missed)
    assert ask(room, tmp_path, CHAIRS).answer.answer == "2"


def test_an_answer_rests_on_frames(room: BoxRoom, tmp_path: Path) -> None:
    played = ask(room, tmp_path, SOFA_LAMP)
    evidence = played.workspace.evidence(played.answer.sources)
    kinds = {handle.partition("_")[0] for handle in evidence}
    assert {"meas", "obj", "cloud", "mask", "box", "frame"} <= kinds


def test_a_skill_brings_its_workflow(room: BoxRoom, tmp_path: Path) -> None:
    skill = RetrievedSkill("look-alone", "1", "", Workflow(join=Join.VOTE, frames=Frames(number=5)))
    task = room.task(SOFA_LAMP)
    played = play(ProgramPlanner(), task, make_client(room, tmp_path), [skill])
    assert "reconstruct" not in played.tools()
    detections = next(o for o in played.outcomes if o.name == "detect")
    assert detections.expert_calls == 5


def test_without_frames_it_reads_the_table(room: BoxRoom, tmp_path: Path) -> None:
    played = ask(room, tmp_path, CHAIRS, frames=False)
    assert played.tools() == ["scene", "count"]
    assert played.answer.answer == "2"


def test_falls_back_when_a_thing_is_missing(tmp_path: Path) -> None:
    """With no lamp accepted by the reconstruction the guarded workflow looks view by view."""
    room = BoxRoom(
        BlobStore(tmp_path / "frames"), misses=frozenset((frame, 4) for frame in range(12))
    )
    strict = PLAIN.model_copy(update={"fallback": Fallback(join=Join.TABLE)})
    played = ask(room, tmp_path, SOFA_LAMP, workflow=strict)
    assert played.tools()[-2:] == ["scene", "distance"]
    guessed = ask(room, tmp_path, SOFA_LAMP)
    assert guessed.answer.notes["why"].endswith("a guess")
    assert float(guessed.answer.answer or 0) > 0


def test_a_fallback_does_not_pay_again_for_what_was_seen(tmp_path: Path) -> None:
    """Where too few views register they are joined another way; frames, boxes and masks are those
    of the first look."""
    room = BoxRoom(BlobStore(tmp_path / "frames"), registers=3)
    played = ask(room, tmp_path, SOFA_LAMP, workflow=GUARDED)
    tools = Counter(played.tools())
    assert tools["lift"] == tools["fuse"] == 2
    assert tools["reconstruct"] == tools["frames"] == tools["detect"] == tools["segment"] == 1
    assert tools["restore"] <= 1


@pytest.mark.parametrize("options", [(), SIDES])
def test_a_question_it_cannot_read_gets_an_honest_non_answer(
    room: BoxRoom, tmp_path: Path, options: tuple[str, ...]
) -> None:
    played = ask(room, tmp_path, "Why is the sky blue?", options)
    assert played.answer.answer == ("A" if options else "none")
    assert "no known template" in played.answer.notes["why"]
    assert not played.outcomes


@pytest.mark.parametrize(
    ("how", "asked"),
    [
        (Restore.DIM, {"guard": True, "soft": False}),
        (Restore.GUARD, {"guard": True}),
        (Restore.ALWAYS, {"guard": False}),
    ],
)
def test_each_way_to_restore_is_asked_for(
    room: BoxRoom, tmp_path: Path, how: Restore, asked: dict[str, bool]
) -> None:
    played = ask(room, tmp_path, SOFA_LAMP, workflow=PLAIN.model_copy(update={"restore": how}))
    (call,) = [c for turn in played.turns for c in turn.calls if c.name == "restore"]
    assert {
        name: value for name, value in json.loads(call.raw_arguments).items() if name != "frames"
    } == asked


def test_ways_to_look_differ(room: BoxRoom, tmp_path: Path) -> None:
    called = {
        w.key: tuple(ask(room, tmp_path, SOFA_LAMP, workflow=w).tools())
        for w in (PLAIN, VOTE, TABLE)
    }
    assert len(set(called.values())) == 3


def test_a_guess_says_that_it_is_one(room: BoxRoom, tmp_path: Path) -> None:
    assert ask(room, tmp_path, "Why is the sky blue?").answer.guess
    assert not ask(room, tmp_path, CHAIRS).answer.guess
    unseen = ask(room, tmp_path, "How many piano(s) are in this room?")
    assert unseen.answer.guess
    assert "was not found; a guess" in unseen.answer.notes["why"]


def test_a_guess_names_the_tools_that_it_lacked(room: BoxRoom, tmp_path: Path) -> None:
    looking = [tool for tool in default_tools() if tool.name in LOOK]
    task, client = room.task(CHAIRS, (), True), make_client(room, tmp_path)
    guessed = play(ProgramPlanner(PLAIN), task, client, tools=looking).answer
    assert guessed.guess
    assert guessed.notes["why"].endswith("was not measured: no count is lent here; a guess")


def test_unanswerable_is_said_only_where_the_thing_was_searched_for(
    room: BoxRoom, tmp_path: Path
) -> None:
    """Its absence is measured; a thing that is there has a colour that nothing here sees."""
    absent = ask(room, tmp_path, "What color is the piano?")
    assert absent.answer.answer == "unanswerable"
    assert not absent.answer.guess
    assert "no piano was found anywhere" in absent.answer.notes["why"]
    assert "detect" in absent.tools()
    assert absent.answer.sources
    there = ask(room, tmp_path, "What color is the sofa?")
    assert there.answer.answer == "unknown"
    assert there.answer.guess


def test_what_could_not_be_searched_for_is_not_said_to_be_absent(
    room: BoxRoom, tmp_path: Path
) -> None:
    refused = ask(room, tmp_path, "What color is the " + "very " * 300 + "piano?")
    assert [o.name for o in refused.outcomes if o.status is ToolStatus.MISTAKE] == ["detect"]
    assert refused.answer.answer == "unknown"
    assert refused.answer.guess
    tabled = ask(room, tmp_path, "What material is the piano?", frames=False)
    assert (tabled.answer.answer, tabled.answer.guess) == ("unanswerable", False)
    assert tabled.tools() == ["scene"]
