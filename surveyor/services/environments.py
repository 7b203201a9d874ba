"""Python environments for neural experts: each may live in one of its own, with pinned versions.

The packages of one expert can contradict those of another (and of the user's own project), so an
expert is a process in whichever environment fits it. The pins here are the ones that the tests
run with; `requirements/models-constraints.txt` holds the complete set.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.services.neural.model_cards import CARDS

Run = Callable[[Sequence[str]], int]

PINS = {
    "torch": "2.13.0",
    "torchvision": "0.28.0",
    "transformers": "5.23.0",
    "safetensors": "0.8.0",
    "huggingface-hub": "2.4.0",
    "numpy": "2.4.6",
    "spandrel": "0.4.2",
    "depth-anything-3": "0.1.1",
    "timm": "1.0.31",
    "addict": "2.4.0",
    "einops": "0.8.2",
    "omegaconf": "2.4.0",
    "fastapi": "0.165.0",
    "uvicorn": "0.54.0",
    "pydantic": "2.14.3",
    "httpx2": "2.16.2",
    "orjson": "3.13.0",
    "pillow": "13.0.0",
    "prometheus-client": "0.26.0",
    "scipy": "1.17.1",
}
_SERVING = (
    "fastapi",
    "httpx2",
    "numpy",
    "orjson",
    "pillow",
    "prometheus-client",
    "pydantic",
    "safetensors",
    "scipy",
    "uvicorn",
)
# Module of a card -> packages that bring it.
_BRINGS = {
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "transformers": ("transformers",),
    "spandrel": ("spandrel", "torchvision"),
    "einops": ("einops",),
    "omegaconf": ("omegaconf",),
    "addict": ("addict",),
    "huggingface_hub": ("huggingface-hub",),
}
# Installed without dependencies: what they declare contradicts the rest, or is there already.
_ALONE = {"depth_anything_3": "depth-anything-3", "timm": "timm"}
# On no package index: the user installs a commit of their choice.
_OWN = {
    "pi3": "https://github.com/yyfz/Pi3",
    "vggt": "https://github.com/facebookresearch/vggt",
    "mapanything": "https://github.com/facebookresearch/map-anything",
}
_ORIENT = "https://github.com/SpatialVision/Orient-Anything-V2"


class EnvironmentPlan(BaseModel):
    """Commands that make one environment, and what is left to the user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expert: str
    route: str
    folder: Path
    commands: tuple[tuple[str, ...], ...]
    by_hand: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """The environment's interpreter: what a worker of this expert is started with."""
        return self.folder / "bin" / "python"


def plan_environment(
    expert: str, root: Path, *, route: str | None = None, pip: Sequence[str] = ()
) -> EnvironmentPlan:
    """What `create` would run; ``pip`` are further arguments for every ``pip install``.

    `UserError` when the expert has no neural adapter or no such route.
    """
    if expert not in CARDS:
        raise UserError(
            f"there is no neural expert {expert!r}; choose from: {', '.join(sorted(CARDS))}"
        )
    routes = CARDS[expert]
    name = route or next(iter(routes))
    if name not in routes:
        raise UserError(f"{expert} has no route {name!r}; choose from: {', '.join(routes)}")
    modules = routes[name].modules
    folder = root / (expert if route is None else f"{expert}-{name}")
    python = str(folder / "bin" / "python")
    install = (python, "-m", "pip", "install", "--disable-pip-version-check", *pip)
    packages = dict.fromkeys((*(p for m in modules for p in _BRINGS.get(m, ())), *_SERVING))
    alone = [_pinned(_ALONE[module]) for module in modules if module in _ALONE]
    return EnvironmentPlan(
        expert=expert,
        route=name,
        folder=folder,
        commands=(
            (sys.executable, "-m", "venv", str(folder)),
            (*install, *(_pinned(package) for package in packages)),
            *(((*install, "--no-deps", *alone),) if alone else ()),
        ),
        by_hand=tuple(_by_hand(expert, module, python) for module in modules if module in _OWN),
    )


def _by_hand(expert: str, module: str, python: str) -> str:
    """How to install a package that no index has; `COMMIT` is the user's choice."""
    if expert == "orient":  # its repository brings a vggt that it has changed, and no installer
        return (
            f"git clone {_ORIENT} FOLDER, check out a commit, and write FOLDER into a file "
            f"orient.pth in the site-packages of {python} (it brings the {module} that it needs)"
        )
    return f"{python} -m pip install git+{_OWN[module]}@COMMIT"


def create(plan: EnvironmentPlan, run: Run | None = None) -> Path:
    """Carry out a plan and check that the expert's modules can be found; the interpreter's path.

    An existing folder is an error, so that nobody's environment is changed under them.
    ``run`` executes one command and returns its exit code.
    """
    if plan.folder.exists():
        raise UserError(f"{plan.folder} exists already; remove it to make the environment anew")
    execute = run or _execute
    for command in plan.commands:
        code = execute(command)
        if code != 0:
            raise InfrastructureError(
                f"making the environment of {plan.expert} stopped: `{' '.join(command)}` failed "
                f"with exit code {code}; what is there lies in {plan.folder}"
            )
    return plan.python


def python_of(expert: str, root: Path, route: str | None = None) -> Path | None:
    """The interpreter of an environment made here, or None when there is none."""
    python = root / (expert if route is None else f"{expert}-{route}") / "bin" / "python"
    return python if python.exists() else None


def _pinned(package: str) -> str:
    return f"{package}=={PINS[package]}"


def _execute(command: Sequence[str]) -> int:
    return subprocess.run(command, check=False).returncode
