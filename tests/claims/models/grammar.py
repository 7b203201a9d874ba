"""Grammars: no generation that a server lets through is an invalid turn, and prompts are short."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from pydantic import ValidationError

from surveyor.agent.chat.capabilities import Capabilities, Constraint, DialectName
from surveyor.agent.chat.constrained import GrammarDialect
from surveyor.agent.chat.native import NativeDialect
from surveyor.agent.chat.prompt import agent_prompt, short_prompt
from surveyor.agent.planner import PlannerInput
from surveyor.agent.survey.offer import offered
from surveyor.core.tasks import AnswerKind, Task
from tests.claims.claim import Claim
from tests.support.gbnf_sampler import Grammar, sample_schema

GENERATIONS = 1000


def grammars() -> Iterator[Claim]:
    """Fuzzed generations under both forms of the constraint, and the prompts' sizes."""
    tools = offered(frames=True)
    arguments = {tool.name: tool.arguments for tool in tools}
    for how in (Constraint.LLAMACPP, Constraint.VLLM):
        bad, calls = 0, 0
        dice = random.Random(20)
        for number in range(GENERATIONS):
            kind = list(AnswerKind)[number % len(AnswerKind)]
            dialect = _dialect(tuple(tool.schema for tool in tools), how, kind)
            reading = dialect.read({"content": _generation(dialect, how, dice)}, "stop", 0)
            bad += reading.mistake is not None
            for call in reading.calls:
                calls += 1
                try:
                    arguments[call.name].model_validate_json(call.raw_arguments)
                except (KeyError, ValidationError):
                    bad += 1
        note = f"of {GENERATIONS} generations with {calls} calls of {len(tools)} tools"
        yield Claim.at_most(f"grammar for {how}: invalid turns or calls", bad, 0, note)
    yield from _prompts()


def _generation(dialect: GrammarDialect, how: Constraint, dice: random.Random) -> str:
    fields = dialect.request_fields
    if how is Constraint.LLAMACPP:
        return Grammar.of(fields["grammar"]).sample(dice)
    return json.dumps(sample_schema(fields["structured_outputs"]["json"], dice))


def _prompts() -> Iterator[Claim]:
    """Tokens as a quarter of the characters, before and with the short form."""
    usual = tuple(tool.schema for tool in offered(frames=True, survey=False))
    native = NativeDialect(_task(AnswerKind.CHOICE), PlannerInput(usual), Capabilities())
    long = agent_prompt(_task(AnswerKind.CHOICE), PlannerInput(usual), native.instructions).system
    before = (len(long) + len(json.dumps(usual))) / 4
    few = tuple(tool.schema for tool in offered(frames=True, named=("measure",)))
    dialect = _dialect(few, Constraint.VLLM, AnswerKind.CHOICE)
    short = short_prompt(_task(AnswerKind.CHOICE), PlannerInput(few), dialect.instructions).system
    yield Claim.at_most(
        "short prompt with tools, tokens (characters / 4)",
        len(short) / 4,
        1200,
        f"{before:.0f} with every tool as a native schema",
    )


def _dialect(
    tools: tuple[dict[str, object], ...], how: Constraint, kind: AnswerKind
) -> GrammarDialect:
    can = Capabilities(dialect=DialectName.GRAMMAR, constraint=how)
    return GrammarDialect(_task(kind), PlannerInput(tools), can)


def _task(kind: AnswerKind) -> Task:
    return Task(
        id="t",
        dataset="d",
        scene_id="s",
        question_type="q",
        question="Which?",
        options=("A. left", "B. right") if kind is AnswerKind.CHOICE else (),
        answer_kind=kind,
    )
