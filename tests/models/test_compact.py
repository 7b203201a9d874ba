"""A compact agent, tiny: it is trained, killed, resumed, served, and drives the real loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("transformers")

import httpx2

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Planner, PlannerInput
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import EpisodeStatus
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from surveyor.training.compact.language import encode, template_words
from surveyor.training.compact.model import ModelShape, load_model
from surveyor.training.compact.reinforce import Play, ReinforceSettings, reinforce
from surveyor.training.compact.sequences import Spoken
from surveyor.training.compact.train import CompactSettings, accuracy, train_compact
from surveyor.training.compact.vocabulary import Vocabulary
from surveyor.training.rewards.parts import Rewarded
from surveyor.training.rows.records import Chat
from surveyor.training.rows.teacher import tell
from surveyor.training.serving.app import build_server
from surveyor.training.serving.load import backend_of
from tests.support.agent_stage import MemoryLog
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]

ASKED = (
    "What is the length of the longest dimension (length, width, or height) of the sofa, measured "
    "in centimeters?",
    "How many chair(s) are in this room?",
)
TINY = ModelShape(layers=2, width=64, heads=2, groups=1, inner=128)


async def play(room: BoxRoom, path: Path, question: str, planner: object) -> Episode:
    log, task = MemoryLog(), room.task(question)
    client = make_client(room, path)
    workspace, registry = Workspace(task, client), Registry(default_tools())
    await run_episode(task, planner, registry, workspace, log, Limits())  # type: ignore[arg-type]
    episode = fold(log.events)
    assert episode is not None
    return episode


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> BoxRoom:
    return BoxRoom(BlobStore(tmp_path_factory.mktemp("room") / "frames"))


@pytest.fixture(scope="module")
def lessons(room: BoxRoom, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Chat, ...]]:
    root = tmp_path_factory.mktemp("lessons")
    schemas = tuple(tool.schema for tool in default_tools())
    told = []
    for question in ASKED:
        episode = asyncio.run(play(room, root, question, ProgramPlanner()))
        task = room.task(question)
        handles = tuple(f"frame_{frame.index}" for frame in task.frames)
        can = Capabilities(images=False)
        told.append(tell(task, PlannerInput(schemas, handles), episode, can, reasoning=False))
    return told


def spoken(lessons: list[tuple[Chat, ...]], words: Vocabulary) -> list[Spoken]:
    found = [encode(messages, words) for messages in lessons]
    return [Spoken(tuple(words.encode(one.tokens)), tuple(one.own)) for one in found] * 4


def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    lessons: list[tuple[Chat, ...]], tmp_path: Path
) -> None:
    words = Vocabulary.of(template_words(lessons))
    data = spoken(lessons, words)
    settings = CompactSettings(shape=TINY, steps=12, batch=4, save_every=4, tell_every=1)
    train_compact(data, [], words, tmp_path / "whole", settings)

    def killed(row: dict[str, float]) -> None:
        if row["step"] == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_compact(data, [], words, tmp_path / "killed", settings, killed)
    (tmp_path / "killed" / "checkpoints" / ".step-8-x").mkdir()  # as a killed writer leaves it
    train_compact(data, [], words, tmp_path / "killed", settings)
    curves = [
        [json.loads(line)["loss"] for line in (tmp_path / n / "metrics.jsonl").open()]
        for n in ("whole", "killed")
    ]
    assert len(curves[0]) == 12
    assert curves[1] == pytest.approx(curves[0], abs=1e-6)
    left = [path.name for path in (tmp_path / "killed" / "checkpoints").iterdir()]
    assert sorted(left) == ["step-12", "step-8"]
    wider = settings.model_copy(update={"shape": ModelShape(layers=3), "steps": 20})
    with pytest.raises(UserError, match="another shape"):
        train_compact(data, [], words, tmp_path / "killed", wider)


@pytest.fixture(scope="module")
def agent(lessons: list[tuple[Chat, ...]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = Vocabulary.of(template_words(lessons))
    data = spoken(lessons, words)
    settings = CompactSettings(shape=TINY, steps=120, batch=4, permuted=0, rate=0.03)
    out = tmp_path_factory.mktemp("agent")
    folder = train_compact(data, data[:2], words, out, settings)
    assert accuracy(load_model(folder), data[:2], words, 4) == 1.0, "two episodes are learnt"
    return folder


def test_training_may_begin_with_an_earlier_agent(
    agent: Path, lessons: list[tuple[Chat, ...]], tmp_path: Path
) -> None:
    known = template_words(lessons)
    words = Vocabulary.of(known | {"aaa", "zzz"})  # in between, so that numbers of tokens change
    data = spoken(lessons, words)
    settings = CompactSettings(shape=TINY, steps=1, batch=4, permuted=0, rate=1e-9, adam_rate=1e-9)
    went_on = train_compact(data, data[:2], words, tmp_path / "on", settings, start=agent)
    assert accuracy(load_model(went_on), data[:2], words, 4) == 1.0
    fresh = train_compact(data, data[:2], words, tmp_path / "fresh", settings)
    assert accuracy(load_model(fresh), data[:2], words, 4) < 0.5
    wider = settings.model_copy(update={"shape": ModelShape(layers=3)})
    with pytest.raises(UserError, match="another shape"):
        train_compact(data, data[:2], words, tmp_path / "wide", wider, start=agent)


def test_it_drives_the_real_loop_as_any_model(agent: Path, room: BoxRoom, tmp_path: Path) -> None:
    app = build_server(backend_of(agent), "compact")
    config = ChatConfig(
        model="compact",
        base_url="http://agent/v1",
        sampling={"temperature": 0, "logprobs": True, "return_token_ids": True},
        capabilities={"images": False},
    )

    async def both(question: str) -> tuple[Episode, Episode]:
        teacher = await play(room, tmp_path / "t", question, ProgramPlanner())
        transport = httpx2.ASGITransport(app=app)
        recording = BlobStore(tmp_path / "run")
        async with ChatPlanner(config, [], transport=transport, recording=recording) as planner:
            return teacher, await play(room, tmp_path / "a", question, planner)

    for question in ASKED:
        teacher, own = asyncio.run(both(question))
        assert own.status is EpisodeStatus.ANSWERED
        assert own.answer == teacher.answer
        assert [(c.name, c.arguments) for c in own.calls] == [
            (c.name, c.arguments) for c in teacher.calls
        ]
        calls = own.model_calls
        assert all(call.token_ids and call.weights for call in calls)
        assert all(call.shared_tokens > 0 for call in calls[1:]), "its language only grows"
        sizes = pairwise(calls)
        assert all(b.shared_tokens >= a.shared_tokens + len(a.token_ids) for a, b in sizes)


def test_folders_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        backend_of(tmp_path / "none")
    with pytest.raises(UserError, match=r"no readable config\.json"):
        backend_of(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(UserError, match="a llama model"):
        backend_of(tmp_path)


def player(room: BoxRoom, path: Path, score: Callable[[int, Episode], float]) -> Play:
    """Plays in a room of boxes; ``score`` judges the n-th episode."""
    client = make_client(room, path)
    registry = Registry(default_tools())

    async def played(planner: Planner, tasks: Sequence[Task]) -> list[Rewarded]:
        judged = []
        for number, task in enumerate(tasks):
            log = MemoryLog()
            limits = Limits(turns=12)
            await run_episode(task, planner, registry, Workspace(task, client), log, limits)
            episode = fold(log.events)
            assert episode is not None
            judged.append(Rewarded(episode, score(number, episode)))
        return judged

    return played


def test_it_is_reinforced_by_its_own_episodes(agent: Path, room: BoxRoom, tmp_path: Path) -> None:
    played = player(room, tmp_path / "experts", lambda number, episode: float(number % 2))
    settings = ReinforceSettings(steps=2, groups=1, group=4, temperature=2.0, price=0.01)
    tasks = [room.task(question) for question in ASKED]
    model = asyncio.run(reinforce(agent, tasks, played, tmp_path / "out", settings))
    rows = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").open()]
    assert len(rows) == 2
    assert all(row["logp_difference"] < 0.01 for row in rows), "what is sampled is trained on"
    assert all(row["learnt_from"] >= 4 for row in rows), rows
    assert rows[0]["reward"] == pytest.approx(0.5 - 0.01 * rows[0]["seconds"])
    assert backend_of(model).weights != backend_of(agent).weights
    assert (tmp_path / "out" / "curve.svg").read_text().count("<polyline") == 3


def test_groups_that_are_all_alike_are_said_to_teach_nothing(
    agent: Path, room: BoxRoom, tmp_path: Path
) -> None:
    played = player(room, tmp_path / "experts", lambda number, episode: 1.0)
    settings = ReinforceSettings(steps=1, groups=1, group=2, temperature=1e-4)
    with pytest.raises(UserError, match="were alike"):
        asyncio.run(reinforce(agent, [room.task(ASKED[0])], played, tmp_path, settings))
