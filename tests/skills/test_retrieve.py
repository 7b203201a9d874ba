from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.core.errors import UserError
from surveyor.scenes.questions.vsi import GENERATORS
from surveyor.skills.builtin import builtin_documents
from surveyor.skills.documents import SkillDocument
from surveyor.skills.embed import LexicalEmbedder, make_embedder
from surveyor.skills.index import VectorIndex
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.ranking import RetrievalSettings, fuse
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.store import SkillStore

Make = Callable[..., SkillDocument]
VIDEO = SceneProfile(question_type="object_counting", views=32)
ALL = frozenset({"detect", "segment", "depth", "reconstruct", "restore", "scene"})


def names(
    retriever: Retriever, card: SceneProfile, question: str = "?", **more: object
) -> list[str]:
    tools = more.get("tools", ALL)
    return [s.name for s in retriever.retrieve(card, question, tools).skills]  # type: ignore[arg-type]


def test_the_question_type_decides_first(seeded: SkillStore) -> None:
    retriever = Retriever(seeded)
    assert names(retriever, VIDEO)[0] == "count-objects-across-views"
    order = VIDEO.model_copy(update={"question_type": "obj_appearance_order"})
    assert names(retriever, order)[0] == "appearance-order-from-cheap-looks"


def test_conditions_that_fail_exclude(seeded: SkillStore) -> None:
    retriever = Retriever(seeded)
    assert "few-views-voted" not in names(retriever, VIDEO)
    assert "few-views-voted" in names(retriever, VIDEO.model_copy(update={"views": 5}))


@pytest.mark.parametrize("kind", GENERATORS)
def test_no_condition_decides_how_a_known_type_is_looked_at(seeded: SkillStore, kind: str) -> None:
    """Nothing was found to gain from one, so builtin conditions only say what a model may read."""
    retriever = Retriever(seeded)
    free = {d.version for d in builtin_documents() if not d.scope.conditions}
    for looks in ({}, {"views": 6}, {"poor_share": 0.9, "luma": 0.1}, {"overlap": 0.2}):
        card = SceneProfile(question_type=kind, **({"views": 24} | looks))
        ranked = retriever.rank(card, "?")
        executed = next(r.entry.version for r in ranked if r.eligible and r.executable)
        assert executed in free, looks


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ({"views": 24}, None),
        ({"views": 24, "poor_share": 0.9}, "restore-only-what-needs-it"),
        ({"views": 5}, "few-views-voted"),
        ({"views": 0}, "trust-the-object-table"),
    ],
)
def test_every_builtin_condition_decides_how_an_unknown_type_is_looked_at(
    seeded: SkillStore, looks: dict[str, float], expected: str | None
) -> None:
    """A condition that decided nothing, here or for a known type, would have no business there."""
    card = SceneProfile.model_validate({"question_type": "unheard_of", **looks})
    ranked = Retriever(seeded).rank(card, "What is above the sofa?")
    names = {d.version: d.name for d in builtin_documents()}
    executed = (names[r.entry.version] for r in ranked if r.eligible and r.executable)
    assert next(executed, None) == expected
    conditioned = {d.name for d in builtin_documents() if d.scope.conditions}
    assert expected is None or expected in conditioned
    assert len(conditioned) == 3


def test_without_frames_only_the_table_is_left(seeded: SkillStore) -> None:
    card = SceneProfile(question_type="object_counting")
    assert names(Retriever(seeded), card, "How many chairs?") == ["trust-the-object-table"]


def test_skills_that_need_missing_tools_are_not_taken(seeded: SkillStore) -> None:
    taken = names(Retriever(seeded), VIDEO, tools={"detect", "segment", "restore", "depth"})
    assert "count-objects-across-views" not in taken


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many lamps can you spot?", "count-objects-across-views"),
        ("How large is the floor of this room in square metres?", "room-area-from-spread-frames"),
        ("How far apart are the bed and the door, in metres?", "distance-by-fused-clouds"),
        ("In which order do these things first appear?", "appearance-order-from-cheap-looks"),
    ],
)
def test_for_an_unknown_type_the_words_decide(
    seeded: SkillStore, question: str, expected: str
) -> None:
    card = SceneProfile(question_type="how", views=32)
    assert expected in names(Retriever(seeded), card, question)


def test_proven_lift_moves_up_and_harm_moves_down(seeded: SkillStore, skill: Make) -> None:
    rival = skill(description="Count objects of a kind across views. Use for 'how many'.")
    provenance = Provenance(origin=Origin.DISTILLED)
    seeded.add_many([(rival, provenance)], status=Status.ACTIVE, action="promoted")
    seeded.record(rival.version, "gated", lift=0.08)
    assert names(Retriever(seeded), VIDEO)[0] == "count-lamps"
    seeded.record(rival.version, "gated", lift=-0.08)
    assert names(Retriever(seeded), VIDEO)[0] == "count-objects-across-views"


def test_what_is_proven_is_found_among_hundreds_whatever_its_words(
    seeded: SkillStore, skill: Make
) -> None:
    """Only the most alike few dozen are compared; a proven skill is always one of them."""
    crowd = [
        skill(f"count-objects-{number}", "Count how many objects of a kind there are in the room.")
        for number in range(200)
    ]
    stranger = skill("zzz", "Words that have nothing to do with it: pdf, invoice, spreadsheet.")
    provenance = Provenance(origin=Origin.DISTILLED)
    everyone = [(document, provenance) for document in (*crowd, stranger)]
    seeded.add_many(everyone, status=Status.ACTIVE, action="added")
    question = "How many chairs are in this room?"
    assert stranger.version not in [
        r.entry.version for r in Retriever(seeded).rank(VIDEO, question)
    ]
    seeded.record(stranger.version, "promoted", lift=0.01)
    assert Retriever(seeded).rank(VIDEO, question)[0].entry.version == stranger.version


