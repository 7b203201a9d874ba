from __future__ import annotations

from collections.abc import Callable

import pytest

from surveyor.core.errors import UserError
from surveyor.memory.episodes import fold
from surveyor.memory.events import EpisodeEnded, EpisodeStarted, EpisodeStatus
from surveyor.skills.attribution import report
from surveyor.skills.documents import SkillDocument
from surveyor.skills.gate import Comparison
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.reports import diff, lineage, list_rows, show
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.store import SkillStore

FOUND = Comparison(
    tasks=40,
    rooms=20,
    lift=0.1,
    lower=0.02,
    upper=0.18,
    level=0.01,
    score_with=0.7,
    score_without=0.6,
    cost_with=3.0,
    cost_without=3.5,
    effective_with=0.9,
    effective_without=0.5,
    passed=True,
    reason="lower bound +0.0200 clears the margin +0.0000",
)


@pytest.fixture
def grown(seeded: SkillStore, skill: Callable[..., SkillDocument]) -> SkillStore:
    parent = seeded.find("count-objects-across-views")
    child = skill("count-objects-across-views")
    provenance = Provenance(origin=Origin.DISTILLED, parents=(parent.ref,), episodes=("a", "b"))
    seeded.add_many([(child, provenance)], status=Status.CANDIDATE, action="distilled", round_=1)
    seeded.record(
        child.version,
        "promoted",
        Status.ACTIVE,
        lift=0.02,
        round_=1,
        detail=FOUND.model_dump(mode="json"),
    )
    return seeded


def test_list_show_diff_and_lineage_tell_one_story(grown: SkillStore) -> None:
    rows = {row.name: row for row in list_rows(grown)}
    assert rows["count-objects-across-views"].origin is Origin.DISTILLED
    assert len(list_rows(grown, None)) == len(rows) + 1
    text = show(grown, "count-objects-across-views")
    assert "lift +0.100 over 20 rooms" in text
    assert "evidence: 2 episodes" in text
    versions = [r.version for r in list_rows(grown, None) if r.name.startswith("count-objects")]
    old, new = (f"count-objects-across-views@{v}" for v in versions)
    assert "-# Count objects across views" in diff(grown, old, new)
    assert "are the same" in diff(grown, old, old)
    tree = lineage(grown, "count-objects-across-views").splitlines()
    assert [line.startswith("  ") for line in tree] == [False, True]
    with pytest.raises(UserError, match="no skill named"):
        show(grown, "nothing")


def test_the_report_joins_uses_and_worth(grown: SkillStore) -> None:
    card = SceneProfile(question_type="object_counting", views=30)
    found = Retriever(grown).retrieve(card, "How many lamps?")
    started = EpisodeStarted(
        task_id="t",
        dataset="s",
        scene_id="x",
        question_type="object_counting",
        question="How many lamps?",
        planner="program",
    )
    episode = fold([started, found.event, EpisodeEnded(status=EpisodeStatus.ANSWERED)])
    assert episode is not None
    first = report(grown, [episode, episode])[0]
    assert (first.name, first.uses) == ("count-objects-across-views", 2)
    assert (first.lift, first.low, first.rooms) == (0.1, 0.02, 20)
    assert (first.effective_with, first.effective_without) == (0.9, 0.5)
    grown.record(first.version, "stays", None, detail=FOUND.model_dump(mode="json"))
    turned = report(grown)[0]
    named = next(r for r in report(grown) if r.name == first.name)
    assert (named.lift, named.low, named.high) == (-0.1, -0.18, -0.02)
    assert named.score_with == FOUND.score_without
    assert turned.uses == 0
