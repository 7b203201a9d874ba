"""`experts.toml`: what to serve, where, with which models.

::

    state = "out/experts"            # endpoints file, logs, blobs
    datasets = ["out/rooms"]           # for reference experts
    preset = "realistic"
    host = "127.0.0.1"
    hosts = ["experts.lan"]          # further names by which clients call this machine
    token = false                    # true: make one, ask every client for it

    [limits]                         # see surveyor.services.settings.Limits
    body_bytes = 67108864

    [experts.detect]
    backend = "neural"
    model = "IDEA-Research/grounding-dino-base"
    device = "auto"                  # or "cuda:0", "cpu"
    memory_gib = 5
    python = "envs/detect/bin/python"
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem
from surveyor.services.contract import EXPERTS
from surveyor.services.plan import ExpertPlan, LaunchPlan, known_device
from surveyor.services.settings import Batching, RequestLimits

# Ports that existing clients of such experts know; taken only when they are free.
KNOWN_PORTS = {
    "depth": 20019,
    "segment": 20020,
    "detect": 20022,
    "reconstruct": 20030,
    "restore": 20032,
    "orient": 20034,
}


class ExpertEntry(BaseModel):
    """One ``[experts.<name>]`` table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = "reference"
    port: int | None = Field(default=None, ge=0, le=65535)
    device: str = "auto"
    memory_gib: float = Field(default=0, ge=0)
    threads: int = Field(default=1, gt=0)
    model: str | None = None
    revision: str | None = None
    weights: Path | None = None
    python: Path | None = None
    options: dict[str, str | int | float] = Field(default_factory=dict)

    @field_validator("device")
    @classmethod
    def _known(cls, device: str) -> str:
        return known_device(device)


class ServeConfig(BaseModel):
    """The whole file; relative paths are relative to its folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experts: dict[str, ExpertEntry] = Field(min_length=1)
    state: Path = Path("out/experts")
    datasets: tuple[Path, ...] = ()
    preset: str = "perfect"
    seed: int = 0
    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    token: bool = False
    record: Path | None = None
    limits: RequestLimits = RequestLimits()
    batching: Batching = Batching()


def read_config(path: Path) -> ServeConfig:
    """The configuration; `UserError` names the line or the key that is wrong."""
    try:
        config = ServeConfig.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        raise UserError(f"{path}: {first_problem(error)}") from None
    unknown = sorted(set(config.experts) - set(EXPERTS))
    if unknown:
        raise UserError(
            f"{path}: there is no expert {unknown[0]!r}; choose from: {', '.join(EXPERTS)}"
        )
    return config


def plan_of(config: ServeConfig, base: Path, token_file: Path | None = None) -> LaunchPlan:
    """What the supervisor is to run; ``base`` is the folder that relative paths start from."""
    return LaunchPlan(
        state_dir=(base / config.state).resolve(),
        experts=tuple(_expert(name, one, base) for name, one in config.experts.items()),
        datasets=tuple((base / dataset).resolve() for dataset in config.datasets),
        preset=config.preset,
        seed=config.seed,
        host=config.host,
        hosts=config.hosts,
        token_file=token_file,
        record=None if config.record is None else (base / config.record).resolve(),
        limits=config.limits,
        batching=config.batching,
    )


def _expert(name: str, one: ExpertEntry, base: Path) -> ExpertPlan:
    port = KNOWN_PORTS.get(name, 0) if one.port is None else one.port
    return ExpertPlan(
        expert=name,
        backend=one.backend,
        port=port,
        device=one.device,
        memory_gib=one.memory_gib,
        threads=one.threads,
        model=one.model,
        revision=one.revision,
        # Not resolved: the hub's cache and environments are links that must keep their names.
        weights=None if one.weights is None else (base / one.weights).absolute(),
        python=None if one.python is None else (base / one.python).absolute(),
        options={key: str(value) for key, value in one.options.items()},
    )
