"""The base of records that are written to files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FrozenRecord(BaseModel):
    """Never changed once made, and refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
