"""Where a skill applies: question types, and conditions on the scene profile.

Written in the skill's metadata as text that a person reads the same way the machine does:
``scene: views <= 8, poor_share > 0.5``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from surveyor.core.errors import UserError
from surveyor.skills.scene_profile import SceneProfile

Comparison = Literal["<", "<=", ">", ">="]
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MEASURES = (
    "views", "width", "height", "luma", "contrast", "noise", "sharpness", "clutter",
    "poor_share", "overlap", "detections", "apparent", "options",
)  # fmt: skip
"""Numbers of a scene profile that a condition may name."""

_CONDITION = re.compile(r"^([a-z_]+)\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)$")


class Condition(BaseModel):
    """One bound on one measure of the card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    comparison: Comparison
    bound: float

    def holds(self, card: SceneProfile) -> bool:
        """Whether the card meets it; a measure that is not known yet meets nothing."""
        value = getattr(card, self.measure)
        return value is not None and _COMPARE[self.comparison](float(value), self.bound)

    def __str__(self) -> str:
        return f"{self.measure} {self.comparison} {self.bound:g}"


class Scope(BaseModel):
    """Question types (none = any) and conditions (none = any scene)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_types: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def covers_type(self, question_type: str) -> bool:
        """Whether the question type is one of ours."""
        return not self.question_types or question_type in self.question_types

    def covers_scene(self, card: SceneProfile) -> bool:
        """Whether every condition holds on the card."""
        return all(condition.holds(card) for condition in self.conditions)

    def covers(self, card: SceneProfile) -> bool:
        """Whether the skill is meant for this card."""
        return self.covers_type(card.question_type) and self.covers_scene(card)

    @property
    def key(self) -> str:
        """One line that identifies the scope."""
        types = " ".join(self.question_types) or "any"
        return f"{types} | {self.scene_text or 'any scene'}"

    @property
    def scene_text(self) -> str:
        """The conditions as they stand in metadata."""
        return ", ".join(str(c) for c in self.conditions)


def parse_scope(question_types: str, scene: str, source: str) -> Scope:
    """Scope from the two metadata texts; `UserError` names what is not understood."""
    types = tuple(question_types.split())
    return Scope(question_types=types, conditions=tuple(_conditions(scene.split(","), source)))


def _conditions(parts: Iterable[str], source: str) -> Iterable[Condition]:
    for part in filter(None, (p.strip() for p in parts)):
        match = _CONDITION.match(part)
        if not match or match.group(1) not in MEASURES:
            raise UserError(f"{source}: scene condition {part!r} must be `measure <= number`")
        yield Condition.model_validate(
            {
                "measure": match.group(1),
                "comparison": match.group(2),
                "bound": float(match.group(3)),
            }
        )
