"""The groups that published grounding and question-answering tables are split into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

SCANNET_CLASSES: Final = (
    *("cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture"),
    *("counter", "desk", "curtain", "refrigerator", "shower curtain", "toilet", "sink"),
    *("bathtub", "others"),
)
"""ScanNet's 17 benchmark furniture classes, and "others" for every other name."""

_SQA3D_FIRST_WORDS: Final = frozenset({"what", "is", "how", "can", "which"})


@dataclass(frozen=True, slots=True)
class ReferredObject:
    """One object that a description of ScanRefer's refers to; ``object_name`` as annotated."""

    scene_id: str
    object_id: str
    object_name: str


def unique_or_multiple(
    referred: Iterable[ReferredObject], class_of: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """ScanRefer's group, "unique" or "multiple", of every (scene_id, object_id).

    An object is unique when no other *referred* object of its scene shares its class; objects that
    no description mentions do not count. ``class_of`` maps raw ScanNet names ("office chair") to
    nyu40 names, as ScanNet's label table does; names outside of `SCANNET_CLASSES` are "others".
    """
    classes: dict[tuple[str, str], str] = {}
    for item in referred:
        mapped = class_of.get(item.object_name.replace("_", " "), "others")
        name = mapped if mapped in SCANNET_CLASSES else "others"
        classes.setdefault((item.scene_id, item.object_id), name)
    counts = Counter((scene, name) for (scene, _), name in classes.items())
    return {
        (scene, object_id): "unique" if counts[scene, name] == 1 else "multiple"
        for (scene, object_id), name in classes.items()
    }


def sqa3d_group(question: str) -> str:
    """SQA3D's question group: what, is, how, can, which, or other, by the first word."""
    words = question.split(maxsplit=1)
    first = words[0].lower() if words else ""
    return first if first in _SQA3D_FIRST_WORDS else "other"
