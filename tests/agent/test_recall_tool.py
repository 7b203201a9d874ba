"""Evidence of earlier questions on a scene is recalled with its origin, and the log says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.recall_tool import RecalledData, recall_tool
from surveyor.core.blobs import BlobStore
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import Answer, ToolOutcome
from surveyor.memory.scenes.records import EvidenceObject, FiledEpisode
from surveyor.memory.scenes.store import SceneMemory
from surveyor.skills.memory_hook import remember
from surveyor.skills.scene_profile import SceneProfile
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.agent.test_program import CHAIRS, NEAREST, SOFA_LAMP, TABLE_EDGE
from tests.support.agent_stage import MemoryLog, make_task, make_workspace
from tests.support.box_room import BoxRoom
from tests.support.openai_server import RehearsalServer, Request, says
from tests.tools.conftest import make_client

LAMP_NEAREST = NEAREST.replace("(chair, sofa, lamp)", "(chair, sofa)").replace("table", "lamp")
LAMP_EDGE = TABLE_EDGE.replace("table", "lamp")


def file(memory: SceneMemory, scene: str, key: str = "earlier", confidence: float = 0.9) -> None:
    episode = FiledEpisode(
        key=key,
        scene_id=scene,
        task_id=key,
        split="test",
        question_type="object_counting",
        question="How many lamps?",
        status="answered",
    )
    lamp = EvidenceObject(
        scene_id=scene,
        world=key,
        key="obj_1",
        category="lamp",
        center=(1.0, 2.0, 0.5),
        size=(0.3, 0.3, 1.0),
        confidence=confidence,
        views=3,
    )
    memory.file(episode, [lamp])


def test_a_model_recalls_and_the_log_says_that_nothing_was_measured_anew(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    task = make_task(blobs)

    def model(request: Request) -> object:
        last = request.json["messages"][-1]
        if last["role"] == "tool":
            return says(f"<answer>{str(last['content']).count('obj_')}</answer>")
        return says(calls=(("recall", '{"categories": ["lamp"]}'),))

    async def play(url: str, memory: SceneMemory) -> MemoryLog:
        log = MemoryLog()
        config = ChatConfig(model="m", base_url=url)
        async with ChatPlanner(config, (blobs,)) as planner:
            registry = Registry([recall_tool(memory)])
            workspace = make_workspace(task, blobs)
            await run_episode(task, planner, registry, workspace, log, Limits())
        return log

    with SceneMemory(tmp_path / "m.sqlite") as memory, RehearsalServer(model) as server:  # type: ignore[arg-type]
        file(memory, task.scene_id)
        log = asyncio.run(play(server.url, memory))
    (outcome,) = [e for e in log.events if isinstance(e, ToolOutcome)]
    assert "Remembered from 1 earlier episode(s) on this scene, not measured anew" in outcome.text
    assert "confidence 0.90, version 1" in outcome.text
    assert (outcome.cost, outcome.expert_calls, outcome.cached) == (0.0, 0, 0)
    assert [e.text for e in log.events if isinstance(e, Answer)] == ["1"]


def test_the_program_measures_what_it_remembers(tmp_path: Path) -> None:
    room = BoxRoom(BlobStore(tmp_path / "frames"))
    client = make_client(room, tmp_path)

    async def play(memory: SceneMemory, number: int, question: str) -> Episode:
        task, log = room.task(question), MemoryLog()
        registry = Registry([*default_tools(), recall_tool(memory)])
        workspace = Workspace(task, client)
        await run_episode(task, ProgramPlanner(), registry, workspace, log, Limits())
        episode = fold(log.events)
        assert episode is not None
        remember(memory, f"run/{number}", task, episode, SceneProfile(question_type="q"))
        return episode

    async def play_all(memory: SceneMemory) -> list[Episode]:
        asked = (SOFA_LAMP, SOFA_LAMP, LAMP_EDGE, CHAIRS, LAMP_NEAREST)
        return [await play(memory, number, question) for number, question in enumerate(asked)]

    with SceneMemory(tmp_path / "m.sqlite") as memory:
        first, again, edge, chairs, nearest = asyncio.run(play_all(memory))
    assert first.answer == again.answer
    assert [o.name for o in again.outcomes] == ["recall", "distance"]
    assert [o.name for o in edge.outcomes] == ["recall", "size"]
    assert sum(o.cost for o in (*again.outcomes, *edge.outcomes)) == 0
    assert "not measured anew" in again.outcomes[0].text
    told = RecalledData.model_validate(again.outcomes[0].data)
    assert told.episodes == ("run/0",)
    assert told.producers
    assert set(told.versions.values()) == {1}
    assert chairs.outcomes[0].name == "recall"
    assert "detect" in [o.name for o in chairs.outcomes], "chairs were never looked for"
    assert [o.name for o in nearest.outcomes] == ["recall", "nearest"], "by two episodes together"
    both = RecalledData.model_validate(nearest.outcomes[0].data)
    assert both.episodes == ("run/0", "run/3")
    assert {row.space for row in both.objects} == {told.objects[0].space}


def test_doubtful_objects_and_other_scenes_are_not_recalled(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    task = make_task(blobs)
    with SceneMemory(tmp_path / "m.sqlite") as memory:
        file(memory, "elsewhere", "a")
        file(memory, task.scene_id, "b", confidence=0.1)
        call = [CallRequest("a", "recall", "{}")]
        registry = Registry([recall_tool(memory)])
        (outcome,) = asyncio.run(registry.execute(0, call, make_workspace(task, blobs)))
    assert outcome.text == f"Nothing is remembered about {task.scene_id}."
