"""The program planner: parse, look, measure, answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.program.answer_forms import describe, form, guess
from surveyor.agent.program.grounding import absent, anchor, find, serving
from surveyor.agent.program.language import Program, categories, concept, grounds, required
from surveyor.agent.program.masking import MASKED, masked
from surveyor.agent.program.masking import TOOLS as MASK_TOOLS
from surveyor.agent.program.measuring import MeasuredValue, measure
from surveyor.agent.program.parser import parse
from surveyor.agent.program.pictured import closer, nearest
from surveyor.agent.program.scene_builder import SceneBuilder, SceneEvidence
from surveyor.agent.program.surveying import SURVEY, SurveyingBuilder
from surveyor.agent.program.tool_calls import Caller, Steps, StepSession
from surveyor.agent.recall_tool import RECALL
from surveyor.core.tasks import Task
from surveyor.skills.workflow import PLAIN, TABLE, Join, Workflow

Reader = Callable[[str], Program | None]
"""From a question to its program; ``None`` where none fits."""


def exhaustive(program: Program | None) -> bool:
    """Whether no sighting answers the program early: there may always be one more."""
    return program is not None and (
        program.op
        in (
            "count",
            "floor_area",
            "camera_motion_around",
            "query",
            "exists",
            "mask",
            "counted_mask",
        )
        or grounds(program)
    )


def _remembers(program: Program) -> bool:
    """Whether memory may hold what the program asks; not floors, orders of appearance, outlines in
    pictures, or what a description may mean."""
    return not (
        program.op
        in ("place_anchor", "order_by_first_sight", "closer_to_camera", "floor_area",
            "nearest_mark", "camera_motion_around", "query", "mask", "counted_mask")
        or grounds(program)
    )  # fmt: skip


class ProgramPlanner:
    """Needs no model: questions of known templates become programs, programs become calls.

    ``workflow`` says how to look when no skill does: by single calls, or by `survey` where that is
    offered and `detect` is not. Places without frames are looked up in the `scene` expert's table,
    whatever the workflow says. Where there is a memory to recall from, what earlier questions
    measured is used before anything is looked at. ``reads`` understands questions; by default in
    the words of benchmarks' templates.
    """

    def __init__(
        self,
        workflow: Workflow = PLAIN,
        name: str = "program",
        reads: Reader = parse,
    ) -> None:
        self._workflow = workflow
        self._name = name
        self._reads = reads

    @property
    def name(self) -> str:
        """Goes into the log."""
        return self._name

    def start(self, task: Task, brief: PlannerInput, plan: Program | None = None) -> ProgramSession:
        """Begin an episode; a ``plan`` that is given is carried out instead of what is read."""
        reads: Reader = self._reads if plan is None else lambda _: plan
        workflow = next((s.workflow for s in brief.skills if s.workflow), self._workflow)
        tools = {tool["function"]["name"] for tool in brief.tools}
        recalls, masks = RECALL in tools, tools >= MASK_TOOLS and bool(brief.frame_handles)
        how = workflow if brief.frame_handles else TABLE
        seer = SurveyingBuilder if SURVEY in tools and "detect" not in tools else SceneBuilder
        caller = Caller(brief.frame_handles, tools)
        return ProgramSession(task, how, recalls, caller, seer, reads, masks)


class ProgramSession(StepSession):
    """One question's program, run as a generator of turns."""

    def __init__(
        self,
        task: Task,
        workflow: Workflow,
        recalls: bool = False,
        caller: Caller | None = None,
        seer: type[SceneBuilder] = SceneBuilder,
        reads: Reader = parse,
        masks: bool = False,
    ) -> None:
        self._task = task
        self._masks = masks
        self._reads = reads
        self._recalls = recalls
        self._caller = caller or Caller()
        self._seer = seer
        self._workflow = workflow
        super().__init__(self._run())

    def _run(self) -> Steps[None]:
        program = self._reads(self._task.question)
        if program is None:
            text = guess(None, self._task.options, self._task.answer_kind)
            why = {"why": "the question fits no known template; a guess"}
            yield Turn(answer=text, guess=True, notes=why)
            return
        caller = self._caller
        reading = None
        if self._recalls:
            reading = yield from _remembered(caller, program, self._workflow)
        if reading is None and self._masks and program.op in MASKED:
            reading = yield from masked(caller, program)
        if reading is None:
            scene = self._task.scene_id
            reading = yield from _read(caller, program, self._workflow, scene, self._seer)
        yield _answer(program, reading, self._task.options, caller.missed)


