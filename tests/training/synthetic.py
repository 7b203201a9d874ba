"""The made-up world that evolution is tested in; the claims use it too."""

from __future__ import annotations

from tests.claims.skills.world import (
    DrawnPlayer,
    cases,
    chance,
    draw,
    logged_player,
    say,
    settings,
    suited,
)

__all__ = [
    "DrawnPlayer",
    "cases",
    "chance",
    "draw",
    "logged_player",
    "say",
    "settings",
    "suited",
]
