"""Depth Anything 3 any-view (ViT-S, small heads) with random weights."""

from __future__ import annotations

from pathlib import Path

from surveyor.services.neural.reconstruct import NeuralReconstruct
from surveyor.services.neural.tiny.base import TinyExpert
from surveyor.services.neural.tiny.da3 import write_any_view


class TinyReconstruct(TinyExpert, NeuralReconstruct):
    """Looks at 112 pixels; only the routes of Depth Anything 3 have a tiny model."""

    longest = 112

    def write(self, folder: Path) -> None:
        write_any_view(folder)
