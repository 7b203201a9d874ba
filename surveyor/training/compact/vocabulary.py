"""The closed vocabulary of the slot language: every token that a compact agent can read or say.

Everything open (names, handles, measured numbers, a workflow's numbers) is a numbered slot; only
the words of question templates are learned from data. A vocabulary is saved beside the weights
that it belongs to, and has a version, because a model of one language can't speak another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from surveyor.core.errors import UserError
from surveyor.skills.workflow import Evidence, FramePolicy, Join, MetricScale, Restore
from surveyor.tools.builtin import default_tools
from surveyor.tools.geometry.bearings import Sectors
from surveyor.training.compact.lexicon import heads, read_as

VERSION = 6
FILE = "language.json"

PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<s>", "<end>"
NAMES, NUMBERS, FRAMES, WHOLE, SIZES, OPTIONS = 24, 64, 160, 256, 48, 8
HANDLES = {
    "frames": 24, "boxes": 8, "masks": 8, "clouds": 8, "depths": 8, "recon": 6, "objs": 6,
    "obj": 80, "room": 4, "depth": 40,
}  # fmt: skip
"""How many handles of a kind are told apart."""

WAY = ("W.number", "W.scale_frames", "W.views", "W.share", "W.first", "W.seen")
"""Slots for the numbers of a workflow; ``W.join`` is how it joins views."""

_MARKS = (
    PAD, UNKNOWN, START, END, "<w>", "<need>", "W.join", "<plain>", "<wf>", "<q>", "<go>",
    "<call>", "<res>",
    "<err>", "<ans>", "<r1>", "<cm>", "<lost>", "<even>", "<reg>", "<left>",
    "<searched>", "<hits>", "x1", "x2", "x4", "x8", "x16", "meas", "weak", "of", "relative",
    "metric", "true", "false", "none", ".", ",", "(", ")", "?", ":", ";", "-", "<1.8>", "<18.0>",
)  # fmt: skip


def argument_lists() -> dict[str, dict[str, bool]]:
    """By tool and argument, whether it takes a list."""
    found: dict[str, dict[str, bool]] = {}
    for tool in default_tools():
        properties = tool.schema["function"]["parameters"].get("properties", {})
        found[tool.name] = {name: _is_list(shape) for name, shape in properties.items()}
    return found


def _is_list(shape: dict[str, object]) -> bool:
    options = shape.get("anyOf")
    shapes = options if isinstance(options, list) else [shape]
    return any(isinstance(one, dict) and one.get("type") == "array" for one in shapes)


def keywords() -> tuple[str, ...]:
    """Words that stand for themselves only where an argument or a workflow takes them."""
    choices = (FramePolicy, Restore, Evidence, Join, MetricScale, Sectors)
    return tuple(dict.fromkeys(f"={one.value}" for kind in choices for one in kind))


class _Saved(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """All tokens; ``words`` are those of the question templates, in lower case."""

    words: tuple[str, ...]
    known: frozenset[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", frozenset(self.words))

    @classmethod
    def of(cls, words: Iterable[str]) -> Vocabulary:
        """The vocabulary of the lexicon and of these template words that it has not, in one order
        whatever the input's."""
        other = {word.lower() for word in words if read_as(word) is None}
        return cls(tuple(sorted(other | heads())))

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """The vocabulary of a model's folder; `UserError` when it is missing or another one's."""
        try:
            saved = _Saved.model_validate_json((folder / FILE).read_bytes())
        except (OSError, ValidationError):
            raise UserError(
                f"{folder} holds no compact agent (no readable {FILE}); make one with "
                "`surveyor train compact`"
            ) from None
        if saved.version != VERSION:
            raise UserError(
                f"{folder} speaks version {saved.version} of the slot language, this program "
                f"version {VERSION}; train it again"
            )
        return cls(saved.words)

    def save(self, folder: Path) -> None:
        """Write it beside the weights."""
        saved = _Saved(version=VERSION, words=self.words)
        (folder / FILE).write_text(saved.model_dump_json() + "\n")

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Every token; its position is its id."""
        tools = argument_lists()
        parts: list[str] = [*_MARKS, *WAY, *keywords(), *tools]
        parts += [f"@{name}" for arguments in tools.values() for name in arguments]
        parts += [f"E{k}" for k in range(1, NAMES + 1)]
        parts += [f"N{k}" for k in range(1, NUMBERS + 1)]
        parts += [f"O{k}" for k in range(1, OPTIONS + 1)]
        parts += [f"~{k}" for k in range(SIZES)]
        parts += [f"f{k}" for k in range(FRAMES)]
        parts += [str(k) for k in range(WHOLE + 1)]
        parts += [f".{k:03d}" for k in range(101)]
        parts += [f"{kind}_{k}" for kind, n in HANDLES.items() for k in range(1, n + 1)]
        return tuple(dict.fromkeys([*parts, *self.words]))

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id by token."""
        return {token: position for position, token in enumerate(self.tokens)}

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Ids; what is no token becomes ``<unk>``."""
        unknown = self.ids[UNKNOWN]
        return [self.ids.get(token, unknown) for token in tokens]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Tokens of ids."""
        return [self.tokens[k] if 0 <= k < len(self.tokens) else UNKNOWN for k in ids]
