"""Remembering pure results across episodes of one process, by what they were computed from."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
_DIGESTED = 1024


class _Digests:
    """Hashes of read-only arrays, which are asked for again and again: each is read once."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, tuple[NDArray[np.generic], str]] = OrderedDict()

    def of(self, array: NDArray[np.generic]) -> str:
        if array.flags.writeable:
            return _digest(array)
        known = self._known.get(id(array))
        if known is None:
            # The array is held, so that no other can get its id.
            known = self._known[id(array)] = array, _digest(array)
            if len(self._known) > _DIGESTED:
                self._known.popitem(last=False)
        return known[1]


def _digest(array: NDArray[np.generic]) -> str:
    digest = hashlib.sha256(f"{array.shape} {array.dtype.str} ".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


_digests = _Digests()


def fingerprint(array: NDArray[np.generic]) -> str:
    """A hash of the array's shape and values, the same in every process.

    Beside a key that says where an array came from, it tells when somebody has put another one in
    its place, as a probe that falsifies evidence does.
    """
    return _digests.of(array)


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
