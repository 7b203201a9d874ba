"""What things are for: from a purpose that a question describes to kinds of things that serve it.

Plain words about household things, not a model: a purpose that none of them speaks of is no
question that the planner can read.
"""

from __future__ import annotations

import re
from functools import cache

_SERVES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"sleep|lie down|nap\b", ("bed",)),
    (r"tells? the time|what time", ("clock",)),
    (r"(?:own|your) face|reflection|look at yourself", ("mirror",)),
    (r"thrown? away|rubbish|garbage|trash|waste", ("trash bin", "trash can", "bucket")),
    (r"(?:keeps?|stay) .*(?:cold|fresh)|food cold", ("refrigerator",)),
    (r"leave the room|enter the room|way out", ("door",)),
    (r"daylight|sunlight|fresh air", ("window",)),
    (r"leftovers|heat(?:s|ing)? (?:up )?food", ("microwave",)),
    (r"side by side|two people .*sit", ("sofa",)),
    (r"novels|textbooks|books? .*(?:kept|stored)", ("bookshelf", "shelf")),
    (r"gives? off heat|weather is cold|warms? the room", ("radiator", "fireplace", "heater")),
    (r"marker|write .*in front of", ("whiteboard",)),
    (r"water(?:ing|ed)|living thing", ("plant",)),
    (r"clothes .*journey|travel|luggage", ("suitcase", "backpack", "basket")),
    (r"dirty clothes|laundry", ("washing machine", "washer")),
    (r"play .*music|make music", ("piano", "guitar")),
    (r"moves? the air|hot day", ("fan",)),
    (r"typed? on|typing", ("keyboard", "laptop")),
    (r"call (?:somebody|someone)|phone call", ("telephone",)),
    (r"take a bath|bathing", ("bathtub",)),
    (r"copies|print(?:s|ed|ing)?\b", ("printer",)),
    (r"ride to|cycl", ("bicycle",)),
    (r"watch (?:a film|the news|tv)", ("tv", "monitor")),
    (r"light .*(?:night|dark)|brighten", ("lamp",)),
    (r"\bsit\b|be seated", ("chair", "sofa", "stool")),
    (r"wash (?:your )?hands|dishes", ("sink",)),
)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    return tuple((re.compile(words, re.IGNORECASE), kinds) for words, kinds in _SERVES)


def kinds_for(purpose: str) -> tuple[str, ...]:
    """Kinds of things that serve a purpose, of the first that fits; empty where none does."""
    return next((kinds for words, kinds in _patterns() if words.search(purpose)), ())
