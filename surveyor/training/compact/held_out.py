"""Wordings of the template questions that no agent is trained on, by type of question.

``HELD_OUT`` is the older set, near to the templates. ``COLLOQUIAL`` was written afterwards in a
style of its own, before the grammar that agents are trained on (`wordings`) and before anything was
measured with it: how people talk, with things in it that are not asked about. ``STRANGER`` was
written by somebody who had seen nothing of this project, and was read by nobody who works on it
before an agent had been measured with it. All stay as they are; what an agent gets wrong here is
not to be cured by training on it.
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


STRANGER: dict[str, tuple[str, ...]] = {
    "count": (
        "Can you count every {a} in here for me and say the number?",
        "Hi, before I send the van: what's the total number of {a}(s) you've got in that room?",
        "{a}(s) in the room, how many altogether? Need a number for the quote.",
        "Please, in this room there is how much {a}(s)? Tell me only number.",
        "no. of {a}(s) in room?",
        "I was just peeking in the other day and lost track, so help me out, would you: if "
        "you went round the whole room and counted each {a}, what number would you end up "
        "with?",
    ),
    "distance": (
        "If I pulled a string really tight from the {a} to the {b}, from where they're "
        "closest to each other, how many metres of string would I need?",
        "I have to know the gap between the {a} and the {b}. Measure in a straight line "
        "from the nearest edge of one to the nearest edge of the other, in metres please.",
        "Running a tape direct, closest point to closest point: what's it read in metres "
        "from {b} back to {a}?",
        "Please say me, the {b} is how many meters far from the {a}? I mean straight line, "
        "between the two points which are most near.",
        "{a} to {b}, closest points, straight line, how many m?",
        "You know how people always guess these things wrong, so I'd rather ask: taking the "
        "bit of the {b} that's closest to the {a}, and going straight across to the nearest "
        "bit of that, how far is it in metres?",
    ),
    "size": (
        "How many centimetres is the {a} on its very biggest side? It can be how long, how "
        "wide or how tall it is, just pick the biggest one.",
        "Will it fit through the door, I wonder. Out of length, width and height, give me "
        "the largest measurement of the {a} in centimetres.",
        "Max dimension of the {a} in cm, whichever of height, width or length comes out greatest?",
        "The {a}, what is its most long measure, please? Length or width or height, the one "
        "that is biggest, in centimeters.",
        "{a} longest dimension (l, w or h) in cm?",
        "My sister wants one just the same, so tell me, if you measured the length, the "
        "width and the height of that {a} and kept only the biggest figure, how many "
        "centimetres would it be?",
    ),
    "area": (
        "If you covered the whole floor of this room with squares that are one metre on "
        "each side, how many squares would it take?",
        "What floor space are we dealing with in this room? I need it in square metres.",
        "I'm pricing up new flooring, wall to wall. How many square metres of floor has the "
        "room got?",
        "Please, this room, how big is the floor of it? Answer in square meter.",
        "room floor area in m2?",
        "It always looked roomier than ours, I must say! So what does the floor of the room "
        "come to, all of it, in square metres?",
    ),
    "nearest": (
        "Which one is closest to the {a}? You can only pick one of these: {b}.",
        "Here's my list: {b}. Tell me which of them stands nearest the {a}, so I know what "
        "to shift first.",
        "Out of {b}, what's got the shortest distance to the {a}?",
        "I have these things: {b}. Which one of them is the most near to the {a}, please?",
        "closest to {a}? pick 1: {b}",
        "Settle this for us, would you, because my husband and I can't agree: looking at "
        "the {a}, and considering just the following, {b}, which is the least far away from "
        "it?",
    ),
    "easy": (
        "Pretend you're next to the {a} and you're looking right at the {b}. Is the {c} on "
        "your left or on your right?",
        "Left or right: on which side will I find the {c} when I've got my feet by the {a} "
        "and my eyes on the {b}?",
        "I'm stood at the {a}, facing the {b}. Which hand is the {c} on, left or right?",
        "The {c}, it is at right side or at left side, when I stay near the {a} and my face "
        "is to the {b}?",
        "at {a}, facing {b}. {c} = left or right?",
        "So imagine I've popped in and I'm standing beside the {a}, turned towards the {b} "
        "as you do; would I have to look to my right or to my left to see the {c}?",
    ),
    "medium": (
        "You stand by the {a} and look at the {b}. Where's the {c} now: on your left, on "
        "your right, or at your back?",
        "Tell me where the {c} is (left, right or back) for a man who stands next to the "
        "{a} with the {b} straight ahead of him.",
        "Facing the {b} from a spot beside the {a}, do I turn right, turn left or go round "
        "to the back to reach the {c}? Answer with left, right or back.",
        "I am standing near of the {a} and I look in direction of the {b}. Please, the {c} "
        "is in which side: back, left or right?",
        "{c}: left, right or back? im at {a} facing {b}",
        "Let's say I'm having a natter by the {a} and I've turned to face the {b}. Now, "
        "would the {c} be off to my right, off to my left, or round the back of me?",
    ),
    "hard": (
        "Let's play I'm by the {a} and I look straight at the {b}. Which corner around me "
        "is the {c} in: front-left, front-right, back-left or back-right?",
        "I need to know which way to carry the {c} from. With me beside the {a} and facing "
        "the {b}, is that thing front-left, front-right, back-left or back-right of me?",
        "Position of the {c}, please, as seen by someone at the {a} who's squared up to the "
        "{b}: back-left, back-right, front-left or front-right?",
        "Please choose one: front-right, front-left, back-right, back-left. I stand near "
        "the {a}, I look to the {b}, so where is the {c}?",
        "stood at {a} facing {b}, wheres {c}? front-left / front-right / back-left / back-right",
        "I'm hopeless with directions, so bear with me: when I face the {b} while standing "
        "right by the {a}, does the {c} end up ahead of me or behind, and on which side? "
        "Just say back-right, back-left, front-right or front-left.",
    ),
}
