"""How wrong the reference experts are: named presets of every error model's parameters.

``realistic`` and ``harsh`` follow a sensitivity study of these models on rendered rooms: recall
slopes in the order that a small recogniser showed, restoration credited with what it brought a
recogniser (`calibration`), not with what contrast and sharpness meters claim. A preset is chosen by
name, with single knobs after a colon: ``realistic:detect.miss=0.1,depth.scene=0.12``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from surveyor.core.errors import UserError


@dataclass(frozen=True, slots=True)
class RecallModel:
    """Logit of finding an object: ``base + size log2(px / 900) + visible (share - .8)
    + contrast log2(contrast / .15) + noise log2(CNR / 8) + sharpness (sharpness - .5)``
    plus a normal difficulty of the object with standard deviation ``object``.

    ``px`` counts visible pixels of a 320-wide image. ``joint`` is the correlation of what is left
    to chance between two frames of one object (Gaussian copula).
    """

    base: float
    size: float
    visible: float
    contrast: float
    noise: float
    sharpness: float
    object: float
    joint: float = 0.3


@dataclass(frozen=True, slots=True)
class DetectErrors:
    """``miss``: share of objects missed in a view, whatever it shows. ``jitter``: standard
    deviation of a box edge as a share of the box's side, up to twice that where the object is
    soft. ``min_pixels``: visible pixels of a 640 x 480 image below which nothing can be found.
    ``confusion`` and ``confusion_hard``: chance of a wrong class, and its growth with the chance
    of a miss. ``false_alarms`` per frame, times ``1 + false_bad (1 - q)`` in bad frames and
    ``false_restored`` in restored ones. ``nms``: boxes of one phrase that overlap more (IoU) are
    merged."""

    miss: float = 0.0
    jitter: float = 0.0
    min_pixels: int = 64
    recall: RecallModel | None = None
    confusion: float = 0.0
    confusion_hard: float = 0.0
    false_alarms: float = 0.0
    false_bad: float = 0.0
    false_restored: float = 1.15
    nms: float = 1.0


@dataclass(frozen=True, slots=True)
class SegmentErrors:
    """``edge``: standard deviation of the outline in pixels of a 320-wide image; ``leak``: chance
    of spilling over the outline; ``merge``: chance of swallowing a touching thing of its class."""

    edge: float = 0.0
    leak: float = 0.0
    merge: float = 0.0


@dataclass(frozen=True, slots=True)
class DepthErrors:
    """Log-normal scale errors of the ``scene`` and the ``frame``, ``smooth`` low-frequency
    multiplicative error, ``shift`` metres; all but the first grow with poor frames (``quality``).
    ``bleed``: pixels over which depth is smeared at edges; ``holes``: nothing is measured on
    mirrors and windows."""

    scene: float = 0.0
    frame: float = 0.0
    smooth: float = 0.0
    shift: float = 0.0
    bleed: int = 0
    holes: bool = False
    quality: float = 0.0


@dataclass(frozen=True, slots=True)
class ReconstructErrors:
    """``overlap``: share of common surface, times the root of both frames' quality, that two views
    need to be joined (0: all views of one scene are). ``turn`` radians, ``slip`` and ``step``
    (share of the baseline, metres) per joint; ``smooth`` as in `DepthErrors`; ``tilt`` radians of
    the up direction; ``free``: the answer's scale and origin mean nothing.

    For places of many rooms: ``alias`` (0..1) is how well two views of different but alike rooms
    match, where 1 is as well as if the rooms were one
    (`surveyor.services.reference.look_alikes`); ``blank`` (0..1) is what a view of
    bare walls alone loses of its worth. Neither is told: such views count as registered.
    """

    overlap: float = 0.0
    turn: float = 0.0
    slip: float = 0.0
    step: float = 0.0
    smooth: float = 0.0
    tilt: float = 0.0
    free: bool = False
    quality: float = 0.0
    # Not in the representation by which answers are told apart, which the preset's name does too.
    alias: float = field(default=0.0, repr=False)
    blank: float = field(default=0.0, repr=False)


@dataclass(frozen=True, slots=True)
class OrientErrors:
    """``azimuth`` radians; ``flip``: chance that a nearly symmetric thing is seen from behind."""

    azimuth: float = 0.0
    flip: float = 0.0


@dataclass(frozen=True, slots=True)
class RestoreErrors:
    """``twin``: the undegraded frame is handed out; else pixels are really restored. ``credit``:
    share of the metered improvement that other experts may believe. What `calibration` measured on
    two disjoint sets of rooms stands in `docs/experts.md`; .4 is the modest value in reach of all
    conditions together, so that restoring earns too little in the dark rather than too much."""

    twin: bool = False
    credit: float = 0.4


@dataclass(frozen=True, slots=True)
class Preset:
    """Parameters of all reference experts under one name."""

    name: str
    detect: DetectErrors = field(default_factory=DetectErrors)
    segment: SegmentErrors = field(default_factory=SegmentErrors)
    depth: DepthErrors = field(default_factory=DepthErrors)
    reconstruct: ReconstructErrors = field(default_factory=ReconstructErrors)
    orient: OrientErrors = field(default_factory=OrientErrors)
    restore: RestoreErrors = field(default_factory=RestoreErrors)


_DEGREE = 0.017453292519943295

_REALISTIC = Preset(
    "realistic",
    detect=DetectErrors(
        jitter=0.03,
        recall=RecallModel(1.6, 0.45, 2.0, 0.5, 0.35, 1.5, 0.6),
        confusion=0.04,
        confusion_hard=0.16,
        false_alarms=0.12,
        false_bad=1.0,
        nms=0.5,
    ),
    segment=SegmentErrors(edge=1.0, leak=0.03, merge=0.03),
    depth=DepthErrors(0.06, 0.05, 0.03, 0.02, bleed=2, holes=True, quality=2.0),
    reconstruct=ReconstructErrors(
        0.15, 0.5 * _DEGREE, 0.01, 0.01, 0.015, 1.5 * _DEGREE, free=True, quality=2.0
    ),
    orient=OrientErrors(8 * _DEGREE, 0.05),
)
_LONG_WALKS = dataclasses.replace(
    _REALISTIC,
    name="long-walks",
    reconstruct=dataclasses.replace(_REALISTIC.reconstruct, alias=0.5, blank=0.5),
)
"""``realistic``, and registration is fooled by rooms that are alike and by bare walls."""
_HARSH = Preset(
    "harsh",
    detect=DetectErrors(
        jitter=0.05,
        recall=RecallModel(1.0, 0.6, 3.0, 1.0, 0.7, 3.0, 0.9),
        confusion=0.06,
        confusion_hard=0.30,
        false_alarms=0.20,
        false_bad=3.0,
        nms=0.5,
    ),
    segment=SegmentErrors(edge=1.5, leak=0.06, merge=0.06),
    depth=DepthErrors(0.08, 0.10, 0.05, 0.04, bleed=2, holes=True, quality=4.0),
    reconstruct=ReconstructErrors(
        0.20, 1.0 * _DEGREE, 0.02, 0.01, 0.025, 1.5 * _DEGREE, free=True, quality=4.0
    ),
    orient=OrientErrors(16 * _DEGREE, 0.10),
)
PRESETS = {
    one.name: one
    for one in (
        Preset("perfect", restore=RestoreErrors(twin=True, credit=1.0)),
        Preset("imperfect-detector", detect=DetectErrors(miss=0.2, jitter=0.03)),
        _REALISTIC,
        _LONG_WALKS,
        _HARSH,
    )
}


def preset(text: str) -> Preset:
    """A preset by name and knobs; `UserError` says what there is to choose from."""
    name, _, knobs = text.partition(":")
    if name not in PRESETS:
        known = ", ".join(PRESETS)
        raise UserError(f"there is no preset {name!r}; choose one of: {known}")
    chosen = PRESETS[name]
    for knob in filter(None, knobs.split(",")):
        chosen = _turned(chosen, knob)
    return dataclasses.replace(chosen, name=text)


def _turned(chosen: Preset, knob: str) -> Preset:
    path, _, value = knob.partition("=")
    steps = path.strip().split(".")
    records: list[object] = [chosen]
    for step in steps[:-1]:
        records.append(_member(records[-1], step, knob))
    old = _member(records[-1], steps[-1], knob)
    if not isinstance(old, bool | int | float):
        raise UserError(f"the knob {knob!r} does not name a number; say, detect.miss=0.1")
    try:
        new: object = type(old)(float(value))
    except ValueError:
        raise UserError(f"the knob {knob!r} needs a number after '='") from None
    for record, step in zip(reversed(records), reversed(steps), strict=True):
        new = dataclasses.replace(record, **{step: new})  # type: ignore[type-var]
    assert isinstance(new, Preset)
    return new


def _member(record: object, name: str, knob: str) -> object:
    if not dataclasses.is_dataclass(record) or name not in record.__dataclass_fields__:
        raise UserError(f"there is no knob {knob!r}; say, realistic:detect.miss=0.1")
    return getattr(record, name)
