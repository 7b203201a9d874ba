"""The learning curve as a picture: utility of the arms over rungs and rounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from surveyor.training.evolution.records import EvolveReport

WIDTH, HEIGHT, EDGE = 640, 360, 48
_BEST, _PLAIN, _OTHER = (20, 110, 60), (160, 60, 40), (205, 210, 215)


def draw_curve(reports: Sequence[EvolveReport], path: Path) -> Path:
    """Draw every evolution's arms (grey), its best arm (green) and plain (red)."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    curves = [_points(report) for report in reports]
    values = [v for curve in curves for arms in curve for v in arms.values()] or [0.0, 1.0]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    for curve in curves:
        step = (WIDTH - 2 * EDGE) / max(1, len(curve) - 1)

        def place(index: int, value: float, step: float = step) -> tuple[float, float]:
            return EDGE + step * index, HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / span

        for key in {key for arms in curve for key in arms}:
            line = [place(i, arms[key]) for i, arms in enumerate(curve) if key in arms]
            draw.line(line, fill=_OTHER, width=1)
        best = [place(i, max(arms.values())) for i, arms in enumerate(curve)]
        plain = [place(i, arms["library"]) for i, arms in enumerate(curve)]
        draw.line(plain, fill=_PLAIN, width=2)
        draw.line(best, fill=_BEST, width=3)
    draw.text((EDGE, 12), "utility on teaching rooms by rung and round", fill="black")
    draw.text((EDGE, 26), "green: best arm, red: library at the start, grey: others", fill="black")
    draw.text((4, EDGE - 6), f"{high:.3f}", fill="black")
    draw.text((4, HEIGHT - EDGE - 6), f"{low:.3f}", fill="black")
    image.save(path)
    return path


def _points(report: EvolveReport) -> list[dict[str, float]]:
    """Utilities by arm, rung after rung."""
    return [rung.utilities for round_ in report.rounds for rung in round_.rungs]
