"""What surfaces are made of: named colours and the record that a texture is made from.

A material is a value: equal materials share one texture, and nothing is synthesised until a
picture is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

TextureKind = Literal[
    "plain", "wood", "planks", "parquet", "fabric", "knit", "carpet", "tiles", "marble", "plaster",
    "brushed", "leaf", "rug", "art", "screen", "keys", "dial", "paper", "wicker", "outdoors",
    "piano", "bristle", "stripes", "mirror",
]  # fmt: skip

# Colour words that questions use, each with paints that nobody would call otherwise.
COLOURS: dict[str, tuple[str, ...]] = {
    "white": ("#f2f0ea", "#eceae4", "#f5f5f3"),
    "gray": ("#8b8d90", "#75787c", "#9c9a96"),
    "black": ("#17181a", "#202124", "#1b1a1a"),
    "blue": ("#35587e", "#2f5f8a", "#46688c"),
    "green": ("#4d6b45", "#3f6b52", "#5c7a4a"),
    "red": ("#9b3430", "#a63d35", "#8a2c30"),
    "yellow": ("#d9ae3c", "#cfa535"),
    "orange": ("#c9692f", "#cf7436"),
    "purple": ("#69507f", "#735b8c"),
    "beige": ("#c9b99d", "#bfae92", "#d1c3ab"),
    "brown": ("#6b4a33", "#7a573c", "#5b3d2a"),
    "pink": ("#c98d92", "#cf9a9b"),
    "silver": ("#bcbfc3", "#b3b7bb"),
}

WOODS: dict[str, tuple[str, ...]] = {
    "oak": ("#b0916b", "#a98a63"),
    "pine": ("#cdb388", "#c7ad84"),
    "walnut": ("#66472f", "#5c4130"),
    "birch": ("#d9c8a8", "#d6c6a9"),
    "mahogany": ("#6a3a2a", "#5f3427"),
    "gray wood": ("#948a7e", "#8a8177"),
}
WOOD_COLOURS = {
    "oak": "brown", "pine": "beige", "walnut": "brown", "birch": "beige", "mahogany": "brown",
    "gray wood": "gray",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface looks.

    ``tile`` is the size in metres of one repeat of the texture; ``specular`` the reflectance at
    normal incidence; ``roughness`` 0..1; ``glow`` the radiance that it sends out itself, in the
    unit of the lights; ``variant`` picks one of many textures of its kind; ``word`` and
    ``substance`` are what a person would call its colour and stuff; ``hidden`` surfaces are never
    seen and get no light of their own.
    """

    kind: TextureKind
    colour: str
    tile: float = 1.0
    specular: float = 0.0
    roughness: float = 1.0
    glow: float = 0.0
    variant: int = 0
    second: str = "#d9cfb8"
    word: str = ""
    substance: str = ""
    hidden: bool = False


# Behind the shell of a room, where it only closes seams.
BACKING = Material("plain", "#8b8d90", hidden=True)


class Paints:
    """Draws materials for one object from its own random stream."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def pick(self, choices: tuple[str, ...] | list[str]) -> str:
        """One of several words."""
        return choices[int(self.rng.integers(len(choices)))]

    def variant(self, count: int = 1 << 20) -> int:
        """A texture variant; few variants let rooms share cached textures."""
        return int(self.rng.integers(count))

    def _paint(self, words: tuple[str, ...]) -> tuple[str, str]:
        word = self.pick(words)
        return word, self.pick(COLOURS[word])

    def wood(self, *species: str) -> Material:
        """Varnished wood with grain; any species when none is named."""
        name = self.pick(species or tuple(WOODS))
        return Material(
            "wood", self.pick(WOODS[name]), 0.8, 0.04, 0.4, variant=self.variant(3),
            word=WOOD_COLOURS[name], substance="wood",
        )  # fmt: skip

    def fabric(self, *words: str) -> Material:
        """Woven cloth in one of the colour words."""
        word, paint = self._paint(words or ("gray", "blue", "green", "beige", "brown", "red"))
        return Material(
            "fabric", paint, 0.35, variant=self.variant(2), word=word, substance="fabric"
        )

    def knit(self, *words: str) -> Material:
        """Soft, coarse cloth for bedding, towels and bags."""
        word, paint = self._paint(words or ("white", "beige", "blue", "gray"))
        return Material("knit", paint, 0.5, variant=self.variant(2), word=word, substance="fabric")

    def leather(self, *words: str) -> Material:
        """Smooth, slightly shiny hide."""
        word, paint = self._paint(words or ("brown", "black", "beige"))
        return Material("plaster", paint, 0.4, 0.04, 0.45, word=word, substance="leather")

    def paint(self, *words: str, shine: float = 0.04, rough: float = 0.4) -> Material:
        """Plain lacquer or plastic."""
        word, colour = self._paint(words or ("white",))
        return Material("plain", colour, 1.0, shine, rough, word=word, substance="plastic")

    def ceramic(self, *words: str) -> Material:
        """Glazed porcelain."""
        word, colour = self._paint(words or ("white",))
        return Material("plain", colour, 1.0, 0.05, 0.12, word=word, substance="ceramic")

    def metal(self, *words: str) -> Material:
        """Brushed metal."""
        word, colour = self._paint(words or ("silver",))
        return Material("brushed", colour, 0.5, 0.3, 0.3, word=word, substance="metal")

    def glass(self) -> Material:
        """Dark glossy glass: switched-off screens, oven windows, hobs."""
        return Material("plain", "#0c0d10", 1.0, 0.06, 0.05, word="black", substance="glass")
