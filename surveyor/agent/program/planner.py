"""The program planner: parse, look, measure, answer."""

from __future__ import annotations

from collections.abc import Callable

from surveyor.agent.planner import Observation, PlannerInput, Turn
from surveyor.agent.program.answer_forms import describe, form, guess
from surveyor.agent.program.grounding import absent, anchor, find, serving
from surveyor.agent.program.language import (
    Anchor,
    AppearanceOrder,
    Closer,
    Count,
    Direction,
    Find,
    FloorArea,
    Masked,
    NearestMarked,
    Orbit,
    Program,
    Quality,
    Serving,
    Unique,
    categories,
    required,
)
from surveyor.agent.program.masking import TOOLS as MASK_TOOLS
from surveyor.agent.program.masking import masked
from surveyor.agent.program.measuring import MeasuredValue, measure
from surveyor.agent.program.parser import parse
from surveyor.agent.program.pictured import closer, nearest
from surveyor.agent.program.scene_builder import SceneBuilder, SceneEvidence
from surveyor.agent.program.tool_calls import Caller, Steps
from surveyor.agent.recall_tool import RECALL
from surveyor.core.tasks import Task
from surveyor.skills.workflow import PLAIN, TABLE, Join, Workflow

Reader = Callable[[str], Program | None]
"""From a question to its program; ``None`` where none fits."""
EXHAUSTIVE = (Count, Find, FloorArea, Masked, Orbit, Quality, Serving)
"""Programs that no sighting answers early: there may always be one more."""
_UNREMEMBERED = (
    Anchor, AppearanceOrder, Closer, Find, FloorArea, Masked, NearestMarked, Orbit, Quality,
    Serving,
)  # fmt: skip


class ProgramPlanner:
    """Needs no model: questions of known templates become programs, programs become calls.

    ``workflow`` says how to look when no skill does, ``seer`` by which calls: single ones, or
    `survey` (`surveyor.agent.survey.builder`). Places without frames are looked up in the
    `scene` expert's table, whatever the workflow says. Where there is a memory to recall from, what
    earlier questions measured is used before anything is looked at. ``reads`` understands
    questions; by default in the words of benchmarks' templates.
    """

    def __init__(
        self,
        workflow: Workflow = PLAIN,
        name: str = "program",
        seer: type[SceneBuilder] = SceneBuilder,
        reads: Reader = parse,
    ) -> None:
        self._workflow = workflow
        self._name = name
        self._seer = seer
        self._reads = reads

    @property
    def name(self) -> str:
        """Goes into the log."""
        return self._name

    def start(self, task: Task, brief: PlannerInput) -> ProgramSession:
        """Begin an episode."""
        workflow = next((s.workflow for s in brief.skills if s.workflow), self._workflow)
        tools = {tool["function"]["name"] for tool in brief.tools}
        recalls, masks = RECALL in tools, tools >= MASK_TOOLS and bool(brief.frame_handles)
        how = workflow if brief.frame_handles else TABLE
        frames = brief.frame_handles
        return ProgramSession(task, how, recalls, frames, self._seer, self._reads, masks)


class ProgramSession:
    """One question's program, run as a generator of turns."""

    def __init__(
        self,
        task: Task,
        workflow: Workflow,
        recalls: bool = False,
        frames: tuple[str, ...] = (),
        seer: type[SceneBuilder] = SceneBuilder,
        reads: Reader = parse,
        masks: bool = False,
    ) -> None:
        self._task = task
        self._masks = masks
        self._reads = reads
        self._recalls = recalls
        self._frames = frames
        self._seer = seer
        self._workflow = workflow
        self._steps = self._run()
        self._started = False

    async def next(self, observations: tuple[Observation, ...]) -> Turn:
        """The next turn, given what came back from the last one."""
        if not self._started:
            self._started = True
            return next(self._steps)
        return self._steps.send(observations)

    def _run(self) -> Steps[None]:
        program = self._reads(self._task.question)
        if program is None:
            text = guess(None, self._task.options, self._task.answer_kind)
            why = {"why": "the question fits no known template; a guess"}
            yield Turn(answer=text, guess=True, notes=why)
            return
        caller = Caller(self._frames)
        reading = None
        if self._recalls:
            reading = yield from _remembered(caller, program, self._workflow)
        if reading is None and self._masks and isinstance(program, Masked | Serving):
            reading = yield from masked(caller, program)
        if reading is None:
            scene = self._task.scene_id
            reading = yield from _read(caller, program, self._workflow, scene, self._seer)
        yield _answer(program, reading, self._task.options)


