"""The slots of one conversation, filled in order of mention.

A table is made anew from the messages of every request and is never kept: encoding a prefix of a
conversation gives a prefix of the tokens and the same slots, so a server needs no state.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from surveyor.agent.program.frame_search import evenly
from surveyor.training.compact.lexicon import read_as
from surveyor.training.compact.vocabulary import (
    HANDLES,
    NAMES,
    NUMBERS,
    OPTIONS,
    SIZES,
    UNKNOWN,
    WHOLE,
)

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|\d+\.\d+|\d+|[^\sA-Za-z\d]")
_HANDLE = re.compile(r"([a-z]+)_(\d+)")
_PUNCTUATION = frozenset(".,()?:;-")


@dataclass
class Search:
    """Which frames are what: lists of handles that calls speak of without writing them out.

    ``left`` were chosen and not yet searched, ``hits`` show something, ``registered`` were
    reconstructed, ``batch`` counts the batches that were searched, ``seen`` the frames in which
    each name was found.
    """

    left: list[str] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    hits: list[str] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    batch: int = 0
    seen: Counter[str] = field(default_factory=Counter)


@dataclass
class Table:
    """``way`` holds the workflow's numbers by slot, ``join`` how it joins views, ``need`` what the
    question needs (tokens), ``options`` the options' texts by letter, ``kinds`` the name slot of
    every object, ``groups`` the frames of every group."""

    words: frozenset[str]
    names: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    newest: dict[int, str] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    way: dict[str, float] = field(default_factory=dict)
    join: str = ""
    need: list[str] = field(default_factory=list)
    search: Search = field(default_factory=Search)

    def name(self, text: str) -> str:
        """The slot of a name, a new one when it was not mentioned before."""
        key = text.casefold()
        for position, known in enumerate(self.names):
            if known.casefold() == key:
                return f"E{position + 1}"
        if len(self.names) >= NAMES:
            return UNKNOWN
        self.names.append(text)
        return f"E{len(self.names)}"

    def number(self, text: str) -> list[str]:
        """A new slot for a measured number, and about how large it is."""
        if len(self.numbers) >= NUMBERS:
            return [UNKNOWN]
        self.numbers.append(text)
        return [f"N{len(self.numbers)}", size_of(float(text))]

    def whole(self, text: str) -> list[str]:
        """A new slot for a number of things, to copy, and the number."""
        if len(self.numbers) >= NUMBERS or int(text) > WHOLE:
            return [UNKNOWN]
        self.numbers.append(text)
        return [f"N{len(self.numbers)}", text]

    def option(self, letter: str) -> str:
        """The mark of an option, which is its letter's place in the alphabet."""
        place = ord(letter) - ord("A") + 1
        return f"O{place}" if 1 <= place <= OPTIONS else UNKNOWN

    def saying(self, text: str) -> list[str] | None:
        """A slot for a result that says what an option says, and the option's name.

        As with numbers, the answer is the slot of the result: the first one where one was made.
        """
        if not any(option.casefold() == text.casefold() for option in self.options.values()):
            return None
        if len(self.numbers) >= NUMBERS:
            return [UNKNOWN]
        self.numbers.append(text)
        return [f"N{len(self.numbers)}", self.name(text)]

    def frame(self, handle: str) -> str:
        """A frame by its place in the capture; the newest version of it is what is meant."""
        if handle not in self.places:
            place = int(handle.rpartition("_")[2])
            self.places[handle] = place
            self.newest.setdefault(place, handle)
        return f"f{self.places[handle]}"

    def derived(self, new: str, old: str) -> None:
        """Take ``new`` for a version of ``old``, which has the same place in the capture."""
        self.frame(old)
        self.places[new] = self.places[old]
        self.newest[self.places[old]] = new

    def handle(self, text: str) -> str | None:
        """The token of a handle; ``None`` when it is none, ``<unk>`` when there are too many."""
        found = _HANDLE.fullmatch(text)
        if found is None:
            return None
        kind, number = found[1], int(found[2])
        if kind == "frame":
            return self.frame(text)
        if kind not in HANDLES:
            return None
        return text if number <= HANDLES[kind] else UNKNOWN

    def expand(self, handles: Sequence[str]) -> list[str]:
        """Frames, with groups replaced by theirs."""
        return [frame for handle in handles for frame in self.groups.get(handle, [handle])]

    def say(self, text: str) -> list[str]:
        """Any text: words that are no things are read as the lexicon says, names of options and
        runs of other words become names."""
        things = [one for one in self.options.values() if self._is_thing(one)]
        if not things:
            return self._words(text)
        longest = sorted(map(re.escape, things), key=len, reverse=True)
        said: list[str] = []
        for part in re.split(rf"(?i)\b({'|'.join(longest)})\b", text):
            known = any(part.casefold() == one.casefold() for one in things)
            said += [self.name(part)] if known else self._words(part)
        return said

    def _words(self, text: str) -> list[str]:
        said: list[str] = []
        run: list[str] = []
        for token in [*_WORD.findall(text), ""]:
            read = self._plain(token, run[-1] if run else "")
            if read is None:
                run.append(token.removesuffix("'s") or token)  # the sofa's side is a sofa's
                if token.endswith("'s"):
                    said.append(self.name(" ".join(run)))
                    run = []
                continue
            if run:
                said.append(self.name(" ".join(run)))
                run = []
            said += read
        return said

    def _is_thing(self, text: str) -> bool:
        return any(word.isalpha() and self._plain(word, "") is None for word in text.split())

    def _plain(self, token: str, after: str) -> list[str] | None:
        """A token that is no part of a name; ``None``: it may be one."""
        if not token:
            return []
        if token[0].isalpha():
            read = read_as(token, after)
            if read is None and token.lower() in self.words:
                return [token.lower()]
            return None if read is None else [read if read in self.words else "<w>"]
        if token[0].isdecimal():
            if "." in token:
                return self.number(token)
            return [token if int(token) <= WHOLE else UNKNOWN]
        return [token if token in _PUNCTUATION else UNKNOWN]

    def batch(self) -> tuple[list[str], list[str]] | None:
        """The next batch of a search that stops, and the tokens that ask for it."""
        first = int(self.way.get("W.first", 0))
        if not first or not self.search.left or self.search.batch > 4:
            return None
        wanted = list(evenly(self.search.left, first << self.search.batch))
        return wanted, ["<even>", "<left>", "W.first", f"x{1 << self.search.batch}"]

    def scaled(self) -> tuple[list[str], list[str]] | None:
        """The frames whose depth gives a reconstruction its scale, and the tokens for them."""
        if not self.search.registered:
            return None
        number = int(self.way.get("W.scale_frames", 4))
        named = "W.scale_frames" if "W.scale_frames" in self.way else "4"
        return list(evenly(self.search.registered, number)), ["<even>", "<reg>", named]


def size_of(value: float) -> str:
    """A measured number's size on a logarithmic scale, a quarter of a doubling a step."""
    return f"~{min(SIZES - 1, max(0, round(4 * math.log2(max(abs(value), 0.05) / 0.05))))}"
