"""What a supervisor is asked to run, and the files by which it is found."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from surveyor.core.dataset import BLOBS
from surveyor.core.errors import UserError
from surveyor.core.locks import try_lock
from surveyor.services.contract import Endpoints
from surveyor.services.settings import Batching, RequestLimits, Settings

_MEMORY: TypeAdapter[dict[str, int]] = TypeAdapter(dict[str, int])
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def known_device(device: str) -> str:
    """The name of a device, if it is one; `ValueError` says which there are."""
    if not re.fullmatch(r"auto|cpu|cuda:\d+", device):
        raise ValueError(f'device is "auto", "cpu" or "cuda:N", not "{device}"')
    return device


LIGHT_BACKENDS = frozenset({"reference", "replay"})


class ExpertPlan(BaseModel):
    """One expert; ``port`` is taken when it is free, any other when not (0: any)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expert: str
    backend: str = "reference"
    port: int = Field(default=0, ge=0, le=65535)
    device: str = "cpu"
    memory_gib: float = Field(default=0, ge=0, description="GPU memory that it is known to need")
    threads: int = Field(default=1, gt=0)
    model: str | None = None
    revision: str | None = None
    weights: Path | None = None
    python: Path | None = Field(default=None, description="interpreter of its own environment")
    options: dict[str, str] = Field(default_factory=dict)

    @property
    def is_light(self) -> bool:
        """Whether it needs nothing of its own: no environment, GPU or threads."""
        return self.backend in LIGHT_BACKENDS and self.python is None and self.threads == 1


class LaunchPlan(BaseModel):
    """Everything about one set of services; lies as ``plan.json`` in its ``state_dir``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_dir: Path
    experts: tuple[ExpertPlan, ...] = Field(min_length=1)
    datasets: tuple[Path, ...] = ()
    preset: str = "perfect"
    seed: int = 0
    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    token_file: Path | None = None
    limits: RequestLimits = RequestLimits()
    batching: Batching = Batching()
    record: Path | None = None
    shared: bool = Field(default=False, description="light experts live in one process together")
    health_period: float = Field(default=2.0, gt=0, description="seconds between health checks")
    blob_quota: int = Field(default=20 * 1024**3, gt=0, description="bytes of stored blobs")
    grace: float = Field(default=5.0, gt=0, description="seconds to finish requests when stopped")

    @property
    def blob_dir(self) -> Path:
        """Blobs, shared by all workers."""
        return self.state_dir / "blobs"

    @property
    def endpoints_file(self) -> Path:
        """Where clients find the experts."""
        return self.state_dir / "endpoints.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor for as long as it lives; holds its process id."""
        return self.state_dir / "supervisor.lock"

    @property
    def workers_file(self) -> Path:
        """State of each worker, for `status`."""
        return self.state_dir / "workers.json"

    @property
    def memory_file(self) -> Path:
        """GPU memory that each expert was seen to use, for the next placement."""
        return self.state_dir / "memory.json"

    @property
    def log_dir(self) -> Path:
        """One log file per incarnation of each worker."""
        return self.state_dir / "logs"

    @property
    def processes(self) -> tuple[tuple[ExpertPlan, ...], ...]:
        """The experts of each worker process: one, or all light ones where they are shared."""
        together = tuple(one for one in self.experts if self.shared and one.is_light)
        alone = [(one,) for one in self.experts if one not in together]
        return (together, *alone) if together else tuple(alone)

    def check(self) -> None:
        """`UserError` for a plan that must not be carried out."""
        if self.host not in LOOPBACK and self.token_file is None:
            raise UserError(
                f"binding to {self.host} lets others reach the experts: give a token as well, "
                "or bind to 127.0.0.1"
            )
        for one in self.experts:
            try:
                known_device(one.device)
            except ValueError as error:
                raise UserError(str(error)) from None
        names = [one.expert for one in self.experts]
        if len(set(names)) < len(names):
            raise UserError(f"an expert is named twice: {', '.join(sorted(names))}")

    @property
    def known_hosts(self) -> tuple[str, ...]:
        """Names under which the experts may be called; empty (any) where a token guards them.

        A page in a browser can make any name resolve to 127.0.0.1 and ask from there, but it
        cannot hide the name that it asked for.
        """
        if self.host in LOOPBACK:
            return (*LOOPBACK, *self.hosts)
        return self.hosts and (self.host, *LOOPBACK, *self.hosts)

    def _blob_folders(self, one: ExpertPlan) -> tuple[Path, ...]:
        datasets = tuple(dataset / BLOBS for dataset in self.datasets)
        recording = one.options.get("recording")
        return datasets if recording is None else (*datasets, Path(recording) / BLOBS)

    def settings(self, expert: str) -> Settings:
        """What the worker of one expert is given."""
        one = next(plan for plan in self.experts if plan.expert == expert)
        return Settings(
            blob_dir=self.blob_dir,
            blob_folders=self._blob_folders(one),
            token=self.token_file.read_text().strip() if self.token_file else None,
            hosts=self.known_hosts,
            limits=self.limits,
            batching=self.batching,
            # A worker sees only its own GPU, under the number 0.
            device="cuda:0" if one.device.startswith("cuda") else one.device,
            threads=one.threads,
            model=one.model,
            revision=one.revision,
            weights=one.weights,
            datasets=self.datasets,
            preset=self.preset,
            seed=self.seed,
            record=self.record,
            options=one.options,
        )


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """All of the text or none of it, also for a reader at the same moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose another place") from None


def supervisor_pid(lock_file: Path) -> int | None:
    """The living supervisor's process id. The lock decides, because process ids are reused."""
    try:
        with lock_file.open() as file:
            return None if try_lock(file.fileno(), lock_file, shared=True) else int(file.read())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def read_memory(path: Path) -> dict[str, int]:
    """Measured GPU memory by expert, in bytes; empty when nothing was measured yet."""
    try:
        return _MEMORY.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return {}


def read_endpoints(path: Path) -> Endpoints:
    """The endpoints file; `UserError` says what to do when there is none."""
    try:
        return Endpoints.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"no experts are running here (no {path}); start them with `surveyor serve up`"
        ) from None
    except ValidationError as error:
        raise UserError(
            f"{path} is damaged ({error.error_count()} faults); run `surveyor serve up` again"
        ) from None
