"""Mean relative accuracy: the share of ten tolerances that a number stays within."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def tolerances() -> tuple[float, ...]:
    """The ten relative errors of MRA, largest first, to the last bit.

    They are ``1 - linspace(.5, .95, 10)`` and not the decimals they look like (the second is
    0.44999999999999996), which decides rows whose error is exactly on a threshold.
    """
    return tuple(float(t) for t in 1 - np.linspace(0.5, 0.95, 10))


def share_within(error: float) -> float:
    """The share of the ten tolerances that are at least ``error``, 0..1."""
    return sum(error <= tolerance for tolerance in tolerances()) / len(tolerances())


def relative_accuracy(guess: float, target: float) -> float:
    """MRA by the size of the relative error; where the target is 0, by the error itself."""
    error = abs(guess - target)
    return share_within(error if target == 0 else abs((guess - target) / target))
