"""What scorers know. Import-linter forbids this module to the agent, its tools and its skills."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Target(BaseModel):
    """The answer to one task, with what a reviewer needs to trust it.

    ``answer`` is the published form ("B", "3.2"). ``margin`` is the distance of the quantity
    asked for to the nearest threshold that would change the answer, in its own unit.
    ``evidence_frames`` are indices of frames that show what is needed. ``proof`` names the
    program and its operands. ``pair`` joins counterfactual twins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: str
    question_type: str
    answer: str
    options: tuple[str, ...] = ()
    margin: float | None = None
    evidence_frames: tuple[int, ...] = ()
    proof: dict[str, JsonValue] = Field(default_factory=dict)
    difficulty: str | None = None
    pair: str | None = None
    payload: dict[str, JsonValue] = Field(default_factory=dict)
