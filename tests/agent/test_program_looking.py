"""Looking no further than the question needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.agent.limits import Limits
from surveyor.agent.program.frame_search import batches
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.core.blobs import BlobStore
from surveyor.skills.workflow import (
    PLAIN,
    Evidence,
    Fallback,
    Frames,
    Join,
    Restore,
    Stop,
    Workflow,
)
from surveyor.tools.geometry.boxes import box_distance
from tests.agent.test_program import CHAIRS, FLOOR, ORDER, SIDES, SOFA_LAMP, TURN, Played, play
from tests.support.box_room import THINGS, BoxRoom
from tests.tools.conftest import make_client

EARLY = PLAIN.model_copy(update={"stop": Stop(first=4, seen=2)})


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> BoxRoom:
    return BoxRoom(BlobStore(tmp_path_factory.mktemp("looking") / "frames"))


def ask(
    room: BoxRoom, path: Path, question: str, workflow: Workflow, options: Sequence[str] = ()
) -> Played:
    task = room.task(question, tuple(options))
    return play(ProgramPlanner(workflow), task, make_client(room, path))


def searched(played: Played) -> list[int]:
    """Frames searched, by call."""
    return [outcome.expert_calls for outcome in played.outcomes if outcome.name == "detect"]


def test_it_stops_once_everything_was_seen_often_enough(room: BoxRoom, tmp_path: Path) -> None:
    early = ask(room, tmp_path / "a", SOFA_LAMP, EARLY)
    whole = ask(room, tmp_path / "b", SOFA_LAMP, PLAIN)
    assert sum(searched(early)) < sum(searched(whole)) == 12
    assert searched(early)[0] == 4
    assert sum(o.cost for o in early.outcomes) < sum(o.cost for o in whole.outcomes)
    true = box_distance(THINGS[0][1], THINGS[4][1])
    assert float(early.answer.answer or 0) == pytest.approx(true, rel=0.08)


def test_views_that_were_not_searched_still_hold_the_place_together(
    room: BoxRoom, tmp_path: Path
) -> None:
    played = ask(room, tmp_path, SOFA_LAMP, EARLY)
    registered = next(o.text for o in played.outcomes if o.name == "reconstruct")
    assert "12 of 12 frames registered" in registered


def test_what_is_never_seen_is_looked_for_everywhere(tmp_path: Path) -> None:
    hidden = frozenset((frame, 4) for frame in range(12))
    room = BoxRoom(BlobStore(tmp_path / "frames"), misses=hidden)
    played = ask(room, tmp_path, SOFA_LAMP, EARLY)
    assert searched(played) == [4, 8]
    assert "a guess" in played.answer.notes["why"]


@pytest.mark.parametrize("question", [CHAIRS, FLOOR])
def test_where_there_may_be_one_more_nothing_is_left_out(
    room: BoxRoom, tmp_path: Path, question: str
) -> None:
    early = ask(room, tmp_path / "a", question, EARLY)
    whole = ask(room, tmp_path / "b", question, PLAIN)
    assert [o.name for o in early.outcomes] == [o.name for o in whole.outcomes]
    assert early.answer.answer == whole.answer.answer


def test_views_that_stay_apart_need_depth_only_where_something_is(
    room: BoxRoom, tmp_path: Path
) -> None:
    apart = EARLY.model_copy(update={"join": Join.VOTE})
    played = ask(room, tmp_path, TURN, apart, SIDES)
    depths = next(o.expert_calls for o in played.outcomes if o.name == "depth")
    assert 0 < depths <= sum(searched(played))
    assert played.answer.answer == "A"


def test_order_is_looked_for_in_time(room: BoxRoom, tmp_path: Path) -> None:
    cheap = Workflow(join=Join.BEST, evidence=Evidence.BOXES, stop=Stop(first=2, seen=1))
    played = ask(room, tmp_path, ORDER, cheap, ("A. lamp, sofa, table", "B. table, lamp, sofa"))
    calls = [c for turn in played.turns for c in turn.calls if c.name == "detect"]
    frames = [handle for call in calls for handle in json.loads(call.raw_arguments)["frames"]]
    assert frames == [f"frame_{index}" for index in range(len(frames))]
    assert played.answer.answer in "AB"


def test_the_longest_way_fits_the_turns_of_an_episode(tmp_path: Path) -> None:
    """Mending and searching in steps, then a fallback: whoever runs out of turns has no answer."""
    hidden = frozenset((frame, 4) for frame in range(12))
    room = BoxRoom(BlobStore(tmp_path / "frames"), misses=hidden, registers=3, unit=0.37)
    workflow = Workflow(
        frames=Frames(number=12), restore=Restore.ALWAYS, fallback=Fallback(), stop=Stop(first=3)
    )
    played = ask(room, tmp_path, SOFA_LAMP, workflow)
    assert len(searched(played)) == 3
    turns = Limits().turns
    assert turns is not None
    assert len(played.turns) < turns


@given(st.integers(0, 200), st.integers(1, 40), st.booleans())
def test_batches_are_all_frames_once_and_few(number: int, size: int, in_time: bool) -> None:
    handles = [f"frame_{index}" for index in range(number)]
    parts = list(batches(handles, size, in_time=in_time))
    flat = [handle for part in parts for handle in part]
    assert sorted(flat) == sorted(handles)
    assert all(len(part) == size * 2**index for index, part in enumerate(parts[:-1]))
    assert not in_time or flat == handles
