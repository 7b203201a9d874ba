"""Random numbers that belong to a thing, not to a moment: repeat calls agree."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np


def generator(*parts: object) -> np.random.Generator:
    """A generator that depends on exactly ``parts`` (scene, frame, expert, object, seed ...)."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def chance(whose: Sequence[object], frame: int, joint: float) -> float:
    """A uniform number for one object in one frame, correlated between its frames.

    Gaussian copula: ``joint`` is the correlation of the underlying normals of two frames.
    """
    common = generator(*whose, "common").normal()
    own = generator(*whose, "own", frame).normal()
    mixed = math.sqrt(joint) * common + math.sqrt(1 - joint) * own
    return 0.5 * (1 + math.erf(mixed / math.sqrt(2)))


def probability(logit: float) -> float:
    """Logistic function, without overflow."""
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, logit))))
