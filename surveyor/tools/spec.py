"""What a tool is: a typed function that a planner may call.

A tool has pydantic arguments, a typed result with units, and says whether it is pure, asks an
expert, or acts on the scene. Its schema is the OpenAI function schema.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from surveyor.core.blobs import BlobRef
from surveyor.core.producer import Producer
from surveyor.tools.schema_compat import portable

if TYPE_CHECKING:
    from surveyor.tools.workspace import Workspace


class Effects(StrEnum):
    """What calling a tool touches.

    >>> Effects.PURE.value
    'pure'
    """

    PURE = "pure"
    EXPERT = "expert"
    ACTION = "action"


class Arguments(BaseModel):
    """Base of all argument records: unknown fields are refused, so typos come back by name.

    >>> class Add(Arguments):
    ...     a: float
    ...     b: float
    >>> Add(a=1, b=2).b
    2.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool returns.

    ``text`` is the one compact sentence or table that a model reads: it says units, frame and
    confidence. ``data`` is the same in JSON. ``handles`` were made, ``sources`` were consumed.
    ``cost`` is priced seconds of expert time, cached or not.

    >>> ToolResult("2.4 m", data={"metres": 2.4}, sources=("obj_1", "obj_2")).text
    '2.4 m'
    """

    text: str
    data: JsonValue = None
    handles: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    images: tuple[BlobRef, ...] = ()
    producers: tuple[Producer, ...] = ()
    expert_calls: int = 0
    cached: int = 0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call as the planner emitted it: ``raw_arguments`` is its JSON text, untouched.

    >>> CallRequest("call_1", "count", '{"category": "chair"}').name
    'count'
    """

    call_id: str
    name: str
    raw_arguments: str


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """A callable tool; ``run`` raises `ModelMistake` for requests that cannot be carried out.

    ``needs`` names the experts without which it can do nothing.

    ``schema`` keeps to what every provider understands (`surveyor.tools.schema_compat`).

    >>> class Add(Arguments):
    ...     a: float
    ...     b: float
    >>> async def add(arguments: Add, workspace: object) -> ToolResult:
    ...     return ToolResult(f"{arguments.a + arguments.b:g}")
    >>> Tool("add", "Add two numbers.", Add, Effects.PURE, add).schema["function"]["name"]
    'add'
    """

    name: str
    description: str
    arguments: type[A]
    effects: Effects
    run: Callable[[A, Workspace], Awaitable[ToolResult]]
    parallel: bool = True
    needs: tuple[str, ...] = ()
    schema: dict[str, Any] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        parameters = portable(self.arguments.model_json_schema())
        parameters.pop("description", None)
        object.__setattr__(
            self,
            "schema",
            {
                "type": "function",
                "function": {
                    "name": self.name,
                    "description": self.description,
                    "parameters": parameters,
                },
            },
        )
