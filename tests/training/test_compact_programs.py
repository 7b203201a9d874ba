"""A compact agent that writes programs: its teacher, and its slot language there and back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.program.tool import PROGRAM, program_tool
from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.names import check_names
from surveyor.core.dataset import Dataset
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.training.compact.language import decode, encode, template_words
from surveyor.training.compact.programs import (
    ProgramWriter,
    program_text,
    program_tokens,
    program_words,
)
from surveyor.training.compact.rollouts import play_run
from surveyor.training.compact.table import Table
from surveyor.training.compact.vocabulary import UNKNOWN, Vocabulary
from surveyor.training.rows.records import Row
from surveyor.training.rows.source import RunSource

TYPES = ("scanrefer", "object_size_estimation", "object_counting", "object_abs_distance")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    root = tmp_path_factory.mktemp("written")
    settings = RoomsSettings(
        n_frames=6, size=(80, 60), types=TYPES, per_type=4, balance=False, light_rays=1
    )
    make_rooms_dataset(root / "train", [31], settings=settings, split="train")
    config = RunConfig(dataset=str(root / "train"), expert_options={"preset": "perfect"})
    lent = [program_tool()]
    played = play_run(
        root / "run", root / "train", root / "work", config, ProgramWriter(), tools=lent
    )
    run, summary = asyncio.run(played)
    assert summary.complete
    assert min(score.value for score in run.results()) > 0.9, "of the exact table"
    dataset = Dataset.open(root / "train")
    blind = Capabilities(images=False)
    source = RunSource(RunFolder.open(run.path), dataset, lambda *_: (), blind, reasoning=False)
    return list(source.rows())


def test_turns_come_back_as_said(rows: list[Row]) -> None:
    told_by = [row.messages for row in rows]
    words = Vocabulary.of(template_words(told_by) | program_words(told_by))
    assert words.known >= {PROGRAM, ".filter", ".longest_edge", ".surest"}
    for row in rows:
        assert [tool["function"]["name"] for tool in row.tools][-1] == PROGRAM
        for k, message in enumerate(row.messages):
            if message["role"] != "assistant":
                continue
            before, after = encode(row.messages[:k], words), encode(row.messages[: k + 1], words)
            own = after.tokens[len(before.tokens) :]
            assert UNKNOWN not in own, own
            assert UNKNOWN not in words.decode(words.encode(own)), "every token is in it"
            said = decode(own, before.table)
            calls = [call["function"] for call in message.get("tool_calls") or ()]
            if calls:
                wanted = [(call["name"], json.loads(call["arguments"])) for call in calls]
                assert list(said.calls) == wanted
            else:
                assert f"<answer>{said.answer}</answer>" == message["content"]


def test_an_agent_that_saw_no_programs_has_the_tokens_it_had(rows: list[Row]) -> None:
    without = [row.messages[:4] for row in rows]  # the look alone
    assert program_words(without) == set()


NAMES = st.lists(
    st.from_regex(r"[a-z]{3,8}( [a-z]{3,8})?", fullmatch=True), min_size=1, max_size=4, unique=True
)


@given(NAMES, st.data())
def test_any_nesting_comes_back_to_the_letter(names: list[str], data: st.DataObject) -> None:
    leaf = st.sampled_from(names).map(lambda name: f"filter(scene(), {name})")
    nested = st.recursive(
        leaf,
        lambda inner: st.tuples(st.sampled_from(["unique", "argmin"]), inner, inner).map(
            lambda t: f"{t[0]}({t[1]}, distance, {t[2]})"
        ),
        max_leaves=6,
    )
    text = data.draw(nested)
    operators = {"filter", "scene", "unique", "argmin", "distance"}
    if operators & {word for name in names for word in name.split()}:
        return  # a thing called as an operator is
    table = Table(frozenset(operators))
    assert program_text(program_tokens(text, table), table.names) == text


@pytest.mark.parametrize("tokens", [["E3"], ["<call>"], [UNKNOWN], ["=any"]])
def test_what_is_no_program_is_refused(tokens: list[str]) -> None:
    with pytest.raises(ValueError, match=r"nothing was said|in a program"):
        program_text(tokens, ["lamp"])


def test_a_run_may_ask_for_the_tool(tmp_path: Path) -> None:
    tools = ("single", "scene", PROGRAM)
    check_names(RunConfig(dataset=str(tmp_path), planner="chat", tools=tools))
