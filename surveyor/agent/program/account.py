"""The account of an executed program, as text that is read back: plan, steps, answer.

::

    Question: the chair near the desk
    Plan: relate(filter(scene(), chair), filter(scene(), desk), near)
    1. scene() -> 3 objects: 0 desk (2.00, 1.00, 0.40) 1.40 x 0.70 x 0.75; 1 chair (...) ...
    2. filter(#1, chair) -> 2 objects: 1, 2
    3. filter(#1, desk) -> 1 objects: 0
    4. relate(#2, #3, near) -> 1 objects: 1
    Answer: 1

``#2`` is what step 2 came to; equal calls are one step. Centres and sizes are metres.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from surveyor.agent.program.execute import execute
from surveyor.agent.program.language import Argument, Program, written
from surveyor.agent.program.reading import read_program
from surveyor.agent.program.values import (
    DEFAULT_MARGINS,
    Margins,
    MeasuredScene,
    Spot,
    StepValue,
    TheThing,
    ThingSet,
    Unanswerable,
)
from surveyor.core.errors import UserError
from surveyor.core.geometry import Vec3

_EXACT = 4
"""Decimals of measured values, as they are logged."""


@dataclass(frozen=True, slots=True)
class AccountStyle:
    """``detail``: with centres and sizes, or names alone; ``digits``: decimals of them."""

    detail: bool = True
    digits: int = 2


@dataclass(frozen=True, slots=True)
class SeenThing:
    """An object as the account tells it."""

    handle: str
    category: str
    center: Vec3 | None = None
    size: Vec3 | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """``values`` belong to the program's distinct calls, in the order in which they are done."""

    asked: str
    program: Program
    things: tuple[SeenThing, ...]
    values: tuple[StepValue, ...]
    answer: str

    def told(self, style: AccountStyle) -> Account:
        """The account with no more than a style tells."""
        return replace(self, things=tuple(_told(one, style) for one in self.things))


def account_of(
    asked: str,
    program: Program,
    scene: MeasuredScene,
    answer: str | None = None,
    margins: Margins = DEFAULT_MARGINS,
) -> Account:
    """Execute a program and keep what it came to; ``answer`` is what was said, if not the value."""
    done = execute(program, scene, margins)
    looks = any(one.op == "scene" for one in program.walk())
    things = tuple(
        SeenThing(one.handle, one.category, one.box.center, one.box.size)
        for one in (scene.things if looks else ())
    )
    values = tuple(_rounded(step.value) for step in done.steps)
    said = value_text(done.value) if answer is None else answer
    return Account(" ".join(asked.split()), program, things, values, " ".join(said.split()))


def value_text(value: StepValue) -> str:
    """A value as an answer: handles, a number, a word."""
    match value:
        case TheThing():
            return value.handle
        case ThingSet():
            return ", ".join(value.sure) or "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(value)
        case Spot():
            return _spot(value)
        case float():
            return f"{value:.2f}"
    return str(value)


def render(account: Account, style: AccountStyle = AccountStyle()) -> str:
    """The text of an account."""
    account = account.told(style)
    lines = [f"Question: {account.asked}", f"Plan: {account.program}"]
    steps = dict.fromkeys(account.program.walk())
    for (call, value), said in zip(
        zip(steps, account.values, strict=True), _calls(account.program), strict=True
    ):
        text = _value(value)
        if call.op == "scene":
            listed = "; ".join(_thing(one, style.digits) for one in account.things)
            text = f"{len(account.things)} objects: {listed}"
        lines.append(f"{said} -> {text}")
    return "\n".join([*lines, f"Answer: {account.answer}"])


_STEP = re.compile(r"(\d+)\. (.*?) -> (.*)")
_ONE = re.compile(
    r'(?P<handle>[^\s;]+) (?P<name>"(?:\\.|[^"\\])*"|[^";()]+?)'
    r"(?: \((?P<center>[^)]*)\) (?P<size>[-\d.]+ x [-\d.]+ x [-\d.]+))?(?:; |$)"
)


def read_account(text: str) -> Account:
    """The account that a text is; `UserError` says which line is none."""
    lines = text.strip().splitlines()
    if len(lines) < 3 or not lines[0].startswith("Question: "):
        raise UserError("an account begins with 'Question: ' and 'Plan: '")
    program = read_program(_after(lines[1], "Plan: "))
    calls = _calls(program)
    if len(lines) != len(calls) + 3:
        raise UserError(f"the plan has {len(calls)} steps; the account tells {len(lines) - 3}")
    things: tuple[SeenThing, ...] = ()
    values: list[StepValue] = []
    for line, call in zip(lines[2:-1], calls, strict=True):
        said, arrow, value = line.partition(" -> ")
        if said != call or not arrow:
            raise UserError(f"{line[:60]!r} is not the step {call!r} of the plan")
        if call.endswith(" scene()"):
            things = tuple(_things(value.partition(": ")[2]))
            values.append(ThingSet(tuple(one.handle for one in things)))
        else:
            values.append(_read_value(value))
    answer = _after(lines[-1], "Answer: ")
    return Account(_after(lines[0], "Question: "), program, things, tuple(values), answer)


