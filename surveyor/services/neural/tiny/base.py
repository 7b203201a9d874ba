"""How a tiny expert gets its weights: random ones, written as a checkpoint and read back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from surveyor.services.neural.base import NeuralExpert
from surveyor.services.neural.runtime import import_torch, require
from surveyor.services.neural.weights import Weights, find_weights
from surveyor.services.settings import Settings

_NOTE = "Random weights: the code path of the real model, answers without meaning."


class TinyExpert(NeuralExpert):
    """Mixin before an adapter: everything but the size and the origin of the weights is shared."""

    backend: ClassVar[str] = "tiny"

    @contextmanager
    def located(self, settings: Settings) -> Iterator[Weights]:
        """A checkpoint in a temporary folder, the same for the same seed."""
        require(self.name, self.card.modules)
        torch = import_torch(settings.threads)
        self.card = replace(
            self.card, model=f"tiny random {self.card.model}", licence="Apache-2.0", note=_NOTE
        )
        with tempfile.TemporaryDirectory(prefix="tiny-expert-") as name:
            folder = Path(name)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(settings.seed)
                self.write(folder)
            yield replace(find_weights(self.name, self.card, folder), own=False)

    def write(self, folder: Path) -> None:
        """Save a small random model as its real checkpoint is laid out."""
        raise NotImplementedError
