"""Which expert goes to which GPU: by declared or measured memory, largest first."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveyor.core.errors import UserError
from surveyor.services.plan import ExpertPlan

AUTO = "auto"
_GIBIBYTE = 1 << 30
_QUERY = ("--query-gpu=index,name,memory.total,memory.free", "--format=csv,noheader,nounits")
_PATIENCE = 20.0
_MARGIN = 0.05  # of a GPU's memory stays free


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; memory in bytes."""

    index: int
    name: str
    total: int
    free: int


def place(
    plans: Sequence[ExpertPlan],
    gpus: Sequence[Gpu],
    measured: Mapping[str, int] | None = None,
) -> tuple[ExpertPlan, ...]:
    """Replace the device ``auto`` of each plan by ``cuda:N``, or by ``cpu`` where there is no GPU.

    ``measured`` (bytes by expert, from an earlier run) counts where it exceeds what is declared.
    Largest first onto the GPU with the most room left; `UserError` names what does not fit.
    """
    if not gpus:
        return tuple(
            p.model_copy(update={"device": "cpu"}) if p.device == AUTO else p for p in plans
        )
    needs = {p.expert: _need(p, measured or {}) for p in plans}
    room = {gpu.index: gpu.free - int(_MARGIN * gpu.total) for gpu in gpus}
    for plan in plans:
        if plan.device.startswith("cuda:"):
            index = int(plan.device[5:])
            if index not in room:
                there = ", ".join(f"cuda:{one}" for one in sorted(room))
                raise UserError(f"{plan.expert!r} is to run on {plan.device}; here are {there}")
            room[index] -= needs[plan.expert]
    devices: dict[str, str] = {}
    waiting = [plan for plan in plans if plan.device == AUTO]
    for plan in sorted(waiting, key=lambda p: -needs[p.expert]):
        given = list(devices.values())
        # Where nobody declares anything, one after the other beats all on the first.
        index = max(room, key=lambda i: (room[i], -given.count(f"cuda:{i}"), -i))
        if room[index] < needs[plan.expert]:
            raise UserError(
                f"{plan.expert!r} needs {needs[plan.expert] / _GIBIBYTE:.1f} GiB of GPU memory and "
                f"the emptiest GPU has {max(0, room[index]) / _GIBIBYTE:.1f} GiB left; choose a "
                'smaller model, another GPU, or device = "cpu"'
            )
        room[index] -= needs[plan.expert]
        devices[plan.expert] = f"cuda:{index}"
    return tuple(
        p.model_copy(update={"device": devices[p.expert]}) if p.expert in devices else p
        for p in plans
    )


def listed_gpus(table: str) -> list[Gpu]:
    """GPUs from what `nvidia-smi` prints for `_QUERY`; lines of another form are passed over.

    >>> listed_gpus("0, NVIDIA H200, 143771, 143000")[0].name
    'NVIDIA H200'
    """
    gpus = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 4 and all(cells[k].isascii() and cells[k].isdecimal() for k in (0, 2, 3)):
            total, free = (int(cell) << 20 for cell in cells[2:])
            gpus.append(Gpu(int(cells[0]), cells[1], total, free))
    return gpus


def _asked_gpus() -> list[Gpu]:
    """The GPUs that `nvidia-smi` knows; none where it is not, or fails."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        done = subprocess.run(
            [tool, *_QUERY], capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return listed_gpus(done.stdout) if done.returncode == 0 else []


def present_gpus() -> list[Gpu]:
    """The GPUs of this machine, by nvidia-ml-py or by `nvidia-smi`; none without a driver."""
    try:
        import pynvml
    except ImportError:
        return _asked_gpus()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    gpus = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        name = str(pynvml.nvmlDeviceGetName(handle))
        gpus.append(Gpu(index, name, int(memory.total), int(memory.free)))
    pynvml.nvmlShutdown()
    return gpus


def gpu_memory_by_process() -> dict[int, int]:
    """Bytes of GPU memory that each process uses, over all GPUs; empty without NVML."""
    try:
        import pynvml
    except ImportError:
        return {}
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return {}
    used: dict[int, int] = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle):
            used[process.pid] = used.get(process.pid, 0) + int(process.usedGpuMemory or 0)
    pynvml.nvmlShutdown()
    return used


def _need(plan: ExpertPlan, measured: Mapping[str, int]) -> int:
    declared = int(plan.memory_gib * _GIBIBYTE)
    return max(declared, measured.get(plan.expert, 0))
