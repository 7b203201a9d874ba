"""Options of the command line, made from the fields of configuration records.

A field with its description is said once: it makes the option, the TOML key, the error (pydantic's
own, in plain words) and the row of the table in the docs. Typer stays underneath: it lists and
suggests verbs and options; a library that also builds options from models (tyro, cyclopts,
pydantic-settings) would have brought a second way of parsing for one verb.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import orjson
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from surveyor.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Group:
    """The described fields of ``model``; ``key`` is the table of the configuration that holds
    them, "" for the top level."""

    model: type[BaseModel]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One field as an option. ``kind`` is bool, list, table or value; ``metavar`` its type."""

    name: str
    flag: str
    key: str
    kind: str
    metavar: str
    help: str
    default: str

    @property
    def path(self) -> str:
        """The TOML key."""
        return f"{self.key}.{self.name}" if self.key else self.name

    def parse(self, value: Any) -> object:
        """What was typed, as the record takes it; `UserError` for a table entry without ``=``."""
        if self.kind == "list":
            return tuple(part for text in value for part in str(text).split(",") if part)
        if self.kind == "table":
            return dict(_entry(self.flag, text) for text in value)
        return value


def options_of(groups: Sequence[Group]) -> Iterator[Option]:
    """The options of all described fields, in order; the first of two with one name stands."""
    seen: set[str] = set()
    for group in groups:
        for name, field in group.model.model_fields.items():
            if field.description and name not in seen:
                seen.add(name)
                yield _option(name, field, group.key)


def with_options(*groups: Group) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of ``groups`` to a verb; it gets what was typed, and only that, as
    ``typed``: a mapping of configuration keys, nested by group."""
    options = {option.name: option for option in options_of(groups)}

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(verb, eval_str=True).parameters
        plain = [parameter for name, parameter in own.items() if name != "typed"]

        @functools.wraps(verb)
        def call(**given: Any) -> None:
            typed: dict[str, Any] = {}
            for name, option in options.items():
                value = given.pop(name)
                if value is not None and value != []:
                    place = typed.setdefault(option.key, {}) if option.key else typed
                    place[name] = option.parse(value)
            verb(**given, typed=typed)

        made = [_parameter(option) for option in options.values()]
        call.__signature__ = inspect.Signature([*plain, *made])  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in [*plain, *made]}
        return call

    return decorate


def table(groups: Sequence[Group]) -> str:
    """The options as a Markdown table."""
    rows = ["| option | TOML key | default | what it does |", "|---|---|---|---|"]
    rows += [
        f"| `{o.flag}` | `{o.path}` | {f'`{o.default}`' if o.default else ''} | {o.help} |"
        for o in options_of(groups)
    ]
    return "\n".join(rows) + "\n"


def _parameter(option: Option) -> inspect.Parameter:
    kinds: Mapping[str, Any] = {"bool": bool | None, "list": list[str] | None}
    annotation = kinds.get(option.kind, list[str] | None if option.kind == "table" else str | None)
    text = f"{option.help} (default: {option.default})" if option.default else option.help
    negation = f"/--no-{option.flag[2:]}" if option.kind == "bool" else ""
    metavar = None if option.kind == "bool" else option.metavar
    info = typer.Option(option.flag + negation, help=text, metavar=metavar, show_default=False)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[annotation, info],
    )


def _option(name: str, field: FieldInfo, key: str) -> Option:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    kind, metavar = _kind(field.annotation)
    kind = str(extra.get("kind", kind))
    return Option(
        name=name,
        flag=str(extra.get("flag", "--" + name.replace("_", "-"))),
        key=key,
        kind=kind,
        metavar=str(extra.get("metavar", metavar)),
        help=str(field.description),
        default=_default(field),
    )


def _kind(annotation: Any) -> tuple[str, str]:
    """How a field is typed on the command line: a flag, a list, KEY=VALUE entries, one value."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    origin = get_origin(annotation) or annotation
    if origin is bool:
        return "bool", ""
    if origin in (tuple, list, frozenset):
        return "list", "A,B"
    if origin is dict:
        return "table", "KEY=VALUE"
    if origin is Literal:
        return "value", "|".join(map(str, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "value", "|".join(annotation)
    names = {int: "INTEGER", float: "NUMBER"}
    return "value", names.get(origin, "TEXT")


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value is None or value in ("", (), {}, False):
        return ""
    return str(value)


def _entry(flag: str, text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"{flag} {text!r}: write {flag} NAME=VALUE")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value