def test_budgets_hold_and_the_event_tells_everything(seeded: SkillStore) -> None:
    few = VIDEO.model_copy(update={"views": 5})
    settings = RetrievalSettings(top_k=2, tokens=800)
    found = Retriever(seeded, settings=settings, snapshot="abc").retrieve(few, "How many?", ALL)
    used = [c for c in found.event.candidates if c.used]
    assert found.event.snapshot == "abc"
    assert sum(c.tokens for c in used) <= 800
    assert [c.skill for c in used] == [s.name for s in found.skills]
    assert any(not c.used for c in found.event.candidates)
    assert all("eligible" in c.parts for c in found.event.candidates)
    nothing = Retriever(seeded, settings=RetrievalSettings(top_k=0)).retrieve(few, "How many?")
    assert nothing.skills == ()


def test_loading_a_skill_in_full(seeded: SkillStore) -> None:
    retriever = Retriever(seeded)
    assert "## Lessons" in retriever.load("size-from-fused-views").text
    with pytest.raises(UserError, match="no skill named nonsense"):
        retriever.load("nonsense")


def test_the_index_file_is_a_cache_and_nothing_more(seeded: SkillStore, tmp_path: Path) -> None:
    cache = tmp_path / "index.faiss"
    expected = names(Retriever(seeded, cache=cache), VIDEO)
    good = cache.read_bytes()
    for damage in (b"", good[: len(good) // 2], b"garbage" * 99):
        cache.write_bytes(damage)
        assert names(Retriever(seeded, cache=cache), VIDEO) == expected
        assert cache.read_bytes() == good
    seeded.record(seeded.find("size-from-fused-views").document.version, "retired", Status.RETIRED)
    assert len(Retriever(seeded, cache=cache).index) == len(seeded.skills())


def test_replacing_a_row_never_doubles_it() -> None:
    index = VectorIndex(4)
    eye = np.eye(4, dtype=np.float32)
    index.put(7, eye[0])
    index.put(7, eye[1])
    assert len(index) == 1
    assert index.search(eye[1], 5) == ([7], [1.0])
    assert index.remove([7]) == 1
    assert index.search(eye[1], 5) == ([], [])


def test_many_rows_use_cells_and_still_find_themselves(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    ids = np.arange(100, 3100)
    index = VectorIndex.build(ids, rows, ivf_from=1000)
    assert index.kind == "ivf"
    hits = [index.search(rows[i], 1)[0][0] == ids[i] for i in range(0, 3000, 100)]
    assert all(hits)
    index.save(tmp_path / "i.faiss", "f")
    assert VectorIndex.load(tmp_path / "i.faiss", "other") is None
    loaded = VectorIndex.load(tmp_path / "i.faiss", "f")
    assert loaded is not None
    assert loaded.search(rows[5], 3) == index.search(rows[5], 3)


def test_the_lexical_embedder_knows_like_from_unlike() -> None:
    embedder = LexicalEmbedder()
    count, lamps, far, empty = embedder.documents(
        ["count the chairs", "counting of chairs", "how distant is the door", ""]
    )
    assert count @ lamps > count @ far + 0.3
    assert np.linalg.norm(count) == pytest.approx(1, abs=1e-6)
    assert not empty.any()


def test_a_neural_embedder_is_never_replaced_in_silence() -> None:
    pytest.importorskip("faiss")
    try:
        import sentence_transformers  # noqa: F401
    except ImportError:
        with pytest.raises(UserError, match="extra `embed`"):
            make_embedder("minilm")
        with pytest.raises(UserError, match="extra `embed`"):
            _ = make_embedder("Qwen/Qwen3-Embedding-0.6B").dim


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), unique=True, max_size=20), min_size=1, max_size=3))
def test_rank_fusion_keeps_what_all_rankings_agree_on(rankings: list[list[int]]) -> None:
    fused = fuse(rankings)
    assert set(fused) == set().union(*map(set, rankings))
    assert all(0 < score <= 1 + 1e-12 for score in fused.values())
    firsts = {r[0] for r in rankings if r}
    if len(firsts) == 1 and all(rankings):
        assert max(fused, key=lambda i: fused[i]) == firsts.pop()


def test_only_what_may_be_taken_is_compared(seeded: SkillStore) -> None:
    """Same order as the whole index gives among skills for the type, and none of other types."""
    part, card = Retriever(seeded), VIDEO
    entries = {e.id: e for e in seeded.entries(seeded.ids())}
    vector = part.embedder.queries(["how many lamps"])[0]
    near, scores = part._index_for(card.question_type, known=True).search(vector, 99)
    mine = [
        (row, score)
        for row, score in zip(*part.index.search(vector, 99), strict=True)
        if not entries[row].scope.question_types
        or card.question_type in entries[row].scope.question_types
    ]
    assert [(n, pytest.approx(s)) for n, s in zip(near, scores, strict=True)] == mine
    assert 0 < len(near) < len(entries)
    unheard_of = part._index_for("unheard_of", known=False)
    assert unheard_of is part.index


def test_a_gpu_that_is_not_there_is_said_and_never_replaced(seeded: SkillStore) -> None:
    import faiss

    if hasattr(faiss, "GpuResourcesVector") and faiss.get_num_gpus():
        assert names(Retriever(seeded, device="gpu"), VIDEO) == names(Retriever(seeded), VIDEO)
    else:
        with pytest.raises(UserError, match="search on the cpu instead"):
            Retriever(seeded, device="gpu")
