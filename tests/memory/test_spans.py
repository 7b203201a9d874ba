"""How long a run was at work, told from its logs alone: pauses between sessions are no work."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveyor.memory.episodes import seconds_at_work, spans
from surveyor.memory.events import Answer, EpisodeEnded, EpisodeStarted, EpisodeStatus, Event


def started(t: float, mono: float) -> EpisodeStarted:
    return EpisodeStarted(
        t=t, mono=mono, task_id="a", dataset="d", scene_id="s", question_type="q", question="?",
        planner="p",
    )  # fmt: skip


def test_an_attempt_that_was_cut_off_and_a_later_one_are_two_spans() -> None:
    log: list[Event] = [
        started(100.0, 5.0),
        Answer(t=103.0, mono=8.0, turn=0, text="1"),
        started(9_000.0, 2.0),  # another boot, hours later
        EpisodeEnded(t=9_004.0, mono=6.0, status=EpisodeStatus.ANSWERED),
    ]
    assert spans(log) == ((100.0, 103.0), (9_000.0, 9_004.0))
    assert seconds_at_work(spans(log)) == 7.0


def test_a_clock_that_is_set_in_the_middle_changes_no_length() -> None:
    log: list[Event] = [started(100.0, 5.0), Answer(t=3_702.0, mono=7.0, turn=0, text="1")]
    assert spans(log) == ((100.0, 102.0),)


def test_what_overlaps_counts_once_and_the_moment_between_two_episodes_counts() -> None:
    assert seconds_at_work([(0.0, 4.0), (1.0, 2.0), (3.0, 6.0)]) == 6.0
    assert seconds_at_work([(0.0, 4.0), (4.5, 6.0)]) == 6.0
    assert seconds_at_work([]) == 0.0


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 100)), min_size=1, max_size=12))
def test_it_is_never_longer_than_from_first_to_last_nor_shorter_than_the_longest(
    drawn: list[tuple[float, float]],
) -> None:
    worked = [(began, began + length) for began, length in drawn]
    took = seconds_at_work(worked)
    whole = max(ended for _, ended in worked) - min(began for began, _ in worked)
    assert max(ended - began for began, ended in worked) <= took + 1e-6
    assert took <= whole + 1e-6
    assert took == seconds_at_work(reversed(worked))
