"""Bills before, runs given instead of exploration, and calls folded into the grammar."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import (
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    ToolOutcome,
    ToolStatus,
)
from surveyor.memory.runs import RunFolder
from surveyor.skills.distil.chat import ChatDistiller
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.documents import parse
from surveyor.skills.folders import promote_by_hand
from surveyor.skills.provenance import Origin, Status
from surveyor.skills.retrieve import Retriever
from surveyor.skills.workflow import PLAIN, Evidence, Frames, Join, MetricScale, Stop
from surveyor.training.evolution.bill import bill, told
from surveyor.training.evolution.folding import fold_workflow
from surveyor.training.evolution.given import rollouts_of
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.player import RolloutRequest
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.rounds import evolve, plan_rooms
from surveyor.training.evolution.styles import ReadingStyle, in_words
from surveyor.training.evolution.textual import Tried, textual_skills, tried_in
from tests.claims.skills.world import TYPES, ScoredByAnswer
from tests.training.synthetic import DrawnPlayer, cases, logged_player, settings, suited

WIDE = PLAIN.model_copy(update={"frames": Frames(number=32), "join": Join.VOTE})


def finished(root: Path, rooms: int = 30) -> tuple[RunFolder, ...]:
    """Two finished runs, one for each of two ways."""
    player = logged_player(root, suited())
    requests = [RolloutRequest(c, w) for c in cases(rooms) for w in (PLAIN, WIDE)]
    asyncio.run(player.play("earlier", requests))
    return tuple(RunFolder.open(p.parent) for p in sorted(root.glob("*/run.json")))


def read(folders: tuple[RunFolder, ...], rooms: int = 60) -> tuple[Rollout, ...]:
    return asyncio.run(rollouts_of(folders, cases(rooms), ScoredByAnswer()))


def program(folders: tuple[RunFolder, ...]) -> tuple[RunFolder, ...]:
    """As if the `program` planner had played them."""
    made = []
    for folder in folders:
        config = {**folder.record.config, "planner": "program"}
        record = folder.record.model_copy(update={"config": config})
        made.append(RunFolder(folder.path, record))
    return tuple(made)


def test_finished_runs_teach_and_only_the_gate_is_played(tmp_path: Path) -> None:
    given = read(program(finished(tmp_path / "runs")))
    assert {r.workflow.key for r in given} == {PLAIN.key, WIDE.key}
    player = DrawnPlayer(suited())
    library = Library(tmp_path / "library")
    report = asyncio.run(evolve(library, cases(60), player, settings(gate_share=0.5), given=given))
    assert all("gate" in stage for stage in player.played)
    promoted = [v for v in report.rounds[0].verdicts if v.action == "promoted"]
    assert promoted
    with library.open(builtin=False) as store:
        taught = {s for skill in store.skills() for s in skill.provenance.scenes}
    assert taught <= {c.task.scene_id for c in cases(30)}


def test_a_way_that_no_workflow_says_is_kept_in_words(tmp_path: Path) -> None:
    """Not executed, not shown before a person vouches, and without what came out."""
    folders = finished(tmp_path / "runs")
    texts = textual_skills(asyncio.run(tried_in(folders, cases(30), ScoredByAnswer())))
    assert {t.document.scope.question_types for t in texts} == {(kind,) for kind in TYPES}
    for text in texts:
        assert text.document.workflow is None
        assert re.search(r"1\. Use `look_(16|32)`", text.document.text)
        assert not re.search(r"room_\d|frame_\d|view_\d", text.document.text)
    library = Library(tmp_path / "library")
    player = DrawnPlayer(suited())
    asyncio.run(evolve(library, cases(60), player, settings(gate_share=0.5), texts=texts))
    with library.open(builtin=False) as store:
        name = texts[0].document.name
        kept = store.find(name)
        assert (kept.status, kept.provenance.origin) == (Status.CANDIDATE, Origin.TEXTUAL)
        assert {c.task.scene_id for c in cases(30)} <= {s.scene_id for s in store.scenes()}
        promote_by_hand(store, name, "I read it")
        shown = Retriever(store).load(name)
        assert shown.workflow is None
        (case,) = [c for c in cases(1) if c.task.question_type == TYPES[0]]
        chosen = LibraryPolicy(Retriever(store), PLAIN).choose(case)
        assert chosen.version != kept.document.version, "text isn't executed"


def test_too_few_rooms_or_poor_answers_are_no_way(tmp_path: Path) -> None:
    folders = finished(tmp_path / "runs", rooms=2)
    assert not textual_skills(asyncio.run(tried_in(folders, cases(30), ScoredByAnswer())))
    (case, *_) = cases(1)
    poor = [replace(Tried(case, "r", ("look",), 0.2), case=c) for c in cases(30)]
    assert not textual_skills(poor)


def test_a_run_on_other_questions_is_refused(tmp_path: Path) -> None:
    folders = finished(tmp_path, rooms=2)
    with pytest.raises(UserError, match="asked none of the given"):
        asyncio.run(rollouts_of(folders, cases(4, first=700), ScoredByAnswer()))


def test_the_bill_bounds_what_is_played(tmp_path: Path) -> None:
    mine, chosen = cases(60), settings()
    lines = bill(mine, plan_rooms(mine, frozenset(), chosen), chosen)
    player = DrawnPlayer(suited())
    asyncio.run(evolve(Library(tmp_path), mine, player, chosen))
    for line in lines[:3]:
        stage = f"round-1-{line.stage.replace(' ', '-')}"
        assert player.played[stage] == pytest.approx(line.rollouts, rel=0.35 if line.sure else 0)
    gated = sum(n for stage, n in player.played.items() if "gate" in stage)
    assert gated <= lines[-1].rollouts
    assert "prices are not known yet" in told(lines)


def test_a_bill_is_priced_by_what_was_paid() -> None:
    mine, chosen = cases(60), settings()
    plan = plan_rooms(mine, frozenset(), chosen)
    one = DrawnPlayer(suited()).rollout(mine[0], PLAIN)
    paid = [one.model_copy(update={"model_calls": n, "dollars": 0.01}) for n in (4, 6)]
    lines = bill(mine, plan, chosen, paid)
    assert lines[0].calls == pytest.approx(5 * lines[0].rollouts)
    assert lines[0].dollars == pytest.approx(0.01 * lines[0].rollouts)
    assert "model calls, $" in told(lines)
    unknown = bill(mine, plan, chosen, [one.model_copy(update={"model_calls": 3})])
    assert unknown[0].dollars is None


def episode(*outcomes: ToolOutcome) -> Episode:
    start = EpisodeStarted(
        task_id="t", dataset="d", scene_id="s", question_type="q", question="?", planner="chat:m"
    )
    folded = fold([start, *outcomes, EpisodeEnded(status=EpisodeStatus.ANSWERED)])
    assert folded is not None
    return folded


def outcome(name: str, sources: list[str], *handles: str) -> ToolOutcome:
    return ToolOutcome(
        turn=0,
        call_id=f"{name} {handles}",
        name=name,
        status=ToolStatus.OK,
        text="",
        sources=tuple(sources),
        handles=handles,
    )


FRAMES = [f"frame_{i}" for i in range(16)]


def test_calls_are_folded_into_the_grammar() -> None:
    looked = [outcome("detect", [f], f"box_{i}") for i, f in enumerate(FRAMES[:6])]
    cut = outcome("segment", ["box_0", "box_1"], "mask_1")
    joined = outcome("reconstruct", FRAMES, "reconstruction_1")
    depth = [outcome("depth", [f], f"depth_{i}") for i, f in enumerate(FRAMES[:2])]
    fused = outcome("fuse", ["mask_1", "reconstruction_1"], "object_1")
    found = fold_workflow(episode(*looked, cut, joined, *depth, fused))
    assert found is not None
    assert (found.frames.number, found.join, found.evidence) == (16, Join.FUSE, Evidence.MASKS)
    assert (found.scale, found.scale_frames, found.stop) == (MetricScale.DEPTH, 2, Stop(first=6))
    alone = fold_workflow(episode(*looked[:1], *depth[:1]))
    assert alone is not None
    assert (alone.join, alone.frames.number) == (Join.BEST, 1)
    restored = outcome("restore", ["frame_0"], "frame_100")
    derived = fold_workflow(episode(restored, outcome("detect", ["frame_100"], "box_9")))
    assert derived is not None
    assert derived.restore != "none"
    assert fold_workflow(episode(depth[0])) is None


def test_a_planner_that_reads_gets_the_workflow_in_words() -> None:
    class Nobody:
        name = "nobody"

    style = ReadingStyle(Nobody(), PLAIN)  # type: ignore[arg-type]
    assert style.skill(PLAIN) is None, "the default stands for no skill at all"
    shown = style.skill(WIDE)
    assert shown is not None
    assert parse(shown.text).workflow == WIDE
    document = in_words(WIDE).model_copy(update={"name": "taught"})
    style.teach({WIDE.key: document})
    taught = style.skill(WIDE)
    assert taught is not None
    assert taught.name == "taught"


def test_a_distiller_reads_what_was_done_and_never_what_came_out(tmp_path: Path) -> None:
    """Failed episodes too; neither answers nor scores, which in this world are the answers."""
    asked: list[str] = []

    def model(prompt: str) -> str:
        asked.append(prompt)
        return "no json"

    player = logged_player(tmp_path / "library" / "rollouts", suited())
    distiller = ChatDistiller(model, "scripted", tmp_path / "distil", player.trajectories)
    library = Library(tmp_path / "library")
    report = asyncio.run(evolve(library, cases(40), player, settings(), distiller=distiller))
    assert report.rounds[0].verdicts == (), "what can't be worded isn't brought to the gate"
    text = "\n".join(asked)
    assert "failed: " in text
    assert "went well" in text
    assert "- look_32 {}: 1 found, 4.80 s" in text
    answers = {
        episode.answer
        for folder in map(RunFolder.open, (p.parent for p in library.rollouts.glob("*/run.json")))
        for task, epoch in folder.scheduled()
        if (episode := folder.episode(task.id, epoch)) is not None
    }
    assert len(answers) > 100
    assert not [answer for answer in answers if answer and answer in text]
