"""The contract suite over every reference expert, under exact and under realistic answers."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from starlette.testclient import TestClient

from surveyor.core.dataset import BLOBS
from surveyor.services.app import build_app
from surveyor.services.contract import EXPERTS
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.services.contract_suite import (
    CHECKS,
    Subject,
    answers_in_its_own_type,
    has_the_contracts_units,
    repeats_itself,
)
from tests.services.world import CHAIR_BOX, make_dataset, textured


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A client of any reference expert under any preset, started once."""
    folder = tmp_path_factory.mktemp("contract")
    dataset = make_dataset(folder / "dataset", 1, 3, paint=textured)
    started: dict[tuple[str, str], TestClient] = {}
    with ExitStack() as stack:

        def start(name, preset):
            if (name, preset) not in started:
                settings = Settings(
                    blob_dir=folder / "blobs",
                    datasets=(dataset,),
                    blob_folders=(dataset / BLOBS,),
                    preset=preset,
                )
                app = build_app(make_expert(name), settings)
                client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
                client.portal.call(app.state.service.loaded)
                started[name, preset] = client
            return started[name, preset]

        yield start


def subject(served, expert, preset):
    images = tuple(textured(number) for number in range(3))
    return Subject(expert, served(expert, preset), images, CHAIR_BOX)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("expert", EXPERTS)
def test_the_contract(served, expert, check):
    check(subject(served, expert, "realistic"))


@pytest.mark.parametrize("expert", EXPERTS)
def test_the_contract_of_exact_answers(served, expert):
    exact = subject(served, expert, "perfect")
    answers_in_its_own_type(exact)
    has_the_contracts_units(exact)
    repeats_itself(exact)
