"""Wordings of the template questions that no agent is trained on, by type of question.

``HELD_OUT`` is the older set, near to the templates. ``COLLOQUIAL`` was written afterwards in a
style of its own, before the grammar that agents are trained on (`wordings`) and before anything was
measured with it: how people talk, with things in it that are not asked about. Both stay as they
are; what an agent gets wrong here is not to be cured by training on it.
"""

from __future__ import annotations

_QUADRANTS = "front-left, front-right, back-left, or back-right"

HELD_OUT: dict[str, tuple[str, ...]] = {
    "count": (
        "What number of {a}(s) does this room have?",
        "How many {a}(s) can be found here?",
    ),
    "distance": (
        "What distance, in meters, is between the {a} and the {b}?",
        "How much space separates the {a} and the {b}?",
    ),
    "size": (
        "In centimeters, what is the longest dimension of the {a}?",
        "How large is the {a} along its longest edge?",
    ),
    "area": ("In square meters, what is the size of this room?", "How spacious is this place?"),
    "nearest": (
        "Of {b}, which object is the closest to the {a}?",
        "Which of these ({b}) stands least far away from the {a}?",
    ),
    "easy": (
        "If I am standing by the {a} and facing the {b}, to which side is the {c}, left or right?",
        "Looking at the {b} beside the {a}, does the {c} lie left or right?",
    ),
    "medium": (
        "Where is the {c}, left, right, or back, if I am standing by the {a} and facing the {b}?",
        "Looking at the {b} beside the {a}, does the {c} lie left, right, or behind me?",
    ),
    "hard": (
        f"Where is the {{c}}, {_QUADRANTS}, if I am standing by the {{a}} and facing the {{b}}?",
        f"Looking at the {{b}} beside the {{a}}, does the {{c}} lie {_QUADRANTS}?",
    ),
}


def _sides(sides: str) -> tuple[str, ...]:
    return (
        f"My back leans against the {{a}} and my nose points at the {{b}}. Which way do I reach "
        f"for the {{c}}: {sides}?",
        f"Say you have taken your place next to the {{a}} with the {{b}} straight ahead of you; "
        f"would you find the {{c}} {sides}?",
        f"There is a {{c}} somewhere. My friend waits at the {{a}} and watches the {{b}}. As seen "
        f"by my friend, does the {{c}} end up {sides}?",
        f"Once I've walked up to the {{a}} and turned so that I see the {{b}}, is it {sides} where "
        f"the {{c}} is?",
    )


COLLOQUIAL: dict[str, tuple[str, ...]] = {
    "count": (
        "I'd like to know the tally of {a}(s) around me.",
        "Somebody asks you to tick off every {a}(s) here. With how many ticks would you finish?",
        "Looking around this place, what quantity of {a}(s) would you come up with?",
        "Let's see, exactly how numerous are the {a}(s)?",
    ),
    "distance": (
        "A cable should run straight from the {a} to the {b}; how many meters of it are needed?",
        "Could you estimate the separation of the {a} and the {b} for me (meters)?",
        "Suppose an ant goes from the {a} over to the {b} by the straightest way. How many meters "
        "does it cover?",
        "If you took a measuring tape from the {a} across to the {b}, what would it read?",
    ),
    "size": (
        "I need to ship the {a}: what is its biggest measurement, in centimeters?",
        "Could you tell me how tall, wide or deep the {a} gets at the very most (centimeters)?",
        "Hold a ruler to the {a}: which figure do you read along its most extended direction?",
        "How many centimeters must a box measure so that the {a} just fits lengthwise?",
    ),
    "area": (
        "If I wanted to lay carpet in here wall to wall, how many square meters would I buy?",
        "Please estimate the surface one can walk on here, in square meters.",
        "How roomy is it in here?",
        "For a rental listing I need the square meters of this place; what do I write?",
    ),
    "nearest": (
        "Someone at the {a} wants to touch one of these: {b}. Which needs the shortest reach?",
        "Pick whichever of {b} has the least distance from the {a}.",
        "Starting at the {a}, which one would you bump into first: {b}?",
        "Here are some things: {b}. I want the neighbor of the {a}; which would that be?",
    ),
    "easy": _sides("left or right"),
    "medium": _sides("left, right, or back"),
    "hard": _sides(_QUADRANTS),
}
