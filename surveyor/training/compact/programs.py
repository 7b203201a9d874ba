"""Programs in the slot language: a compact agent that writes them for the tool `program`.

A program's text becomes its operators, marks and name slots one by one, and comes back to the
letter. Operators are words of the vocabulary where training saw programs, so an agent that saw none
has the tokens that it always had.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.program.answer_forms import guess
from surveyor.agent.program.language import Program, categories, grounds
from surveyor.agent.program.parser import parse
from surveyor.agent.program.scene_builder import SceneBuilder
from surveyor.agent.program.tool import PROGRAM
from surveyor.agent.program.tool_calls import Caller, Steps, StepSession
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import ToolOutcome
from surveyor.skills.workflow import TABLE, Join
from surveyor.training.compact.table import Table
from surveyor.training.compact.vocabulary import UNKNOWN, WHOLE
from surveyor.training.rows.records import Chat

_NAME = re.compile(r"[A-Za-z][A-Za-z'-]*")
_OPERATOR = re.compile(r"[A-Za-z][A-Za-z_'-]*")
_PIECE = re.compile(rf"{_OPERATOR.pattern}|\d+\.\d+|\d+|[^\sA-Za-z\d]")
_MARK = "."
"""Before an operator's word, which a lexicon must not read as another: `distance` is no `far`."""
_HANDLE = re.compile(r"[a-z]+_\d+")


def program_words(rows: Iterable[Sequence[Chat]]) -> set[str]:
    """Words of the programs that these conversations write, without the names of things."""
    words: set[str] = set()
    names: set[str] = set()
    for messages in rows:
        for name, arguments in _calls(messages):
            if name == PROGRAM:
                words.update(_OPERATOR.findall(str(arguments.get("text", "")).lower()))
            for one in arguments.get("categories") or ():
                names.update(_NAME.findall(str(one).lower()))
    return {*(_MARK + word for word in words - names), PROGRAM, "@text"} if words else set()


def _calls(messages: Sequence[Chat]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for message in messages:
        for call in message.get("tool_calls") or ():
            yield call["function"]["name"], json.loads(call["function"]["arguments"])


def handles_in(text: str, table: Table) -> list[str] | None:
    """The tokens of an answer that is handles and nothing else; ``None`` for any other."""
    told = [table.handle(part) for part in text.split(", ")]
    return [one for one in told if one is not None] if None not in told else None


def program_tokens(text: str, table: Table) -> list[str]:
    """A program's text: words of the vocabulary stay, runs of others are names of things."""
    said: list[str] = []
    run: list[str] = []
    for piece in [*_PIECE.findall(text), ""]:
        if piece[:1].isalpha() and _MARK + piece not in table.words:
            run.append(piece)
            continue
        if run:
            said.append(table.name(" ".join(run)))
            run = []
        if piece:
            said += [_MARK + piece] if piece[0].isalpha() else table.say(piece)
    return said


def program_text(tokens: Sequence[str], names: Sequence[str]) -> str:
    """The text that tokens stand for; `ValueError` for a slot of which nothing was said."""
    said: list[str] = []
    for token in tokens:
        word = token.removeprefix(_MARK) or token
        if re.fullmatch(r"E\d+", token):
            if int(token[1:]) > len(names):
                raise ValueError(f"{token}, of which nothing was said")
            word = names[int(token[1:]) - 1]
        elif token == UNKNOWN or token[0] in "<~=@":
            raise ValueError(f"{token} in a program")
        spaced = bool(said) and (said[-1] == "," or (said[-1][-1].isalnum() and word[0].isalnum()))
        said += [" ", word] if spaced else [word]
    return "".join(said)


def value_tokens(rest: str, table: Table) -> list[str]:
    """What a program came to: handles, a number, or words."""
    value = rest.rpartition(" = ")[2]
    if (handles := handles_in(value, table)) is not None:
        return ["meas", *handles]
    if re.fullmatch(r"-?\d+\.\d+", value):
        return ["meas", *table.number(value)]
    if value.isdecimal():
        return ["meas", value if int(value) <= WHOLE else UNKNOWN]
    return ["meas", *table.say(value)]


class ProgramWriter:
    """The teacher of an agent that writes programs: it looks at the table of objects, lets the tool
    `program` compute the program behind the question, and answers what that said."""

    name = "program-writer"

    def start(self, task: Task, brief: PlannerInput) -> StepSession:
        """Begin an episode."""
        return StepSession(_written(task, Caller(brief.frame_handles)))


def _written(task: Task, caller: Caller) -> Steps[None]:
    program = parse(task.question)
    if program is not None and categories(program):
        yield from SceneBuilder(caller, TABLE).look(categories(program), Join.TABLE)
        done = yield from caller.one(PROGRAM, f"the value of {program}", text=str(program))
        if (answer := _answer(program, done, task.answer_kind)) is not None:
            yield Turn(answer=answer, sources=done.handles if done else ())
            return
    usual = guess(program, task.options, task.answer_kind)
    yield Turn(answer=usual, guess=True, notes={"why": "no program of its question has a value"})


def _answer(program: Program, done: ToolOutcome | None, kind: AnswerKind) -> str | None:
    """The value as the question wants it; ``None`` where there is none."""
    told = done.data.get("value") if done is not None and isinstance(done.data, dict) else None
    if not isinstance(told, str) or done is None or not done.handles:
        return None
    if program.op == "longest_edge":
        return str(round(100 * float(told)))
    if kind is AnswerKind.NUMBER and "." in told:
        return f"{float(told):.1f}"
    return told if kind is AnswerKind.NUMBER or (grounds(program) and told != "none") else None
