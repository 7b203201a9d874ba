"""Multiple choice benchmarks of EASI and beside it: a table of rules (see `choice_rules`).

Profiles: ``official`` is the authors' code, ``lmms-eval`` that harness (75571cf) where it differs,
``easi`` EASI (0c1a41e) without a judge. Where published code draws a random option (SITE) the row
counts 0, is ``unread`` and ``guessed``; where it takes a default (OmniSpatial's A) it is scored so
and marked the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from surveyor.benchmarks.scorers import choice_rules as rules
from surveyor.benchmarks.scorers.base import (
    Measure,
    Metric,
    Row,
    ScoreFunction,
    Unscorable,
    text_of,
)
from surveyor.benchmarks.scorers.easi_rules import LETTERS, easi_letter, older_letter
from surveyor.benchmarks.scorers.letters import choices_of, leading_letter

Reader = Callable[[str, Row], str | None]


@dataclass(frozen=True, slots=True)
class ChoiceReading:
    """How a profile reads a reply. ``default`` is what it takes where it reads nothing; ``draws``
    says that the published code draws at random there."""

    read: Reader
    default: str = ""
    draws: bool = False


def of_text(rule: Callable[[str], str | None]) -> ChoiceReading:
    """A rule that looks at nothing but the reply."""
    return ChoiceReading(lambda text, row: rule(text))


def truth_letter(value: object) -> str:
    """A published answer as its letter: ``B``, ``(B)``, ``B. left``, or a position from 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < len(LETTERS):
            raise Unscorable(f"the ground truth {value} is no position of an option")
        return LETTERS[value]
    text = text_of(value, "ground_truth").strip()
    found = re.match(r"\(?([A-J])(?![A-Za-z])", text)
    return found.group(1) if found else text


def count_options(row: Row) -> int:
    """How many options a row has; 0 where that cannot be told."""
    options = row.get("options") or row.get("choices")
    return len(options) if isinstance(options, list | tuple) else 0


def _site(text: str, row: Row) -> str | None:
    if (n := count_options(row)) == 0:
        raise Unscorable("the row has no options, which this rule counts")
    return rules.site(text, n)


def _older(text: str, row: Row) -> str | None:
    return older_letter(text.strip(), choices_of(row))


def _scorer(readings: Mapping[str, ChoiceReading]) -> ScoreFunction:
    """The score function of a metric whose profiles read so."""

    def score(row: Row, profile: str) -> Mapping[str, float]:
        reading, truth = readings[profile], truth_letter(row["ground_truth"])
        found = reading.read(text_of(row["prediction"], "prediction"), row)
        if found is None:
            guessed = bool(reading.default) or reading.draws
            right = bool(reading.default) and reading.default == truth
            return {"score": float(right), "unread": 1.0, "guessed": float(guessed)}
        return {"score": float(found == truth)}

    return score


def _easi(text: str, row: Row) -> str | None:
    """Rule E; where it also finds nothing in the truth, the two are equal as published."""
    found = easi_letter(text)
    truth = row["ground_truth"]
    if found is None and easi_letter(truth_letter(truth)) is None:
        return truth_letter(truth)
    return found


EASI: Final = ChoiceReading(_easi)


def chance_of(row: Row) -> float:
    """What guessing scores: one in the number of options; 0 where they cannot be counted."""
    n = count_options(row)
    return 1.0 / n if n > 1 else 0.0


def _qid(row: Row) -> str:
    return str(row.get("qid", row.get("index", "")))


def rotation(row: Row) -> str:
    """A 3DSRBench row without the mirroring of its picture."""
    return _qid(row).replace("-flip", "")


def circle(row: Row) -> str:
    """A 3DSRBench row without the rotation of its options, mirrored ones apart."""
    qid = _qid(row)
    return qid[:13] if "-flip" in qid else qid[:8]


def base_question(row: Row) -> str:
    """A 3DSRBench row's question, of all rotations and mirrors."""
    return _qid(row)[:8]