def _calls(program: Program) -> list[str]:
    """Every distinct call with what it rests on by number, numbered itself."""
    numbers: dict[Program, int] = {}
    lines = []
    for one in dict.fromkeys(program.walk()):
        said = f"{one.op}({', '.join(_argument(a, numbers) for a in one.args)})"
        numbers[one] = len(numbers) + 1
        lines.append(f"{numbers[one]}. {said}")
    return lines


def _argument(argument: Argument, numbers: Mapping[Program, int]) -> str:
    if isinstance(argument, tuple):
        return f"[{', '.join(_argument(one, numbers) for one in argument)}]"
    return f"#{numbers[argument]}" if isinstance(argument, Program) else written(argument)


def _value(value: StepValue) -> str:
    match value:
        case ThingSet():
            text = f"{len(value.sure)} objects: {', '.join(value.sure) or 'none'}"
            return text + (f"; on the margin: {', '.join(value.maybe)}" if value.maybe else "")
        case TheThing():
            return f"object {value.handle}"
        case Unanswerable():
            return str(value)
        case Spot():
            return _spot(value)
        case tuple():
            return json.dumps(list(value), ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def _read_value(text: str) -> StepValue:
    if found := re.fullmatch(r"\d+ objects: (.*?)(?:; on the margin: (.*))?", text):
        sure = () if found[1] == "none" else tuple(found[1].split(", "))
        return ThingSet(sure, tuple(found[2].split(", ")) if found[2] else ())
    if text.startswith("object "):
        return TheThing(text.removeprefix("object "))
    if text.startswith("cannot be answered: "):
        return Unanswerable(text.removeprefix("cannot be answered: "))
    if found := re.fullmatch(r"at \((.*?)\)(?: facing \((.*?)\))?", text):
        ahead = _pair(found[2]) if found[2] else None
        return Spot(_pair(found[1]), ahead)
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        raise UserError(f"{text[:60]!r} is no value of a step") from None
    return tuple(value) if isinstance(value, list) else value


def _pair(text: str) -> tuple[float, float]:
    x, y = map(float, text.split(", "))
    return x, y


def _spot(value: Spot) -> str:
    facing = "" if value.ahead is None else f" facing ({value.ahead[0]!r}, {value.ahead[1]!r})"
    return f"at ({value.at[0]!r}, {value.at[1]!r}){facing}"


def _rounded(value: StepValue) -> StepValue:
    if isinstance(value, Spot):
        ahead = None if value.ahead is None else _pair_of(value.ahead)
        return Spot(_pair_of(value.at), ahead)
    return round(value, _EXACT) if isinstance(value, float) else value


def _pair_of(point: tuple[float, float]) -> tuple[float, float]:
    return round(float(point[0]), _EXACT), round(float(point[1]), _EXACT)


def _told(thing: SeenThing, style: AccountStyle) -> SeenThing:
    if not style.detail or thing.center is None or thing.size is None:
        return SeenThing(thing.handle, thing.category)
    center, size = (_vector(v, style.digits) for v in (thing.center, thing.size))
    return SeenThing(thing.handle, thing.category, center, size)


def _vector(values: Vec3, digits: int) -> Vec3:
    x, y, z = (float(f"{value:.{digits}f}") for value in values)
    return (x, y, z)


def _thing(thing: SeenThing, digits: int) -> str:
    name = f"{thing.handle} {written(thing.category)}"
    if thing.center is None or thing.size is None:
        return name
    center = ", ".join(f"{v:.{digits}f}" for v in thing.center)
    return f"{name} ({center}) {' x '.join(f'{v:.{digits}f}' for v in thing.size)}"


def _things(text: str) -> Iterator[SeenThing]:
    at = 0
    while at < len(text):
        found = _ONE.match(text, at)
        if found is None:
            raise UserError(f"{text[at : at + 60]!r} is no object of a scene")
        at = found.end()
        name = json.loads(found["name"]) if found["name"].startswith('"') else found["name"]
        if found["center"] is None:
            yield SeenThing(found["handle"], name)
            continue
        x, y, z = map(float, found["center"].split(", "))
        w, d, h = map(float, found["size"].split(" x "))
        yield SeenThing(found["handle"], name, (x, y, z), (w, d, h))


def _after(line: str, opening: str) -> str:
    if not line.startswith(opening.rstrip()):
        raise UserError(f"{line[:60]!r} should begin with {opening.strip()!r}")
    return line[len(opening) :]
