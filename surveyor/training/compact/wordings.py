"""Other wordings of the template questions: some to train on, others held out.

A compact agent reads words that it was trained on; what it makes of others is measured by the
wordings that are held out. The calls and the answer of an episode are those of the template's.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from surveyor.training.compact.lexicon import read_as
from surveyor.training.rows.records import Chat, text_of

_LINE = re.compile(r"^Question: (.*)$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_SOUNDS = ("bdfgklmprstvz", "aeiou", "bdfgklmprstvz", "aeiou", "bdfgklmprstvz")


@dataclass(frozen=True, slots=True)
class Reworded:
    """The first line of a template's question, and what else may be said for it."""

    kind: str
    pattern: re.Pattern[str]
    wordings: tuple[str, ...]


def _asked(kind: str, pattern: str, wordings: tuple[str, ...]) -> Reworded:
    return Reworded(kind, re.compile(pattern), wordings)


_STANDING = r"If I am standing by the (?P<a>.+) and facing the (?P<b>.+), is the (?P<c>.+) to "
_PLEASE = (
    "[||||Please, |Could you say: |Quick question: |I wonder: |Tell me, |Can you work out: |"
    "My {x} asks: |For the {x}: |I have a {x}. |]"
)
_ROUGHLY = (
    "[|||||, roughly|, approximately|, as precisely as possible|, please|, in your estimate|"
    ", asks the {x}|, as the {x} says]"
)
_HERE = "[here|in here|in [this|the] [room|place|apartment]|inside this room|]"
_METERS = "[||in [meters|metres]|(in meters)|, measured in meters,]"
_CENTIMETERS = "[||in [centimeters|centimetres|cm]|(in centimeters)|, measured in centimeters,]"
_SQUARE = "[||in square [meters|metres]|(in square meters)|, measured in square meters,]"
_QUADRANTS = "front-left, front-right, back-left, or back-right"

_AT = "[by|at|next to|right beside|near]"
_I = "[I am|I'm|you are|someone is|a person is]"
_STANDS = f"[[standing|positioned|located|placed|waiting|seated] {_AT} the {{a}}|{_AT} the {{a}}]"
_FACES = "[facing|looking [towards|toward|straight at]|turned [to|towards]|watching] the {b}"


def _directions(sides: str) -> tuple[str, ...]:
    """Ways to ask on which of these sides something is, its three objects in every order."""
    choice = f"[{sides}|to [my|the] {sides}|on [my|the] {sides}]"
    among = f"[: {sides}|, {sides}| ({sides})|; choose among {sides}]"
    where = "[where is|where do I find|on which side is|in which direction is|which way is]"
    lies = "[is the {c}|do I find the {c}|do I see the {c}|would the {c} be|does the {c} appear]"
    return (
        f"[If|When|Suppose|Imagine|Assume] {_I} {_STANDS} [and|while] {_FACES}[, |: |. ]"
        f"[{where} the {{c}}{among}|{lies} {choice}]",
        f"{_STANDS} and {_FACES}, [{where} the {{c}}{among}|{lies} {choice}]",
        f"{_FACES}, {_STANDS}, [{where} the {{c}}{among}|{lies} {choice}]",
        f"{_FACES} [from|from where I am at] the {{a}}, [{where} the {{c}}{among}|{lies} {choice}]",
        f"[From|Seen from|Viewed from|Starting at] the {{a}}, {_FACES}, "
        f"[{where} the {{c}}{among}|{lies} {choice}]",
        f"[{where} the {{c}}{among}|{lies} {choice}] [if|when|once|while] {_I} {_STANDS} "
        f"[and|while] {_FACES}",
        f"[{where} the {{c}}|{lies} {choice}] for [someone|a person|somebody] who [is|stands|sits|"
        f"waits] {_AT} the {{a}} and [faces|looks at|watches|sees] the {{b}}[|{among}]",
        f"[{where} the {{c}}|{lies} {choice}] [if|when] {_I} {_FACES} and {_STANDS}[|{among}]",
        f"The {{c}}: is it {choice} [if|when|for someone who is] {_STANDS} and {_FACES}",
        f"The {{c}}: is it {choice} [if|when|for someone who is] {_FACES} from the {{a}}",
        f"[I|You|We] [stand|stay|sit|wait|stop] {_AT} the {{a}} and [look at|face|watch|see] the "
        f"{{b}}. [{where} the {{c}}{among}|{lies} {choice}]",
        f"The {{b}} is [in front|straight ahead|what I face|what I look at][,| and] the {{a}} is "
        f"[where I stand|where I am|right next to me|behind me]. "
        f"[{where} the {{c}}{among}|{lies} {choice}]",
        f"[With|Having] the {{a}} [next to me|at my side|behind me] and the {{b}} [in front|before "
        f"me|in view], [{where} the {{c}}{among}|{lies} {choice}]",
        f"[Go|Walk|Move|Get] to the {{a}} and [face|look at|turn towards] the {{b}}"
        f"[. |: |, then ][{where} the {{c}}{among}|{lies} {choice}]",
        f"[Go|Walk|Move] to the {{a}} and turn until [you face|you see|you look at] the {{b}}. "
        f"[{where} the {{c}}{among}|{lies} {choice}]",
        f"[To find|To reach|To get to] the {{c}} from the {{a}}, {_FACES}, [do I go|do I turn|"
        f"must I look] {choice}",
    )


