"""One call that looks: a scripted chat model that surveys, beside the `program` planner.

The chat model is scripted (`follow`): it reads the prompt and the results, nothing else; everything
between it and the experts is the real path: prompt, HTTP, dialect, loop, tools.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Planner
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.survey.offer import offered
from surveyor.benchmarks.tool_use import Use, tool_use
from surveyor.memory.episodes import fold
from surveyor.memory.log import EventList
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import GUARDED
from surveyor.tools.builtin import default_tools
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from surveyor.training.evolution.cases import Case, load_cases
from surveyor.training.evolution.inprocess_experts import experts_in_process
from surveyor.training.evolution.scoring import Scorer
from tests.claims.claim import Claim
from tests.claims.skills.follower import follow, readable
from tests.support.mock_endpoint import RehearsalServer

SKILL = RetrievedSkill(
    "guarded-views",
    "1",
    f"```workflow\n{GUARDED.model_dump_json()}\n```",
    GUARDED,
)


@dataclass(frozen=True, slots=True)
class Played:
    """One episode: its answer and score, the calls that its planner made, those made for it, and
    the priced seconds; ``wasted`` calls were redundant or failed."""

    answer: str | None
    score: float
    calls: int
    inner: int
    cost: float
    wasted: int


async def played(
    folder: Path, datasets: Sequence[Path], limit: int | None = None, preset: str = "perfect"
) -> Mapping[str, Mapping[str, Played]]:
    """Outcomes by planner (program, survey) and task."""
    cases = list(islice(load_cases(datasets, split="test"), limit))
    outcomes: dict[str, dict[str, Played]] = {"program": {}, "survey": {}}
    with RehearsalServer(follow, keep=False) as server:
        config = ChatConfig(
            model="surveying",
            base_url=server.url,
            capabilities={"images": False, "dialect": "native"},
        )
        async with (
            experts_in_process(datasets, folder, preset=preset) as client,
            Scorer(datasets) as scorer,
            ChatPlanner(config, ()) as chat,
        ):
            planners: dict[str, Planner] = {"program": ProgramPlanner(), "survey": chat}
            for name, planner in planners.items():
                for case in cases:
                    outcomes[name][case.id] = await _one(case, planner, client, scorer)
    return outcomes


async def _one(case: Case, planner: Planner, client: ExpertClient, scorer: Scorer) -> Played:
    chat = not isinstance(planner, ProgramPlanner)
    tools = offered(frames=True, named=("measure",) if chat else (), survey=False)
    registry = Registry([readable(tool) for tool in tools], inner=default_tools())
    if not chat:
        registry = Registry(tools)
    log = EventList()
    await run_episode(
        case.task, planner, registry, Workspace(case.task, client), log, Limits(), (SKILL,)
    )
    episode = fold(log)
    assert episode is not None
    own = [call for call in episode.calls if not call.parent]
    return Played(
        answer=episode.answer,
        score=(await scorer.score(case.id, episode.answer)).score,
        calls=len(own),
        inner=len(episode.calls) - len(own),
        cost=sum(outcome.cost for outcome in episode.outcomes),
        wasted=len(episode.calls) - tool_use(episode).count(Use.EFFECTIVE),
    )


def claims(outcomes: Mapping[str, Mapping[str, Played]]) -> Iterator[Claim]:
    """Rows from both planners' outcomes."""
    program, survey = outcomes["program"], outcomes["survey"]
    apart = max(abs(program[key].score - survey[key].score) for key in program)
    mean = statistics.fmean(one.score for one in survey.values())
    before = statistics.fmean(one.calls for one in program.values())
    calls = statistics.fmean(one.calls for one in survey.values())
    note = f"{len(program)} questions, mean score {100 * mean:.1f}"
    other = sum(program[key].answer != survey[key].answer for key in program)
    yield Claim.at_most("survey: answers that differ from program's", other, 0)
    yield Claim.at_most("survey: score of any question, less program's", apart, 1e-9, note)
    yield Claim.at_most(
        "survey: calls of the model a question", calls, 2.5, f"{before:.1f} single calls"
    )
    costs = max(abs(program[key].cost - survey[key].cost) for key in program)
    yield Claim.at_most("survey: priced seconds of any question, less program's", costs, 1e-9)
