"""Claims of the services: contract, load beside a plain server, soak, broken requests, faults."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from surveyor.compose.demo import make_rooms
from tests.claims.claim import Claim
from tests.claims.experts.test_runs import contract_claims


def measure() -> Iterator[Claim]:
    """Every claim of the services; what needs a GPU says so where there is none."""
    from surveyor.scenes.datasets.embedded import RoomsSettings
    from tests.claims.experts.serving import expert_claims

    yield from contract_claims()
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        folder = Path(name)
        dataset = folder / "dataset"
        make_rooms(dataset, [8900], settings=RoomsSettings(n_frames=8, size=(320, 240)))
        yield from expert_claims(dataset, folder)
