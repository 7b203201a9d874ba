"""Questions as people ask them at home, turned into the programs that templates turn into.

Six kinds: how far, how many, how long, how large the room is, what is nearest, and where something
is for someone who stands and looks. What is understood is what is measured; a question that only
resembles one of them is not answered by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from surveyor.agent.program.language import Program, the, things
from surveyor.agent.program.parser import FLOOR, parse
from surveyor.tools.geometry.bearings import Sectors

EXAMPLES = (
    "How far is the sofa from the door?",
    "How many chairs are there?",
    "How long is the table?",
    "How large is the room?",
    "Which is closest to the bed: the lamp, the chair or the door?",
    "If I stand at the door and face the bed, where is the lamp?",
)
"""One wording of each kind, for messages."""

_THE = r"(?:the |my |our |a |an |this |that )?"
_KEEP_S = frozenset({"glass", "stairs", "scissors", "curtains", "blinds", "headphones"})
_ODD = {"shelves": "shelf", "bookshelves": "bookshelf", "knives": "knife", "people": "person"}


def read_plainly(question: str) -> Program | None:
    """The program behind a question in a template's words or in free ones; ``None``: neither."""
    program = parse(question)
    if program is not None:
        return program
    text = " ".join(question.split()).rstrip(" ?.!")
    for pattern, build in _wordings():
        found = pattern.fullmatch(text)
        if found is not None:
            return build({key: _name(value) for key, value in found.groupdict().items() if value})
    return None


@cache
def _wordings() -> tuple[
    tuple[re.Pattern[str], Callable[[Mapping[str, str]], Program | None]], ...
]:
    unit = r"(?:,? in (?:metres|meters|m|cm|centimetres|centimeters))?"
    two = rf"{_THE}(?P<first>[\w -]+?) (?:from|to|and) {_THE}(?P<second>[\w -]+?){unit}"
    stand = rf"(?:if|when) i(?:'m| am)? stand(?:ing)? (?:at|by|next to|beside|near) {_THE}"
    face = rf" (?:and|,) ?(?:face|facing|look(?:ing)? (?:at|towards?)) {_THE}"
    table: tuple[tuple[str, Callable[[Mapping[str, str]], Program | None]], ...] = (
        (
            r"(?:how (?:large|big|spacious) is|what is the (?:floor )?(?:size|area) of|"
            r"what(?:'s| is) the floor ?(?:area|space) of|how many square met(?:re|er)s "
            r"(?:is|has)) (?:the|this|my|our) (?:whole |entire )?"
            r"(?:room|place|flat|kitchen|bedroom|office|floor)"
            r"(?: in square met(?:re|er)s)?",
            lambda _: FLOOR,
        ),
        (
            rf"(?:how far (?:apart )?(?:is|are)|(?:what(?:'s| is) )?(?:the )?(?:direct |shortest )?"
            rf"(?:distance|gap|space) (?:between|from)|"
            rf"how much (?:space|room) is (?:there )?between|"
            rf"how (?:close|near) (?:is|are)|measure (?:the )?(?:distance|gap) (?:between|from)|"
            rf"how many met(?:re|er)s (?:is it |are there )?(?:between|from)) {two}",
            _distance,
        ),
        (
            r"(?:how many|count(?: all)?|(?:what(?:'s| is) )?(?:the )?number of) "
            rf"{_THE}(?P<several>[\w -]+?)"
            r"(?: (?:are|is|can|do|does)(?: there| here| in| you| we| i| see| have| visible)*"
            r"(?: in)?(?: the| this| my)?(?: room| place| photos?| pictures?)?)?"
            r"(?: in (?:the|this|my) (?:room|place|flat|photos?|pictures?))?",
            _count,
        ),
        (
            rf"(?:how (?:long|big|large) is|what(?:'s| is) the (?:length|size|longest "
            rf"(?:edge|side|dimension)) of|measure) {_THE}(?P<first>[\w -]+?){unit}",
            lambda names: Program("longest_edge", (the(names["first"]),)),
        ),
        (
            r"(?:which|what) (?:one |thing |of these |object )?is (?:the )?"
            rf"(?:closest|nearest) to {_THE}(?P<anchor>[\w -]+?)[:,;?] ?(?P<listed>.+)",
            _nearest,
        ),
        (
            stand
            + r"(?P<stand>[\w -]+?)"
            + face
            + rf"(?P<face>[\w -]+?),? (?:where is|where's|on which side is|which way is) {_THE}"
            r"(?P<query>[\w -]+?)",
            lambda names: Program(
                "direction",
                (the(names["stand"]), the(names["face"]), the(names["query"]), Sectors.HARD.value),
            ),
        ),
    )
    return tuple((re.compile(pattern, re.IGNORECASE), build) for pattern, build in table)


def _count(names: Mapping[str, str]) -> Program | None:
    """Nothing where only some of them are meant (``books on the table``): no tool tells which."""
    several = names["several"]
    if {"are", "is", "on", "in", "with", "under", "of"} & set(several.split()):
        return None
    return Program("count", (things(singular(several)),))


def _distance(names: Mapping[str, str]) -> Program:
    return Program("distance", (the(names["first"]), the(names["second"])))


def _nearest(names: Mapping[str, str]) -> Program:
    parts = re.split(r",|\bor\b|;", names["listed"])
    listed = tuple(things(_name(part)) for part in parts if part.strip())
    return Program("nearest", (the(names["anchor"]), listed))


def _name(text: str) -> str:
    return re.sub(rf"^{_THE}", "", text.strip(" ?.,"), flags=re.IGNORECASE).strip().lower()


def singular(words: str) -> str:
    """``chairs`` is ``chair``; words that have no singular stay."""
    head, _, last = words.rpartition(" ")
    if last in _ODD:
        last = _ODD[last]
    elif last in _KEEP_S or last.endswith("ss") or not last.endswith("s"):
        pass
    elif last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif last.endswith(("ches", "shes", "xes", "sses")):
        last = last[:-2]
    else:
        last = last[:-1]
    return f"{head} {last}".strip()