ASKED = (
    _asked(
        "count",
        r"How many (?P<a>.+)\(s\) are in this room\?",
        (
            f"how many {{a}}(s) [are there|do you see|do you find|exist|can you find] {_HERE}",
            "how many {a}(s) does [this|the] [room|place|apartment] [have|hold|include|show]",
            f"[count|count up|number] [the|all the|every|all] {{a}}(s) {_HERE}",
            f"what is the [number|total number|count|total|amount|quantity] of {{a}}(s) {_HERE}",
            f"{_HERE}, how many {{a}}(s) [are there|do you see|in total]",
            f"[the|all the] {{a}}(s) {_HERE}: how many are [there|they]",
            f"of {{a}}(s), how many [are|do you see] {_HERE}",
            f"[I see|There are] some {{a}}(s) {_HERE}. How many[| of them| exactly| in all]",
            f"[give|name|find] the [number|count|total|sum] of {{a}}(s) {_HERE}",
            f"if [I|you|we] counted [every|each|the] {{a}}(s) {_HERE}, what would be the "
            "[number|total|sum|result]",
            "[each|every] {a}(s) counts[, | once: ]how many is that [altogether|in total|in all]",
        ),
    ),
    _asked(
        "distance",
        r"Measuring .+ direct distance between the (?P<a>.+) and the (?P<b>.+) \(in meters\)\?",
        (
            f"how far is [it from|] the {{a}} [from|to|away from] the {{b}} {_METERS}",
            f"what is the [|shortest|direct|smallest|straight] [distance|gap|separation|space] "
            f"[from the {{a}} to|between the {{a}} and] the {{b}} {_METERS}",
            "how many [meters|metres] [are|lie|is it] [between the {a} and|from the {a} to] the "
            "{b}",
            f"how far [apart are|away from each other are] the {{a}} and the {{b}} {_METERS}",
            "in meters, how [far apart|far from each other|distant] are the {a} and the {b}",
            f"between the {{a}} and the {{b}}, [what is the|how much] [distance|space|gap] "
            f"[is there|] {_METERS}",
            f"[give|find|measure|determine] the [distance|gap|spacing] [of|from|between] the {{a}} "
            f"[and|to] the {{b}} {_METERS}",
            f"how [close|near] [is the {{a}} to|are the {{a}} and] the {{b}} {_METERS}",
            "[if|when] I [walk|go|move|measure] [straight|directly] from the {a} to the {b}, "
            "how [far|long|many meters] is [it|that|the way]",
            "from the {a} to the {b}: how [far|many meters|long a way|much distance] is it",
            "the {a} and the {b}: how many meters [apart|between them|lie in between]",
            "[starting|beginning] at the {a}, how [far|many meters] [do I go|is it|do I walk] to "
            "[reach|get to|touch] the {b}",
        ),
    ),
    _asked(
        "size",
        r"What is the length of the longest dimension .+ of the (?P<a>.+), measured in cent.+",
        (
            f"how [long|big|large|tall|wide] is the {{a}} [in its longest dimension|at most|at its "
            f"[longest|largest|widest]|over its longest side|] {_CENTIMETERS}",
            f"what [does|is] the longest [side|dimension|extent] of the {{a}} "
            f"[measure|come to|] {_CENTIMETERS}",
            "how many [centimeters|centimetres] [is the longest [side|dimension] of the {a}|does "
            "the {a} measure|long is the {a}|does the {a} take up]",
            f"of length, width and height, [what is|which is] the [longest|largest] of the {{a}} "
            f"{_CENTIMETERS}",
            f"what is the [maximum|maximal|largest|greatest] [dimension|extent|size|length] of the "
            f"{{a}} {_CENTIMETERS}",
            "in centimeters, how [long|large|big] is the {a} [at most|at the most|]",
            f"[give|name|find|measure] the [greatest|largest|longest] [extent|dimension|side|"
            f"measurement] of the {{a}} {_CENTIMETERS}",
            f"the {{a}}: how [long|big|large|wide] is [it|its longest side] {_CENTIMETERS}",
            f"what size [has|is] the {{a}} [along|over|in] its [longest|largest] "
            f"[side|dimension|direction] {_CENTIMETERS}",
            "if [I|you] measured the {a}, how many centimeters [long|large] would it be",
            "[I|you] [want to move|have to buy room for|put a cover over] the {a}. How "
            "[long|big|large] is it [at most|]",
        ),
    ),
    _asked(
        "area",
        r"What is the size of this room \(in square meters\)\?.*",
        (
            "how many square [meters|metres] [does|has] this [room|place|apartment] [have|cover|]",
            f"how [large|big|wide] is [this|the] [room|place|floor|apartment] {_SQUARE}",
            f"what is the [floor area|area|surface|size of the floor|floor space] "
            f"[of this room|here|in here|] {_SQUARE}",
            f"what area does [the floor|this room|this place] [cover|have|take up] {_SQUARE}",
            f"how much [floor|floor space|area|surface|room|space] [does this room have|is there|"
            f"do we have] {_HERE} {_SQUARE}",
            f"[give|find|measure|determine|state] the [size|area|surface] of [this|the] "
            f"[room|place|floor] {_SQUARE}",
            "[this|the] [room|place|floor|apartment]: how [big|large|many square meters] is it",
            "how [big|large] [is it|] in here [overall|altogether|in all|] ",
            "if [I|you] measured the whole floor, how many square meters would it [be|have]",
            "to cover the [whole|entire] floor, how many square meters [do I need|are needed]",
        ),
    ),
    _asked(
        "nearest",
        r"Measuring .+ which of these objects \((?P<b>.+)\) is the closest to the (?P<a>.+)\?",
        (
            "which [|one|object|thing] [of|among|out of] [these: |] {b} is [nearest|closest|next] "
            "to the {a}",
            "which [object|thing|one] is [closest|nearest|the nearest] to the {a}: {b}",
            "[of|among|out of] [these objects|the following|these] ({b}), [which|what] is the "
            "[nearest|closest] to the {a}",
            "what is the {a} [closest|nearest|next] to: {b}",
            "[which|which one] [of|out of] {b} has the [smallest|shortest|least] "
            "[distance|way] [to|from] the {a}",
            "the {a} is [nearest|closest|next] to which of [these|the following]: {b}",
            "which [object|one|thing] do you find [nearest|closest] to the {a}: {b}",
            "of [the objects|] {b}, name the [closest|nearest] [to|one to] the {a}",
            "{b}: which [of them|one|] is [nearest|closest] to the {a}",
            "[compare|look at|consider] {b}. Which is [the|] [least distant|nearest|closest] "
            "[from|to] the {a}",
            "[I am|someone is|you are] at the {a}. Which [of these|] is [closest|nearest|the "
            "shortest way off]: {b}",
            "from the {a}, which is the [shortest|smallest] [distance|way|walk]: to {b}",
            "[going|walking|looking] from the {a}, which [comes|would come] first: {b}",
            "what [stays|stands|is] [nearest|closest] to the {a}, [is it|] {b}",
        ),
    ),
    _asked("easy", _STANDING + r"the left or the right of the .+\?", _directions("left or right")),
    _asked("medium", _STANDING + r"my left, right, or back\?", _directions("left, right, or back")),
    _asked("hard", _STANDING + rf"my {_QUADRANTS}\?", _directions(_QUADRANTS)),
)


