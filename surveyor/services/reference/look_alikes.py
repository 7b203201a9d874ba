"""Views that look alike though they show different places, and views that show next to nothing.

Rooms that repeat and bare walls are what multi-view networks and feature matchers are fooled by
(doppelgangers: Cai et al., ICCV 2023). How alike two views look is read off their exact maps: the
share of a coarse grid in which both show the same kind of thing equally far away.
"""

from __future__ import annotations

import numpy as np

from surveyor.core.geometry import Float
from surveyor.services.reference.seeding import generator
from surveyor.services.reference.world import ImageView

_ROWS, _COLUMNS = 12, 16
_NEAR = 0.15  # log ratio of depths that count as equal
_UNLIKE, _ALIKE = 0.6, 0.95  # agreement that deceives nobody, and everybody
_LUCK = 0.35  # log-normal spread of how far a pair deceives


def look_alikes(views: list[ImageView], seed: int) -> Float:
    """(N, N) symmetric, 0..1: how much two views seem to show the same place. Whether they do is
    not asked here."""
    kinds, depths = _grids(views)
    deceives = np.zeros((len(views), len(views)))
    for i in range(len(views)):
        same = kinds == kinds[i]
        near = np.abs(depths - depths[i]) < _NEAR
        deceives[i] = (same & near).mean(axis=1)
    deceives = np.clip((deceives - _UNLIKE) / (_ALIKE - _UNLIKE), 0, 1)
    for i, j in zip(*np.nonzero(np.triu(deceives, 1)), strict=True):
        a, b = views[i].key, views[j].key
        rng = generator(a.scene_id, "alike", *sorted((a.index, b.index)), seed)
        luck = float(np.exp(rng.normal(0, _LUCK)))
        deceives[i, j] = deceives[j, i] = min(1.0, deceives[i, j] * luck)
    np.fill_diagonal(deceives, 0.0)
    return deceives


def bareness(views: list[ImageView]) -> Float:
    """(N,) from 0, where a third of a view shows things, to 1, where all of it is bare shell."""
    kinds, _ = _grids(views)
    bare = (kinds == 0).mean(axis=1)
    return np.asarray(np.clip((bare - 2 / 3) * 3, 0, 1) ** 2, np.float64)


def _grids(views: list[ImageView]) -> tuple[Float, Float]:
    """Kinds of things (0: the shell) and log depths on a coarse grid, (N, cells) each."""
    numbers: dict[str, int] = {}
    kinds, depths = [], []
    for view in views:
        v = np.linspace(0, view.height - 1, _ROWS).astype(int)
        u = np.linspace(0, view.width - 1, _COLUMNS).astype(int)
        known = {
            thing.instance_id: numbers.setdefault(thing.category, len(numbers) + 1)
            for thing in view.truth.objects
        }
        ids = view.maps.ids[np.ix_(v, u)].ravel()
        kinds.append([known.get(int(k), 0) for k in ids])
        depths.append(np.log(np.maximum(view.maps.depth[np.ix_(v, u)].ravel(), 0.05)))
    return np.array(kinds, np.float64), np.array(depths, np.float64)
