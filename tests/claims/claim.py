"""A claim: a measured number beside the bound it is held to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of `make claims`. ``bound`` is printed as given, e.g. ``>= 0.90``."""

    name: str
    value: float | str
    bound: str
    ok: bool
    note: str = ""

    @classmethod
    def at_least(cls, name: str, value: float, bound: float, note: str = "") -> Claim:
        """A number that must reach ``bound``."""
        return cls(name, value, f">= {bound:g}", value >= bound, note)

    @classmethod
    def at_most(cls, name: str, value: float, bound: float, note: str = "") -> Claim:
        """A number that must not exceed ``bound``."""
        return cls(name, value, f"<= {bound:g}", value <= bound, note)

    @classmethod
    def holds(cls, name: str, ok: bool, value: str = "", note: str = "") -> Claim:
        """A statement that is true or false."""
        return cls(name, value or ("yes" if ok else "no"), "yes", ok, note)

    def __str__(self) -> str:
        """The row as `make claims` prints it."""
        value = f"{self.value:.4g}" if isinstance(self.value, float) else str(self.value)
        mark = "ok  " if self.ok else "MISS"
        note = f"   {self.note}" if self.note else ""
        return f"{mark} {self.name:<62} {value:>12}   {self.bound:<12}{note}"
