"""Intervals from a scored run: what they hold, and when none is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.compose.calibration import (
    LEAST,
    LEVEL,
    Residuals,
    bound,
    measured_kind,
    off,
    read_residuals,
    with_interval,
)
from surveyor.core.errors import UserError
from surveyor.core.producer import Producer
from surveyor.memory.episodes import Episode
from surveyor.memory.log import EpisodeLog
from surveyor.memory.runs import RunFolder
from surveyor.viewer.finding import finding
from tests.viewer.stage import episode, geometry, make_run


def _episode(folder: RunFolder, task: str = "t0") -> Episode:
    found = folder.episode(task, 0)
    assert found is not None
    return found


@given(st.lists(st.floats(0, 5), min_size=LEAST, max_size=60))
def test_the_bound_holds_at_least_the_level_of_what_it_was_made_of(known: list[float]) -> None:
    most = bound(known)
    assert most is not None
    assert np.mean([one <= most for one in known]) >= LEVEL - 1e-9


@given(st.lists(st.floats(0, 5), max_size=LEAST - 1))
def test_too_few_known_errors_bound_nothing(known: list[float]) -> None:
    assert bound(known) is None


def test_the_next_length_lies_inside_as_often_as_is_said_short_ones_too() -> None:
    draws = np.random.default_rng(0)
    held, short = [], []
    for _ in range(4000):
        values = draws.uniform(0.2, 4, 31)  # heavy tails: nothing normal is assumed
        told = values * np.exp(draws.standard_t(3, 31) * 0.1 / np.sqrt(values))
        errors = [off("distance", a, b) for a, b in zip(told, values, strict=True)]
        most = bound([one for one in errors[:30] if one is not None])
        assert most is not None
        assert errors[30] is not None
        held.append(errors[30] <= most)
        if values[30] < 0.8:
            short.append(held[-1])
    assert np.mean(held) == pytest.approx(28 / 31, abs=0.02)
    assert np.mean(short) > 0.85  # 0.79 where all are measured by the same ratio


def test_words_and_nothing_are_not_off_by_anything() -> None:
    assert off("longest_edge", "2.0", "4") == pytest.approx(np.log(2))
    assert off("distance", "4.0", "2") == pytest.approx(2 * np.log(2))
    for told, true in (("left", "2"), ("2", None), ("0", "2"), ("2", "0"), ("-1", "2"), ("nan", 1)):
        assert off("distance", told, true) is None


def test_an_answer_gets_the_interval_of_a_scored_run(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 12)  # answers 1.0 to 11.0 where 1.0 is true
    known = read_residuals(folder.path)
    assert known.off["distance"] == pytest.approx([np.log(k) * k**0.5 for k in range(1, 12)])
    one = _episode(folder)
    assert measured_kind(one) == "distance"
    told = with_interval(finding(one), one, known)
    wide = 11 ** (11**0.5 / 0.8**0.5)  # the stage measures 0.8 m
    assert told.answer.low == pytest.approx(0.8 / wide, abs=1e-4)
    assert told.answer.high == pytest.approx(0.8 * wide, rel=1e-6)
    assert told.answer.level == 0.9
    assert "11 answers of this kind" in told.answer.basis
    assert "90 % interval 0.0–" in told.sentence
    assert not told.warnings


def test_no_interval_where_the_run_says_nothing_of_this_answer(tmp_path: Path) -> None:
    few = make_run(tmp_path / "few", LEAST)  # the first one answers 0, which is no ratio
    one = _episode(few)
    told = with_interval(finding(one), one, read_residuals(few.path))
    assert told.answer.low is None
    assert "8 answers of this kind, 9 are needed" in told.warnings[-1]
    known = Residuals("run", {"distance": (0.0,) * 20}, frozenset({("detect", "1", "", "neural")}))
    assert with_interval(finding(one), one, known).answer.low == 0.8
    other = _by(few, Producer(name="detect", version="2", backend="neural"))
    told = with_interval(finding(other), other, known)
    assert told.answer.low is None
    assert "other experts" in told.warnings[-1]


def _by(folder: RunFolder, maker: Producer) -> Episode:
    """The stage's episode, measured by somebody."""
    from surveyor.core.blobs import BlobStore

    kept = geometry(BlobStore(folder.path / "blobs"))
    events = episode(0, "0" * 64, kept, "How far?", "0.8")
    with EpisodeLog(folder.episode_path("t0", 1)) as log:
        for event in events:
            made = event.type == "tool_result"
            log.append(event.model_copy(update={"producers": (maker,)}) if made else event)
    found = folder.episode("t0", 1)
    assert found is not None
    return found


def test_a_run_without_scores_or_lengths_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="was not scored"):
        read_residuals(make_run(tmp_path / "a", 2, scored=False).path)
    with pytest.raises(UserError, match="measured no lengths"):
        read_residuals(make_run(tmp_path / "b", 2, ("left",)).path)
