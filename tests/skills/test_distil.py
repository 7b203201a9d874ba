from __future__ import annotations

import json
from pathlib import Path

import pytest

from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    Event,
    ToolOutcome,
    ToolStatus,
)
from surveyor.skills.distil.base import candidates, parent_of, skill_name, tools_of
from surveyor.skills.distil.causes import attribute
from surveyor.skills.distil.chat import ChatDistiller
from surveyor.skills.distil.findings import Finding, finding_of, floored
from surveyor.skills.distil.lessons import learn
from surveyor.skills.distil.rollouts import Cause, Rollout
from surveyor.skills.distil.rules import RulesDistiller
from surveyor.skills.distil.wording import steps, stops
from surveyor.skills.documents import parse
from surveyor.skills.gate import LiftEstimate, Paired
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.scope import Scope
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import GUARDED, PLAIN, TABLE, Join, MetricScale, Stop, Workflow

VOTE = GUARDED.model_copy(update={"join": Join.VOTE})
CARD = SceneProfile(question_type="object_counting", operands=("chair",), views=24)


def rollout(room: int, workflow: Workflow, score: float, **changes: object) -> Rollout:
    base = Rollout(
        task_id=f"r{room}/q",
        scene_id=f"r{room}",
        room=f"r{room}",
        profile=CARD,
        workflow=workflow,
        score=score,
        cost=2.0,
    )
    return base.model_copy(update=changes)


def evidence(gain: float = 0.2, rooms: int = 10) -> list[Rollout]:
    return [
        t
        for r in range(rooms)
        for t in (
            rollout(r, GUARDED, 0.5 + 0.01 * (r % 3)),
            rollout(r, VOTE, 0.5 + gain, cause=Cause.WRONG_VIEW if r < 4 else Cause.NONE),
        )
    ]


def findings(rollouts: list[Rollout], *kinds: str) -> tuple[Finding, ...]:
    rows = {(r.task_id, r.workflow.key): r for r in rollouts}
    tasks = sorted({r.task_id for r in rollouts})
    pairs = [
        Paired(rows[t, VOTE.key], rows[t, GUARDED.key]) for t in tasks if (t, VOTE.key) in rows
    ]
    found = finding_of(pairs, VOTE, Scope(question_types=kinds or ("object_counting",)), 0.015)
    return () if found is None else (found,)


def outcome(name: str, status: ToolStatus = ToolStatus.OK, **fields: object) -> ToolOutcome:
    base = {"turn": 0, "call_id": name, "name": name, "status": status, "text": ""}
    return ToolOutcome.model_validate(base | fields)


def episode(*events: Event, end: EpisodeStatus = EpisodeStatus.ANSWERED) -> Episode:
    start = EpisodeStarted(
        task_id="t",
        dataset="s",
        scene_id="x",
        question_type="object_counting",
        question="?",
        planner="program",
    )
    folded = fold([start, *events, EpisodeEnded(status=end)])
    assert folded is not None
    return folded


SEEN = outcome("detect", data=[{"category": "chair"}], handles=("box_1",))
SAID = Answer(turn=1, text="3", sources=("box_1",))


