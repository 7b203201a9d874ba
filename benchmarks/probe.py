"""Reading the tool-corruption probe: did answers move where the instruments lied?"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.run.corruption import is_corrupted
from benchmarks.run.repeat import config_of
from benchmarks.survival import answers
from memory.errors import UserError
from memory.runs import RunFolder


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
    """Compare a run whose tools lied with one whose tools did not, over the answers of both.

    Raises `UserError` when the second run was made without corruption.
    """
    corruption = config_of(probed).corruption
    if corruption is None:
        raise UserError(f"the tools of {probed.path} did not lie: it was run without corruption")
    before, after = answers(honest), answers(probed)
    both = sorted(before.keys() & after.keys())
    lied = [key for key in both if is_corrupted(key[0], corruption)]
    spared = [key for key in both if not is_corrupted(key[0], corruption)]
    return ProbeReading(
        lied_to=len(lied),
        moved=sum(before[key] != after[key] for key in lied),
        spared=len(spared),
        drifted=sum(before[key] != after[key] for key in spared),
    )
