"""An episode of the `program` planner as one text: the account of its program, in a layout.

What is told is executed on the objects that the log holds, so a wrong table gives a wrong account,
which is what preference pairs need. Episodes whose program boxes alone do not answer are left out.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from pydantic import ValidationError

from surveyor.agent.program.account import account_of, render
from surveyor.agent.program.apeiria import apeiria_text
from surveyor.agent.program.language import grounds
from surveyor.agent.program.measuring import measured_scene
from surveyor.agent.program.reading import read_program
from surveyor.agent.program.values import NO_MARGINS, MeasuredScene, Unanswerable
from surveyor.core.errors import UserError
from surveyor.core.geometry import Scale
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolStatus
from surveyor.tools.schemas import MeasureData, ObjectRow, ObjectsData
from surveyor.training.rows.records import Chat


class Layout(StrEnum):
    """How an episode of the program planner is told: as its conversation with tools, or as the
    account of its program, in our layout or in APEIRIA's."""

    CONVERSATION = "conversation"
    OWN = "own"
    APEIRIA = "apeiria"


_SYSTEM = {
    Layout.OWN: "You answer questions about a place by a program over its objects, step by step.",
    Layout.APEIRIA: "You're Apeiria, a world-class AI, investigating objects in a room.",
}


def account_messages(episode: Episode, layout: Layout) -> tuple[Chat, ...] | None:
    """System, question and account; ``None`` for an episode that cannot be told so.

    The prompt does not hold the objects: they are the account's first step, as in APEIRIA, so the
    same question with another table has the same opening and makes a pair.
    """
    given = episode.given
    if given is None or (given.guess and not given.sources):
        return None
    try:
        program = read_program(given.notes.get("program", ""))
    except UserError:
        return None
    scene = _scene(episode)
    account = account_of(episode.started.question, program, scene, given.text, NO_MARGINS)
    if not scene.things or isinstance(account.values[-1], Unanswerable):
        return None
    if layout is Layout.APEIRIA:
        if not grounds(program):
            return None
        try:
            told = apeiria_text(episode.started.question, program, scene)
        except UserError:  # their layout has no words for it
            return None
    else:
        told = render(account)
    options = "\n".join(episode.started.options)
    question = "\n".join(filter(None, [episode.started.question, options]))
    return (
        {"role": "system", "content": _SYSTEM[layout]},
        {"role": "user", "content": question},
        {"role": "assistant", "content": told},
    )


def _scene(episode: Episode) -> MeasuredScene:
    """The objects of the log that lie in one frame of reference, the one with most of them."""
    spaces: dict[str, dict[str, ObjectRow]] = {}
    floor: float | None = None
    for outcome in episode.outcomes:
        if outcome.status is not ToolStatus.OK or not isinstance(outcome.data, dict):
            continue
        if outcome.name == "floor_area":
            floor = _number(outcome.data)
        try:
            rows = ObjectsData.model_validate(outcome.data).objects
        except ValidationError:
            continue
        for row in rows:
            if row.scale is not Scale.RELATIVE:
                spaces.setdefault(row.space, {})[row.handle] = row
    rows_of = max(spaces.values(), key=len, default={})
    return replace(measured_scene([*rows_of.values()]), floor=floor)


def _number(data: object) -> float | None:
    try:
        value = MeasureData.model_validate(data).value
    except ValidationError:
        return None
    return float(value) if isinstance(value, float | int) else None
