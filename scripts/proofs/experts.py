"""Claims of the services: contract, load beside a plain server, soak, broken requests, faults."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from memory.claims import Claim
from scripts.demonstration import make_rooms
from scripts.proofs.expert_suites import suite_claims


def measure() -> Iterator[Claim]:
    """Every claim of the services; what needs a GPU says so where there is none."""
    from scenes.suite_rooms import RoomsSettings
    from services.selfcheck.claims import expert_claims

    yield from suite_claims()
    with tempfile.TemporaryDirectory(prefix="surveyor-proofs-") as name:
        folder = Path(name)
        suite = folder / "suite"
        make_rooms(suite, [8900], settings=RoomsSettings(n_frames=8, size=(320, 240)))
        yield from expert_claims(suite, folder)
