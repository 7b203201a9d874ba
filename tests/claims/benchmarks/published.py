"""Claims of the benchmarks that papers report: every loader's road, every rule's quirks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from surveyor.benchmarks.loaders.catalog import CATALOG, EASI_8
from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named, loader_names
from surveyor.benchmarks.predictions import score_predictions
from surveyor.benchmarks.scorers.registry import metric_named, metric_names
from surveyor.scenes.datasets.truth import targets
from tests.benchmarks.published_2026 import MAKE, download_2026
from tests.claims.claim import Claim

_FORMS = {"omnispatial": "Answer: {}", "refspatial": "(0.1, 0.1)"}
_STYLES = ("{}", "({})", "**{}**", "<answer>{}</answer>", "The answer is {}.")


def roads(folder: Path) -> Iterator[Claim]:
    """Right answers through ``load -> score`` of every mapped loader, and how far the profiles of
    one benchmark differ on the same right letters in five usual forms."""
    perfect = 0
    for name in MAKE:
        source, out = download_2026(name, folder / name), folder / name / "dataset"
        metric = str(loader_named(name).load(source, out, frames=FrameRule()).settings["metric"])
        lines = [
            json.dumps({"id": target.task_id, "prediction": _said(name, target.answer)})
            for target in targets(out)
        ]
        perfect += score_predictions(out, lines, metric).headline == 100.0
    yield Claim.at_least("loaders of 2026 whose right answers score 100", perfect, len(MAKE))
    listed = set(CATALOG) == set(loader_names())
    yield Claim.holds("every loader is listed with the line that fetches it", listed)
    easi = [name for name in EASI_8 if "easi" in metric_named(_metric(name)).profiles]
    yield Claim.at_least("benchmarks of EASI-8 with profile easi", len(easi), 8)
    yield Claim.at_least("metrics that --rows takes", len(metric_names()), 23)
    row = {"options": ["a", "b"], "ground_truth": "A"}
    for profile in ("official", "easi"):
        read = [
            metric_named("site").score({**row, "prediction": style.format("A")}, profile)
            for style in _STYLES
        ]
        right = sum(score.values["score"] for score in read)
        guessed = sum("guessed" in score.marks for score in read)
        yield Claim.holds(
            f"SITE, {profile}: right letters in five forms",
            profile == "official" or right == 5,
            f"{right:g} of 5 read, {guessed} drawn at random as published",
        )


def _metric(name: str) -> str:
    known = {"vsi-bench": "vsi", "mmsi-bench": "mmsi", "blink-14": "blink"}
    return known.get(name, name)


def _said(name: str, answer: str) -> str:
    if name == "robospatial" and answer != "yes":
        return "(0.1, 0.1)"
    return _FORMS.get(name, "{}").format(answer)
