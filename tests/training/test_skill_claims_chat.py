from __future__ import annotations

import json
from pathlib import Path

from surveyor.agent.chat.prompt import agent_prompt
from surveyor.agent.planner import PlannerInput
from surveyor.core.tasks import AnswerKind, Task
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import PLAIN, Frames, Workflow
from tests.claims.skills.chat_lift import Outcome, claims, measure
from tests.claims.skills.follower import first_workflow, follow
from tests.skills.conftest import make_skill
from tests.support.mock_endpoint import Request

GOLDEN = Path(__file__).parents[1] / "skills" / "golden" / "chat_prompt.txt"
TASK = Task(
    id="t",
    dataset="s",
    scene_id="x",
    question_type="object_counting",
    question="How many lamp(s) are in this room?",
    answer_kind=AnswerKind.NUMBER,
)
FEW = Workflow(frames=Frames(number=5))


def system(*workflows: Workflow) -> str:
    documents = [make_skill(f"skill-{i}", workflow=w) for i, w in enumerate(workflows)]
    skills = tuple(RetrievedSkill(d.name, d.version, d.text, d.workflow) for d in documents)
    return agent_prompt(TASK, PlannerInput(tools=(), skills=skills), "").system


def test_the_prompt_of_a_chat_model_holds_its_skill_as_it_is_kept_here() -> None:
    assert system(FEW) + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_the_follower_reads_the_first_workflow_of_its_prompt_and_nothing_else() -> None:
    assert first_workflow(system(FEW, PLAIN)) == FEW
    assert first_workflow(system()) is None
    frames = "\n".join(f"frame_{i}:" for i in range(24))
    body = {
        "messages": [
            {"role": "system", "content": system(FEW)},
            {"role": "user", "content": f"{frames}\nQuestion: {TASK.question}"},
        ]
    }
    reply = follow(Request(0, "POST", "/", {}, json.dumps(body).encode()))
    (call,) = json.loads(reply.body)["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "frames"
    assert json.loads(call["function"]["arguments"]) == {"policy": "uniform", "number": 5}


def test_a_model_that_follows_its_skills_gets_the_program_planners_lift() -> None:
    lift, apart = measure(rooms=1, per_type=1)
    assert lift.ok
    assert apart.ok
    assert "skills changed 0" not in apart.note, "skills that change nothing prove nothing"


def test_planners_that_differ_are_told_apart() -> None:
    same, better = Outcome("1", 0.5, 2.0), Outcome("2", 0.9, 2.0)
    played = {
        ("chat", False): [same],
        ("chat", True): [better],
        ("program", False): [same],
        ("program", True): [same],
    }
    assert [claim.ok for claim in claims(played)] == [False, False]
