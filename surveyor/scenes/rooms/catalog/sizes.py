"""How much things of one category differ in size from each other.

A maker draws the proportions of one model; here it is made as small or large as its kind comes.
The spreads are those of the real scans behind VSI-Bench where the published metadata has at least
five boxes of a category (standard deviation of the logarithm of the longest edge: chair 0.25, table
0.47, sofa 0.40, bed 0.08, ...), less what the makers vary by themselves; the others are set like
their nearest kin. Limits keep a thing what it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from surveyor.scenes.rooms.catalog.model import Lamp, Model, SupportSurface

SIGMAS = 2.0


@dataclass(frozen=True, slots=True)
class Spread:
    """A log-normal factor of size.

    ``sigma`` is the standard deviation of its logarithm, ``low`` and ``high`` bound it; depth,
    width and height grow with it to the powers ``grows`` (0: stays as made).
    """

    sigma: float
    low: float
    high: float
    grows: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def factors(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """Factors of depth, width and height of one thing."""
        drawn = self.sigma * float(np.clip(rng.normal(), -SIGMAS, SIGMAS))
        factor = float(np.clip(np.exp(drawn), self.low, self.high))
        depth, width, height = (factor**power for power in self.grows)
        return depth, width, height


WIDE = (0.0, 1.0, 0.0)
"""Comes in widths, at a height and depth that people or kitchens fix."""
BROAD = (0.5, 1.0, 0.0)
"""Grows over the floor; its height is that of a sitter."""
TALL = (0.25, 0.5, 1.0)
FLAT = (0.0, 1.0, 1.0)
"""Hangs on a wall or stands as a panel; its thickness stays."""

SPREADS: Mapping[str, Spread] = {
    "backpack": Spread(0.16, 0.72, 1.3),
    "basket": Spread(0.2, 0.65, 1.5),
    "bathtub": Spread(0.08, 0.82, 1.12),
    "bed": Spread(0.08, 0.85, 1.12),
    "bicycle": Spread(0.12, 0.65, 1.08),
    "book": Spread(0.2, 0.65, 1.5, (1.0, 1.0, 1.0)),
    "bookshelf": Spread(0.38, 0.45, 1.2, TALL),
    "bottle": Spread(0.22, 0.65, 1.4),
    "bowl": Spread(0.22, 0.6, 1.5),
    "box": Spread(0.32, 0.55, 1.9),
    "cabinet": Spread(0.2, 0.7, 1.4, WIDE),
    "ceiling light": Spread(0.5, 0.5, 2.3, (1.0, 1.0, 0.3)),
    "chair": Spread(0.2, 0.7, 1.35),
    "clock": Spread(0.28, 0.55, 1.9, FLAT),
    "closet": Spread(0.22, 0.62, 1.15, (0.2, 1.0, 0.8)),
    "coat rack": Spread(0.1, 0.75, 1.1),
    "computer mouse": Spread(0.14, 0.75, 1.3),
    "computer tower": Spread(0.17, 0.7, 1.3),
    "counter": Spread(0.3, 0.6, 1.7, WIDE),
    "cup": Spread(0.24, 0.75, 1.7),
    "dishwasher": Spread(0.15, 0.75, 1.1, WIDE),
    "fan": Spread(0.3, 0.4, 1.1, TALL),
    "fireplace": Spread(0.2, 0.75, 1.5, (0.0, 1.0, 0.3)),
    "guitar": Spread(0.18, 0.55, 1.1),
    "kettle": Spread(0.12, 0.8, 1.25),
    "keyboard": Spread(0.13, 0.65, 1.1, WIDE),
    "lamp": Spread(0.22, 0.65, 1.25),
    "laptop": Spread(0.18, 0.75, 1.3),
    "microwave": Spread(0.18, 0.85, 1.45),
    "mirror": Spread(0.4, 0.5, 1.6, FLAT),
    "monitor": Spread(0.1, 0.75, 1.3, (0.0, 1.0, 0.4)),
    "nightstand": Spread(0.17, 0.78, 1.35),
    "oven": Spread(0.15, 0.85, 1.5, WIDE),
    "piano": Spread(0.08, 0.82, 1.08, WIDE),
    "picture": Spread(0.3, 0.55, 1.7, FLAT),
    "pillow": Spread(0.22, 0.7, 1.4, (1.0, 1.0, 0.7)),
    "plant": Spread(0.35, 0.6, 1.6),
    "printer": Spread(0.32, 0.7, 1.9),
    "radiator": Spread(0.42, 0.5, 2.2, (0.0, 1.0, 0.2)),
    "refrigerator": Spread(0.38, 0.45, 1.18, (0.2, 0.3, 1.0)),
    "rug": Spread(0.2, 0.6, 1.3, (1.0, 1.0, 0.0)),
    "shelf": Spread(0.35, 0.5, 1.8, WIDE),
    "sink": Spread(0.2, 0.75, 1.5, WIDE),
    "sofa": Spread(0.34, 0.6, 1.45, (0.1, 1.0, 0.1)),
    "stool": Spread(0.3, 0.65, 1.5),
    "suitcase": Spread(0.22, 0.6, 1.1),
    "table": Spread(0.38, 0.55, 1.6, BROAD),
    "telephone": Spread(0.22, 0.7, 1.6),
    "toilet": Spread(0.12, 0.8, 1.12),
    "towel": Spread(0.34, 0.55, 1.7, FLAT),
    "trash bin": Spread(0.4, 0.65, 2.2, (0.6, 0.6, 1.0)),
    "tv": Spread(0.3, 0.5, 1.4, (0.3, 1.0, 1.0)),
    "vase": Spread(0.35, 0.55, 2.0),
    "washing machine": Spread(0.05, 0.92, 1.08),
    "whiteboard": Spread(0.32, 0.5, 1.45, (0.0, 1.0, 0.6)),
}  # fmt: skip


def resized(model: Model, rng: np.random.Generator) -> Model:
    """The model as large as one of its category may be, standing where it stood."""
    spread = SPREADS.get(model.category)
    if spread is None:
        return model
    return scaled(model, spread.factors(rng))


def scaled(model: Model, factors: tuple[float, float, float]) -> Model:
    """The model stretched about the foot of its vertical axis: parts, tops and lamps alike."""
    x, y, z = factors
    depth, width, height = model.size
    return replace(
        model,
        pieces=tuple((part.scaled(x, y, z), material) for part, material in model.pieces),
        size=(depth * x, width * y, height * z),
        supports=tuple(
            SupportSurface(s.z * z, s.x * x, s.y * y, s.half_x * x, s.half_y * y)
            for s in model.supports
        ),
        lamps=tuple(
            Lamp(q.x * x, q.y * y, q.z * z, q.radius * min(factors), q.radiance)
            for q in model.lamps
        ),
    )
