"""A model that reads numbers off pictures: what a vision-language model would do at its best.

It plays an OpenAI-compatible server. Of each picture it reads the drawn numbers, pixel by pixel,
and sees what stands where a number is drawn (by the room's exact ids: an eye without error, and
nothing that a neural model is shown to have). The listed geometry it uses as it stands; the
categories that are listed beside it, and the truth of what has no number, it never looks at.
"""

from __future__ import annotations

import base64
import io
import json
import random
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from surveyor.agent.program.language import Program, concept
from surveyor.agent.program.parser import parse
from surveyor.core.dataset import Dataset
from surveyor.core.images import rgb
from surveyor.scenes.datasets.truth import frame_maps, scene_truth
from surveyor.scenes.records import SceneObject, SceneTruth
from tests.support.marker_reader import read_labels
from tests.support.mock_endpoint import Reply, Request, says

_ROW = re.compile(
    r"obj_(?P<number>\d+) [^:]+: (?P<size>[\d.]+ x [\d.]+ x [\d.]+) m at \((?P<at>[^)]+)\)"
)
_VIEW = re.compile(r"(view_\d+) is frame_(\d+)")
_RESTS = 0.15


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a request shows: pictures by handle, frames of views, geometry by number."""

    pictures: dict[str, NDArray[np.uint8]]
    frames: dict[str, int]
    center: dict[int, NDArray[np.float64]]
    size: dict[int, NDArray[np.float64]]
    question: str


class MarkReader:
    """A script for `RehearsalServer`; ``seed`` draws what it guesses."""

    def __init__(self, dataset: Path, seed: int = 0) -> None:
        self._path = dataset
        self._dataset = Dataset.open(dataset)
        self._dice = random.Random(seed)
        self.guessed = 0

    def __call__(self, request: Request) -> Reply:
        messages = request.json["messages"]
        opening = next((m for m in messages if m["role"] == "user"), None)
        if opening is None or isinstance(opening["content"], str):
            return says("ready")
        shown = _shown(opening["content"])
        results = [m["content"] for m in messages if m["role"] == "tool"]
        return self._turn(shown, [_text(one) for one in results])

    def _turn(self, shown: _Shown, results: list[str]) -> Reply:
        seen = self.seen(shown)
        program = parse(shown.question)
        assert program is not None, shown.question
        found = _fitting(program, seen, shown)
        if program.op in ("argmin", "argmax") and len(found) > 1:
            (anchor, *_) = _of(seen, concept(program.args[2])) or [0]
            if anchor and not results:
                calls = tuple(
                    ("distance", json.dumps({"first": [f"obj_{k}"], "second": [f"obj_{anchor}"]}))
                    for k in found
                )
                return says(None, calls=calls)
            if results:
                metres = [_number(text) for text in results]
                best = max if program.op == "argmax" else min
                found = [found[metres.index(best(metres))]]
        if not found:
            self.guessed += 1
            found = [self._dice.choice(sorted(shown.center))] if shown.center else [1]
        return says(f"<answer><OBJ{found[0]:03d}>.</answer>")

    def seen(self, shown: _Shown) -> dict[int, SceneObject]:
        """What most of the drawn copies of each number stand on."""
        scene = self._scene(shown)
        by_id = {item.instance_id: item for item in self._truth(scene).objects}
        votes: dict[int, Counter[int]] = {}
        for handle, index in shown.frames.items():
            picture = shown.pictures[handle]
            height, width = picture.shape[:2]
            ids = self._ids(scene, index)
            for number, (u, v) in read_labels(picture).items():
                row = int((v + 0.5) * ids.shape[0] / height)
                column = int((u + 0.5) * ids.shape[1] / width)
                votes.setdefault(number, Counter())[int(ids[row, column])] += 1
        most = {number: count.most_common(1)[0][0] for number, count in votes.items()}
        return {number: by_id[one] for number, one in most.items() if one in by_id}

    def _scene(self, shown: _Shown) -> str:
        """The scene whose own frame looks most like the picture of it."""
        handle, index = next(iter(shown.frames.items()))
        small = _small(Image.fromarray(shown.pictures[handle]))
        off = {
            name: float(np.abs(small - self._thumbnail(name, index)).mean())
            for name in self._dataset.manifest.scenes
        }
        return min(off, key=off.__getitem__)

    def _thumbnail(self, scene: str, index: int) -> NDArray[np.float64]:
        if (scene, index) not in self._small:
            frame = next(f for f in self._dataset.captures[scene].frames if f.index == index)
            image = rgb(self._dataset.blobs.get(frame.image.sha256))
            self._small[scene, index] = _small(image)
        return self._small[scene, index]

    def _truth(self, scene: str) -> SceneTruth:
        return scene_truth(self._path, scene)

    def _ids(self, scene: str, index: int) -> NDArray[np.int32]:
        return frame_maps(self._path, scene, index).ids

    @cached_property
    def _small(self) -> dict[tuple[str, int], NDArray[np.float64]]:
        return {}


def _fitting(program: Program, seen: dict[int, SceneObject], shown: _Shown) -> list[int]:
    """Numbers of what fits the description, but for distances."""
    found = _of(seen, concept(program))
    for one in program.walk():
        if one.op == "filter" and len(one.args) == 3:
            found = [k for k in found if seen[k].attributes.get(str(one.args[1])) == one.args[2]]
        if one.op == "relate" and one.args[2] == "on":
            below = _of(seen, concept(one.args[1]))
            found = [k for k in found if any(_rests(shown, k, other) for other in below)]
    return found


def _of(seen: dict[int, SceneObject], category: str) -> list[int]:
    return sorted(k for k, item in seen.items() if item.category == category)


def _rests(shown: _Shown, one: int, support: int) -> bool:
    bottom = shown.center[one][2] - shown.size[one][2] / 2
    top = shown.center[support][2] + shown.size[support][2] / 2
    reach = shown.size[support][:2].max() / 2
    beside = np.abs(shown.center[one][:2] - shown.center[support][:2]).max()
    return one != support and abs(bottom - top) <= _RESTS and bool(beside <= reach)


def _shown(parts: list[dict[str, Any]]) -> _Shown:
    pictures: dict[str, NDArray[np.uint8]] = {}
    label, texts = "", []
    for part in parts:
        if part["type"] == "text":
            texts.append(part["text"])
            label = part["text"].rstrip(":")
        else:
            data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
            pictures[label] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    text = "\n".join(texts)
    rows = list(_ROW.finditer(text))
    return _Shown(
        pictures=pictures,
        frames={view: int(frame) for view, frame in _VIEW.findall(text)},
        center={int(r["number"]): np.array([float(v) for v in r["at"].split(",")]) for r in rows},
        size={int(r["number"]): np.array([float(v) for v in r["size"].split(" x ")]) for r in rows},
        question=text.partition("Question: ")[2].splitlines()[0],
    )


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(p.get("text", "") for p in content)


def _number(text: str) -> float:
    found = re.search(r"(\d+(?:\.\d+)?) m\b", text)
    return float(found[1]) if found else 0.0


def _small(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.resize((48, 36), Image.Resampling.BOX), np.float64)
