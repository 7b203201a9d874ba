"""Curves are drawn from what the metrics hold."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from itertools import pairwise

from surveyor.training.curves import curve_svg


def test_a_panel_is_drawn_for_each_metric_that_is_there() -> None:
    rows = [{"step": k, "reward": k * 0.1, "loss": math.nan} for k in range(1, 11)]
    picture = ET.fromstring(curve_svg(rows, ("reward", "loss", "absent")))
    lines = [node for node in picture.iter() if node.tag.endswith("polyline")]
    assert len(lines) == 1
    points = [tuple(map(float, point.split(","))) for point in lines[0].attrib["points"].split()]
    assert len(points) == 10
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(points))


def test_no_metrics_make_an_empty_picture() -> None:
    assert ET.fromstring(curve_svg([], ("reward",))).tag.endswith("svg")
    assert "polyline" in curve_svg([{"step": 1, "reward": 0.0}], ("reward",))
