"""Frozen features of several views: VGGT's, or those of a tiny stand-in.

A backbone takes pictures and gives tokens (V, T, width), each view's own and nothing averaged over
views. It is never trained, so it runs without gradients; what is trained comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from PIL import Image

from surveyor.core.errors import UserError
from surveyor.core.images import rgb
from surveyor.training.extras import need

TINY, VGGT = "tiny", "vggt"
_GRID: Final = 4


class Backbone(Protocol):
    """``width`` numbers a token."""

    name: str
    width: int

    def tokens(self, pictures: Sequence[Path]) -> Any:
        """A tensor (V, T, width) without gradient."""
        ...


class TinyFeatures:
    """A stand-in for tests and for trying the road: colours of a 4 x 4 grid by a fixed random map.

    It sees next to nothing; what is learnt with it says nothing of what VGGT would bring.
    """

    name, width = TINY, 32

    def __init__(self) -> None:
        dice = np.random.default_rng(7)
        self._map = dice.normal(size=(4 * 4 * 3, self.width)).astype(np.float32) / 7

    def tokens(self, pictures: Sequence[Path]) -> Any:
        """(V, 16, 32)."""
        torch = need("torch")
        side = 4 * _GRID
        views = []
        for picture in pictures:
            small = rgb(picture.read_bytes(), picture.name).resize(
                (side, side), Image.Resampling.BOX
            )
            pixels = np.asarray(small, np.float32) / 255 - 0.5
            cells = pixels.reshape(_GRID, 4, _GRID, 4, 3).transpose(0, 2, 1, 3, 4)
            views.append(cells.reshape(_GRID * _GRID, -1) @ self._map)
        return torch.from_numpy(np.stack(views))


class VggtFeatures:
    """VGGT's aggregator (github.com/facebookresearch/vggt), its last layer's patch tokens.

    The package and its weights are a user's own; they are loaded when first needed.
    """

    name, width = VGGT, 2048

    def __init__(self, weights: str = "facebook/VGGT-1B", longest: int = 448) -> None:
        try:
            kind = need("vggt.models.vggt").VGGT
            self._load = need("vggt.utils.load_fn").load_and_preprocess_images
        except UserError:
            raise UserError(
                "features vggt need the package of github.com/facebookresearch/vggt: clone it and "
                "`pip install -e` it beside torch, or train with --features tiny"
            ) from None
        torch = need("torch")
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._network = kind.from_pretrained(weights).to(self._device).eval()
        self._longest = longest

    def tokens(self, pictures: Sequence[Path]) -> Any:
        """(V, patches, 2048)."""
        torch = need("torch")
        with torch.no_grad():
            images = self._load([str(picture) for picture in pictures]).to(self._device)
            layers, first = self._network.aggregator(images[None])
        return layers[-1][0, :, first:].float().cpu()


def backbone(name: str) -> Backbone:
    """Features by name; `UserError` for another name, or where its package is missing."""
    if name == TINY:
        return TinyFeatures()
    if name == VGGT:
        return VggtFeatures()
    raise UserError(f"there are no features {name!r}; choose {VGGT} or {TINY}")
