"""Must-show of evolution: the lift on unseen rooms, how often it errs, chat models, kill -9.

By default at sizes that two loaded cores manage in half an hour; ``SURVEYOR_CLAIMS=full`` measures
at the sizes that are promised (160 + 120 rooms, 3 error seeds, 300 worlds), in about an hour and a
half on two quiet cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from tests.claims.claim import Claim
from tests.claims.skills import chat_evolution, gate_power, killed, lift, procedure

FULL = os.environ.get("SURVEYOR_CLAIMS") == "full"


def measure() -> Iterator[Claim]:
    """Claims, the quick ones first."""
    yield from procedure.planted(20 if FULL else 5, rooms=48)
    yield from procedure.false_promotions(300 if FULL else 60, rooms=48)
    yield from gate_power.power(200 if FULL else 40, rooms=160)
    yield from procedure.power(40 if FULL else 12, rooms=160)
    yield from killed.measure(kills=20 if FULL else 4, rooms=24)
    yield from chat_evolution.measure()
    yield from lift.measure(lift.FULL if FULL else lift.SMALL)
