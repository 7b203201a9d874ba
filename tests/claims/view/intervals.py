"""Intervals of experts' lengths: how many true values they hold in places apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from surveyor.compose.calibration import bound, measured_kind, off, usual
from tests.claims.claim import Claim
from tests.claims.view.rooms import answered_realistically

LENGTHS = ("distance", "longest_edge", "floor_area")


def expert_intervals() -> Iterator[Claim]:
    """Coverage and width with every place judged by the errors in all others."""
    folder = answered_realistically()
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    places = set()
    for score in folder.results():
        episode = folder.episode(score.task_id, score.epoch)
        kind = measured_kind(episode) if episode else ""
        told = off(kind, score.prediction, score.fields.get("correct"))
        if episode is not None and kind in LENGTHS and told is not None:
            places.add(episode.started.scene_id)
            one = told, usual(kind, float(score.prediction))
            found[kind][episode.started.scene_id].append(one)
    held: list[bool] = []
    wide: list[float] = []
    for by_place in found.values():
        for place, errors in by_place.items():
            most = bound([one for p, es in by_place.items() if p != place for one, _ in es])
            if most is None:
                continue
            held += [one <= most for one, _ in errors]
            wide += [float(np.sinh(most * scale)) for _, scale in errors]
    note = f"n {len(held)} in {len(places)} places, realistic reference experts"
    share = float(np.mean(held)) if held else 0.0
    yield Claim.at_least("ask: experts' lengths in the 90 % interval", share, 0.85, note)
    yield Claim.at_most("ask: the same, no wider than said", share, 0.97, note)
    half = float(np.median(wide)) if wide else 9.9
    yield Claim.at_most("ask: half of experts' interval, share of length", half, 0.3)
