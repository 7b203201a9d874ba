"""`surveyor capacity`: what many episodes would take, from what a finished run did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def capacity(
    run: Annotated[Path, typer.Argument(help="A finished run, best with its experts' cache cold.")],
    episodes: Annotated[int, typer.Option(min=1, help="How many are planned.")] = 1_000_000,
    hours: Annotated[float, typer.Option(min=0.1, help="In how many hours.")] = 24.0,
    seconds: Annotated[
        list[str] | None,
        typer.Option(help="TOOL=SECONDS of one accelerator a request, measured by you."),
    ] = None,
    price: Annotated[float, typer.Option(min=0, help="Dollars an accelerator-hour.")] = 2.5,
) -> None:
    """Plan accelerators, storage and money for many episodes like a run's.

    Priced seconds are those of docs/effective-tool-use.md unless you name your own.
    """
    from surveyor.benchmarks.capacity import BUSY, measured, plan
    from surveyor.memory.runs import RunFolder

    load = measured(RunFolder.open(run))
    most = load.without_cache
    own = _seconds(seconds or [], set(most.requests))
    rows = plan(load, episodes, hours, own)
    times = episodes / len(load.episodes)
    print(f"{episodes:,} episodes within {hours:g} h, from {len(load.episodes)} of {run}")
    print(f"{'tool':<16}{'requests':>16}{'hours':>12}{'accelerators':>14}")
    for row in rows:
        print(f"{row.tool:<16}{row.requests:>16,.0f}{row.hours:>12,.1f}{row.accelerators:>14,}")
    work = sum(row.hours for row in rows)
    print(f"{'all':<16}{'':>16}{work:>12,.1f}{sum(row.accelerators for row in rows):>14,}")
    print(f"planned to work {100 * BUSY:.0f} % of the time: {price * work / BUSY:,.0f} dollars")
    sent, told = load.requests.total(), most.requests.total()
    if sent < told:
        dollars = price * sum(row.hours for row in plan(most, episodes, hours, own)) / BUSY
        print(f"{told - sent:,} of the run's {told:,} requests were answered by its cache", end="")
        print(f"; with all of them sent: {dollars:,.0f} dollars")
    print(f"logs {times * load.log_bytes / 1e9:,.1f} GB, blobs at most ", end="")
    print(f"{times * load.blob_bytes / 1e9:,.1f} GB, model tokens {times * load.tokens:,.0f}")
    rate = len(load.episodes) / max(load.seconds, 1e-9)
    print(
        f"one runner ended {rate:.2f} episodes/s then: {episodes / rate / 3600 / hours:,.1f} such"
    )


def _seconds(given: list[str], tools: set[str]) -> dict[str, float]:
    """`UserError` for what is no TOOL=SECONDS of the run."""
    from surveyor.core.errors import UserError
    from surveyor.core.wording import closest

    found = {}
    for text in given:
        tool, _, number = text.partition("=")
        if tool not in tools:
            raise UserError(f"the run asked no expert by {tool!r}{closest(tool, sorted(tools))}")
        try:
            found[tool] = float(number)
        except ValueError:
            found[tool] = -1.0
        if not 0 < found[tool] < float("inf"):
            raise UserError(f"--seconds {text}: say TOOL=SECONDS, as in detect=0.12")
    return found
