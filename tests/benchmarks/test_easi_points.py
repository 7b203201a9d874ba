"""Points in masks and polygons, by each reader's own rules."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from surveyor.benchmarks.scorers.pointing import PointRegion, mask_of, share_inside
from surveyor.benchmarks.scorers.points import inside, official_point
from surveyor.benchmarks.scorers.registry import metric_named

BOX = {"mask_box": [50, 20, 60, 40], "width": 100, "height": 50}


def refspatial(reply: str, profile: str) -> float:
    return metric_named("refspatial").score({**BOX, "prediction": reply}, profile).values["score"]


@pytest.mark.parametrize(
    ("reply", "official", "pixels", "easi", "lmms"),
    [
        ("[(0.55, 0.5)]", 1.0, 0.0, 1.0, 1.0),  # fractions; read as pixels it raises
        ("[(55, 25)]", 1.0, 1.0, 1.0, 0.0),  # whole numbers are pixels, but not to the harness
        ("(0.55, 0.5) and (0.1, 0.1)", 0.5, 0.0, 0.5, 0.5),  # a share of all points
        ("( 0.55, 0.5)", 0.0, 0.0, 0.0, 0.0),  # a blank after the bracket hides it
        ("(0.55,0.5)", 1.0, 0.0, 1.0, 1.0),
        ("(0.5, 0.4, 0.7, 0.8)", 0.5, 0.0, 0.5, 0.0),  # a box is all its pixels
        ('[{"point_2d": [550, 500]}]', 0.0, 0.0, 1.0, 0.0),  # thousandths
        ('```json\n{"point": [0.55, 0.5]}\n```', 0.0, 0.0, 1.0, 0.0),
        ("(55, 2000)", 0.0, 0.0, 0.0, 0.0),
        ("nowhere", 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_refspatial(reply: str, official: float, pixels: float, easi: float, lmms: float) -> None:
    found = [refspatial(reply, p) for p in ("official", "authors-pixels", "easi", "lmms-eval")]
    assert found == pytest.approx([official, pixels, easi, lmms])


def test_what_raises_in_the_authors_code_fails_and_no_point_is_unread() -> None:
    metric = metric_named("refspatial")
    raised = metric.score({**BOX, "prediction": "(0.5, 0.5)"}, "authors-pixels")
    assert "decimals" in str(raised.failure)
    turned = metric.score({**BOX, "prediction": "(0.9, 0.4, 0.5, 0.8)"}, "official")
    assert "ends before" in str(turned.failure)
    assert metric.score({**BOX, "prediction": "here"}, "official").marks == {"unread"}
    assert metric.score({"prediction": "(1, 1)"}).failure == "the row has no mask"


def test_a_mask_may_be_a_picture() -> None:
    pixels = np.zeros((50, 100, 3), np.uint8)
    pixels[20:40, 50:60] = 254  # not exactly 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    row = {"mask": base64.b64encode(out.getvalue()).decode()}
    assert (mask_of(row) == mask_of(BOX)).all()


def test_a_huge_box_costs_nothing() -> None:
    mask = mask_of(BOX)
    everything = PointRegion(0, 0, 10**12, 10**12)
    assert share_inside([everything], mask, clipped=False) == pytest.approx(200 / 1e24)
    corner = np.zeros((2, 2), np.bool_)
    corner[1, 1] = True
    assert share_inside([PointRegion(0, 0, 4, 4)], corner, clipped=True) == pytest.approx(9 / 16)


SQUARE = "[(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)]"


@pytest.mark.parametrize(
    ("truth", "reply", "official", "easi"),
    [
        ("yes", "Yesterday", 1.0, 1.0),
        ("no", "nope", 1.0, 1.0),
        ("no", "not sure", 1.0, 1.0),
        ("no", "none", 1.0, 1.0),
        ("no", "I say no", 0.0, 0.0),
        (SQUARE, "it is at (0.5, 0.5), or (0.9, 0.9)", 1.0, 1.0),
        (SQUARE, "[0.9, 0.9] (0.5, 0.5)", 1.0, 1.0),  # a round pair before a square one
        (SQUARE, "[0.5, 0.5]", 1.0, 0.0),
        (SQUARE, "[[0.5, 0.5], [0.1, 0.1]]", 1.0, 0.0),
        (SQUARE, '[{"point_2d": [500, 500]}]', 0.0, 1.0),  # the authors read fractions
        (SQUARE, "(0.7, 0.5)", 0.0, 0.0),
        (SQUARE, "nowhere", 0.0, 0.0),
    ],
)
def test_robospatial(truth: str, reply: str, official: float, easi: float) -> None:
    metric = metric_named("robospatial")
    row = {"ground_truth": truth, "prediction": reply, "width": 100, "height": 100}
    assert metric.score(row, "official").values["score"] == official
    assert metric.score(row, "easi").values["score"] == easi


def test_the_first_list_is_the_last_resort() -> None:
    assert official_point("[-0.5, 0.5,]") == (-0.5, 0.5)
    assert official_point("[(-0.5, 0.5), (1, 1)]") == (1.0, 1.0)  # signs hide the first pair
    assert official_point("[x]") is None
    assert inside((0.5, 0.5), [(0, 0), (1, 0), (1, 1), (0, 1)])
    assert not inside((1.5, 0.5), [(0, 0), (1, 0), (1, 1), (0, 1)])


def test_a_polygon_of_two_corners_is_no_row() -> None:
    row = {"ground_truth": "[(0, 0), (1, 1)]", "prediction": "(0, 0)"}
    assert metric_named("robospatial").score(row).failure
