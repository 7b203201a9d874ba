"""From a folder of checkpoints, however it is laid out, to experts that serve them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.services.environments import plan_environment, python_of
from surveyor.services.neural.checkpoints import (
    CONFIG,
    SAFETENSORS,
    WEIGHT_SUFFIXES,
    Kind,
    recognise,
)
from surveyor.services.neural.model_cards import CARDS
from surveyor.services.plan import ExpertPlan

_ANY_VIEW = {("reconstruct", "da3"), ("reconstruct", "da3-base")}
_LACKING = (
    "import sys, importlib.util as u; print(*[m for m in sys.argv[1:] if not u.find_spec(m)])"
)


@dataclass(frozen=True, slots=True)
class FoundCheckpoint:
    """A checkpoint and the route that loads it."""

    path: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class Left:
    """A checkpoint that stays unused, and why."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a folder holds. ``found`` has one checkpoint an expert, ``missing`` are the experts
    for which there is none."""

    root: Path
    found: tuple[FoundCheckpoint, ...]
    left: tuple[Left, ...]
    missing: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """What an operator should read, one line each."""
        for one in self.found:
            kind = one.kind
            yield f"found     {kind.expert:<12} {self._short(one.path)}: {kind.what}, {kind.route}"
        for other in self.left:
            yield f"not used  {self._short(other.path)}: {other.why}"
        for expert in self.missing:
            card = next(iter(CARDS[expert].values()))
            yield f"missing   {expert:<12} {card.model} ({card.source}), licence {card.licence}"

    def _short(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path != self.root else str(path)


def survey(root: Path) -> Survey:
    """Look at every checkpoint below a folder; `UserError` when it is no folder.

    Of several for one expert the first in the order of its routes is taken, then of the paths.
    """
    if not root.is_dir():
        raise UserError(f"{root} is no folder; give one that holds checkpoints")
    seen = [(path, recognise(path)) for path in _checkpoints(root)]
    usable = sorted(
        (FoundCheckpoint(path, kind) for path, kind in seen if kind is not None and kind.route),
        key=lambda one: (list(CARDS[one.kind.expert]).index(one.kind.route), one.path),
    )
    first: dict[str, FoundCheckpoint] = {}
    left = [
        Left(path, f"{kind.what}: {kind.why}" if kind else "no checkpoint that is known here")
        for path, kind in seen
        if kind is None or not kind.route
    ]
    for one in usable:
        taken = first.setdefault(one.kind.expert, one)
        if taken is not one:
            why = f"{one.kind.what}: {one.kind.expert} has another; choose in an experts.toml"
            left.append(Left(one.path, why))
    found = tuple(first[expert] for expert in CARDS if expert in first)
    served = {expert for one in found for expert in _experts(one)}
    missing = tuple(expert for expert in CARDS if expert not in served)
    return Survey(root, found, tuple(left), missing)


def expert_plans(
    told: Survey, envs: Path, *, only: tuple[str, ...] = (), device: str = "auto"
) -> tuple[tuple[ExpertPlan, ...], tuple[Left, ...]]:
    """Plans for what was found, and what cannot start because its packages are not installed.

    Each expert runs in its environment below ``envs`` where there is one, else in this one.
    ``only`` names the experts wanted, all if none.
    """
    plans, left = [], []
    for one in told.found:
        for expert in _experts(one):
            if only and expert not in only:
                continue
            route = one.kind.route
            python = _python(one.kind.expert, route, envs)
            lacking = _lacking(python, CARDS[expert][route].modules)
            if lacking:
                left.append(Left(one.path, _how_to_install(one.kind, lacking, envs)))
                continue
            plan = ExpertPlan(
                expert=expert,
                backend="neural",
                device=device,
                weights=one.path.absolute(),
                python=python,
                options=_options(one.kind, told),
            )
            plans.append(plan)
    return tuple(plans), tuple(dict.fromkeys(left))


def _options(kind: Kind, told: Survey) -> dict[str, str]:
    """The route; for canonical depth also a network that can estimate focal lengths."""
    views = [one.path for one in told.found if (one.kind.expert, one.kind.route) in _ANY_VIEW]
    if (kind.expert, kind.route) == ("depth", "da3") and views:
        return {"route": kind.route, "focal_weights": str(views[0].absolute())}
    return {"route": kind.route}


def _experts(one: FoundCheckpoint) -> tuple[str, ...]:
    """`render_view` draws what `reconstruct` reconstructs."""
    expert = one.kind.expert
    return (expert, "render_view") if expert == "reconstruct" else (expert,)


def _checkpoints(root: Path) -> list[Path]:
    """Folders that are a checkpoint, and files of weights in other folders, in order of path."""
    found: list[Path] = []
    for name, folders, files in os.walk(root, followlinks=True):
        folder = Path(name)
        folders[:] = sorted(one for one in folders if not _leads_back(folder / one))
        if CONFIG in files and SAFETENSORS in files:
            found.append(folder)
            continue
        found += [folder / one for one in sorted(files) if Path(one).suffix in WEIGHT_SUFFIXES]
    return sorted(found)


def _leads_back(folder: Path) -> bool:
    """A link to one of the folders that it lies in would be walked for ever."""
    return folder.is_symlink() and folder.resolve() in folder.absolute().parent.resolve().parents


def _python(expert: str, route: str, envs: Path) -> Path | None:
    """The interpreter of the environment that `surveyor serve env` made, or None."""
    return python_of(expert, envs, route) or python_of(expert, envs)


def _lacking(python: Path | None, modules: tuple[str, ...]) -> list[str]:
    """Modules that cannot be found there (None: here)."""
    if python is None:
        return [name for name in modules if find_spec(name) is None]
    command = [str(python), "-c", _LACKING, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else list(modules)


def _how_to_install(kind: Kind, lacking: list[str], envs: Path) -> str:
    default = kind.route == next(iter(CARDS[kind.expert]))
    which = "" if default else f" --route {kind.route}"
    plan = plan_environment(kind.expert, envs, route=None if default else kind.route)
    then = "".join(f", then {command}" for command in plan.by_hand)
    return (
        f"{kind.what} needs {', '.join(lacking)}, not installed: "
        f"`surveyor serve env {kind.expert}{which}`{then}"
    )
