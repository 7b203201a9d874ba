"""Metrics over steps as a picture, without a plotting library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, EDGE = 640, 200, 46
_COLOURS = ("#1b6ca8", "#c0562f", "#3b8a4e", "#7a4fa3", "#8a7a22")


def curve_svg(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> str:
    """One panel for each metric that the rows hold: values as dots, their running mean as a line.

    The mean is of the last fifth of the steps so far; values that are no numbers are left out.
    """
    panels: list[str] = []
    for name in names:
        points = [(row["step"], row[name]) for row in rows if name in row]
        points = [(step, value) for step, value in points if math.isfinite(value)]
        if points:
            panels.append(_panel(name, points, HEIGHT * len(panels), len(panels)))
    height = HEIGHT * max(len(panels), 1)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="11">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *panels, "</svg>"])


def _panel(name: str, points: Sequence[tuple[float, float]], top: float, number: int) -> str:
    steps, values = [p[0] for p in points], [p[1] for p in points]
    low, high = min(values), max(values)
    spread, length = (high - low) or 1.0, (steps[-1] - steps[0]) or 1.0

    def at(step: float, value: float) -> str:
        x = EDGE + (step - steps[0]) / length * (WIDTH - 2 * EDGE)
        y = top + HEIGHT - 26 - (value - low) / spread * (HEIGHT - 60)
        return f"{x:.1f},{y:.1f}"

    colour, window = _COLOURS[number % len(_COLOURS)], max(1, len(values) // 5)
    means = [
        sum(values[max(0, k + 1 - window) : k + 1]) / len(values[max(0, k + 1 - window) : k + 1])
        for k in range(len(values))
    ]
    line = " ".join(at(step, mean) for step, mean in zip(steps, means, strict=True))
    dots = "".join(
        '<circle r="2" cx="{}" cy="{}"/>'.format(*at(step, value).split(","))
        for step, value in points
    )
    return "\n".join(
        [
            f'<text x="{EDGE}" y="{top + 18:.0f}" fill="{colour}">{name}</text>',
            f'<text x="4" y="{top + 38:.0f}">{high:.3g}</text>',
            f'<text x="4" y="{top + HEIGHT - 22:.0f}">{low:.3g}</text>',
            f'<text x="{EDGE}" y="{top + HEIGHT - 8:.0f}">step {steps[0]:.0f}</text>',
            f'<text x="{WIDTH - EDGE - 40}" y="{top + HEIGHT - 8:.0f}">{steps[-1]:.0f}</text>',
            f'<g fill="{colour}" opacity="0.35">{dots}</g>',
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{line}"/>',
        ]
    )
