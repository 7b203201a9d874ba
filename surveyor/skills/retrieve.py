"""Retrieval: scene profile and question in, a few skills and one event out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError
from surveyor.memory.events import SkillCandidate, SkillsRetrieved
from surveyor.skills.embed import Embedder, LexicalEmbedder, fingerprint
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.index import VectorIndex
from surveyor.skills.provenance import Status
from surveyor.skills.ranking import Ranked, RetrievalSettings, fuse, rank
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.store import SkillStore

PROVEN = 8
"""Proven skills of a question type that are always considered."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was taken, best first, and the event to log (candidates, parts of scores, tokens)."""

    skills: tuple[RetrievedSkill, ...]
    event: SkillsRetrieved


class Retriever:
    """Searches one library; ``snapshot`` is its id for the log (empty: a library in the making).

    ``cache`` is where the FAISS file lies; without one the index lives in memory only. Opening
    embeds versions that have no vector yet and, unless the library is read-only, keeps them.
    """

    def __init__(
        self,
        store: SkillStore,
        embedder: Embedder | None = None,
        *,
        snapshot: str = "",
        settings: RetrievalSettings | None = None,
        cache: Path | None = None,
        device: Literal["cpu", "gpu"] = "cpu",
    ) -> None:
        self.store = store
        self.embedder = embedder or LexicalEmbedder()
        self.snapshot = snapshot
        self.settings = settings or RetrievalSettings()
        self._cache = cache
        self._device: Literal["cpu", "gpu"] = device
        self._texts: dict[str, RetrievedSkill] = {}
        self._parts: dict[str, VectorIndex] = {}
        self.index = self._open_index()
        self.store.preload()

    def retrieve(
        self,
        card: SceneProfile,
        question: str,
        tools: Iterable[str] | None = None,
        *,
        vector: NDArray[np.float32] | None = None,
    ) -> Retrieval:
        """Skills for this question on this scene.

        ``tools`` are the experts at hand (``None``: all). ``vector`` is the embedded query where
        the caller has it already.
        """
        order = self.rank(card, question, tools, vector=vector)
        taken = self._take(order)
        chosen = {r.entry.version for r in taken}
        shown = [r for r in order[: self.settings.logged] if r.entry.version not in chosen]
        event = SkillsRetrieved(
            snapshot=self.snapshot,
            card=card.json_fields(),
            candidates=tuple(_candidate(r, used=True) for r in taken)
            + tuple(_candidate(r, used=False) for r in shown),
        )
        return Retrieval(tuple(map(self._given, taken)), event)

    def rank(
        self,
        card: SceneProfile,
        question: str,
        tools: Iterable[str] | None = None,
        *,
        vector: NDArray[np.float32] | None = None,
    ) -> list[Ranked]:
        """All candidates in order, eligible ones first."""
        text = f"{question} {card.text}"
        if vector is None:
            vector = self.embedder.queries([text])[0]
        pool = self.settings.pool
        known = self.store.knows_type(card.question_type)
        near, _ = self._index_for(card.question_type, known).search(vector, pool)
        fused = fuse([near, self.store.words(text, pool)])
        # However little its words say: what the gate put above others is among the candidates.
        for proven in self.store.proven(card.question_type, PROVEN):
            fused.setdefault(proven, 0.0)
        return rank(
            self.store.entries(sorted(fused)),
            fused,
            card,
            None if tools is None else frozenset(tools),
            known,
            self.settings.weights,
        )

    def load(self, name: str) -> RetrievedSkill:
        """One skill in full, for an agent that asks for it in mid-episode.

        Raises `UserError` when it is unknown, or untrusted text that nobody promoted.
        """
        stored = self.store.find(name)
        if stored.status is not Status.ACTIVE:
            raise UserError(f"the skill {name} is {stored.status}, not active; it can't be loaded")
        return self._read(stored.document.version)

    def _take(self, order: list[Ranked]) -> list[Ranked]:
        taken: list[Ranked] = []
        left = self.settings.tokens
        for item in order:
            if len(taken) == self.settings.top_k or not item.eligible:
                break
            if item.entry.tokens <= left:
                taken.append(item)
                left -= item.entry.tokens
        return taken

    def _given(self, item: Ranked) -> RetrievedSkill:
        skill = self._read(item.entry.version)
        return skill if item.executable else replace(skill, workflow=None)

    def _read(self, version: str) -> RetrievedSkill:
        if version not in self._texts:
            document = self.store.get(version).document
            self._texts[version] = RetrievedSkill(
                document.name, version, document.text, document.workflow
            )
        return self._texts[version]

    def _index_for(self, question_type: str, known: bool) -> VectorIndex:
        """Where to look for a question of this type: skills for other types can't be taken when
        the library knows the type, so they aren't compared at all."""
        if not known or self.index.kind != "flat":
            return self.index
        if question_type not in self._parts:
            ids = np.array(self.store.ids_for_type(question_type), np.int64)
            self._parts[question_type] = self.index.part(ids)
        return self._parts[question_type]

    def _open_index(self) -> VectorIndex:
        active = self.store.ids()
        mark = fingerprint(self.embedder, self.store.generation(), len(active))
        if self._cache is not None:
            cached = VectorIndex.load(self._cache, mark, device=self._device)
            if cached is not None and len(cached) == len(active):
                return cached
        index = self._build(active)
        if self._cache is not None and not self.store.read_only:
            index.save(self._cache, mark)
        return index

    def _build(self, active: list[int]) -> VectorIndex:
        ids, vectors = self.store.vectors(self.embedder.name)
        missing = sorted(set(active) - set(ids.tolist()))
        if missing:
            fresh = self.embedder.documents(self.store.index_texts(missing))
            if not self.store.read_only:
                self.store.put_vectors(self.embedder.name, missing, fresh)
            vectors = np.concatenate([vectors, fresh]) if ids.size else fresh
            ids = np.concatenate([ids, np.array(missing, np.int64)])
        if not ids.size:
            return VectorIndex(self.embedder.dim, device=self._device)
        order = np.argsort(ids)
        return VectorIndex.build(ids[order], vectors[order], device=self._device)


def _candidate(item: Ranked, *, used: bool) -> SkillCandidate:
    return SkillCandidate(
        skill=item.entry.name,
        version=item.entry.version,
        score=round(item.score, 4),
        parts=item.parts,
        tokens=item.entry.tokens,
        used=used,
    )
