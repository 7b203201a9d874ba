"""The workflows that exploration compares: a small space at first, then neighbours of the best.

A small, well-chosen space beats hundreds of near-twins: with a dozen workflows held-out choices
came out as with a hundred and fifty (``docs/workflows.md``).
"""

from __future__ import annotations

from surveyor.skills.workflow import (
    GUARDED,
    PLAIN,
    Evidence,
    Fallback,
    Frames,
    Join,
    MetricScale,
    Restore,
    Stop,
    Support,
    Workflow,
)


def _even(number: int, **choices: object) -> Workflow:
    """Evenly spaced frames, not restored, with a fallback unless told otherwise."""
    whole = {"frames": Frames(number=number), "fallback": Fallback(), **choices}
    return Workflow.model_validate(whole)


_TWICE, _ONCE = Stop(), Stop(seen=1)

SPACE: tuple[Workflow, ...] = (
    PLAIN,
    GUARDED,
    _even(16),
    _even(32),
    _even(32, evidence=Evidence.BOXES),
    _even(16, evidence=Evidence.BOXES, scale=MetricScale.NONE),
    _even(16, restore=Restore.DIM),
    GUARDED.model_copy(update={"join": Join.VOTE, "fallback": Fallback(join=Join.BEST)}),
    _even(
        32,
        evidence=Evidence.BOXES,
        join=Join.BEST,
        support=Support(views=1, share=0.0),
        fallback=None,
    ),
    _even(16, stop=_TWICE),
    _even(32, scale_frames=2),
    _even(32, stop=_TWICE),
    _even(32, stop=_TWICE, scale=MetricScale.NONE),
    _even(32, stop=_TWICE, restore=Restore.DIM),
    _even(32, stop=_ONCE, scale_frames=2),
    _even(32, stop=_ONCE, scale_frames=1),
)
"""Combinations of the dimensions that paid on rooms of their own: frame number, when to stop,
restoring, evidence, join, metric scale, fallback."""


def neighbours(workflow: Workflow) -> tuple[Workflow, ...]:
    """The workflow with one dimension changed, each way that the grammar offers."""
    number = workflow.frames.number
    options: list[dict[str, object]] = [
        {"frames": workflow.frames.model_copy(update={"number": n})}
        for n in (max(4, number // 2), min(64, number * 2))
    ]
    options += [{"restore": r} for r in (Restore.NONE, Restore.DIM)]
    options += [{"evidence": e} for e in Evidence]
    options += [{"scale": s} for s in MetricScale]
    options += [{"scale_frames": n} for n in (2, 4, 8)]
    options += [{"support": Support(views=v, share=s)} for v, s in ((1, 0.0), (2, 0.2), (2, 0.3))]
    options += [{"stop": s} for s in (None, _TWICE, Stop(first=3), Stop(seen=3))]
    options += [{"fallback": f} for f in (None, Fallback(), Fallback(registered=0.3))]
    changed = {w.key: w for w in (workflow.model_copy(update=o) for o in options)}
    changed.pop(workflow.key, None)
    return tuple(changed.values())
