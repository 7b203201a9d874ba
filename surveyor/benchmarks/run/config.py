"""What a run is asked to do, in one validated record that is saved beside its results."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)

from surveyor.core.errors import UserError
from surveyor.core.renamed import reads_old
from surveyor.core.wording import first_problem


class Baseline(StrEnum):
    """What is taken away, to see what it was worth.

    ``no-tools``: the planner sees the frames and has no tools; ``blind``: neither.
    """

    ALL = "all"
    NO_TOOLS = "no-tools"
    BLIND = "blind"


class Corruption(BaseModel):
    """The tool-corruption probe: in a seeded ``share`` of episodes every number that ``tool``
    answers (any tool when empty) is scaled by a factor drawn in ``1 ± strength``.

    A planner whose answers do not move when its instruments lie does not use them. Written
    ``0.2`` (every tool), ``detect:0.2`` or ``detect`` (in half of the episodes).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(default=0.5, gt=0, le=1)
    tool: str = ""
    strength: float = Field(default=0.5, gt=0, lt=1)
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        tool, colon, share = value.partition(":")
        if colon:
            return {"tool": tool, "share": share}
        return {"share": tool} if _is_number(tool) else {"tool": tool}

    def __str__(self) -> str:
        return f"{self.tool or 'every tool'}:{self.share:g}"


class Shard(BaseModel):
    """Part ``index`` (from 1) of ``count`` of a dataset, split by scene; written ``2/8``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int = Field(ge=1)
    count: int = Field(ge=1)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if isinstance(value, str):
            index, slash, count = value.partition("/")
            if not (slash and index.strip().isdecimal() and count.strip().isdecimal()):
                raise ValueError("a shard is written i/n, as in 2/8")
            return {"index": int(index), "count": int(count)}
        return value

    @model_validator(mode="after")
    def _within(self) -> Shard:
        if self.index > self.count:
            raise ValueError(f"there is no shard {self.index} of {self.count}")
        return self

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def _names(value: object) -> object:
    """``"detect, depth"``, or a list of such texts, as single names."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        return value
    return tuple(name.strip() for part in parts for name in part.split(",") if name.strip())


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Skills = Annotated[str, BeforeValidator(lambda value: "" if value == "none" else value)]


def _flag(flag: str, metavar: str = "A,B") -> dict[str, JsonValue]:
    """What the option of a field is called, where that is not the field's name."""
    return {"flag": flag, "metavar": metavar}


class ExpertOptions(BaseModel):
    """``expert_options`` of a run that starts its own experts."""

    model_config = ConfigDict(frozen=True, extra="allow")

    preset: str = Field(
        default="perfect", description="Error model of the reference experts, if none run."
    )


class RunConfig(BaseModel):
    """Resolved configuration of a run: what `run.json` holds, what a TOML file and options say.

    A described field is an option of `surveyor run`. ``planner_options`` and ``expert_options`` are
    read by whoever they are for.

    >>> RunConfig(dataset="out/rooms", limit=20, tools="detect,depth").tools
    ('detect', 'depth')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    _old = reads_old(suite="dataset")

    FREE: ClassVar[tuple[str, ...]] = (
        "dataset",
        "skills",
        "budget",
        "concurrency",
        "give_up_after",
        "passes",
        *(f"planner_options.{name}" for name in ("key_env", "price", "concurrency")),
        *(f"planner_options.{name}" for name in ("attempts", "patience", "timeout", "backoff")),
    )
    """What may change when a run is resumed: speed, prices and places, not results. The manifest
    pins the dataset and the skills by their content."""

    dataset: str
    planner: str = Field(
        default="program", description="Who decides: program (needs no model) or chat."
    )
    planner_options: dict[str, JsonValue] = Field(default_factory=dict)
    expert_options: dict[str, JsonValue] = Field(default_factory=dict)
    skills: Skills = Field(
        default="", description="Skills to use: none, builtin, or the folder of a snapshot."
    )
    baseline: Baseline = Field(
        default=Baseline.ALL, description="What is taken away: all (nothing), no-tools, blind."
    )
    tools: Names = Field(
        default=(),
        description="Offer only these tools, or these sets: all, measure, look, single.",
    )
    without: Names = Field(default=(), description="Offer every tool but these.")
    types: Names = Field(
        default=(), description="Ask only these question types.", json_schema_extra=_flag("--type")
    )
    limit: int | None = Field(
        default=None, ge=1, description="Ask only so many tasks, every question type alike."
    )
    epochs: int = Field(default=1, ge=1, description="How often each task is asked.")
    concurrency: int = Field(default=8, ge=1, le=4096, description="Episodes in flight.")
    shard: Shard | None = Field(
        default=None,
        description="Only part i of n, by scene; see merge.",
        json_schema_extra={"metavar": "I/N"},
    )
    corruption: Corruption | None = Field(
        default=None,
        description="Let a tool lie in a share of the episodes: detect:0.2, or 0.2 for every tool.",
        json_schema_extra=_flag("--corrupt", "TOOL:SHARE"),
    )
    memory: str = Field(
        default="", description="Scene memory: a file to recall from and to add to."
    )
    embedder: str = Field(
        default="lexical",
        description="Finds skills: lexical, minilm, or a sentence-transformers model.",
    )
    top_k: int = Field(default=3, ge=0, le=50, description="Skills that a task gets at most.")
    index: Literal["cpu", "gpu"] = Field(
        default="cpu", description="Where the skills' vectors are searched."
    )
    mcp: dict[str, str] = Field(
        default_factory=dict,
        description="MCP servers whose tools are added, NAME=URL or NAME=COMMAND.",
    )
    limits: dict[str, JsonValue] = Field(
        default_factory=dict, description="Bounds of one episode: turns=20, wall=120."
    )
    budget: dict[str, JsonValue] = Field(
        default_factory=dict, description="Bounds of one session: cost=5, wall=3600."
    )
    give_up_after: int = Field(
        default=16, ge=1, description="End early after so many incomplete episodes in a row."
    )
    passes: int = Field(
        default=3, ge=1, description="Tries that an incomplete episode gets in one session."
    )
    seed: int = 0

    @classmethod
    def read(cls, path: Path, changes: Mapping[str, object] | None = None) -> RunConfig:
        """A configuration from a TOML file, ``changes`` over it; `UserError` names the file and
        the field."""
        try:
            text = path.read_text(encoding="utf-8-sig")
            return cls.model_validate({**tomllib.loads(text), **(changes or {})})
        except FileNotFoundError:
            raise UserError(f"there is no configuration file {path}") from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UserError(f"{path} cannot be read as TOML: {error}") from None
        except RecursionError:
            raise UserError(f"{path} is nested too deeply for a configuration") from None
        except ValidationError as error:
            raise UserError(f"{path}: {first_problem(error, cls)}") from None

    def changed(self, **changes: object) -> RunConfig:
        """This configuration with some settings replaced and validated again."""
        try:
            return RunConfig.model_validate({**self.model_dump(mode="json"), **changes})
        except ValidationError as error:
            raise UserError(first_problem(error, RunConfig)) from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