def _remembered(
    caller: Caller, program: Program, workflow: Workflow
) -> Steps[MeasuredValue | None]:
    """Measure what memory holds, where it holds all that is asked about. Floors, orders of
    appearance and outlines in pictures are not remembered."""
    if isinstance(program, _UNREMEMBERED) or _registers(program):
        return None
    sight = yield from SceneBuilder(caller, workflow).recall(categories(program))
    if sight is None:
        return None
    return (yield from measure(caller, program, sight))


def _registers(program: Program) -> bool:
    """Whether the program speaks of cameras or regions, which only views in one frame of
    reference have."""
    if isinstance(program, Direction):
        return not all(isinstance(place, Unique) for place in program.places)
    return isinstance(program, Orbit)


def _read(
    caller: Caller,
    program: Program,
    workflow: Workflow,
    scene: str,
    builder: type[SceneBuilder] = SceneBuilder,
) -> Steps[MeasuredValue | None]:
    """Look and measure by the workflow, then by its fallback if that was not enough."""
    if isinstance(program, EXHAUSTIVE) or _registers(program):
        workflow = workflow.model_copy(update={"stop": None})
    seer = builder(caller, workflow)
    if isinstance(program, Closer):
        return (yield from closer(caller, program))
    if isinstance(program, NearestMarked):
        return (yield from nearest(caller, program, seer))
    if _registers(program):
        joined = yield from seer.look(categories(program), Join.FUSE)
        return (yield from measure(caller, program, joined))
    if isinstance(program, Masked):
        return (yield from _boxed(caller, program, seer, workflow))
    if isinstance(program, Serving):
        return serving(program, (yield from seer.look(categories(program), workflow.join)))
    if isinstance(program, Anchor):
        seen = yield from seer.look(categories(program), workflow.join)
        return (yield from anchor(caller, program, seen, scene))
    if isinstance(program, Find):
        seen = yield from seer.look(categories(program), workflow.join)
        return (yield from find(caller, program, seen))
    if isinstance(program, Quality):
        return (yield from absent(program, seer))
    if isinstance(program, AppearanceOrder):
        watched = yield from seer.watch(categories(program))
        return (yield from measure(caller, program, watched))
    sight = yield from seer.look(categories(program), workflow.join)
    fallback = workflow.fallback
    reading: MeasuredValue | None = None
    enough = fallback is None or _enough(program, sight, fallback.registered)
    if enough or isinstance(program, FloorArea):
        reading = yield from measure(caller, program, sight)
    if reading is None and fallback is not None:
        second = yield from seer.look(categories(program), fallback.join)
        reading = yield from measure(caller, program, second)
        if reading is None and not enough:
            reading = yield from measure(caller, program, sight)
    return reading


def _boxed(
    caller: Caller, program: Masked, seer: SceneBuilder, workflow: Workflow
) -> Steps[MeasuredValue | None]:
    """What is meant as whole objects, where no masks can be made in space; regions and counts need
    masks."""
    if program.region or isinstance(program.what, Count):
        return None
    seen = yield from seer.look(categories(program), workflow.join)
    if isinstance(program.what, Find):
        return (yield from find(caller, program.what, seen))
    return serving(program.what, seen)


def _enough(program: Program, sight: SceneEvidence, registered: float) -> bool:
    if sight.registered < registered or not sight.takes:
        return False
    return all(take.best(name) for take in sight.takes for name in required(program))


def _answer(program: Program, reading: MeasuredValue | None, options: tuple[str, ...]) -> Turn:
    notes = {"program": str(program)}
    text = form(program, reading.value, options) if reading is not None else None
    if text is None or reading is None:
        notes["why"] = "what was asked about was not found; a guess"
        if isinstance(program, Quality):
            notes["why"] = f"nothing here can see the {program.name} of things; a guess"
        return Turn(answer=guess(program, options), guess=True, notes=notes)
    notes["why"] = f"{program} = {describe(program, reading.value)}"
    if isinstance(program, Find) and program.unseen:
        notes["why"] += f"; nothing here can see whether its {program.unseen}"
    if isinstance(program, Quality):
        notes["why"] = f"no {program.of.category} was found anywhere, so it has no {program.name}"
    return Turn(answer=text, sources=reading.sources, notes=notes)
