"""Giving a reconstruction of unknown scale its metres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import ModelMistake


def metric_ratio(
    metric: Sequence[NDArray[np.float32]], relative: Sequence[NDArray[np.float32]]
) -> tuple[float, float]:
    """Metres per unit of a reconstruction, from metric depth of some of its views.

    The median over frames of each frame's median pixel ratio: one bad frame or a hole does no
    harm. Also gives the relative spread (median absolute deviation over frames). Images of a
    pair show the same view, maybe at different resolutions.
    """
    ratios = []
    for metres, units in zip(metric, relative, strict=True):
        rows = np.linspace(0, metres.shape[0] - 1, units.shape[0]).round().astype(np.intp)
        columns = np.linspace(0, metres.shape[1] - 1, units.shape[1]).round().astype(np.intp)
        resampled = metres[np.ix_(rows, columns)]
        both = (resampled > 0) & (units > 0)
        if both.any():
            ratios.append(float(np.median(resampled[both] / units[both])))
    if not ratios:
        raise ModelMistake("no pixel has both a metric depth and a reconstructed one")
    ratio = float(np.median(ratios))
    spread = float(np.median(np.abs(np.array(ratios) - ratio))) / ratio
    return ratio, spread
