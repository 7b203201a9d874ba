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
    factor,
    measured_kind,
    ratio,
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


@given(st.lists(st.floats(0.2, 5), min_size=LEAST, max_size=60))
def test_the_factor_holds_at_least_the_level_of_what_it_was_made_of(ratios: list[float]) -> None:
    wide = factor(ratios)
    assert wide is not None
    inside = [1 / wide - 1e-9 <= r <= wide + 1e-9 for r in ratios]
    assert np.mean(inside) >= LEVEL - 1e-9


@given(st.lists(st.floats(0.2, 5), max_size=LEAST - 1))
def test_too_few_known_errors_bound_nothing(ratios: list[float]) -> None:
    assert factor(ratios) is None


def test_the_next_length_lies_inside_as_often_as_is_said() -> None:
    draws = np.random.default_rng(0)
    held = []
    for _ in range(4000):
        ratios = np.exp(draws.standard_t(3, 31) * 0.1)  # heavy tails: nothing normal is assumed
        wide = factor([float(r) for r in ratios[:30]])
        assert wide is not None
        held.append(1 / wide <= ratios[30] <= wide)
    assert np.mean(held) == pytest.approx(28 / 31, abs=0.02)


def test_words_and_nothing_are_no_ratios() -> None:
    assert ratio("2.0", "4") == 0.5
    for told, true in (("left", "2"), ("2", None), ("0", "2"), ("2", "0"), ("-1", "2"), ("nan", 1)):
        assert ratio(told, true) is None


def test_an_answer_gets_the_interval_of_a_scored_run(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 12)  # answers 1.0 to 11.0 where 1.0 is true
    known = read_residuals(folder.path)
    assert known.ratios == {"distance": tuple(float(k) for k in range(1, 12))}
    one = _episode(folder)
    assert measured_kind(one) == "distance"
    told = with_interval(finding(one), one, known)
    assert (told.answer.low, told.answer.high, told.answer.level) == (0.0727, 8.8, 0.9)
    assert "11 answers of this kind" in told.answer.basis
    assert "90 % interval 0.1–8.8 m" in told.sentence
    assert not told.warnings


def test_no_interval_where_the_run_says_nothing_of_this_answer(tmp_path: Path) -> None:
    few = make_run(tmp_path / "few", LEAST)  # the first one answers 0, which is no ratio
    one = _episode(few)
    told = with_interval(finding(one), one, read_residuals(few.path))
    assert told.answer.low is None
    assert "8 answers of this kind, 9 are needed" in told.warnings[-1]
    known = Residuals("run", {"distance": (1.0,) * 20}, frozenset({("detect", "1", "", "neural")}))
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
