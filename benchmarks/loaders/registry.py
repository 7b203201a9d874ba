"""All loaders by name. Loading one imports its module only."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from benchmarks.loaders.base import Loader
from memory.errors import UserError

_HOMES: Final = {
    "vsi-bench": "benchmarks.loaders.vsi",
    "mmsi-bench": "benchmarks.loaders.pictured",
    "cv-bench-3d": "benchmarks.loaders.pictured",
    "blink": "benchmarks.loaders.pictured",
    "scanqa": "benchmarks.loaders.answered",
    "sqa3d": "benchmarks.loaders.answered",
    "scanrefer": "benchmarks.loaders.referred",
    "multi3drefer": "benchmarks.loaders.referred",
    "reason3d": "benchmarks.loaders.referred",
    "skill3d": "benchmarks.loaders.skill3d",
}


def loader_names() -> tuple[str, ...]:
    """Every benchmark that `loader_named` knows, in the order of the documentation."""
    return tuple(_HOMES)


def loader_named(name: str) -> Loader:
    """The loader of that name; raises `UserError` that lists the known ones."""
    if name not in _HOMES:
        raise UserError(f"There is no benchmark {name!r}; choose from: {', '.join(_HOMES)}.")
    loaders: tuple[Loader, ...] = import_module(_HOMES[name]).LOADERS
    return next(loader for loader in loaders if loader.name == name)
