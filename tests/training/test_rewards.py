"""Rewards: each in [0, 1], and no adversarial policy scores what an honest one does."""

from __future__ import annotations

import json
import math

import pytest

from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    Event,
    FormatError,
    ModelCall,
    ToolCall,
    ToolOutcome,
    ToolStatus,
)
from surveyor.skills.workflow import PLAIN
from surveyor.tools.builtin import default_tools
from surveyor.training.rewards.parts import PARTS, Reward, Rewarded, rewards

Call = tuple[str, dict[str, object], str, tuple[str, ...]]
"""Tool, arguments, what it answered, the handles it made."""

HONEST: list[Call] = [
    ("frames", {"policy": "uniform", "number": 16}, "frames_1: 16", ("frames_1",)),
    ("reconstruct", {"frames": ["frames_1"]}, "recon_1: 16 of 16", ("recon_1",)),
    ("detect", {"frames": ["frames_1"], "phrases": ["sofa"]}, "boxes_1: 3", ("box_1", "boxes_1")),
    ("segment", {"boxes": ["boxes_1"]}, "masks_1: 3 masks", ("mask_1", "masks_1")),
    ("lift", {"masks": ["masks_1"], "reconstruction": "recon_1"}, "clouds_1: 3", ("clouds_1",)),
    ("fuse", {"clouds": ["clouds_1"], "views": 2, "share": 0.2}, "objs_1: 1", ("obj_1", "objs_1")),
    ("size", {"object": "obj_1"}, "meas_1: obj_1 is 2.13 m long", ("meas_1",)),
]


def episode(
    calls: list[Call],
    answer: str | None,
    said: str = "",
    *,
    finish: str = "stop",
    errors: int = 0,
    cost: float = 2.0,
) -> Episode:
    events: list[Event] = [
        EpisodeStarted(
            task_id="t", dataset="d", scene_id="s", question_type="q", question="", planner="p"
        )
    ]
    for k, (name, arguments, text, handles) in enumerate(calls):
        raw = json.dumps(arguments)
        call = {"turn": k, "call_id": f"c{k}", "name": name}
        events.append(ToolCall(**call, raw_arguments=raw, arguments=json.loads(raw)))
        ok = ToolStatus.OK if handles else ToolStatus.MISTAKE
        data = {"registered": [], "missing": [], "handle": "recon_1", "scale": "metric"}
        given = data if name == "reconstruct" else None
        events.append(
            ToolOutcome(**call, status=ok, text=text, handles=handles, data=given, cost=cost)
        )
    for _ in range(errors):
        events.append(FormatError(turn=len(calls), raw="?", observation="?"))
    events.append(ModelCall(model="m", turn=len(calls) + errors, text=said, finish=finish))
    if answer is not None:
        events.append(Answer(turn=len(calls) + errors, text=answer))
    status = EpisodeStatus.ANSWERED if answer is not None else EpisodeStatus.LIMIT
    events.append(EpisodeEnded(status=status))
    found = fold(events)
    assert found is not None
    return found


GOOD = Rewarded(episode(HONEST, "213", "obj_1 is 2.13 m. <answer>213</answer>"), 1.0, PLAIN)
EVERY: list[Call] = [
    *HONEST,
    *((tool.name, {}, f"{tool.name}: x", (f"x_{k}",)) for k, tool in enumerate(default_tools())),
]

ADVERSARIES: dict[str, Rewarded] = {
    "junk on a question without targets": Rewarded(
        episode(HONEST, "none", "obj_1 obj_2 obj_3 <answer>none</answer>"), 0.0, None, False
    ),
    "a truncated thought": Rewarded(episode(HONEST, "213", "so 213", finish="length"), 1.0, PLAIN),
    "repeated calls": Rewarded(
        episode(HONEST + [HONEST[-1]] * 12, "213", "2.13 m <answer>213</answer>"), 1.0, PLAIN
    ),
    "answering at once": Rewarded(episode([], "90", "<answer>90</answer>"), 0.3, PLAIN),
    "answering at once and being lucky": Rewarded(episode([], "213", "<answer>213</answer>"), 1.0),
    "copying numbers from the prompt": Rewarded(
        episode(HONEST[:1], "16", "16 frames <answer>16</answer>"), 0.0, PLAIN
    ),
    "calling every tool": Rewarded(
        episode(EVERY, "213", "obj_1 is 2.13 m. <answer>213</answer>"), 1.0, PLAIN
    ),
    "never answering": Rewarded(episode(HONEST, None), 0.0, PLAIN),
    "babbling": Rewarded(episode(HONEST, "213", "2.13 " * 2000, errors=3), 1.0, PLAIN),
}


def alone(judged: Rewarded) -> Reward:
    """The reward beside honest episodes and ones that answer at once without luck."""
    lazy = Rewarded(episode([], "90", "<answer>90</answer>"), 0.0, PLAIN)
    return rewards([judged, GOOD, GOOD, lazy])[0]


@pytest.mark.parametrize("name", ADVERSARIES)
def test_no_adversary_scores_what_honest_work_does(name: str) -> None:
    honest, cheat = alone(GOOD), alone(ADVERSARIES[name])
    assert honest.total > 0.9
    assert cheat.total < honest.total - 0.03, (name, cheat)
    for part, value in (*honest.parts.items(), *cheat.parts.items()):
        assert 0 <= value <= 1, part
        assert math.isfinite(value)


@pytest.mark.parametrize(
    ("name", "part", "bound"),
    [
        ("junk on a question without targets", "grounding", 0.0),
        ("a truncated thought", "answer", 0.0),
        ("answering at once", "tools", 0.0),
        ("answering at once", "format", 0.0),
        ("answering at once and being lucky", "grounding", 0.0),
        ("answering at once and being lucky", "tools", 0.0),
        ("copying numbers from the prompt", "grounding", 0.0),
        ("calling every tool", "tools", 0.5),
        ("repeated calls", "length", 0.1),
        ("never answering", "skill", 0.0),
        ("babbling", "length", 0.0),
    ],
)
def test_the_part_that_catches_it(name: str, part: str, bound: float) -> None:
    assert alone(ADVERSARIES[name]).parts[part] <= bound


def test_tools_earn_nothing_where_answering_at_once_does_as_well() -> None:
    quick = Rewarded(episode([], "213", "<answer>213</answer>"), 1.0)
    assert [one.parts["tools"] for one in rewards([GOOD, quick])] == [0.0, 0.0]


def test_every_part_says_its_formula() -> None:
    for part in PARTS.values():
        assert "r = " in (part.__doc__ or "") or "``r" in (part.__doc__ or "")
