"""The dialect of the Skill-3D checkpoints: their tool names and arguments, mapped onto our tools.

They write tags, count images from 1 (``image_index``) and give boxes. Each call is translated into
one of ours before it is logged and run; what the model wrote stays in the log of the model call.
Boxes that a tool of ours wants as handles become the detection that they overlap most.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.chat.coordinates import Places
from surveyor.agent.chat.messages import Message, pictures_of
from surveyor.agent.chat.reply_parser import Reading
from surveyor.agent.chat.tags import TagDialect
from surveyor.agent.planner import Observation, PlannerInput
from surveyor.core.tasks import Task
from surveyor.memory.events import ToolOutcome
from surveyor.tools.spec import CallRequest

_TOOLS: Final = """\
{"name": "depth_estimation_tool", "parameters": {"image_index": "1-based", "crop_boxes": "[[x1,y1,x2,y2]]", "point_coords": "[[x,y]]"}}
{"name": "detect_objects_tool", "parameters": {"image_index": "1-based", "text_prompt": "names, by commas", "box_threshold": "0..1"}}
{"name": "segment_image_tool", "parameters": {"image_index": "1-based", "box": "[x1,y1,x2,y2]"}}
{"name": "orient_anything_tool", "parameters": {"image_index": "1-based", "crop_box": "[x1,y1,x2,y2]"}}
{"name": "swinir_tool", "parameters": {"image_index": "1-based", "crop_box": "[x1,y1,x2,y2]", "scale": "2 or 4"}}
{"name": "pi3_tool", "parameters": {"image_index": "all images", "azimuth_angle": "degrees", "elevation_angle": "degrees"}}"""  # noqa: E501
_FORM: Final = """\
Every turn begins with exactly one <think>...</think>. A turn that uses a tool goes on with
<skill_choice>{"id": "...", "source": "...", "name": "...", "reason": "..."}</skill_choice> and
<tool_call>{"name": "...", "arguments": {...}}</tool_call>; the last turn with <answer>...</answer>.
<tools>
%s
</tools>"""
_ENOUGH = 0.3
_INDEX = ("image_index", "image_indices", "image_path", "image_paths", "images", "image")

Box = tuple[float, float, float, float]


class Skill3dDialect(TagDialect):
    """Reads their calls as ours; writes results as tags do."""

    name = "skill3d"

    def __init__(
        self, task: Task, brief: PlannerInput, capabilities: Capabilities, places: Places
    ) -> None:
        super().__init__(task, brief, capabilities)
        self._places = places
        self._shown = [*brief.frame_handles]
        self._boxes: dict[str, tuple[str, Box]] = {}

    @property
    def instructions(self) -> str:
        """The form that they were trained on, with their six tools."""
        return _FORM % _TOOLS if self._brief.tools else super().instructions

    def read(self, message: dict[str, Any], finish: str, turn: int) -> Reading:
        """Understand one message; calls are ours from here on."""
        reading = super().read(message, finish, turn)
        ours = tuple(map(self._translated, reading.calls))
        renamed = tuple(
            f"read {theirs.name} as {call.name}"
            for theirs, call in zip(reading.calls, ours, strict=True)
            if theirs.name != call.name
        )
        return replace(reading, calls=ours, repairs=(*reading.repairs, *renamed))

    def observe(self, observations: tuple[Observation, ...]) -> list[Message]:
        """What came back; new pictures get the next numbers, detections are kept."""
        for observation in observations:
            if isinstance(observation, ToolOutcome):
                self._shown += [picture.handle for picture in pictures_of(observation)]
                self._keep_boxes(observation)
        return super().observe(observations)

    def _keep_boxes(self, outcome: ToolOutcome) -> None:
        for row in outcome.data if isinstance(outcome.data, list) else ():
            if isinstance(row, dict) and isinstance(row.get("box"), list) and "index" in row:
                x1, y1, x2, y2 = (float(str(edge)) for edge in row["box"])  # type: ignore[union-attr]
                self._boxes[str(row["handle"])] = (str(row["frame"]), (x1, y1, x2, y2))

    def _translated(self, call: CallRequest) -> CallRequest:
        try:
            asked = orjson.loads(call.raw_arguments)
        except orjson.JSONDecodeError:
            return call
        if not isinstance(asked, dict):
            return call
        frames = self._frames(asked)
        found = self._ours(call.name, asked, frames)
        if found is None:
            return call
        name, arguments = found
        return CallRequest(call.call_id, name, orjson.dumps(arguments).decode())

    def _ours(
        self, name: str, asked: dict[str, Any], frames: list[str]
    ) -> tuple[str, dict[str, Any]] | None:
        """Our tool and its arguments; ``None`` for a name that is none of theirs."""
        first = frames[0] if frames else ""
        match name:
            case "depth_estimation_tool":
                areas = _boxes(asked.get("crop_boxes"), asked.get("crop_box"))
                points = asked.get("point_coords") or []
                if areas or points:
                    return "depth_at", {"frame": first, "areas": areas, "points": points}
                return "depth", {"frames": frames}
            case "detect_objects_tool":
                words = re.split(r"[,.;]", str(asked.get("text_prompt", "")))
                phrases = [word.strip() for word in words if word.strip()]
                found: dict[str, Any] = {"frames": frames, "phrases": phrases}
                if "box_threshold" in asked:
                    found["threshold"] = asked["box_threshold"]
                return "detect", found
            case "segment_image_tool":
                return "segment", {"boxes": [self._handle(first, asked.get("box"))]}
            case "orient_anything_tool":
                return "orient", {"box": self._handle(first, asked.get("crop_box"))}
            case "swinir_tool":
                box = _boxes(asked.get("crop_box"))
                if box:
                    return "zoom", {"frame": first, "box": box[0]}
                return "restore", {"frames": frames, "guard": False}
            case "pi3_tool":
                angles = asked.get("azimuth_angle", 0), asked.get("elevation_angle", 0)
                if angles == (0, 0):
                    return "reconstruct", {"frames": frames}
                return "render_view", {
                    "frames": frames, "azimuth": angles[0], "elevation": angles[1],
                }  # fmt: skip
        return None

    def _frames(self, asked: dict[str, Any]) -> list[str]:
        """Handles of the images that a call names by number or handle; all if it names none."""
        named = next((asked[key] for key in _INDEX if key in asked), None)
        if named is None:
            return [*self._brief.frame_handles]
        listed = named if isinstance(named, list) else [named]
        return [self._one(item) for item in listed]

    def _one(self, item: object) -> str:
        text = str(item).strip()
        if text.isdecimal() and 1 <= int(text) <= len(self._shown):
            return self._shown[int(text) - 1]
        return next((handle for handle in self._shown if handle == text), text)

    def _handle(self, frame: str, box: object) -> str:
        """The detection of a frame that a box overlaps most; the box as text where none does."""
        listed = _boxes(box)
        if not listed:
            return str(box)
        probe = {"frame": frame, "areas": listed[:1]}
        pixels = self._places.to_pixels(CallRequest("", "depth_at", orjson.dumps(probe).decode()))
        (placed,) = orjson.loads(pixels.raw_arguments)["areas"]
        fits = [
            (_overlap(tuple(placed), known), handle)
            for handle, (where, known) in self._boxes.items()
            if where == frame
        ]
        best = max(fits, default=(0.0, ""))
        return best[1] if best[0] >= _ENOUGH else f"a box of {frame} that was not detected"


def _boxes(*values: object) -> list[list[float]]:
    """One box or several, as a list of boxes."""
    for value in values:
        if isinstance(value, list) and value:
            several = value if isinstance(value[0], list) else [value]
            return [box for box in several if len(box) == 4]
    return []


def _overlap(a: Sequence[float], b: Box) -> float:
    """Intersection over union."""
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    shared = width * height
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / both if both > 0 else 0.0
