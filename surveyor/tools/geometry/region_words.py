"""How people name a part of a place, taken apart: which room, or the floor around which thing."""

from __future__ import annotations

import re
from dataclasses import dataclass

_AROUND = re.compile(
    r"(?:.*?\()?(?:the )?floor within (?P<reach>[\d.]+) ?m(?:etres?)? of (?:the |a |an )?"
    r"(?P<thing>[^()]+?)\)?",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"(?:the )?(?:area|part|corner|place|floor) (?:around|near|next to|by|beside) "
    r"(?:the |a |an )?(?P<thing>.+)",
    re.IGNORECASE,
)
_SIZED = re.compile(
    r"(?:the )?(?P<size>larger|largest|bigger|biggest|smaller|smallest) "
    r"(?:room|arm|part|area)\b.*",
    re.IGNORECASE,
)
_HOLDING = re.compile(
    r"(?:the )?(?:room|area|place)\b.*?\b(?:with|where|that has|that holds|holding|containing) "
    r"(?:the |a |an |there is (?:a |an )?)?(?P<thing>.+?)(?: (?:is|are|stands|stand))?",
    re.IGNORECASE,
)
_KINDS = {
    "bedroom": ("bed",),
    "kitchen": ("refrigerator", "oven", "stove", "kitchen counter", "sink"),
    "bathroom": ("toilet", "bathtub", "shower"),
    "living room": ("sofa", "tv"),
    "office": ("desk", "monitor", "whiteboard"),
    "dining room": ("dining table", "table"),
    "laundry": ("washing machine",),
}


@dataclass(frozen=True, slots=True)
class RegionWords:
    """A region as it can be looked for.

    ``things`` mark it: any of them is enough. With ``reach`` it is the floor within so many metres
    of the thing, without it the room that holds it. ``larger`` chooses among rooms by their size.
    """

    things: tuple[str, ...] = ()
    reach: float | None = None
    larger: bool | None = None


def read_region(text: str) -> RegionWords:
    """What a description of a region says to look for. Words that name no room and no size are
    taken for a thing: the room that holds it is meant.

    >>> read_region("the larger room of the two rooms").larger
    True
    >>> read_region("the room with the bed").things
    ('bed',)
    """
    words = " ".join(text.split()).strip(" .?!,;")
    if (found := _AROUND.fullmatch(words)) and 0 < float(found["reach"].strip(".") or 0) <= 10:
        return RegionWords((_name(found["thing"]),), float(found["reach"].strip(".")))
    if found := _SIZED.fullmatch(words):
        return RegionWords(larger=found["size"].lower().startswith(("larg", "big")))
    if found := _HOLDING.fullmatch(words):
        return RegionWords((_name(found["thing"]),))
    if found := _BESIDE.fullmatch(words):
        return RegionWords((_name(found["thing"]),), 1.0)
    bare = _name(words)
    return RegionWords(_KINDS.get(bare, (bare,) if bare else ()))


def _name(text: str) -> str:
    return re.sub(r"^(?:the|a|an) ", "", text.strip(" .,;()"), flags=re.IGNORECASE).strip().lower()
