"""The catalogue: every category that a room may hold, under VSI-Bench's names where it has one."""

from __future__ import annotations

from surveyor.scenes.rooms.catalog.bath import BATH
from surveyor.scenes.rooms.catalog.beds import BEDS
from surveyor.scenes.rooms.catalog.decor import DECOR
from surveyor.scenes.rooms.catalog.extras import EXTRAS
from surveyor.scenes.rooms.catalog.kitchen import KITCHEN
from surveyor.scenes.rooms.catalog.model import CatalogEntry, Lamp, Model, SupportSurface
from surveyor.scenes.rooms.catalog.office import OFFICE
from surveyor.scenes.rooms.catalog.seating import SEATING
from surveyor.scenes.rooms.catalog.storage import STORAGE
from surveyor.scenes.rooms.catalog.tables import TABLES

CATALOG: dict[str, CatalogEntry] = {
    **SEATING, **TABLES, **BEDS, **STORAGE, **OFFICE, **DECOR, **KITCHEN, **BATH, **EXTRAS,
}  # fmt: skip

__all__ = ["CATALOG", "CatalogEntry", "Lamp", "Model", "SupportSurface"]
