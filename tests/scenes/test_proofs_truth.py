"""The claims about questions can be measured, and fail where they should."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surveyor.core.geometry import OrientedBox
from surveyor.scenes.capture.visibility import SeenBoxes
from surveyor.scenes.questions.askable import CapturedScene
from surveyor.scenes.questions.recover import Perceived, recompute
from tests.claims.rooms.truth import BLIND_FILM, film_blind, markers_hold, truth_from_pixels


@pytest.fixture(scope="module")
def filmed() -> CapturedScene:
    return film_blind(5, BLIND_FILM.model_copy(update={"n_frames": 8}))


def test_truth_and_distances_of_a_room(filmed: CapturedScene) -> None:
    claims = {claim.name.split(",")[0]: claim for claim in truth_from_pixels([filmed])}
    assert claims["answers equal when recomputed from ids and depth"].value == 1.0
    assert claims["largest gap of exact and 5 cm grid distance"].ok


def test_questions_are_refused_when_too_little_was_seen(filmed: CapturedScene) -> None:
    assert filmed.seen is not None
    blind = replace(filmed, seen=filmed.seen.model_copy(update={"boxes": {}}))
    claims = list(truth_from_pixels([blind]))
    refused = next(claim for claim in claims if "refused" in claim.name)
    assert not refused.ok


def test_a_wrong_truth_is_found_out(filmed: CapturedScene) -> None:
    assert filmed.seen is not None
    box = OrientedBox(center=(0, 0, 0), size=(1.0, 0.5, 0.2))
    seen = Perceived(SeenBoxes(boxes={1: box}, area=1.0))
    operands = {"objects": {"sofa": [1]}}
    assert recompute("object_size_estimation", operands, seen) == "100"
    assert recompute("object_size_estimation", {"objects": {"sofa": [2]}}, seen) is None
    with pytest.raises(KeyError):
        recompute("scanqa", operands, seen)


def test_markers_of_a_room_hold() -> None:
    assert all(claim.ok for claim in markers_hold([5], n_frames=1))
