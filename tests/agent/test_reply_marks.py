"""Marks of every family of models are read alike by runs and by the scorer of replies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.agent.chat.tagged_text import read_blocks
from surveyor.benchmarks.scorers.lenient import find_choice
from surveyor.core.reply_marks import plain_marks

THOUGHT = (
    "<think>Is it A?</think>B",
    "Is it A?</think>B",
    "<THINK>Is it A?</THINK>B",
    "<thought>Is it A?</thought>B",
    "<reasoning>Is it A?</reasoning>B",
    "<seed:think>Is it A?</seed:think>B",
    "[THINK]Is it A?[/THINK]B",
    "◁think▷Is it A?◁/think▷B",
    "<|channel|>analysis<|message|>Is it A?<|end|><|start|>assistant"
    "<|channel|>final<|message|>B<|return|>",
)
ENDED = (
    *("B<|im_end|>", "B</s>", "B<end_of_turn>", "B<|eot_id|>", "<|begin_of_box|>B<|end_of_box|>"),
    *("\ufeffB", "\u200bB", "B\x00", "\u202eB", "B<｜end▁of▁sentence｜>"),
)


@pytest.mark.parametrize("reply", [*THOUGHT, *ENDED])
def test_what_is_left_is_what_was_said(reply: str) -> None:
    assert read_blocks(reply).rest == "B"
    assert find_choice(reply, ("left", "right")) == "B"


@pytest.mark.parametrize("reply", THOUGHT)
def test_thoughts_are_kept_as_thoughts(reply: str) -> None:
    assert "Is it A?" in read_blocks(reply).thought


@pytest.mark.parametrize("reply", ["<ANSWER>B</ANSWER>", "<Answer>B</Answer>"])
def test_tags_count_in_any_case(reply: str) -> None:
    assert read_blocks(reply).answers == ["B"]


def test_marks_of_calls_stay_for_those_who_name_the_wrong_parser() -> None:
    text = "<|tool_calls_section_begin|><|tool_call_begin|>functions.frames:0"
    assert plain_marks(text) == text


@given(st.text(alphabet="Bé \n.[(>"), st.sampled_from(ENDED))
def test_what_holds_no_mark_stays_and_is_read_with_one_too(plain: str, ended: str) -> None:
    assert plain_marks(plain) == plain
    assert read_blocks(plain).rest == plain.strip()
    assert plain_marks(plain + ended) == plain + "B"
