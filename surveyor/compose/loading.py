"""Datasets of places that others captured: what `surveyor load` does beside benchmarks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.core.dataset import what_was_made
from surveyor.core.errors import UserError
from surveyor.scenes.formats.captures import CAPTURES

PLACES = ("webxr", "roomplan", *CAPTURES)
"""Names that `load_places` knows."""
_ALL = 10_000


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """What was asked for; ``rule`` says how many evenly spaced views each place gets."""

    name: str
    source: Path
    out: Path
    split: str | None
    rule: FrameRule
    scenes: int | None = None

    @property
    def views(self) -> int | None:
        """How many, ``None`` for as many as usual."""
        return self.rule.n if self.rule.kind == "uniform" else None


def load_places(asked: PlaceRequest) -> None:
    """Make the dataset and say what is in it; `UserError` where there is nothing to ask."""
    if asked.rule.kind not in ("all", "uniform"):
        raise UserError(f"{asked.name} is shown in evenly spaced views: say --frames uniform:N")
    if asked.name == "webxr":
        _captured(asked)
    elif asked.name == "roomplan":
        _anchored(asked)
    else:
        _posed(asked)


def _captured(asked: PlaceRequest) -> None:
    from surveyor.scenes.datasets.scans import make_scans_dataset, scan_settings
    from surveyor.scenes.formats.webxr import read_webxr

    manifest = make_scans_dataset(
        asked.out,
        read_webxr(asked.source),
        settings=scan_settings(asked.split, asked.rule.n),
        progress=lambda done, total: print(f"room {done} of {total}", flush=True),
    )
    print(what_was_made(manifest, asked.out))


def _anchored(asked: PlaceRequest) -> None:
    from surveyor.scenes.datasets.roomplan import REJECTED, make_roomplan_dataset

    manifest, rejected = make_roomplan_dataset(
        asked.source,
        asked.out,
        views=asked.views or _ALL,
        scenes=asked.scenes,
        split=asked.split or "test",
    )
    print(what_was_made(manifest, asked.out, asked="anchor"))
    if rejected:
        print(f"{len(rejected)} objects ask nothing; {asked.out / REJECTED} says why of each:")
        for reason, times in Counter(row.reason for row in rejected).most_common(5):
            print(f"  {times:>4}  {reason}")


def _posed(asked: PlaceRequest) -> None:
    from surveyor.scenes.datasets.posed import make_posed_dataset
    from surveyor.scenes.formats.captures import read_captures

    scenes = read_captures(asked.name, asked.source)
    manifest = make_posed_dataset(
        asked.out,
        scenes,
        name=asked.name,
        split=asked.split or "test",
        frames=asked.views or 32,
    )
    count = sum(manifest.questions.values())
    if not count:
        raise UserError(f"nothing can be asked about {asked.source}: too few frames or objects")
    print(what_was_made(manifest, asked.out))
    print(f"run it: surveyor run {asked.out}")