@pytest.mark.parametrize(
    ("played", "profile", "workflow", "score", "cause"),
    [
        (episode(outcome("depth", ToolStatus.FAILED)), CARD, PLAIN, 0.0, Cause.OUTAGE),
        (episode(SEEN, end=EpisodeStatus.INCOMPLETE), CARD, PLAIN, 0.0, Cause.OUTAGE),
        (episode(outcome("detect", data=[]), SAID), CARD, PLAIN, 0.0, Cause.MISSED_OBJECT),
        (
            episode(outcome("detect", data=[]), SAID),
            CARD.model_copy(update={"poor_share": 0.9}),
            PLAIN,
            0.0,
            Cause.UNUSABLE_IMAGE,
        ),
        (
            episode(
                SEEN,
                outcome("reconstruct", data={"registered": ["a"], "missing": ["b", "c"]}),
                SAID,
            ),
            CARD,
            PLAIN,
            0.1,
            Cause.WRONG_VIEW,
        ),
        (
            episode(SEEN, SAID),
            CARD.model_copy(update={"question_type": "object_abs_distance"}),
            PLAIN.model_copy(update={"scale": MetricScale.NONE}),
            0.0,
            Cause.WRONG_SCALE,
        ),
        (episode(SEEN, Answer(turn=1, text="3")), CARD, PLAIN, 0.0, Cause.IGNORED_EVIDENCE),
        (episode(SEEN, SAID), CARD, PLAIN, 0.0, Cause.UNKNOWN),
        (episode(SEEN, SEEN, SEEN, SAID), CARD, PLAIN, 1.0, Cause.REDUNDANT_CALLS),
    ],
)
def test_causes(
    played: Episode, profile: SceneProfile, workflow: Workflow, score: float, cause: Cause
) -> None:
    assert attribute(played, profile, workflow, score, effective=1) is cause


def test_a_finding_says_what_it_rests_on() -> None:
    (found,) = findings(evidence())
    assert found.workflow == VOTE
    assert (found.rooms, len(found.episodes), found.splits) == (10, 10, ("train",))
    assert found.gain == pytest.approx(0.19, abs=0.02)
    assert found.causes == {"wrong view": 4}
    assert findings(evidence(rooms=1)) == ()


def test_worth_counts_tasks_and_no_error_is_nothing() -> None:
    (found,) = findings(evidence())
    assert found.error == pytest.approx(0.25 / 10**0.5), "a spread near nothing is no certainty"
    assert found.worth == pytest.approx(10 * (found.gain - found.error))
    wide = found.model_copy(update={"gain": 0.09, "error": 0.02, "episodes": ("e",) * 300})
    lucky = found.model_copy(update={"gain": 0.29, "error": 0.03, "episodes": ("e",) * 8})
    assert lucky.gain / lucky.error > wide.gain / wide.error
    assert wide.worth > lucky.worth
    assert floored(LiftEstimate(0.1, 0.5, 100, 50)).error == 0.5


def test_incomplete_rollouts_are_no_evidence() -> None:
    incomplete = [t.model_copy(update={"incomplete": True}) for t in evidence()]
    assert findings(incomplete) == ()
    assert learn(incomplete) == {}


def test_lessons_name_cause_and_share_and_skip_outages() -> None:
    rollouts = [*evidence(), *(rollout(90 + i, VOTE, 0.0, cause=Cause.OUTAGE) for i in range(9))]
    (lesson,) = learn(rollouts)[VOTE.key]
    assert (lesson.cause, lesson.count, lesson.episodes) == (Cause.WRONG_VIEW, 4, 10)
    assert "4 of 10" in lesson.text


def test_the_rules_distiller_revises_the_parent(seeded: SkillStore) -> None:
    rollouts = evidence()
    made = candidates(RulesDistiller(), findings(rollouts), seeded.skills(), learn(rollouts))
    (candidate,) = made
    document = candidate.document
    parent = seeded.find("count-objects-across-views")
    assert document.name == parent.document.name
    assert document.workflow == VOTE
    assert candidate.provenance.parents == (parent.ref,)
    assert "0.70" in document.lessons[0]
    assert set(parent.document.lessons) & set(document.lessons)
    assert parse(document.text) == document
    again = candidates(RulesDistiller(), findings(rollouts), seeded.skills(), learn(rollouts))
    assert again[0].document.text == document.text


REPLY = {
    "title": "Counting by votes",
    "description": "Counts objects by voting over single views. Use for 'how many'.",
    "when_to_use": "Counting questions.",
    "workflow": "1. Look. 2. Vote.",
    "evidence_that_suffices": "Two views.",
    "stop_rules": "Stop after one pass.",
    "fallbacks": "None.",
    "lessons": ["Views disagree in clutter."],
}


