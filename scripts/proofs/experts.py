"""Claims of the services: load beside a plain server, soak, broken requests, faults."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from memory.claims import Claim
from scripts.demonstration import make_rooms


def measure() -> Iterator[Claim]:
    """Every claim of the services that needs no GPU."""
    from scenes.suite_rooms import RoomsSettings
    from services.selfcheck.faults import fault_claims
    from services.selfcheck.fuzz import fuzz_claims
    from services.selfcheck.load import batching_claims, load_claims
    from services.selfcheck.soak import soak_claims

    with tempfile.TemporaryDirectory(prefix="surveyor-proofs-") as name:
        folder = Path(name)
        yield from load_claims(folder / "load")
        yield from batching_claims(folder / "batching")
        yield from soak_claims(folder / "soak")
        suite = folder / "suite"
        make_rooms(suite, [8900], settings=RoomsSettings(n_frames=8, size=(320, 240)))
        yield from fuzz_claims(suite, folder / "fuzz")
        yield from fault_claims(folder / "faults")
