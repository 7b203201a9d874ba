"""Must-show of long walks: does what an agent can see of a scene decide how to look?

By default on six places, which takes about six CPU minutes; ``SURVEYOR_CLAIMS=full`` takes the
sixty that are promised. Places and rollouts are kept: a larger measurement goes on from a smaller.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from tests.claims.claim import Claim
from tests.claims.skills import long_walks

FULL = os.environ.get("SURVEYOR_CLAIMS") == "full"


def measure() -> Iterator[Claim]:
    """Claims, each as soon as it is measured."""
    yield from long_walks.measure(60 if FULL else 6)
