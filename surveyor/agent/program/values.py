"""What programs are executed on, and what their steps come to."""

from __future__ import annotations

from dataclasses import dataclass

from surveyor.agent.program.language import Program
from surveyor.agent.program.relations import BoxedThing


@dataclass(frozen=True, slots=True)
class ThingSet:
    """Handles of objects that belong for sure, and of those on the margin, in scene order."""

    sure: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """Why there is no value."""

    reason: str

    def __str__(self) -> str:
        return f"cannot be answered: {self.reason}"


@dataclass(frozen=True, slots=True)
class TheThing:
    """One object, by its handle."""

    handle: str


@dataclass(frozen=True, slots=True)
class AskerPose:
    """Where the asker stands and looks, in the plane of the floor; ``heading`` is radians from +X,
    counter-clockwise seen from above."""

    x: float
    y: float
    heading: float


@dataclass(frozen=True, slots=True)
class MeasuredScene:
    """What a program is executed on. ``floor`` is square metres, where it was measured."""

    things: tuple[BoxedThing, ...]
    floor: float | None = None
    asker: AskerPose | None = None


@dataclass(frozen=True, slots=True)
class Margins:
    """How far a relation or a comparison must hold (metres, degrees) to be told for sure.

    With no margins whatever is larger decides: for evidence that is noisy anyway, where an answer
    is wanted.
    """

    metres: float = 0.05
    degrees: float = 5.0


DEFAULT_MARGINS, NO_MARGINS = Margins(), Margins(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in the plane of the floor and, where somebody looks from it, where to (unit)."""

    at: tuple[float, float]
    ahead: tuple[float, float] | None = None


StepValue = ThingSet | TheThing | Spot | float | int | str | bool | tuple[str, ...] | Unanswerable


@dataclass(frozen=True, slots=True)
class ProgramStep:
    """One call and its value; equal calls are one step."""

    program: Program
    value: StepValue


@dataclass(frozen=True, slots=True)
class Execution:
    """Every step in the order in which it was done; the last one's value is the program's."""

    steps: tuple[ProgramStep, ...]

    @property
    def value(self) -> StepValue:
        """The program's own value."""
        return self.steps[-1].value

    @property
    def handles(self) -> tuple[str, ...]:
        """The objects that the value is, or that the last sets it rests on hold."""
        for step in reversed(self.steps):
            if isinstance(step.value, TheThing):
                return (step.value.handle,)
            if isinstance(step.value, ThingSet):
                return step.value.sure
        return ()
