"""Each part skips with its reason where its package cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real import fetch


def _had(get: Callable[[], Path]) -> Path:
    try:
        return get()
    except fetch.NotHad as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def captures() -> Path:
    return _had(fetch.captures)


@pytest.fixture(scope="session")
def depth_pair() -> Path:
    return _had(fetch.depth_pair)


@pytest.fixture(scope="session")
def footage() -> Path:
    return _had(fetch.footage)


@pytest.fixture(scope="session")
def enlarger() -> Path:
    return _had(fetch.enlarger)