FAMILIES_3DSR: Final = {
    "height_higher": "height",
    **{f"location_{name}": "location" for name in ("above", "closer_to_camera", "next_to")},
    **{
        f"orientation_{name}": "orientation" for name in ("in_front_of", "on_the_left", "viewpoint")
    },
    **{
        f"multi_object_{name}": "multi_object"
        for name in (
            *("closer_to", "facing", "viewpoint_towards_object", "parallel", "same_direction"),
        )
    },
}
_CIRCULAR: Final = Measure("circ_eval", families=FAMILIES_3DSR, bundle=circle)
_VANILLA: Final = Measure("vanilla", families=FAMILIES_3DSR)
_MIRRORED: Final = (
    Measure("flip_eval", families=FAMILIES_3DSR, bundle=rotation),
    Measure("flip_circ_eval", families=FAMILIES_3DSR, bundle=base_question),
)
FAMILIES_OMNI: Final = {
    **dict.fromkeys(("Manipulation", "Motion_Analysis"), "Dynamic_Reasoning"),
    **dict.fromkeys(
        ("Traffic_Analysis", "Localization", "Geospatial_Strategy"), "Spatial_Interaction"
    ),
    **dict.fromkeys(("Pattern_Recognition", "Geometric_Reasoning"), "Complex_Logic"),
    **dict.fromkeys(("Egocentric", "Allocentric", "Hypothetical"), "Perspective_Taking"),
}
_SITE: Final = (Measure("caa", chance=chance_of), Measure("accuracy"))


def field_group(*names: str) -> Callable[[Row], str]:
    """The group of a self-contained row: the first of these fields that it has."""
    return lambda row: str(next((row[name] for name in names if row.get(name)), "all"))


def mindcube_setting(row: Row) -> str:
    """The part of MindCube, by the first of its names that occurs in the id."""
    name = str(row.get("question_id") or row.get("id") or "").lower()
    settings = ("around", "rotation", "translation", "among")
    return next((setting for setting in settings if setting in name), "other")


_GROUPS: Final[Mapping[str, Callable[[Row], str]]] = {
    "mindcube": mindcube_setting,
    "embspatial": field_group("relation", "data_source"),
    "mmsi-video": field_group("type"),
    "omnispatial": field_group("sub_task_type", "task_type"),
}


def _metric(
    name: str,
    readings: Mapping[str, ChoiceReading],
    measures: Mapping[str, tuple[Measure, ...]] | None = None,
    needed: tuple[str, ...] = (),
) -> Metric:
    return Metric(
        name=name,
        version="1",
        profiles=tuple(readings),
        target_fields=("ground_truth", *needed),
        prediction_field="prediction",
        score_fields=("score",),
        function=_scorer(readings),
        measures=measures or {},
        group_of=_GROUPS.get(name, field_group("category", "question_type")),
    )


METRICS: Final = (
    _metric(
        "mindcube",
        {
            "official": of_text(rules.mindcube),
            "easi": EASI,
            "lmms-eval": of_text(rules.mindcube_stripped),
        },
        {"official": (Measure("score", left_out=frozenset({"translation"})),)},
    ),
    _metric("viewspatial", {"official": of_text(rules.viewspatial), "easi": EASI}),
    _metric(
        "site",
        {"official": ChoiceReading(_site, draws=True), "easi": EASI},
        dict.fromkeys(("official", "easi"), _SITE),
        ("options",),
    ),
    _metric(
        "3dsrbench",
        {
            "official": ChoiceReading(_older),
            "easi": ChoiceReading(_older),
            "lmms-eval": of_text(rules.threedsr_lmms),
        },
        {
            "official": (_CIRCULAR, _VANILLA, *_MIRRORED),
            "easi": (_VANILLA, _CIRCULAR, *_MIRRORED),
            "lmms-eval": (_VANILLA, _CIRCULAR, *_MIRRORED),
        },
        ("qid",),
    ),
    _metric(
        "embspatial",
        {"easi": EASI, "lmms-eval": of_text(lambda text: leading_letter(text) or None)},
    ),
    _metric(
        "mmsi-video",
        {
            "official": of_text(rules.mmsi_video),
            "easi": EASI,
            "lmms-eval": of_text(rules.mmsi_video_lmms),
        },
    ),
    _metric(
        "omnispatial",
        {
            "official": ChoiceReading(lambda text, row: rules.omnispatial(text), default="A"),
            "easi": EASI,
            "json": ChoiceReading(lambda text, row: rules.omnispatial_json(text), default="A"),
            "direct": of_text(rules.omnispatial_direct),
        },
        dict.fromkeys(
            ("official", "easi", "json", "direct"), (Measure("score", families=FAMILIES_OMNI),)
        ),
    ),
    _metric("erqa", {"easi": EASI}),
)
