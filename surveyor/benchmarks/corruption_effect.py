"""Reading the tool-corruption probe: did answers move where the instruments lied?"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from surveyor.benchmarks.run.corruption import is_corrupted
from surveyor.benchmarks.run.repeat import config_of
from surveyor.core.errors import UserError
from surveyor.memory.events import Answer
from surveyor.memory.log import read_events
from surveyor.memory.runs import RunFolder


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """Episodes whose final answer differs from the same run with honest tools.

    ``moved`` of ``lied_to``; ``drifted`` of ``spared`` is the control: what differs without a lie.
    """

    lied_to: int
    moved: int
    spared: int
    drifted: int

    @property
    def moved_share(self) -> float:
        """How much the planner follows its instruments, 0..1."""
        return self.moved / self.lied_to if self.lied_to else 0.0

    @property
    def drifted_share(self) -> float:
        """How much it wavers on its own, 0..1."""
        return self.drifted / self.spared if self.spared else 0.0


def read_probe(honest: RunFolder, probed: RunFolder) -> ProbeReading:
    """Compare a run whose tools lied with one whose tools did not, over the answers of both; an
    answer by handle has moved when what it stands for has.

    Raises `UserError` when the second run was made without corruption.
    """
    corruption = config_of(probed).corruption
    if corruption is None:
        raise UserError(f"the tools of {probed.path} did not lie: it was run without corruption")
    before, after = _said(honest), _said(probed)
    both = sorted(before.keys() & after.keys())
    lied = [key for key in both if is_corrupted(key[0], corruption)]
    spared = [key for key in both if not is_corrupted(key[0], corruption)]
    return ProbeReading(
        lied_to=len(lied),
        moved=sum(before[key] != after[key] for key in lied),
        spared=len(spared),
        drifted=sum(before[key] != after[key] for key in spared),
    )


def _said(folder: RunFolder) -> dict[tuple[str, int], tuple[str, JsonValue]]:
    """Final answers by (task id, epoch), with the boxes that they stood for where a score placed
    them: the same handle names another box when the tool behind it lied."""
    boxes = {(score.task_id, score.epoch): score.fields.get("boxes") for score in folder.results()}
    return {key: (text, boxes.get(key)) for key, text in answers(folder).items()}


def answers(run: RunFolder) -> dict[tuple[str, int], str]:
    """The final answers by (task id, epoch)."""
    found: dict[tuple[str, int], str] = {}
    for task, epoch in run.scheduled():
        for event in read_events(run.episode_path(task.id, epoch)):
            if isinstance(event, Answer):
                found[task.id, epoch] = event.text
    return found
