"""Programs from text, and what is wrong with a text in words that say how to mend it.

::

    program  = operator "(" [ argument { "," argument } ] ")"
    argument = program | list | name | number
    list     = "[" [ argument { "," argument } ] "]"
    name     = words of letters, digits, "_", "-", "." and "'", or any text in quotes

The parser is written by hand: the grammar is four lines long, and what matters is what a model is
told when it slips, which a parser generator says in its own terms (expected tokens) instead of
ours (what the operator wants there). Names may begin with a digit and hold hyphens (``3d_printer``,
``night-stand``), and a quote inside a word is a letter of it (``women's shoe``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from surveyor.agent.program.language import (
    ALIASES,
    OPERATORS,
    SYNONYMS,
    WORDS,
    Argument,
    Operator,
    Program,
    ValueKind,
    written,
)
from surveyor.core.errors import UserError
from surveyor.core.wording import closest

DEEPEST = 64
"""Calls within calls that a text may have."""
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>[()\[\],])|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<word>[\w.\-][\w.'\-]*))"""
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_INTO: Mapping[ValueKind, tuple[ValueKind, ...]] = {
    ValueKind.PLACE: (ValueKind.OBJECT,),
    ValueKind.THINGS: (ValueKind.SET, ValueKind.OBJECT),
}
"""What stands for a kind beside itself."""
_LEAVES = frozenset({ValueKind.NAME, ValueKind.NUMBER, *WORDS})
_EXAMPLES: Mapping[ValueKind, str] = {
    ValueKind.SET: "filter(scene(), chair)",
    ValueKind.OBJECT: "unique(filter(scene(), chair))",
    ValueKind.THINGS: "filter(scene(), chair)",
    ValueKind.PLACE: "unique(filter(scene(), door)), or camera(0)",
    ValueKind.MARK: "mark(red box, chair)",
    ValueKind.NAME: "chair",
    ValueKind.NUMBER: "1.5",
}


def read_program(text: str) -> Program:
    """The program that a text is; `UserError` says what was expected where."""
    program = _Parser(text).whole()
    return checked(program)


def checked(program: Program) -> Program:
    """The program with its words and numbers in their usual form; `UserError` where an operator
    does not exist or gets what it cannot take."""
    name = ALIASES.get(program.op, program.op)
    known = OPERATORS.get(name)
    if known is None:
        hint = closest(name, OPERATORS) or f"; there are: {', '.join(OPERATORS)}"
        raise UserError(f"there is no operator {name!r}{hint}")
    least, given = len(known.takes) - known.optional, len(program.args)
    if given < least or (given > len(known.takes) and not known.many):
        raise UserError(f"{name} takes {_arity(known)}, not {given}: {usage(name)}")
    taken: list[Argument] = []
    for number, argument in enumerate(program.args):
        at = min(number, len(known.takes) - 1)
        place = f"argument {number + 1} of {name}"
        if at in known.lists:
            members = argument if isinstance(argument, tuple) else (argument,)
            taken.append(tuple(_fit(one, known.takes[at], place) for one in members))
        else:
            taken.append(_fit(argument, known.takes[at], place))
    return Program(name, tuple(taken))


def usage(name: str) -> str:
    """How an operator is written, and what it means.

    >>> usage("count")
    'count(a set of objects) gives a number: how many'
    """
    known = OPERATORS[name]
    parts = []
    for at, kind in enumerate(known.takes):
        said = f"[{kind}, ...]" if at in known.lists else str(kind)
        said += ", ..." if known.many and at == len(known.takes) - 1 else ""
        parts.append(f"[{said}]?" if at >= len(known.takes) - known.optional else said)
    return f"{name}({', '.join(parts)}) gives {known.gives}: {known.means}"


@dataclass(frozen=True, slots=True)
class ProgramShape:
    """``depth`` is the longest chain of calls, ``calls`` how often each operator is used, and
    ``named`` the categories, attribute values and relations that a program speaks of.
    ``complexity`` counts calls that look at something: all but scene and the operations on sets."""

    gives: ValueKind
    depth: int
    calls: Mapping[str, int]
    named: Mapping[str, tuple[str, ...]]
    complexity: int


def shape(program: Program) -> ProgramShape:
    """What can be said of a program without running it."""
    calls = Counter(one.op for one in program.walk())
    named: dict[str, tuple[str, ...]] = {}
    for one in program.walk():
        if one.op in ("filter", "relate", "relate_multi", "relate_anchor", "query"):
            kind = "attribute" if one.op == "filter" and len(one.args) == 3 else one.op
            named[kind] = tuple(dict.fromkeys((*named.get(kind, ()), str(one.args[-1]))))
    plain = ("scene", "union", "intersection", "difference")
    looking = sum(count for op, count in calls.items() if op not in plain)
    return ProgramShape(program.gives, _depth(program), dict(calls), named, looking)


