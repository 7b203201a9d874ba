"""Must-show 3: the runner and the scorer against a model server that fails one request in ten.

Every task has one right answer that only its own conversation leads to, so a task that was lost,
doubled or given another one's answer changes the score.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.benchmarks.report.record import RunReport
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.provenance import record
from surveyor.benchmarks.run.schedule import scheduled, select
from surveyor.benchmarks.runner import EpisodeContext, RunContext, SessionSummary, run_dataset
from surveyor.benchmarks.scoring import score_apart
from surveyor.core.dataset import Dataset
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import EpisodeEnded, EpisodeStatus
from surveyor.memory.log import read_events
from surveyor.memory.manifest import DatasetIdentity
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.writer import DatasetPlan, EncodedFrame, SceneBundle, write_dataset
from surveyor.scenes.questions.askable import CapturedScene
from surveyor.scenes.questions.draft import GeneratedQuestion
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.targets import Target
from surveyor.tools.workspace import Workspace
from tests.claims.agent.faults import failing_model, right_answer
from tests.claims.agent.instant_tools import instant_tools, no_experts
from tests.claims.agent.mock_server import served
from tests.claims.claim import Claim

TASKS, AT_ONCE, SCENES, PASSES = 2000, 256, 50, 8
_TYPE = "object_rel_distance"
_SLOW = 5.0


def crowd(folder: Path, number: int = TASKS, at_once: int = AT_ONCE) -> Iterator[Claim]:
    """One session that tries everything once, a score, and sessions that bring the rest home."""
    dataset, run = _dataset(folder / "dataset", number), folder / "run"
    with served(failing_model, 0, _SLOW) as url:
        began = time.monotonic()
        first = asyncio.run(_session(dataset, run, url, at_once, passes=1))
        seconds = time.monotonic() - began
        report = score_apart(RunFolder.open(run), dataset.path)
        yield from _once(first, report, number, seconds)
        asyncio.run(_session(dataset, run, url, at_once, passes=PASSES))
    yield from _all(RunFolder.open(run), score_apart(RunFolder.open(run), dataset.path), number)


def _once(first: SessionSummary, report: RunReport, number: int, seconds: float) -> Iterator[Claim]:
    tally = report.tally
    note = f"{tally.scored} scored, {tally.failed} failed, {tally.incomplete} incomplete"
    note += f"; {seconds:.0f} s"
    lost = number - tally.scored - tally.failed - tally.incomplete
    yield Claim.at_most("runner, 10 % faults: tasks neither scored nor incomplete", lost, 0, note)
    yield Claim.at_least("runner, 10 % faults: incomplete after one pass", tally.incomplete, 1)
    same = first.progress.left == tally.incomplete
    yield Claim.holds("runner and score agree on what is incomplete", same)


def _all(folder: RunFolder, report: RunReport, number: int) -> Iterator[Claim]:
    ends = Counter(
        event.status
        for task, epoch in folder.scheduled()
        for event in read_events(folder.episode_path(task.id, epoch))
        if isinstance(event, EpisodeEnded) and event.status is not EpisodeStatus.INCOMPLETE
    )
    results = Counter(score.task_id for score in folder.results())
    share = sum(ends.values()) / number
    yield Claim.at_least("runner, resumed: share of tasks with an end", share, 1)
    doubled = sum(ends.values()) - number + sum(count - 1 for count in results.values())
    yield Claim.at_most("runner, resumed: tasks ended or scored twice", doubled, 0)
    note = f"{report.tally.failed} failed, {report.tally.incomplete} incomplete"
    yield Claim.at_least(
        "runner, resumed: score, every answer its own", report.overall.value, 100, note
    )


async def _session(
    dataset: Dataset, run: Path, url: str, at_once: int, passes: int
) -> SessionSummary:
    config = RunConfig(
        dataset=str(dataset.path), concurrency=at_once, passes=passes, give_up_after=10 * TASKS
    )
    tasks = select(dataset.tasks(), config)
    identity = DatasetIdentity(
        name=dataset.manifest.name, content_hash=dataset.manifest.content_hash
    )
    made = record(run.name, config, identity)
    folder = RunFolder.create(run, made, map(scheduled, tasks))
    chat = ChatConfig(
        model="m", base_url=url, timeout=_SLOW, attempts=2, backoff=0.02, concurrency=at_once
    )
    experts = no_experts(dataset.blobs)

    def setting(task: Task) -> EpisodeContext:
        workspace = Workspace(task, experts)
        return EpisodeContext(workspace, workspace.frame_handles)

    async with ChatPlanner(chat, [dataset.blobs]) as planner:
        bench = RunContext(planner, instant_tools(), setting, Limits())
        return await run_dataset(folder, tasks, bench, config)


def _dataset(path: Path, number: int) -> Dataset:
    """Choices between two things beside a door with a name of its own."""
    scenes = tuple(f"room_{k}" for k in range(min(SCENES, number)))

    def build(scene_id: str) -> SceneBundle:
        truth = SceneTruth(scene_id=scene_id, source="crowd", room_area=0.0, objects=())
        picture = EncodedFrame(0.0, _jpeg(len(scene_id)), "image/jpeg", 16, 16)
        return SceneBundle(truth, fps=1.0, pictures=(picture,))

    def ask(filmed: Iterable[CapturedScene]) -> Iterator[GeneratedQuestion]:
        frames = {scene.truth.scene_id: scene.frames for scene in filmed}
        for k in range(number):
            scene = scenes[k % len(scenes)]
            door = hashlib.sha256(str(k).encode()).hexdigest()[:6]
            task = Task(
                id=f"task_{k:05d}",
                dataset="crowd",
                scene_id=scene,
                question_type=_TYPE,
                question=f"Which is closer to door {door}?",
                options=("A. chair", "B. lamp"),
                answer_kind=AnswerKind.CHOICE,
                frames=frames[scene],
            )
            answer = right_answer(task.question)
            yield GeneratedQuestion(
                task, Target(task_id=task.id, question_type=_TYPE, answer=answer)
            )

    write_dataset(
        path, DatasetPlan(name="crowd", generator="proofs", seed=0, scenes=scenes), build, ask
    )
    return Dataset.open(path)


def _jpeg(shade: int) -> bytes:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (16, 16), (shade, 90, 120)).save(out, "JPEG")
    return out.getvalue()
