"""Everything that the serving promises, measured: the rows of `make claims NAME=experts`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from surveyor.services.launch import up
from tests.claims.claim import Claim
from tests.claims.experts.faults import fault_claims
from tests.claims.experts.fuzz import AMOUNT, fuzz_claims
from tests.claims.experts.load import load_claims
from tests.claims.experts.soak import SECONDS, soak_claims

FIVE = ("scene", "detect", "segment", "depth", "reconstruct")
_START_BOUND = 4.0
_TRIES = 3


def expert_claims(
    dataset: Path,
    folder: Path,
    *,
    load_seconds: float = 4.0,
    soak_seconds: float = SECONDS,
    attacks: int = AMOUNT,
) -> Iterator[Claim]:
    """Start, load, soak, fuzz and faults; ``dataset`` is any dataset with frames, ``folder`` for
    everything that is written. Takes about three minutes with the given defaults."""
    yield from start_claims(dataset, folder)
    yield from load_claims(folder / "load", load_seconds)
    yield from soak_claims(folder / "soak", soak_seconds)
    yield from fuzz_claims(dataset, folder / "fuzz", attacks)
    yield from fault_claims(folder / "faults")


def start_claims(dataset: Path, folder: Path) -> Iterator[Claim]:
    """Seconds until five reference experts have each answered, and whether all of them go."""
    times = []
    for number in range(_TRIES):
        began = time.perf_counter()
        with up(FIVE, [dataset], "perfect", folder / f"start-{number}") as handle:
            times.append(time.perf_counter() - began)
            pids = [handle.pid, *(one.pid for one in handle.endpoints.experts)]
    told = "tries: " + ", ".join(f"{one:.1f}" for one in times)
    yield Claim.at_most("five experts ready (s, best of three)", min(times), _START_BOUND, told)
    yield Claim.at_most("processes left after stopping", sum(map(_alive, pids)), 0)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