def _depth(argument: Argument) -> int:
    if isinstance(argument, tuple):
        return max(map(_depth, argument), default=0)
    return 1 + _depth(argument.args) if isinstance(argument, Program) else 0


def _fit(argument: Argument, kind: ValueKind, place: str) -> Argument:
    """An argument as its kind wants it."""
    if isinstance(argument, Program):
        inner = checked(argument)
        if inner.gives is kind or inner.gives in _INTO.get(kind, ()):
            return inner
        raise UserError(f"{place} is {inner.gives} ({_short(inner)}); it wants {_wanted(kind)}")
    if isinstance(argument, tuple) or kind not in _LEAVES:
        told = f"a list {written(argument)}" if isinstance(argument, tuple) else f"{argument!r}"
        raise UserError(f"{place} is {told}; it wants {_wanted(kind)}")
    if kind is ValueKind.NUMBER:
        if not _NUMBER.fullmatch(str(argument)):
            raise UserError(f"{place} is {argument!r}; it wants a number, such as 1.5")
        number = float(argument)
        return int(number) if number.is_integer() else number
    text = str(argument)
    if kind not in WORDS:
        if not text.strip():
            raise UserError(f"{place} is empty; it wants {_wanted(kind)}")
        return text
    plain = " ".join(text.replace("_", " ").casefold().split())
    word = SYNONYMS.get(plain, plain)
    if word not in WORDS[kind]:
        raise UserError(f"{place} is {text!r}; it wants one of: {', '.join(WORDS[kind])}")
    return word


def _wanted(kind: ValueKind) -> str:
    if kind in WORDS:
        return f"one of: {', '.join(WORDS[kind])}"
    return f"{kind}, such as {_EXAMPLES[kind]}"


def _arity(known: Operator) -> str:
    least, most = len(known.takes) - known.optional, len(known.takes)
    if known.many:
        return f"{least} argument or more"
    return (
        f"{most} argument{'s' * (most != 1)}" if least == most else f"{least} or {most} arguments"
    )


def _short(program: Program) -> str:
    text = str(program)
    return text if len(text) <= 60 else text[:57] + "..."


class _Parser:
    """One text, token by token."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._deep = 0

    def whole(self) -> Program:
        """The program that the text is, and nothing after it."""
        argument = self._argument()
        kind, text = self._seen
        if kind != "end":
            raise UserError(f"the program ends before {text!r}; write one program only")
        if not isinstance(argument, Program):
            raise UserError(f"{written(argument)} is no program; write one like "
                            "count(filter(scene(), chair))")  # fmt: skip
        return argument

    @property
    def _seen(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _argument(self) -> Argument:
        kind, text = self._take()
        if kind == "text":
            return _unquoted(text)
        if (kind, text) == ("sign", "["):
            return tuple(self._until("]", "the list"))
        if kind != "word":
            told = "the end of the text" if kind == "end" else repr(text)
            raise UserError(f"a program or a name was expected, not {told}")
        if self._seen == ("sign", "("):
            self._take()
            return Program(text, tuple(self._until(")", f"{text}(")))
        words = [text]
        while self._seen[0] == "word":
            words.append(self._take()[1])
        if self._seen == ("sign", "("):
            raise UserError(f"{' '.join(words)!r} is no operator; put a comma before {words[-1]!r}")
        return " ".join(words)

    def _until(self, end: str, what: str) -> Iterator[Argument]:
        self._deep += 1
        if self._deep > DEEPEST:
            raise UserError(f"the program is more than {DEEPEST} calls deep; write a shorter one")
        if self._seen != ("sign", end):
            yield self._argument()
            while self._seen == ("sign", ","):
                self._take()
                yield self._argument()
        kind, text = self._take()
        if (kind, text) != ("sign", end):
            told = "the text ends" if kind == "end" else f"{text!r} stands there"
            raise UserError(f"{what} is not closed: {end!r} or ',' was expected, but {told}")
        self._deep -= 1


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            rest = text[at:].strip()
            raise UserError(f"{rest[:1]!r} cannot stand here ({rest[:20]!r}); put names that hold "
                            "other signs in double quotes")  # fmt: skip
        at = found.end()
        yield str(found.lastgroup), found[str(found.lastgroup)]
    yield "end", ""


def _unquoted(text: str) -> str:
    if text[0] == '"':
        try:
            return str(json.loads(text))
        except json.JSONDecodeError:
            pass
    return re.sub(r"\\(.)", r"\1", text[1:-1])
