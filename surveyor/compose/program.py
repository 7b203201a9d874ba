"""What `surveyor program` does: a program, or a question that is one, on one scene's boxes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import radians
from pathlib import Path

import orjson

from surveyor.agent.program.account import (
    AccountStyle,
    account_of,
    read_account,
    render,
    value_text,
)
from surveyor.agent.program.apeiria import ApeiriaStyle, apeiria_text
from surveyor.agent.program.execute import execute
from surveyor.agent.program.language import Program
from surveyor.agent.program.plain_questions import read_plainly
from surveyor.agent.program.reading import read_program, shape
from surveyor.agent.program.relations import BoxedThing
from surveyor.agent.program.values import AskerPose, MeasuredScene
from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.run import Job, default_cache, expert_client, finished
from surveyor.compose.session import reference_experts
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.wording import closest
from surveyor.scenes.formats.apeiria import read_apeiria
from surveyor.scenes.formats.posed_images import read_file
from surveyor.services.contract import SceneAnswer, SceneRequest
from surveyor.tools.builtin import TABLE


@dataclass(frozen=True, slots=True)
class ProgramRequest:
    """``text`` is a program, a question of a known kind, or a file that holds an account, whose
    steps are then held against the scene; ``scene`` a file of boxes in APEIRIA's
    layout, or a scene of ``dataset``, whose table an expert gives: the one of ``experts``, or a
    reference expert with the error model ``preset``."""

    text: str
    scene: str
    dataset: Path | None = None
    experts: Path | None = None
    preset: str = "perfect"
    asker: str = ""
    layout: str = ""
    explain: bool = False


def told(request: ProgramRequest) -> Iterator[str]:
    """The lines to print."""
    if Path(request.text).is_file():
        yield from _checked(request)
        return
    question, program = _read(request.text)
    if request.explain:
        known = shape(program)
        yield f"{program} gives {known.gives}: {known.depth} deep, complexity {known.complexity}"
        yield from (f"  {name}: {count}" for name, count in known.calls.items())
        yield from (f"  {kind}: {', '.join(names)}" for kind, names in known.named.items())
        if not request.scene:
            return
    scene = _scene(request)
    if request.layout == "apeiria":
        yield apeiria_text(question, program, scene, ApeiriaStyle())
    elif request.layout in ("own", "short"):
        account = account_of(question, program, scene)
        yield render(account, AccountStyle(detail=request.layout == "own"))
    elif request.layout:
        raise UserError(f"there is no layout {request.layout!r}; choose: own, short, apeiria")
    else:
        yield value_text(execute(program, scene).value)


def _checked(request: ProgramRequest) -> Iterator[str]:
    """A file that holds an account, carried out again: the steps that come out otherwise."""
    path = Path(request.text)
    said = read_account(read_file(path).decode(errors="replace"))
    made = account_of(said.asked, said.program, _scene(request))
    wrong = 0
    calls = dict.fromkeys(said.program.walk())
    for number, (call, told, found) in enumerate(
        zip(calls, said.values, made.values, strict=True), start=1
    ):
        if told != found:
            wrong += 1
            yield f"{number}. {call}: told {value_text(told)}, measured {value_text(found)}"
    if said.answer != made.answer:
        yield f"Answer: told {said.answer}, measured {made.answer}"
    yield f"{len(calls) - wrong} of {len(calls)} steps hold"


def _read(text: str) -> tuple[str, Program]:
    """The question and its program; of a bare program, its own text is the question."""
    program = read_plainly(text)
    if program is None and "(" not in text:
        raise UserError(
            f"{text!r} is neither a program, such as count(filter(scene(), chair)), nor a question "
            "of a known kind"
        )
    return text, read_program(text) if program is None else program


def _scene(request: ProgramRequest) -> MeasuredScene:
    asker = _asker(request.asker)
    if Path(request.scene).is_file():
        truth = read_apeiria(Path(request.scene))
        told = orjson.loads(Path(request.scene).read_bytes())["objects"]
        ids = [str(one["id"]) for one in told]
        things = tuple(
            BoxedThing(handle, one.category, one.box)
            for handle, one in zip(ids, truth.objects, strict=True)
        )
        return MeasuredScene(things, truth.room_area or None, asker)
    if request.dataset is None:
        raise UserError(
            f"there is no file {request.scene!r}; for a scene of a dataset, name that: --dataset"
        )
    table = _table(request, request.dataset)
    things = tuple(
        BoxedThing(f"obj_{one.id}", one.category, one.box, one.attributes) for one in table.objects
    )
    return MeasuredScene(things, table.room_area, asker)


def _table(request: ProgramRequest, place: Path) -> SceneAnswer:
    dataset = Dataset.open(place)
    known = dataset.manifest.scenes
    if request.scene not in known:
        hint = closest(request.scene, known) or f"; it has: {', '.join(known[:8])}"
        raise UserError(f"{place} has no scene {request.scene!r}{hint}")
    config = RunConfig(dataset=str(place), planner_options={"workflow": "table"})

    async def ask(endpoints: Path) -> SceneAnswer:
        job = Job(place, Path(), config, endpoints, default_cache())
        async with expert_client(job, dataset) as client:
            wanted = SceneRequest(scene_id=request.scene)
            return (await client.ask(TABLE, wanted, SceneAnswer)).answer

    if request.experts is not None:
        return finished(ask(request.experts))
    with (
        tempfile.TemporaryDirectory(prefix="surveyor-program-") as folder,
        reference_experts(place, request.preset, Path(folder), config) as endpoints,
    ):
        return finished(ask(endpoints))


def _asker(text: str) -> AskerPose | None:
    if not text:
        return None
    try:
        x, y, degrees = map(float, text.split(","))
    except ValueError:
        raise UserError(
            f"--asker {text!r} is not X,Y,DEGREES: metres, and where he looks from +X to the left"
        ) from None
    return AskerPose(x, y, radians(degrees))
