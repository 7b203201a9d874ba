from __future__ import annotations

from pathlib import Path

from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.program.trace import narrate, plan, reason
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import Answer, EpisodeStarted, Event, ToolCall
from surveyor.tools.builtin import default_tools
from tests.agent.test_program import SOFA_LAMP, Played, play
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client


def events(played: Played) -> list[Event]:
    """The log of an episode, as the loop writes it."""
    import orjson

    log: list[Event] = [
        EpisodeStarted(
            task_id="q1",
            dataset="boxes",
            scene_id="boxes",
            question_type="test",
            question=SOFA_LAMP,
            planner="program",
        )
    ]
    for number, turn in enumerate(played.turns):
        log += [
            ToolCall(
                turn=number,
                call_id=call.call_id,
                name=call.name,
                raw_arguments=call.raw_arguments,
                arguments=orjson.loads(call.raw_arguments),
            )
            for call in turn.calls
        ]
        log += [outcome for outcome in played.outcomes if outcome.turn == number]
    answer = played.answer
    log.append(Answer(turn=9, text=answer.answer or "", sources=answer.sources))
    return log


def test_an_episode_reads_as_steps_that_end_in_its_answer(tmp_path: Path) -> None:
    room = BoxRoom(BlobStore(tmp_path / "frames"))
    played = play(ProgramPlanner(), room.task(SOFA_LAMP), make_client(room, tmp_path))
    text = narrate(events(played))
    lines = text.splitlines()
    assert lines[0] == f"Question: {SOFA_LAMP}"
    assert lines[1] == plan(SOFA_LAMP)
    assert "distance(surest(filter(scene(), sofa))" in lines[1]
    assert "I look for sofa and lamp in frames_1." in text
    assert f"Answer: {played.answer.answer}, resting on meas_1." in text
    steps = [line for line in lines if line[0].isdigit()]
    assert len(steps) == len(played.outcomes)
    assert len([line for line in lines if line.startswith("   -> ")]) == len(steps)


def test_an_unfinished_episode_is_told_as_far_as_it_came(tmp_path: Path) -> None:
    room = BoxRoom(BlobStore(tmp_path / "frames"))
    played = play(ProgramPlanner(), room.task(SOFA_LAMP), make_client(room, tmp_path))
    log = events(played)
    assert narrate(log[:3]).count("->") == 1
    assert "Answer" not in narrate(log[:-1])


def test_a_cell_is_told_with_its_code() -> None:
    code = "found = detect(phrases=['sofa'])\n\nprint(found)\n"
    call = ToolCall(turn=0, call_id="c1", name="cell", raw_arguments="", arguments={"code": code})
    assert narrate([call]).splitlines() == [
        "1. I run a cell of Python.",
        "   | found = detect(phrases=['sofa'])",
        "   |",
        "   | print(found)",
    ]


def test_every_tool_has_a_sentence_of_its_own() -> None:
    for tool in default_tools():
        assert "I call" not in reason([(tool.name, {})])
    assert reason([("unknown", {})]) == "I call unknown."


def test_what_it_cannot_read_it_says() -> None:
    assert "no template" in plan("Why is the sky blue?")
