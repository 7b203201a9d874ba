"""What an answer from memory rests on: the photos of the questions that measured its objects."""

from __future__ import annotations

from pydantic import JsonValue

from surveyor.compose.place import ANSWER, Place
from surveyor.memory.evidence import Node
from surveyor.memory.runs import RunFolder
from surveyor.viewer.drawing import joined, painted
from surveyor.viewer.finding import FoundEpisode, FoundEvidence

_MOST_PICTURES = 2


def with_earlier(place: Place, folder: RunFolder, found: FoundEpisode) -> FoundEpisode:
    """The finding with what earlier answers showed of the things that it names, the latest first;
    itself where none of them did."""
    asked = found.question.lower()
    about: list[FoundEvidence] = []
    sources: list[tuple[str, FoundEpisode]] = []
    for path in reversed(place.asked):
        if path == folder.path or not (path / ANSWER).exists():
            continue
        earlier = FoundEpisode.model_validate_json((path / ANSWER).read_bytes())
        known = {e.category for e in about}
        new = [e for e in earlier.evidence if e.category in asked and e.category not in known]
        new = [e for e in new if e.category]
        if new and not earlier.remembered:
            about += new
            sources.append((path.name, earlier))
    if not sources:
        return found
    one = sources[0][1]
    names = " and ".join(f"{earlier.question!r} ({name})" for name, earlier in sources)
    told = f"rests on what was measured for {names}"
    return found.model_copy(
        update={
            "evidence": tuple(about),
            "picture": one.picture if tuple(about) == one.evidence else "",
            "reference": any(earlier.reference for _, earlier in sources),
            "warnings": (*found.warnings, told),
        }
    )


def picture_of(place: Place, found: FoundEpisode) -> bytes | None:
    """A JPEG of one or two photos with the evidence outlined: those that show most things; ``None``
    where nothing is outlined."""
    by_photo: dict[str, list[FoundEvidence]] = {}
    for item in found.evidence:
        if item.box is not None:
            by_photo.setdefault(item.photo, []).append(item)
    wanted = {item.category for items in by_photo.values() for item in items}
    chosen: list[str] = []
    while wanted and len(chosen) < _MOST_PICTURES:
        best = max(by_photo, key=lambda name: len(wanted & {i.category for i in by_photo[name]}))
        wanted -= {item.category for item in by_photo[best]}
        chosen.append(best)
    images = {photo.name: photo.image.sha256 for photo in place.record.photos}
    pictures = [
        painted(place.blobs.get(images[name]), [_node(item) for item in by_photo[name]], None)
        for name in chosen
        if name in images
    ]
    return joined(pictures) if pictures else None


def _node(item: FoundEvidence) -> Node:
    box: list[JsonValue] = [*(item.box or ())]
    return Node(item.handle, item.kind, row={"box": box, "category": item.category})
