"""Who made a result."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Producer(BaseModel):
    """Who made a result: expert or tool, its version and the hash of its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    weights: str = ""
    backend: str = ""
    device: str = ""
