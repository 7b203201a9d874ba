from __future__ import annotations

import json
from typing import Any

import pytest

from surveyor.agent.chat.capabilities import DialectName, capabilities_of
from surveyor.agent.chat.coordinates import Places
from surveyor.agent.chat.messages import Picture
from surveyor.agent.chat.skill3d import Skill3dDialect
from surveyor.agent.planner import PlannerInput
from surveyor.agent.survey.offer import offered
from surveyor.core.blobs import BlobRef
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import ToolOutcome, ToolStatus

TASK = Task(
    id="t",
    dataset="d",
    scene_id="s",
    question_type="q",
    question="?",
    options=("A. left", "B. right"),
    answer_kind=AnswerKind.CHOICE,
)
TOOLS = offered(frames=True)
ARGUMENTS = {tool.name: tool.arguments for tool in TOOLS}


def dialect(pixels: bool = True) -> Skill3dDialect:
    can = capabilities_of(
        "skill-3d/Skill-3D-GRPO-8B", {"coordinates": "pixels"} if pixels else None
    )
    assert can.dialect is DialectName.SKILL3D
    brief = PlannerInput(tuple(tool.schema for tool in TOOLS), ("frame_4", "frame_9"))
    places = Places(brief.tools, can)
    image = BlobRef(sha256="0" * 64, media_type="image/png", size=1, width=640, height=480)
    places.saw([Picture(handle, image) for handle in brief.frame_handles])
    speaking = Skill3dDialect(TASK, brief, can, places)
    speaking.observe((found(),))
    return speaking


def found() -> ToolOutcome:
    row = {"handle": "box_7", "frame": "frame_9", "index": 9, "category": "chair", "score": 0.9}
    return ToolOutcome(
        turn=0,
        call_id="c",
        name="detect",
        status=ToolStatus.OK,
        text="",
        data=[{**row, "box": [100.0, 100.0, 200.0, 300.0]}],
        handles=("box_7",),
    )


def called(speaking: Skill3dDialect, name: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    call = json.dumps({"name": name, "arguments": arguments})
    text = f"<think>look</think><skill_choice>{{}}</skill_choice><tool_call>{call}</tool_call>"
    reading = speaking.read({"content": text}, "stop", 1)
    assert reading.mistake is None
    (ours,) = reading.calls
    ARGUMENTS[ours.name].model_validate_json(ours.raw_arguments)
    assert reading.emitted[0]["name"] == name, "the log keeps what the model wrote"
    assert f"read {name} as {ours.name}" in reading.repairs
    return ours.name, json.loads(ours.raw_arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "ours"),
    [
        (
            "detect_objects_tool",
            {"image_index": 2, "text_prompt": "chair, desk lamp.", "box_threshold": 0.35},
            (
                "detect",
                {"frames": ["frame_9"], "phrases": ["chair", "desk lamp"], "threshold": 0.35},
            ),
        ),
        ("depth_estimation_tool", {"image_index": 1}, ("depth", {"frames": ["frame_4"]})),
        (
            "depth_estimation_tool",
            {"image_path": "frame_9", "crop_box": [1, 2, 30, 40]},
            ("depth_at", {"frame": "frame_9", "areas": [[1, 2, 30, 40]], "points": []}),
        ),
        (
            "segment_image_tool",
            {"image_index": 2, "box": [105, 95, 205, 310]},
            ("segment", {"boxes": ["box_7"]}),
        ),
        (
            "orient_anything_tool",
            {"image_index": "2", "crop_box": [100, 100, 200, 300]},
            ("orient", {"box": "box_7"}),
        ),
        ("swinir_tool", {"image_index": 1}, ("restore", {"frames": ["frame_4"], "guard": False})),
        (
            "swinir_tool",
            {"image_index": 1, "crop_box": [0, 0, 9, 9], "scale": 4},
            ("zoom", {"frame": "frame_4", "box": [0, 0, 9, 9]}),
        ),
        (
            "pi3_tool",
            {"image_index": [1, 2], "azimuth_angle": 45, "elevation_angle": 20},
            (
                "render_view",
                {"frames": ["frame_4", "frame_9"], "azimuth": 45, "elevation": 20},
            ),
        ),
        ("pi3_tool", {}, ("reconstruct", {"frames": ["frame_4", "frame_9"]})),
    ],
)
def test_their_calls_become_ours(name: str, arguments: dict[str, Any], ours: object) -> None:
    assert called(dialect(), name, arguments) == ours


def test_boxes_in_thousandths_find_the_detection_they_mean() -> None:
    box = [100 / 0.64, 100 / 0.48, 200 / 0.64, 300 / 0.48]
    told = {"image_index": 2, "box": box}
    assert called(dialect(pixels=False), "segment_image_tool", told)[1] == {"boxes": ["box_7"]}


def test_our_own_names_and_answers_pass_as_they_are() -> None:
    speaking = dialect()
    text = (
        '<think>x</think><tool_call>{"name": "size", "arguments": {"object": "obj_1"}}</tool_call>'
    )
    (call,) = speaking.read({"content": text}, "stop", 0).calls
    assert (call.name, json.loads(call.raw_arguments)) == ("size", {"object": "obj_1"})
    assert speaking.read({"content": "<think>x</think><answer>B</answer>"}, "stop", 0).answer == "B"
    assert "orient_anything_tool" in speaking.instructions
