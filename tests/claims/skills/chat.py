"""What a chat model gets to read of a skill: all of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from surveyor.agent.chat.prompt import agent_prompt
from surveyor.agent.planner import PlannerInput
from surveyor.core.tasks import AnswerKind, Task
from surveyor.skills.builtin import add_builtin
from surveyor.skills.documents import SECTIONS, SkillDocument
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.store import SkillStore
from tests.claims.claim import Claim

QUESTION = "How many chair(s) are in this room?"


def measure() -> Iterator[Claim]:
    """The system prompt of a chat episode holds the strategy text of every skill taken."""
    with tempfile.TemporaryDirectory() as folder, SkillStore(Path(folder) / "s.sqlite") as store:
        add_builtin(store)
        card = SceneProfile(question_type="object_counting", views=24)
        taken = Retriever(store).retrieve(card, QUESTION).skills
        documents = [store.get(s.version).document for s in taken]
    prompt = system_prompt(taken)
    missing = [line for document in documents for line in strategy(document) if line not in prompt]
    lines = sum(len(strategy(document)) for document in documents)
    yield Claim.holds(
        "chat: every strategy line of the skills taken is in the prompt",
        bool(taken) and not missing,
        note=f"{len(taken)} skills, {lines} lines, {len(prompt)} characters",
    )


def system_prompt(skills: Sequence[RetrievedSkill]) -> str:
    """What a chat model is told before the question."""
    task = Task(
        id="t",
        dataset="s",
        scene_id="x",
        question_type="object_counting",
        question=QUESTION,
        answer_kind=AnswerKind.NUMBER,
    )
    return agent_prompt(task, PlannerInput(tools=(), skills=tuple(skills)), "").system


def strategy(document: SkillDocument) -> list[str]:
    """The lines of a skill's sections that say what to do."""
    text = "\n".join(document.sections[name] for name in SECTIONS)
    return [line for line in text.splitlines() if line.strip()]