_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def said(pattern: str, dice: random.Random) -> str:
    """One text of a pattern: of every ``[a|b|c]``, one. Thousands for every kind of question."""
    while (found := _CHOICE.search(pattern)) is not None:
        chosen = dice.choice(found[1].split("|"))
        pattern = pattern[: found.start()] + chosen + pattern[found.end() :]
    text = re.sub(r"\s+([,.:;?)])", r"\1", re.sub(r"\s+", " ", pattern)).replace(",,", ",")
    text = text.strip(" ,:;")
    return f"{text[:1].upper()}{text[1:]}"


def reworded(
    question: str, dice: random.Random, among: Mapping[str, Sequence[str]] | None = None
) -> str:
    """A template's question in other words; any other question as it is.

    ``among`` are held-out wordings by kind (`surveyor.training.compact.held_out`) to take instead
    of those that are trained on. The lines after the first stay: they explain terms and options.
    """
    line, newline, rest = question.partition("\n")
    for asked in ASKED:
        found = asked.pattern.fullmatch(line.strip())
        if found is not None:
            wording = dice.choice(asked.wordings if among is None else among[asked.kind])
            if among is None:
                wording = said(f"{_PLEASE}{wording}{_ROUGHLY}[?|?|.|]", dice)
            wording = wording.format(**found.groupdict(), x=made_up(dice))
            return f"{wording}{newline}{rest}"
    return question


