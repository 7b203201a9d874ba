"""Which objects an image shows, where, and which of them a phrase means."""

from __future__ import annotations

from dataclasses import dataclass

from surveyor.scenes.records import SceneObject
from surveyor.services.contract import Box
from surveyor.services.reference.world import ImageView

_ARTICLES = frozenset({"a", "an", "the", "some", "any"})
_PUNCTUATION = ".,;:!?\"'()[]"
_REFERENCE_AREA = 640 * 480


@dataclass(frozen=True, slots=True)
class Visible:
    """One object in one image: visible pixels, and their tight box in pixels."""

    object: SceneObject
    pixels: int
    box: Box


def visible_objects(view: ImageView, min_pixels: int) -> list[Visible]:
    """Objects with at least ``min_pixels`` visible pixels (of 640 x 480), in the truth's order."""
    known = {thing.instance_id: thing for thing in view.truth.objects}
    least = max(1.0, min_pixels * view.width * view.height / _REFERENCE_AREA)
    return [
        Visible(known[instance], count, box)
        for instance, count, box in view.instances
        if instance in known and count >= least
    ]


def matches(thing: SceneObject, phrase: str) -> bool:
    """Whether ``phrase`` names the object: its category or an alias, alone or after words that
    are all among its attributes ("red chair" names a chair whose colour is red)."""
    words = _words(phrase)
    for name in (thing.category, *thing.aliases):
        noun = _words(name)
        if not noun or words[-len(noun) :] != noun:
            continue
        qualities = {word for value in thing.attributes.values() for word in _words(value)}
        if all(word in qualities for word in words[: -len(noun)]):
            return True
    return False


def best_phrase(thing: SceneObject, phrases: tuple[str, ...]) -> str | None:
    """The most specific (longest) asked phrase that names the object."""
    named = [phrase for phrase in phrases if matches(thing, phrase)]
    return max(named, key=len) if named else None


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inner = width * height
    return inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner)


def _words(text: str) -> list[str]:
    """Words in the singular, without articles and without the punctuation that models end phrases
    with ("door.", "a chair .")."""
    bare = (word.strip(_PUNCTUATION) for word in text.lower().replace("_", " ").split())
    return [_singular(word) for word in bare if word and word not in _ARTICLES]


def _singular(word: str) -> str:
    if word.endswith("shelves"):
        return word[:-3] + "f"
    if word.endswith(("ches", "shes", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        return word[:-1]
    return word
