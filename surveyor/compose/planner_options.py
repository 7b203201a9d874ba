"""``planner_options`` of a run: how its planner looks, talks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surveyor.agent.survey.marked import MARKED, MarkSceneArguments
from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem
from surveyor.skills.workflow import WORKFLOWS, Workflow

if TYPE_CHECKING:
    from surveyor.agent.chat.config import ChatConfig


class PlannerOptions(BaseModel):
    """``planner_options`` of a run: ``workflow`` is for `program`, everything else for `chat`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    workflow: str = Field(
        default="plain", description=f"How program looks: {', '.join(WORKFLOWS)}."
    )
    profile: str = Field(
        default="agent",
        description="Wording of a chat model's prompt: agent, short, official, easi; markers: a "
        "top view and frames with numbered objects, unmarked the same without numbers.",
    )
    pictures: str = Field(
        default="8",
        description="For markers: frames beside the top view; 8:coverage takes those that show "
        "most objects.",
        json_schema_extra={"metavar": "N|N:coverage"},
    )

    @classmethod
    def read(cls, config: RunConfig) -> PlannerOptions:
        """Validated options; `UserError` names the one that is wrong."""
        try:
            return cls.model_validate(config.planner_options)
        except ValidationError as error:
            raise UserError(f"planner_options.{first_problem(error, cls)}") from None

    def named_workflow(self) -> Workflow:
        """The workflow asked for; `UserError` lists the names there are."""
        if self.workflow not in WORKFLOWS:
            raise UserError(
                f"there is no workflow called {self.workflow!r}; choose: {', '.join(WORKFLOWS)}"
            )
        return WORKFLOWS[self.workflow]

    def check_of_program(self) -> None:
        """`UserError` for what only a model has, which a program would leave unread."""
        said = sorted({*self.model_fields_set, *(self.model_extra or {})})
        if of_chat := [name for name in said if name != "workflow"]:
            raise UserError(
                f"planner_options.{of_chat[0]} is for a model: say --planner chat, or leave it out"
            )

    def look(self) -> MarkSceneArguments:
        """What a model is shown first; `UserError` for a number of pictures that cannot be."""
        number, _, policy = self.pictures.partition(":")
        if not number.isdecimal() or int(number) > 32 or policy not in ("", "uniform", "coverage"):
            raise UserError(f"--pictures {self.pictures!r}: write 0 to 32, as 8, 32 or 8:coverage")
        return MarkSceneArguments(
            frames=int(number), coverage=policy == "coverage", marks=MARKED[self.profile]
        )

    def chat(self) -> ChatConfig:
        """The endpoint; `UserError` when no model is named."""
        from surveyor.agent.chat.config import ChatConfig

        try:
            return ChatConfig.model_validate(self.model_extra or {})
        except ValidationError as error:
            raise UserError(
                f"the chat planner cannot be set up: {first_problem(error, ChatConfig)}; "
                "name a model with --model"
            ) from None

    def codes(self) -> bool:
        """Whether the model acts by cells of code."""
        from surveyor.agent.chat.capabilities import DialectName, capabilities_of

        chat = self.chat()
        return capabilities_of(chat.model, chat.capabilities).dialect is DialectName.CODE