def made_up(dice: random.Random) -> str:
    """A word that means nothing."""
    return "".join(dice.choice(part) for part in _SOUNDS)


def in_other_words(messages: tuple[Chat, ...], dice: random.Random) -> tuple[Chat, ...]:
    """A conversation whose question is asked in other words; the rest is the same."""
    return _asked_as(messages, lambda question: reworded(question, dice))


def with_strange_words(
    messages: tuple[Chat, ...], known: Set[str], dice: random.Random
) -> tuple[Chat, ...]:
    """A conversation in whose question one or two template words are made up.

    A word that an agent doesn't know looks to it like a name; so it learns that not all names are
    things. ``known`` are the template words in lower case; those beside a name stay, because what
    stands beside a name would be taken for a part of it.
    """

    def told(question: str) -> str:
        words = list(_WORD.finditer(question))
        plain = [word[0].lower() in known or read_as(word[0]) is not None for word in words]
        free = [k for k in range(len(words)) if all(plain[max(0, k - 1) : k + 2])]
        for k in sorted(dice.sample(free, min(len(free), dice.choice((1, 2)))), reverse=True):
            question = question[: words[k].start()] + made_up(dice) + question[words[k].end() :]
        return question

    return _asked_as(messages, told)


def _asked_as(messages: tuple[Chat, ...], change: Callable[[str], str]) -> tuple[Chat, ...]:
    told = []
    for message in messages:
        text = text_of(message)
        found = _LINE.search(text) if message.get("role") == "user" else None
        if found is not None:
            other = change(found[1])
            text = f"{text[: found.start(1)]}{other}{text[found.end(1) :]}"
            message = {**message, "content": text}
        told.append(message)
    return tuple(told)
