"""Workflows drawn at random, each with the skill that asks for it.

A compact agent is trained under many of them, so that it does what the skill in its prompt says
and not what it always does. Those that are held out share no value of the numbers below with
those that are trained on, so following them is reading and not remembering.
"""

from __future__ import annotations

import random

from surveyor.core.errors import UserError
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import (
    Evidence,
    Fallback,
    FramePolicy,
    Frames,
    Join,
    MetricScale,
    Restore,
    Stop,
    Support,
    Workflow,
)

PREFIX = "drawn:"
_NUMBERS = {False: (6, 8, 9, 11, 12, 13, 15, 16), True: (7, 10, 14)}
_SCALE_FRAMES = {False: (1, 2, 3, 4, 6), True: (5,)}
_FIRST = {False: (2, 3, 4, 6), True: (5,)}
_PLAIN = 0.25


def name_of(seed: int, *, held_out: bool = False) -> str:
    """What a run's ``skills`` says when its workflows are drawn."""
    return f"{PREFIX}{seed}{':held-out' if held_out else ''}"


def skill_for(name: str, task_id: str) -> RetrievedSkill | None:
    """The skill that a task gets in a run of this name; ``None`` for a task that gets none.

    A pure function of both: rows are made later from the run's name alone.
    """
    seed, held = _parsed(name)
    dice = random.Random(f"{seed}/{held}/{task_id}")
    if not held and dice.random() < _PLAIN:
        return None
    return as_skill(draw(dice, held_out=held))


def draw(dice: random.Random, *, held_out: bool = False) -> Workflow:
    """One workflow of the grammar, from the numbers for training or from those held out."""
    join = dice.choice((Join.FUSE, Join.FUSE, Join.FUSE, Join.VOTE, Join.BEST))
    fallback = None
    if join is Join.FUSE and dice.random() < 0.5:
        fallback = Fallback(
            registered=dice.choice((0.3, 0.5, 0.7)), join=dice.choice((Join.VOTE, Join.BEST))
        )
    stop = None
    if dice.random() < 0.3:
        stop = Stop(first=dice.choice(_FIRST[held_out]), seen=dice.choice((1, 2, 3)))
    return Workflow(
        frames=Frames(
            policy=dice.choice(tuple(FramePolicy)), number=dice.choice(_NUMBERS[held_out])
        ),
        restore=dice.choice(tuple(Restore)),
        evidence=dice.choice(tuple(Evidence)),
        join=join,
        scale=dice.choice((MetricScale.DEPTH, MetricScale.DEPTH, MetricScale.NONE)),
        scale_frames=dice.choice(_SCALE_FRAMES[held_out]),
        support=Support(views=dice.choice((1, 2, 3)), share=dice.choice((0.0, 0.1, 0.2, 0.3))),
        fallback=fallback,
        stop=stop,
    )


def as_skill(workflow: Workflow) -> RetrievedSkill:
    """The shortest skill that asks for a workflow."""
    text = f"Look in this way.\n\n```workflow\n{workflow.model_dump_json(indent=1)}\n```\n"
    key = workflow.key
    return RetrievedSkill(f"look-{key}", key, text, workflow)


def _parsed(name: str) -> tuple[int, bool]:
    number, colon, held = name.removeprefix(PREFIX).partition(":")
    if not name.startswith(PREFIX) or not number.isdecimal() or (colon and held != "held-out"):
        raise UserError(f"drawn workflows are named {PREFIX}SEED or {PREFIX}SEED:held-out")
    return int(number), bool(colon)
