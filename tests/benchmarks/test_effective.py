"""Effective, redundant, failed: small episodes whose right classification is plain to see."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.tool_use import Basis, Use, tool_use
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    Event,
    ModelCall,
    ToolCall,
    ToolOutcome,
    ToolStatus,
)


def call(
    key: str,
    made: Iterable[str] = (),
    sources: Iterable[str] = (),
    *,
    name: str = "detect",
    arguments: dict[str, object] | None = None,
    text: str = "done",
    status: ToolStatus = ToolStatus.OK,
    turn: int = 0,
) -> tuple[Event, Event]:
    """A call and its result."""
    asked = ToolCall.model_validate(
        {
            "turn": turn,
            "call_id": key,
            "name": name,
            "raw_arguments": "",
            "arguments": {"key": key} if arguments is None else arguments,
        }
    )
    outcome = ToolOutcome(
        turn=turn,
        call_id=key,
        name=name,
        status=status,
        text=text,
        handles=tuple(made),
        sources=tuple(sources),
    )
    return asked, outcome


def episode(*parts: Event | tuple[Event, ...]) -> Episode:
    events: list[Event] = [
        EpisodeStarted(
            task_id="t",
            dataset="s",
            scene_id="a",
            question_type="q",
            question="?",
            planner="p",
        )
    ]
    for part in parts:
        events += part if isinstance(part, tuple) else (part,)
    events.append(EpisodeEnded(status=EpisodeStatus.ANSWERED))
    folded = fold(events)
    assert folded is not None
    return folded


def uses(*parts: Event | tuple[Event, ...]) -> str:
    """One letter a call, in call order."""
    return "".join(use.value[0] for use in tool_use(episode(*parts)).uses.values())


def test_a_guess_rests_on_nothing_that_was_seen_before_it() -> None:
    looked = (call("c1", ["box_1"], text="12 lamps"), call("c2", ["mask_1"], ["box_1"]))
    assert uses(*looked, Answer(turn=1, text="12")) == "er"
    assert uses(*looked, Answer(turn=1, text="12", guess=True)) == "rr"
    assert uses(*looked, Answer(turn=1, text="12", guess=True, sources=("mask_1",))) == "ee"


def test_the_chain_behind_the_answer_is_effective_and_the_rest_is_not() -> None:
    assert (
        uses(
            call("c1", ["box_1"], ["frame_0"]),
            call("c2", ["mask_1"], ["box_1"]),
            call("c3", ["box_2"], ["frame_1"]),
            call("c4", ["measurement_1"], ["mask_1"]),
            Answer(turn=1, text="2.4", sources=("measurement_1",)),
        )
        == "eere"
    )


def test_mistakes_failures_and_calls_without_a_result_have_failed() -> None:
    lost, _ = call("c3")
    assert (
        uses(
            call("c1", status=ToolStatus.MISTAKE),
            call("c2", ["box_1"]),
            lost,
            Answer(turn=1, text="1", sources=("box_1",)),
        )
        == "fef"
    )


def test_arguments_consume_what_the_tool_forgot_to_name() -> None:
    assert (
        uses(
            call("c1", ["mask_1"]),
            call("c2", ["m_1"], arguments={"of": ["mask_1"]}),
            Answer(turn=1, text="4", sources=("m_1",)),
        )
        == "ee"
    )


def test_asking_the_same_again_is_redundant_even_when_its_result_is_used() -> None:
    same = {"frame": "frame_0"}
    assert (
        uses(
            call("c1", ["box_1"], arguments=same, text="box_1: chair"),
            call("c2", ["box_2"], arguments=same, text="box_2: chair"),
            Answer(turn=1, text="2", sources=("box_1", "box_2")),
        )
        == "er"
    )


def test_an_action_repeated_on_purpose_shows_something_new_each_time() -> None:
    step = {"by": "1 m"}
    assert (
        uses(
            call("c1", ["view_1"], name="move", arguments=step, text="view_1: a sofa"),
            call("c2", ["view_2"], name="move", arguments=step, text="view_2: a door"),
            Answer(turn=1, text="yes", sources=("view_1", "view_2")),
        )
        == "ee"
    )


def test_without_an_answer_nothing_was_effective() -> None:
    use = tool_use(episode(call("c1", ["box_1"])))
    assert (use.count(Use.REDUNDANT), use.basis) == (1, Basis.NONE)


@pytest.mark.parametrize(
    ("answer", "thought", "expected", "basis"),
    [
        ("2.4", "", "er", Basis.QUOTED),
        ("A", "It is 2.37 m away, so A.", "er", Basis.QUOTED),
        ("A", "cloud_2 decides it.", "re", Basis.QUOTED),
        ("B", "The sofa, I think.", "re", Basis.LAST),
        ("B", "2 sofas, I think.", "re", Basis.LAST),
        ("about 3.9", "", "re", Basis.LAST),
    ],
)
def test_what_a_model_said_shows_what_it_used(
    answer: str, thought: str, expected: str, basis: Basis
) -> None:
    parts = (
        *call("c1", ["m_1"], text="distance 2.374 m between 2 objects", turn=0),
        *call("c2", ["cloud_2"], text="a cloud of 512 points", turn=1),
        ModelCall(model="m", turn=2, text=thought),
        Answer(turn=2, text=answer),
    )
    assert uses(parts) == expected
    assert tool_use(episode(parts)).basis is basis


HANDLES = st.lists(st.sampled_from([f"box_{i}" for i in range(6)]), max_size=3)


@given(
    st.lists(st.tuples(HANDLES, HANDLES, st.sampled_from(ToolStatus)), max_size=8),
    HANDLES,
)
def test_every_call_has_one_use_and_more_evidence_never_makes_fewer_effective(
    plan: list[tuple[list[str], list[str], ToolStatus]], sources: list[str]
) -> None:
    calls = [call(f"c{i}", made, used, status=s) for i, (made, used, s) in enumerate(plan)]
    few = tool_use(episode(*calls, Answer(turn=9, text="x", sources=("frame_0", *sources[:1]))))
    many = tool_use(episode(*calls, Answer(turn=9, text="x", sources=("frame_0", *sources))))
    assert list(many.uses) == [f"c{i}" for i in range(len(plan))]
    assert sum(many.count(use) for use in Use) == len(plan)
    assert few.count(Use.EFFECTIVE) <= many.count(Use.EFFECTIVE)
    assert many.count(Use.FAILED) == sum(status is not ToolStatus.OK for _, _, status in plan)
