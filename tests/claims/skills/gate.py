"""How often the gate opens for nothing: labels of real pairs drawn at random."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from surveyor.skills.gate import GateSettings, Paired, Wealth, compare
from tests.claims.claim import Claim

GATES = 200


def random_labels(pairs: Sequence[Paired], gates: int = GATES, seed: int = 0) -> Iterator[Claim]:
    """Promotions among gates whose "with" and "without" were swapped room by room at random.

    Then no change is worth anything by construction, while scores, costs and rooms are real. The
    bound is what the gate promises for a new library's first comparison, plus what 200 draws may
    exceed it by (the 99th percentile of the binomial).
    """
    settings = GateSettings(alpha=0.2)
    rng = random.Random(seed)
    rooms = sorted({p.new.room for p in pairs})
    rate, promoted = Wealth().budget(settings.alpha), 0
    for _ in range(gates):
        swap = {room: rng.random() < 0.5 for room in rooms}
        drawn = [Paired(p.old, p.new) if swap[p.new.room] else p for p in pairs]
        promoted += compare(drawn, settings, rate).passed
    most = rate * gates + 2.33 * math.sqrt(gates * rate * (1 - rate))
    yield Claim.at_most(
        f"gate: promotions among {gates} gates with random labels",
        promoted,
        math.floor(most),
        f"promised {rate:.3f} each, {rate * gates:.1f} expected; {len(rooms)} rooms",
    )
