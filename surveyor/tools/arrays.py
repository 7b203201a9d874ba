"""Arrays on the wire: `.npy`, never pickled."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import InfrastructureError


def decode_npy(data: bytes) -> NDArray[np.generic]:
    """A read-only array from the bytes of an `.npy` file."""
    try:
        array: NDArray[np.generic] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InfrastructureError(f"an expert sent a damaged array: {error}") from error
    array.setflags(write=False)
    return array
