"""What the slot language says again or says in fewer words, so that less has to be learnt."""

from __future__ import annotations

from surveyor.training.compact.language import decode, encode
from surveyor.training.compact.vocabulary import Vocabulary
from surveyor.training.rows.records import Chat


def _fused(question: str, need: str, rows: list[str]) -> list[str]:
    call = {"id": "a", "function": {"name": "fuse", "arguments": "{}"}}
    text = "\n".join([f"objs_1: {len(rows)} objects", *rows])
    said: list[Chat] = [
        {"role": "user", "content": f"Question: {question}"},
        {"role": "assistant", "content": f"To answer, I need {need}.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": text},
    ]
    return encode(said, Vocabulary.of([])).tokens


def test_before_it_is_measured_what_is_needed_is_said_again_and_whether_a_view_shows_it() -> None:
    place = "0.2 x 0.2 x 0.2 m at (1.00, 1.00, 1.00), 1 of 1 views, confidence 1.00"
    lamp = f"obj_1 lamp in frame_0: {place}"
    sofa = lamp.replace("obj_1 lamp", "obj_2 sofa")
    need = "distance(surest(filter(scene(), lamp)), surest(filter(scene(), sofa)))"
    for other, able in ((sofa, "true"), (sofa.replace("frame_0", "frame_3"), "false")):
        told = _fused("how far is the lamp from the sofa?", need, [lamp, other])
        assert told[-5:] == ["<need>", "distance", "E1", "E2", able]
    need = "nearest(surest(filter(scene(), lamp)), [filter(scene(), sofa), filter(scene(), bed)])"
    told = _fused("what is nearest to the lamp: sofa, bed?", need, [lamp, sofa])
    assert told[-6:] == ["<need>", "nearest", "E1", "E2", "E3", "true"], "one rival is enough"


def test_a_number_of_things_is_a_slot_to_copy() -> None:
    call = {"id": "a", "function": {"name": "count", "arguments": '{"category": "lamp"}'}}
    said: list[Chat] = [
        {"role": "user", "content": "Question: how many lamp(s) are there?"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "meas_1: 3 lamp(s) (obj_1, obj_2, obj_4)"},
    ]
    before = encode(said, Vocabulary.of([]))
    answer = {"role": "assistant", "content": "<answer>3</answer>"}
    own = encode([*said, answer], Vocabulary.of([])).tokens[len(before.tokens) :]
    assert own == ["<ans>", "N1", "<end>"]
    assert decode(own, before.table).answer == "3"


def test_marks_and_a_name_s_own_s_are_no_parts_of_names() -> None:
    told = encode([{"role": "user", "content": "Question: the sofa\u2019s size = big/small!"}],
                  Vocabulary.of([]))  # fmt: skip
    assert told.table.names == ["sofa", "small"]
    assert "<unk>" not in told.tokens
