"""APEIRIA's three stages: Acc@0.25 of each on referring expressions in rooms that no stage saw.

Read from the runs of ``scripts/recipes/program_stages_on_cpu.sh``; training takes too long to be
done here. ``SURVEYOR_STAGES`` names its folder, and ``python -m tests.claims.companions.stages
FOLDER`` prints the rows alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from surveyor.benchmarks.stats.intervals import Interval, clustered_mean
from surveyor.memory.runs import RunFolder
from tests.claims.claim import Claim

HIT = "hit_at_0.25"
NAMES = {1: "how many and how long", 2: "accounts with relations", 3: "GRPO by boxes"}


def measure(folder: Path) -> Iterator[Claim]:
    """Each stage alone, then against the one before on the same questions."""
    hits = {stage: read(RunFolder.open(folder / "runs" / f"stage{stage}")) for stage in NAMES}
    taught = mean(read(RunFolder.open(folder / "runs" / "teacher"))).estimate
    for stage, name in NAMES.items():
        told = mean(hits[stage])
        rooms = len({room for room, _ in hits[stage].values()})
        note = (
            f"{between(told)}; {len(hits[stage])} questions of {rooms} rooms; teacher {taught:.3f}"
        )
        wanted = 0.0 if stage == 1 else 0.5
        yield Claim.at_least(f"A-stage {stage}, {name}: Acc@0.25", told.estimate, wanted, note)
    for stage in (2, 3):
        before, after = hits[stage - 1], hits[stage]
        gain = mean({k: (after[k][0], after[k][1] - before[k][1]) for k in after})
        note = f"gain {gain.estimate:+.3f} {between(gain)}, paired, intervals over rooms"
        low = gain.low if gain.low is not None else gain.estimate
        yield Claim.at_least(
            f"A-stage {stage} over {stage - 1}: gain, low end of 95 %", low, 0.001, note
        )


def read(run: RunFolder) -> dict[str, tuple[str, float]]:
    """Room and hit of every scheduled question; what was not answered is a miss."""
    fields = {score.task_id: score.fields for score in run.results()}
    return {
        task.id: (task.scene_id, float(bool(fields.get(task.id, {}).get(HIT))))
        for task, _ in run.scheduled()
    }


def mean(values: Mapping[str, tuple[str, float]]) -> Interval:
    """The mean with an interval over rooms."""
    return clustered_mean([v for _, v in values.values()], [room for room, _ in values.values()])


def between(told: Interval) -> str:
    """The interval in words."""
    if told.low is None or told.high is None:
        return "[no interval]"
    return f"[{told.low:.3f}, {told.high:.3f}]"


if __name__ == "__main__":
    for claim in measure(Path(sys.argv[1])):
        print(claim)
