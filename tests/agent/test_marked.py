"""Profile `markers`: measured pictures with numbers, for any chat model, with tools or without."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.marked import MarkedPlanner
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.survey.marked import MarkedScene, MarkSceneArguments, mark_scene_tool
from surveyor.benchmarks.run.baselines import equip
from surveyor.benchmarks.run.config import Baseline, RunConfig
from surveyor.compose.planner_options import PlannerOptions
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.log import EventList
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from tests.support.box_room import THINGS, BoxRoom
from tests.support.marker_reader import read_labels
from tests.support.mock_endpoint import RehearsalServer, Reply, Request, says
from tests.tools.conftest import make_client

KINDS = tuple(sorted({category for category, _ in THINGS}))


def played(
    room: BoxRoom,
    path: Path,
    *,
    said: str = "<OBJ001>.",
    baseline: Baseline = Baseline.NO_TOOLS,
    question: str = "Find the chair.",
    **changes: Any,
) -> tuple[Episode, list[Request], BlobStore]:
    """An episode of a model that answers at once, what it was sent, and the pictures' store."""
    heard: list[Request] = []

    def script(request: Request) -> Reply:
        heard.append(request)
        return says(said)

    task = room.task(question).model_copy(update={"answer_kind": AnswerKind.BOXES})
    asked = MarkSceneArguments(categories=KINDS, frames=4, **changes)
    tool = mark_scene_tool()
    registry = Registry((*default_tools(), tool), inner=default_tools())
    config = RunConfig(dataset="boxes", planner="chat", baseline=baseline)
    toolbox = equip(registry, config, (tool.name,))

    async def play() -> tuple[Episode, BlobStore]:
        client, log = make_client(room, path), EventList()
        stores = (room.store, client.blobs)
        with RehearsalServer(script) as server:
            model = ChatConfig(model="reader", base_url=server.url)
            async with ChatPlanner(model, stores) as inner:
                workspace = Workspace(task, client)
                planner = MarkedPlanner(inner, asked)
                await run_episode(task, planner, toolbox, workspace, log, Limits())
        await client.aclose()
        episode = fold(log)
        assert episode is not None
        return episode, client.blobs

    episode, blobs = asyncio.run(play())
    return episode, heard, blobs


def scene_of(episode: Episode) -> MarkedScene:
    (outcome,) = (one for one in episode.outcomes if one.name == "mark_scene")
    return MarkedScene.model_validate(outcome.data)


def pixels(blobs: BlobStore, sha: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(blobs.get(sha))).convert("RGB"))


def test_a_model_without_tools_is_shown_numbers_and_answers_by_them(
    room: BoxRoom, tmp_path: Path
) -> None:
    episode, heard, _ = played(room, tmp_path)
    assert episode.given is not None
    assert episode.given.text == "obj_1."
    (request,) = heard
    assert "tools" not in request.json
    content = next(m for m in request.json["messages"] if m["role"] == "user")["content"]
    pictures = [part for part in content if part["type"] == "image_url"]
    assert len(pictures) == 5, "a top view and four frames"
    text = "\n".join(part["text"] for part in content if part["type"] == "text")
    for row in scene_of(episode).objects:
        assert f"{row.handle} {row.category}: " in text
    outer = [call.name for call in episode.calls if not call.parent]
    assert outer == ["mark_scene"]
    assert {"detect", "reconstruct", "fuse"} <= {c.name for c in episode.calls if c.parent}


def test_numbers_are_drawn_on_their_objects_and_are_one_everywhere(
    room: BoxRoom, tmp_path: Path
) -> None:
    episode, _, blobs = played(room, tmp_path)
    found = scene_of(episode)
    outcome = next(one for one in episode.outcomes if one.name == "mark_scene")
    # Which thing each number is, by where its box is: the only use of the truth here.
    thing = {
        row.handle: min(
            range(len(THINGS)),
            key=lambda k: float(np.linalg.norm(np.subtract(THINGS[k][1].center, row.center))),
        )
        for row in found.objects
    }
    assert sorted(thing.values()) == list(range(len(THINGS)))
    drawn = 0
    for view, image in list(zip(found.views, outcome.images, strict=True))[1:]:
        numbers = read_labels(pixels(blobs, image.sha256))
        assert {f"obj_{k}" for k in numbers} == set(view.numbered)
        owners = room.views[int(view.frame.rpartition("_")[2])][1]
        for number, (u, v) in numbers.items():
            assert owners[round(v), round(u)] == thing[f"obj_{number}"]
            drawn += 1
    assert drawn >= 4
    top = read_labels(pixels(blobs, outcome.images[0].sha256))
    assert set(top) <= {int(row.handle.rpartition("_")[2]) for row in found.objects}
    seen_somewhere = {name for view in found.views for name in view.numbered}
    named = {row.handle for row in found.objects}
    assert seen_somewhere | set(found.unnumbered) == named, "who is not numbered has a reason"


def test_the_ablation_shows_the_same_pictures_without_numbers(
    room: BoxRoom, tmp_path: Path
) -> None:
    episode, heard, blobs = played(room, tmp_path, marks=False)
    outcome = next(one for one in episode.outcomes if one.name == "mark_scene")
    assert len(outcome.images) == 5
    assert not any(read_labels(pixels(blobs, image.sha256)) for image in outcome.images)
    assert not any(view.numbered for view in scene_of(episode).views)
    assert "one number" not in str(heard[0].json["messages"])


def test_with_tools_the_look_is_not_offered_again(room: BoxRoom, tmp_path: Path) -> None:
    _, heard, _ = played(room, tmp_path, baseline=Baseline.ALL, said="<answer>obj_1</answer>")
    names = {tool["function"]["name"] for tool in heard[0].json["tools"]}
    assert "bird_eye" in names
    assert "mark_scene" not in names


def test_where_the_look_is_refused_the_frames_are_shown_as_they_are(
    room: BoxRoom, tmp_path: Path
) -> None:
    episode, heard, _ = played(room, tmp_path, skill="unheard-of")
    outcome = next(one for one in episode.outcomes if one.name == "mark_scene")
    assert "there is no skill 'unheard-of'" in outcome.text
    content = next(m for m in heard[0].json["messages"] if m["role"] == "user")["content"]
    assert sum(part["type"] == "image_url" for part in content) == room.count


@pytest.mark.parametrize("coverage", [False, True])
def test_frames_are_chosen_the_same_way_each_time(
    room: BoxRoom, tmp_path: Path, coverage: bool
) -> None:
    first, _, _ = played(room, tmp_path / "a", coverage=coverage)
    second, _, _ = played(room, tmp_path / "b", coverage=coverage)
    frames = [view.frame for view in scene_of(first).views]
    assert frames == [view.frame for view in scene_of(second).views]
    assert len(set(frames)) == 5


def test_what_the_question_names_is_looked_for_too(room: BoxRoom, tmp_path: Path) -> None:
    episode, _, _ = played(room, tmp_path, question="How many kettle(s) are in this room?")
    asked = episode.calls[0].arguments
    assert asked is not None
    assert asked["categories"] == ["kettle", *KINDS]


@pytest.mark.parametrize("pictures", ["many", "33", "8:random", "-1"])
def test_a_number_of_pictures_that_cannot_be_is_refused(pictures: str) -> None:
    with pytest.raises(UserError, match="write 0 to 32"):
        PlannerOptions(profile="markers", pictures=pictures).look()


def test_pictures_are_chosen_by_the_option() -> None:
    asked = PlannerOptions(profile="unmarked", pictures="32:coverage").look()
    assert (asked.frames, asked.coverage, asked.marks) == (32, True, False)
