"""The catalogue: every category that a room may hold, under VSI-Bench's names where it has one."""

from __future__ import annotations

from scenes.catalog.bath import BATH
from scenes.catalog.beds import BEDS
from scenes.catalog.decor import DECOR
from scenes.catalog.extras import EXTRAS
from scenes.catalog.kitchen import KITCHEN
from scenes.catalog.model import Entry, Lamp, Model, Support
from scenes.catalog.office import OFFICE
from scenes.catalog.seating import SEATING
from scenes.catalog.storage import STORAGE
from scenes.catalog.tables import TABLES

CATALOG: dict[str, Entry] = {
    **SEATING, **TABLES, **BEDS, **STORAGE, **OFFICE, **DECOR, **KITCHEN, **BATH, **EXTRAS,
}  # fmt: skip

__all__ = ["CATALOG", "Entry", "Lamp", "Model", "Support"]
