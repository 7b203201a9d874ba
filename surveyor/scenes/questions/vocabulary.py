"""Which categories may be asked about: the exclusions published with VSI-Bench."""

from __future__ import annotations

EXCLUDED_EVERYWHERE = frozenset(
    {"wall", "floor", "ceiling", "cabinet", "picture", "curtain", "otherfurniture", "rug"}
)
EXCLUDED_BY_SOURCE = {
    "scannetpp": frozenset(
        {"shelf", "box", "bottle", "book", "bag", "jacket", "towel", "sink", "window"}
    ),
    "arkitscenes": frozenset({"cabinet", "shelf", "sink", "oven"}),
}


def may_ask(category: str, source: str) -> bool:
    """Whether questions about ``category`` are allowed in scenes from ``source``."""
    return category not in EXCLUDED_EVERYWHERE | EXCLUDED_BY_SOURCE.get(source, frozenset())