def _remembered(
    caller: Caller, program: Program, workflow: Workflow
) -> Steps[MeasuredValue | None]:
    """Measure what memory holds, where it holds all that is asked about. Floors, orders of
    appearance and outlines in pictures are not remembered."""
    if not _remembers(program) or _registers(program):
        return None
    sight = yield from SceneBuilder(caller, workflow).recall(categories(program))
    if sight is None:
        return None
    return (yield from measure(caller, program, sight))


def _registers(program: Program) -> bool:
    """Whether the program speaks of cameras or regions, which only views in one frame of
    reference have."""
    return any(
        one.op in ("camera", "middle", "part", "camera_motion_around") for one in program.walk()
    )


def _read(
    caller: Caller,
    program: Program,
    workflow: Workflow,
    scene: str,
    builder: type[SceneBuilder] = SceneBuilder,
) -> Steps[MeasuredValue | None]:
    """Look and measure by the workflow, then by its fallback if that was not enough."""
    if exhaustive(program) or _registers(program):
        workflow = workflow.model_copy(update={"stop": None})
    seer = builder(caller, workflow)
    match program.op:
        case "closer_to_camera":
            return (yield from closer(caller, program))
        case "nearest_mark":
            return (yield from nearest(caller, program, seer))
        case "query":
            return (yield from absent(program, seer))
        case "order_by_first_sight":
            watched = yield from seer.watch(categories(program))
            return (yield from measure(caller, program, watched))
    if program.op in ("mask", "counted_mask"):
        return (yield from _boxed(program, seer, workflow))
    if _registers(program):
        joined = yield from seer.look(categories(program), Join.FUSE)
        return (yield from measure(caller, program, joined))
    if grounds(program) or program.op == "place_anchor":
        seen = yield from seer.look(categories(program), workflow.join)
        if program.op == "union":
            return serving(program, seen)
        if program.op == "place_anchor":
            return (yield from anchor(caller, program, seen, scene))
        return find(program, seen)
    sight = yield from seer.look(categories(program), workflow.join)
    fallback = workflow.fallback
    reading: MeasuredValue | None = None
    enough = fallback is None or _enough(program, sight, fallback.registered)
    if enough or program.op == "floor_area":
        reading = yield from measure(caller, program, sight)
    if reading is None and fallback is not None:
        second = yield from seer.look(categories(program), fallback.join)
        reading = yield from measure(caller, program, second)
        if reading is None and not enough:
            reading = yield from measure(caller, program, sight)
    return reading


def _boxed(program: Program, seer: SceneBuilder, workflow: Workflow) -> Steps[MeasuredValue | None]:
    """What is meant as whole objects, where no masks can be made in space; regions and counts need
    masks."""
    (what,) = program.args
    if program.op == "counted_mask" or not isinstance(what, Program) or what.op == "in_region":
        return None
    return find(what, (yield from seer.look(categories(what), workflow.join)))


def _enough(program: Program, sight: SceneEvidence, registered: float) -> bool:
    if sight.registered < registered or not sight.takes:
        return False
    return all(take.best(name) for take in sight.takes for name in required(program))


def _answer(
    program: Program,
    reading: MeasuredValue | None,
    options: tuple[str, ...],
    missed: Sequence[str] = (),
) -> Turn:
    """The value as an answer, or a guess that says why; ``missed`` are tools that nobody lent."""
    notes = {"program": str(program)}
    text = form(program, reading.value, options) if reading is not None else None
    asked, name = program.op == "query", concept(program)
    if text is None or reading is None:
        lacked = f"measured: no {', '.join(missed)} is lent here" if missed else "found"
        notes["why"] = f"what was asked about was not {lacked}; a guess"
        if asked:
            notes["why"] = f"nothing here can see the {program.args[1]} of things; a guess"
        return Turn(answer=guess(program, options), guess=True, notes=notes)
    if reading.prior:
        notes["why"] = f"{reading.prior}, so the surest {name} is a guess"
        return Turn(answer=text, guess=True, sources=reading.sources, notes=notes)
    notes["why"] = f"{program} = {describe(program, reading.value)}"
    notes["why"] += _unseen(program)
    if asked:
        notes["why"] = f"no {name} was found anywhere, so it has no {program.args[1]}"
    return Turn(answer=text, sources=reading.sources, notes=notes)


def _unseen(program: Program) -> str:
    """What a description says that nothing here can see, and that was therefore left out."""
    for one in program.walk():
        if one.op == "filter" and len(one.args) == 3:
            return f"; nothing here can see whether its {one.args[1]} is {one.args[2]}"
    return ""