def test_the_chat_distiller_words_but_does_not_decide(seeded: SkillStore, tmp_path: Path) -> None:
    asked: list[str] = []

    def model(prompt: str) -> str:
        asked.append(prompt)
        return "Sure:\n" + json.dumps(REPLY)

    distiller = ChatDistiller(model, "scripted", tmp_path)
    (made,) = candidates(distiller, findings(evidence()), seeded.skills(), {})
    assert made.document.workflow == VOTE
    assert made.document.sections["When to use"] == "Counting questions."
    assert made.document.lessons == ("Views disagree in clutter.",)
    assert '"paired episodes": 10' in asked[0]
    assert "## The skill that this one revises" in asked[0]
    candidates(distiller, findings(evidence()), seeded.skills(), {})
    assert len(asked) == 1, "the stored reply must be used"
    stored = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert stored["prompt"] == asked[0]


@pytest.mark.parametrize(
    "reply",
    [
        "no json",
        json.dumps(REPLY | {"workflow": "```workflow\n{}\n```"}),
        json.dumps(REPLY | {"fallbacks": "## Lessons\n- none"}),
        json.dumps(REPLY | {"extra": 1}),
    ],
)
def test_unusable_prose_makes_no_candidate(seeded: SkillStore, tmp_path: Path, reply: str) -> None:
    distiller = ChatDistiller(lambda prompt: reply, "scripted", tmp_path)
    assert candidates(distiller, findings(evidence()), seeded.skills(), {}) == ()


def finding(*kinds: str, scope: Scope | None = None, workflow: Workflow = VOTE) -> Finding:
    (found,) = findings(evidence())
    scope = scope or Scope(question_types=kinds)
    return found.model_copy(update={"scope": scope, "workflow": workflow})


def test_a_name_is_the_parents_only_for_the_same_kinds_of_question(seeded: SkillStore) -> None:
    """A version of the same name takes the other's place, so it must be for the same questions."""
    directions = seeded.find("direction-from-scale-free-geometry").document
    same = finding(scope=directions.scope)
    assert skill_name(same, parent_of(same, seeded.skills())) == directions.name
    easy = finding("object_rel_direction_easy")
    assert parent_of(easy, seeded.skills()) is not None
    assert skill_name(easy, parent_of(easy, seeded.skills())) == "object-rel-direction-easy"
    kinds = ("object_abs_distance", "object_counting", "object_rel_distance", "route_planning")
    many = skill_name(finding(*kinds), None)
    assert many.startswith("4-kinds-of-question-")
    other = skill_name(finding(*kinds[:3], "room_size_estimation"), None)
    assert many != other
    long = [
        skill_name(finding("object_rel_direction_easy", "object_rel_direction_hard", kind), None)
        for kind in ("object_rel_direction_medium", "object_rel_distance")
    ]
    assert len(set(long)) == 2
    assert max(map(len, long)) <= 64


def test_a_stop_rule_is_said_and_replaces_the_parents(seeded: SkillStore) -> None:
    early = PLAIN.model_copy(update={"stop": Stop(first=4, seen=1)})
    assert "until every asked object was seen in 1 frame." in steps(early)
    assert "in counting, look at all of them" in steps(early)
    assert "seen in 1 frame," in stops(early)
    found = finding("object_counting", workflow=early)
    (made,) = candidates(RulesDistiller(), [found], seeded.skills(), {})
    assert made.document.sections["Stop rules"].strip() == stops(early)
    (kept,) = candidates(RulesDistiller(), findings(evidence()), seeded.skills(), {})
    parent = seeded.find("count-objects-across-views").document
    assert kept.document.sections["Stop rules"].strip() == parent.sections["Stop rules"].strip()


def test_steps_and_tools_say_what_the_workflow_does() -> None:
    assert "evenly spaced" in steps(PLAIN)
    assert "Restore a frame only if" in steps(GUARDED)
    assert "reconstruct" not in steps(VOTE)
    assert tools_of(PLAIN) == ("detect", "segment", "depth", "reconstruct")
    assert tools_of(TABLE) == ("scene",)
