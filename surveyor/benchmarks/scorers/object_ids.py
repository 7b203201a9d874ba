"""Replies that name objects by token (``<OBJ017>``), as object-centric 3D models answer.

Published scorers read "I do not know" as object 0, drop ids that name nothing (so that a wrong
answer to a question without targets counts as right) and count a repeated id twice. Here a
repeated id is one object, an unknown id is a prediction that matches nothing, and no id is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Box = Sequence[Sequence[float]]
"""``[[xmin, ymin, zmin], [xmax, ymax, zmax]]`` in metres."""

_OBJECT: Final = re.compile(r"<OBJ(\d{3})>")
_NOWHERE: Final = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
"""A box without volume: its IoU with any box is 0 under every published rule."""


@dataclass(frozen=True, slots=True)
class NamedObjects:
    """The objects that a reply names, each once, in the order of first mention."""

    known: tuple[int, ...]
    unknown: tuple[int, ...]

    def boxes(self, boxes: Sequence[Box]) -> list[Box]:
        """Boxes of all named objects; an unknown one matches nothing, so it costs precision."""
        return [boxes[index] for index in self.known] + [_NOWHERE] * len(self.unknown)

    def box(self, boxes: Sequence[Box]) -> Box | None:
        """Box of the first known object; None when the reply names none: that row counts 0."""
        return boxes[self.known[0]] if self.known else None


def named_objects(reply: str, n_objects: int) -> NamedObjects:
    """Read object tokens; ids of ``n_objects`` or more name nothing."""
    ids = tuple(dict.fromkeys(int(number) for number in _OBJECT.findall(reply)))
    return NamedObjects(
        known=tuple(index for index in ids if index < n_objects),
        unknown=tuple(index for index in ids if index >= n_objects),
    )
