"""Remembering pure results across episodes of one process, by what they were computed from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
_LOOKED_AT = 256


def fingerprint(array: NDArray[np.generic]) -> int:
    """A hash of the array's shape and an even sample of its values.

    Beside a key that says where an array came from, it tells when somebody has put another one in
    its place, as a probe that falsifies evidence does.
    """
    step = max(1, array.size // _LOOKED_AT)
    return hash((array.shape, array.ravel()[::step].tobytes()))


class Memo(Generic[T]):
    """The latest ``size`` results; keys must cover everything that a result depends on.

    Questions about one place ask about the same things again: what was lifted or fused from the
    same masks and the same geometry is not computed twice. Values are shared, so nobody may
    change them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result under ``key``, made now if it is not remembered."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = make()
        self._kept[key] = made
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return made
