"""A workflow in words: the same instructions that the machine executes, for whoever reads."""

from __future__ import annotations

from surveyor.skills.scope import Condition, Scope
from surveyor.skills.workflow import (
    Evidence,
    FramePolicy,
    Join,
    MetricScale,
    Restore,
    Stop,
    Workflow,
)

_POLICY = {
    FramePolicy.UNIFORM: "evenly spaced over the capture",
    FramePolicy.QUALITY: "the sharpest of each equal part of the capture",
    FramePolicy.COVERAGE: "chosen to look as different as possible",
}
_RESTORE = {
    Restore.GUARD: "Restore a frame only if it measures dark, noisy or soft.",
    Restore.DIM: "Restore a frame only if it measures dark or noisy; leave soft ones as they are.",
    Restore.ALWAYS: "Restore every frame before looking.",
    Restore.NONE: "Do not restore frames; it does not pay here.",
}
_MEASURE = {
    "views": ("captures of {} frames or fewer", "captures of more than {} frames"),
    "poor_share": ("captures with few poor frames", "captures that are mostly dark, noisy or soft"),
    "luma": ("dark captures", "bright captures"),
    "overlap": ("captures whose views hardly overlap", "captures whose views overlap"),
    "clutter": ("tidy scenes", "cluttered scenes"),
    "sharpness": ("soft pictures", "sharp pictures"),
}


def steps(workflow: Workflow) -> str:
    """Numbered instructions."""
    if workflow.join is Join.TABLE:
        return "1. Ask `scene` for the object table and compute the answer from it."
    frames = workflow.frames
    lines = [f"Choose {frames.number} frames, {_POLICY[frames.policy]}."]
    if workflow.stop is not None:
        lines.append(
            f"Look at {workflow.stop.first} of them, spread over the capture (from its beginning"
            " where order in time is asked), then at twice as many more, and so on until"
            f" {_enough(workflow.stop)}. Where there may always be one more, as in counting, look"
            " at all of them."
        )
    lines.append(_RESTORE[workflow.restore])
    outline = " and cut masks with `segment`" if workflow.evidence is Evidence.MASKS else ""
    where = "those frames" if workflow.stop is not None else "every frame"
    lines.append(f"`detect` the asked objects in {where}{outline}.")
    lines.extend(_joining(workflow))
    return "\n".join(f"{i}. {line}" for i, line in enumerate(lines, start=1))


def suffices(workflow: Workflow) -> str:
    """When the evidence is enough."""
    views, share = workflow.support.views, workflow.support.share
    text = f"An object counts when at least {views} view{'s' if views > 1 else ''} show it"
    return text + (f" and {share:.0%} of the views that could see it." if share else ".")


def stops(workflow: Workflow) -> str:
    """When to stop looking."""
    if workflow.stop is None:
        return "Stop when the chosen frames have been looked at once."
    return (
        f"Stop looking once {_enough(workflow.stop)}, or when the chosen frames have been looked at"
        " once. Frames that were not searched are reconstructed too: they hold the views together."
    )


def fallbacks(workflow: Workflow) -> str:
    """What to do when it is not."""
    if workflow.fallback is None:
        return "* None: answer with what there is, and say how little it is."
    back = workflow.fallback
    return (
        f"* Fewer than {back.registered:.0%} of the frames registered, or an asked object is"
        f" missing: {_join_text(back.join)}"
    )


def condition_text(condition: Condition) -> str:
    """A condition of a scope in words."""
    low, high = _MEASURE.get(condition.measure, (str(condition), str(condition)))
    chosen = low if condition.comparison.startswith("<") else high
    return chosen.format(f"{condition.bound:g}")


def scope_text(scope: Scope) -> str:
    """A scope in words."""
    kinds = ", ".join(t.replace("_", " ") for t in scope.question_types) or "any"
    where = " and ".join(condition_text(c) for c in scope.conditions)
    return f"{kinds} questions" + (f" on {where}" if where else "")


def slug(condition: Condition) -> str:
    """A short name of a condition for skill names."""
    low, high = {
        "views": ("few-views", "many-views"),
        "poor_share": ("good-frames", "poor-frames"),
        "luma": ("dark", "bright"),
        "overlap": ("scattered", "overlapping"),
        "clutter": ("tidy", "cluttered"),
        "sharpness": ("soft-pictures", "sharp-pictures"),
    }.get(condition.measure, (condition.measure, condition.measure))
    return low if condition.comparison.startswith("<") else high


def _joining(workflow: Workflow) -> list[str]:
    if workflow.join is not Join.FUSE:
        return [_join_text(workflow.join)]
    scale = (
        f"Scale it to metres by the metric `depth` of {workflow.scale_frames} frames."
        if workflow.scale is MetricScale.DEPTH
        else "Leave it without metric scale; angles and orders do not need it."
    )
    return [
        "`reconstruct` the chosen frames together.",
        scale,
        "Lift what was found into that space, merge what overlaps, and measure there.",
    ]


def _enough(stop: Stop) -> str:
    return f"every asked object was seen in {stop.seen} frame{'s' if stop.seen > 1 else ''}"


def _join_text(join: Join) -> str:
    return {
        Join.VOTE: "measure in every view alone with metric `depth`, then take the median (`join`: "
        "vote).",
        Join.BEST: "measure in the single most telling view (`join`: best).",
        Join.FUSE: "reconstruct the frames together and measure there.",
        Join.TABLE: "ask `scene` for the object table.",
    }[join]
