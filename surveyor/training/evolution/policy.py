"""Ways of choosing a workflow for a case: what a library would do, or one for everything."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from surveyor.skills.retrieve import Retriever
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case

Chooser = Callable[[Case], Workflow]


@dataclass(frozen=True, slots=True)
class Choice:
    """A workflow and the skill version that it comes from (``None``: the planner's default).

    ``lift``: the least utility that the version is known to gain over having no skill.
    """

    workflow: Workflow
    version: str | None = None
    lift: float = 0.0


class LibraryPolicy:
    """Chooses as the `program` planner does: the first eligible skill's workflow is executed."""

    def __init__(self, retriever: Retriever, default: Workflow) -> None:
        self._retriever = retriever
        self._default = default
        self._known: OrderedDict[tuple[str, str | None], Choice] = OrderedDict()

    def choose(self, case: Case, without: str | None = None) -> Choice:
        """The choice for a case, as if the version ``without`` were not in the library."""
        key = (case.id, without)
        if key not in self._known:
            self._known[key] = self._choose(case, without)
        return self._known[key]

    def workflow(self, case: Case) -> Workflow:
        """The chosen workflow alone."""
        return self.choose(case).workflow

    def _choose(self, case: Case, without: str | None) -> Choice:
        for ranked in self._retriever.rank(case.profile, case.task.question):
            if not ranked.eligible:
                break
            version = ranked.entry.version
            if version == without or not ranked.executable:
                continue
            workflow = self._retriever.load(f"{ranked.entry.name}@{version}").workflow
            if workflow is not None:
                return Choice(workflow, version, ranked.entry.lift)
        return Choice(self._default)


def always(workflow: Workflow) -> Chooser:
    """One workflow for everything."""
    return lambda _case: workflow
