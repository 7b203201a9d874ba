"""How many episodes fit into a step, from measured memory rather than from a table."""

from __future__ import annotations

import math
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.core.errors import UserError
from surveyor.training.extras import need

MARGIN = 0.9
"""The share of the memory that is planned with: fragments and longer rows take the rest."""


@dataclass(frozen=True, slots=True)
class Fit:
    """``batch`` episodes a device, ``accumulate`` batches an update; bytes are those expected."""

    batch: int
    accumulate: int
    expected: int


def fit(measured: Mapping[int, int], available: int, wanted: int, devices: int = 1) -> Fit:
    """The largest batch for which memory (bytes by batch size) stays within ``available``.

    Memory grows by the same for every episode of a batch: a line through the smallest and the
    largest measured size says by how much. ``wanted`` episodes an update are reached or passed by
    as little as can be. Raises `UserError` when not even one episode fits.
    """
    sizes = sorted(measured)
    each = 0.0
    if len(sizes) > 1:
        each = max(0.0, (measured[sizes[-1]] - measured[sizes[0]]) / (sizes[-1] - sizes[0]))
    base = measured[sizes[0]] - each * sizes[0]
    room = MARGIN * available - base
    most = math.ceil(wanted / devices)
    batch = min(most, int(room / each) if each else most)
    if batch < 1 or room < 0:
        raise UserError(
            f"one episode takes {(base + each) / 1e9:.2f} GB and there are {available / 1e9:.2f}; "
            "train adapters with --lora, shard the model (docs/training.md), or leave long "
            "episodes out with --longest"
        )
    accumulate = math.ceil(most / batch)
    batch = math.ceil(most / accumulate)  # as even as can be
    return Fit(batch, accumulate, round(base + each * batch))


def peak_of_step(model: Any, batch: Mapping[str, Any]) -> int:
    """Bytes at the peak of one update: forward, backward, and an optimizer's two moments.

    On a GPU of its memory; on a CPU the process's largest resident size so far, so measure sizes
    in rising order.
    """
    torch = need("torch")
    gpu = next(model.parameters()).is_cuda
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=0.0)
    model(**batch).loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if gpu:
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def available_bytes() -> int:
    """Memory of the first GPU; on a CPU what is free and what this process has already."""
    torch = need("torch")
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[1])
    with Path("/proc/meminfo").open() as file:
        free = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    return free * 1024 + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
