"""All loaders by name. Loading one imports its module only."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from surveyor.benchmarks.loaders.base import Loader
from surveyor.core.errors import UserError
from surveyor.core.wording import closest

_HOMES: Final = {
    "vsi-bench": "surveyor.benchmarks.loaders.vsi",
    "mmsi-bench": "surveyor.benchmarks.loaders.image_questions",
    "cv-bench-3d": "surveyor.benchmarks.loaders.image_questions",
    "blink": "surveyor.benchmarks.loaders.image_questions",
    "scanqa": "surveyor.benchmarks.loaders.scan_questions",
    "sqa3d": "surveyor.benchmarks.loaders.scan_questions",
    "scanrefer": "surveyor.benchmarks.loaders.scan_grounding",
    "multi3drefer": "surveyor.benchmarks.loaders.scan_grounding",
    "reason3d": "surveyor.benchmarks.loaders.scan_grounding",
    "scan2cap": "surveyor.benchmarks.loaders.scan_captions",
    "gpt4scene": "surveyor.benchmarks.loaders.gpt4scene",
    "skill3d": "surveyor.benchmarks.loaders.skill3d",
    **dict.fromkeys(
        (
            *("mindcube", "viewspatial", "site", "3dsrbench", "embspatial", "blink-14", "spar"),
            *("mmsi-video", "omnispatial", "revsi", "refspatial", "robospatial", "erqa"),
            *("vsi-super", "own"),
        ),
        "surveyor.benchmarks.loaders.mapped",
    ),
}


def loader_names() -> tuple[str, ...]:
    """Every benchmark that `loader_named` knows, in the order of the documentation."""
    return tuple(_HOMES)


def loader_named(name: str) -> Loader:
    """The loader of that name; raises `UserError` that lists the known ones."""
    if name not in _HOMES:
        hint = closest(name, _HOMES) or f"; choose from: {', '.join(_HOMES)}"
        raise UserError(f"There is no benchmark {name!r}{hint}")
    loaders: tuple[Loader, ...] = import_module(_HOMES[name]).LOADERS
    return next(loader for loader in loaders if loader.name == name)
