"""`surveyor compare`: two scored runs, paired by task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.core.wording import many

app = typer.Typer()


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="A scored run.")],
    b: Annotated[Path, typer.Argument(help="Another run of the same dataset.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print B minus A with its 95 % interval clustered by scene, and McNemar's test."""
    from surveyor.benchmarks.compare import compare as paired
    from surveyor.memory.runs import RunFolder

    result = paired(RunFolder.open(a), RunFolder.open(b))
    if json:
        print(result.model_dump_json(indent=2))
        return
    print(f"{'':<30} {'n':>5} {'A':>6} {'B':>6}  B - A [95 %]           only A  only B  McNemar p")
    for name, row in {**result.types, "overall": result.overall}.items():
        d = row.difference
        ends = "" if d.low is None or d.high is None else f"[{d.low:+.1f}, {d.high:+.1f}]"
        print(
            f"{name:<30} {row.n:>5} {row.a:>6.1f} {row.b:>6.1f}  {d.value:+5.1f} {ends:<16} "
            f"{row.only_a:>6} {row.only_b:>7} {row.mcnemar_p:>10.3f}"
        )
    both = result.overall
    if both.guesses_a or both.guesses_b:
        print(
            f"answered by a guess, nothing measured: {both.guesses_a} in A, {both.guesses_b} in B"
        )
    if result.unpaired_a or result.unpaired_b:
        print(
            f"left out: {many(result.unpaired_a, 'task')} only in A, {result.unpaired_b} only in B"
        )
    if (probe := result.probe) is not None:
        print(
            f"tools lied in {many(probe.lied_to, 'episode')}: {many(probe.moved, 'answer')} moved "
            f"({100 * probe.moved_share:.0f} %); they did not in {probe.spared}: "
            f"{probe.drifted} differ ({100 * probe.drifted_share:.0f} %)"
        )
    for note in result.notes:
        print(f"also differs: {note}")
