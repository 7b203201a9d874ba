"""Tiny neural experts, loaded once each; only where torch is installed (`make test-models`)."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from surveyor.core.blobs import BlobRef, Derivation
from surveyor.services.app import build_app
from surveyor.services.artifacts import Array
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.expert import AnyExpert
from surveyor.services.images import Images, Pixels
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings

# Without torch there is nothing to run here: `make test-models` has an environment with it.
collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]

WIDTH, HEIGHT = 80, 60
BOX = (12.0, 9.0, 47.0, 42.0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.models)


def picture(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Coloured blocks that differ by seed."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    rows, columns = np.arange(height) * 6 // height, np.arange(width) * 8 // width
    return blocks[rows][:, columns]


def png(pixels: Pixels) -> bytes:
    """A PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


Served = Callable[..., TestClient]
Loaded = Callable[..., AnyExpert]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A ready client of a tiny expert; the same one again for the same options."""
    running: dict[tuple[str, str], TestClient] = {}
    blobs = tmp_path_factory.mktemp("blobs")
    with ExitStack() as stack:

        def start(name: str, **options: str) -> TestClient:
            key = name, str(sorted(options.items()))
            if key not in running:
                running[key] = stack.enter_context(_running(name, blobs, options))
            return running[key]

        yield start


@contextmanager
def _running(name: str, blobs: Path, options: dict[str, str]) -> Iterator[TestClient]:
    app = build_app(make_expert(name, "tiny"), Settings(blob_dir=blobs, options=options))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.portal is not None
        client.portal.call(app.state.service.loaded)
        assert app.state.service.failure is None, app.state.service.failure
        yield client


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A loaded tiny adapter without a server; the same one again for the same options."""
    made: dict[tuple[str, str], AnyExpert] = {}
    blobs = tmp_path_factory.mktemp("blobs")

    def load(name: str, **options: str) -> AnyExpert:
        key = name, str(sorted(options.items()))
        if key not in made:
            made[key] = make_expert(name, "tiny")
            made[key].load(Settings(blob_dir=blobs, options=options))
        return made[key]

    return load


@pytest.fixture
def images(tmp_path: Path) -> Images:
    """Opens the images of requests."""
    return Images(BlobResolver.at(tmp_path / "blobs", ()), max_pixels=1_000_000)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put stand-ins for packages of a user's own where Python finds them, for one test."""
    root = tmp_path / "site"
    before = set(sys.modules)

    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        monkeypatch.syspath_prepend(str(root))
        importlib.invalidate_caches()

    yield write
    new = {name: sys.modules[name] for name in set(sys.modules) - before}
    for name in [name for name, module in new.items() if _lies_in(root, module)]:
        del sys.modules[name]


def _lies_in(root: Path, module: ModuleType) -> bool:
    """A package without an ``__init__`` has folders and no file."""
    folders = getattr(module, "__path__", ())
    return any(str(root) in str(place) for place in (module, *folders))


class Tray:
    """An artifacts that keeps arrays and images in reach."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self.images: list[Pixels] = []

    def array(self, values: Array) -> BlobRef:
        self.arrays.append(values)
        return BlobRef(sha256="0" * 64, media_type="x", size=0)

    def image(self, pixels: Pixels, derivation: Derivation | None = None) -> BlobRef:
        self.images.append(pixels)
        return BlobRef(sha256="0" * 64, media_type="x", size=0)
