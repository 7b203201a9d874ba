"""Plans of environments, and how they are carried out; pip itself is not run here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.services.environments import (
    PINS,
    create,
    plan_environment,
    python_of,
)
from surveyor.services.neural.model_cards import CARDS

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
ROUTES = [(expert, route) for expert, cards in CARDS.items() for route in cards]


def test_pins_agree_with_the_tested_constraints() -> None:
    lines = (REQUIREMENTS / "models-constraints.txt").read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9._-]+)==([^\s#]+)", line) for line in lines)
    constraints = {m[1].lower().replace("_", "-").replace(".", "-"): m[2] for m in found if m}
    alone = {"depth-anything-3", "timm"}
    assert {name: constraints.get(name) for name in PINS if name not in alone} == {
        name: version for name, version in PINS.items() if name not in alone
    }


@pytest.mark.parametrize(("expert", "route"), ROUTES)
def test_every_module_of_every_route_is_installed_or_left_to_the_user(
    expert: str, route: str, tmp_path: Path
) -> None:
    plan = plan_environment(expert, tmp_path, route=route)
    packages = {argument.partition("==")[0] for command in plan.commands for argument in command}
    own = " ".join(plan.by_hand)
    for module in CARDS[expert][route].modules:
        assert module in packages or module.replace("_", "-") in packages or module in own.lower()
    assert {"torch", "fastapi", "numpy"} <= packages


def test_every_package_is_pinned_and_torch_comes_in_the_same_call_as_what_needs_it(
    tmp_path: Path,
) -> None:
    plan = plan_environment("restore", tmp_path)
    _, install = plan.commands
    packages = install[install.index("--disable-pip-version-check") + 1 :]
    assert all("==" in package for package in packages)
    assert {"torch==2.13.0", "torchvision==0.28.0", "spandrel==0.4.2"} <= set(packages)


def test_depth_anything_3_is_installed_without_what_it_declares(tmp_path: Path) -> None:
    *_, last = plan_environment("depth", tmp_path).commands
    assert last[-2:] == ("--no-deps", f"depth-anything-3=={PINS['depth-anything-3']}")


def test_extra_pip_arguments_reach_every_install(tmp_path: Path) -> None:
    plan = plan_environment("depth", tmp_path, pip=("--no-index", "--find-links", "wheels"))
    assert all("--no-index" in command for command in plan.commands[1:])


def test_what_is_on_no_index_is_left_to_the_user(tmp_path: Path) -> None:
    plan = plan_environment("reconstruct", tmp_path, route="pi3x")
    assert plan.folder.name == "reconstruct-pi3x"
    assert plan.by_hand == (f"{plan.python} -m pip install git+https://github.com/yyfz/Pi3@COMMIT",)


def test_orient_anything_2_is_told_to_bring_its_own_vggt(tmp_path: Path) -> None:
    (told,) = plan_environment("orient", tmp_path, route="v2").by_hand
    assert "SpatialVision/Orient-Anything-V2" in told
    assert "facebookresearch" not in told


def test_unknown_experts_and_routes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no neural expert 'scene'; choose from: depth, detect"):
        plan_environment("scene", tmp_path)
    with pytest.raises(UserError, match="detect has no route 'yolo'; choose from: base, tiny"):
        plan_environment("detect", tmp_path, route="yolo")


def test_create_runs_the_commands_in_order_and_never_touches_what_exists(tmp_path: Path) -> None:
    plan = plan_environment("detect", tmp_path)
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> int:
        ran.append(command)
        plan.python.parent.mkdir(parents=True, exist_ok=True)
        plan.python.touch()
        return 0

    assert python_of("detect", tmp_path) is None
    assert create(plan, run) == plan.python == python_of("detect", tmp_path)
    assert tuple(map(tuple, ran)) == plan.commands
    with pytest.raises(UserError, match="exists already"):
        create(plan, run)
    assert len(ran) == len(plan.commands)


def test_a_failing_command_is_named(tmp_path: Path) -> None:
    plan = plan_environment("detect", tmp_path)
    with pytest.raises(InfrastructureError, match=r"venv.* failed with exit code 3"):
        create(plan, lambda _: 3)


def test_the_command_refuses_what_is_no_neural_expert(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from surveyor.cli.serve import app

    done = CliRunner().invoke(app, ["env", "scene", "--root", str(tmp_path)])
    assert isinstance(done.exception, UserError)
    assert not list(tmp_path.iterdir())
