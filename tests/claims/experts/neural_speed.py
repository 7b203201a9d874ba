"""How fast every neural adapter is at its real size, and how much of that is the model's own time.

``python -m tests.claims.experts.neural_speed`` on a machine with a GPU builds each model at its
real size with random weights, measures the adapter's ``forward_batch`` against the bare model on
inputs that already lie on the device, and prints a table for `docs/neural-experts.md`. Without a
GPU it says so and measures nothing; ``--tiny`` runs the same measurement on the tiny models, on any
device, as a check of the script.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter

from surveyor.core.errors import UserError
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import (
    DepthRequest,
    DetectRequest,
    ImageInline,
    OrientRequest,
    ReconstructRequest,
    RestoreRequest,
    SegmentMode,
    SegmentRequest,
)
from surveyor.services.expert import AnyExpert
from surveyor.services.images import Images, inline
from surveyor.services.neural.runtime import import_torch, require
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.claims.claim import Claim
from tests.claims.experts.full_size import FULL

LEAST_RATIO = 0.9
_NO_GPU = (
    "torch sees no GPU here, so no neural expert was measured at its real size; run "
    "`python -m tests.claims.experts.neural_speed` on a machine with one "
    "(or --tiny to check the script)"
)
_BATCHES = (1, 2, 4, 8, 16)
_MEBIBYTE = 1 << 20


class Row(BaseModel):
    """One measurement. ``rate`` and ``bare_rate`` are images (reconstruct: views) per second;
    ``peak`` is device memory in MiB, None where the device does not tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expert: str
    route: str
    device: str
    format: str
    batch: int
    rate: float
    bare_rate: float
    peak: float | None = None

    @property
    def ratio(self) -> float:
        """The adapter's rate as a share of the bare model's."""
        return self.rate / self.bare_rate

    def claim(self) -> Claim:
        """The adapter costs at most a tenth of the model's time."""
        name = f"{self.expert} {self.route}: adapter / bare model, batch {self.batch}"
        return Claim.at_least(name, self.ratio, LEAST_RATIO, f"{self.rate:.1f} images/s")


def measure(
    expert: str,
    route: str,
    *,
    device: str = "cuda",
    format: str = "float32",
    tiny: bool = False,
    seconds: float = 3.0,
) -> list[Row]:
    """Batch 1 and every larger batch that fits, until a larger one is no faster."""
    with _loaded(expert, route, device, format, tiny) as (adapter, images):
        rows: list[Row] = []
        for size in _BATCHES:
            if size > max(adapter.max_batch, 1):
                break
            try:
                row = _row(adapter, images, route, size, seconds)
            except Exception as error:
                if type(error).__name__ == "OutOfMemoryError" and rows:
                    break
                raise
            rows.append(row)
            if len(rows) > 1 and rows[-1].rate < rows[-2].rate * 1.02:
                break
        return rows


def table(rows: Sequence[Row]) -> str:
    """Markdown for the documentation."""
    lines = [
        "| expert | route | device | format | batch | images/s | bare model | ratio | peak MiB |",
        "|---|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        peak = "" if row.peak is None else f"{row.peak:.0f}"
        lines.append(
            f"| {row.expert} | {row.route} | {row.device} | {row.format} | {row.batch} | "
            f"{row.rate:.2f} | {row.bare_rate:.2f} | {row.ratio:.2f} | {peak} |"
        )
    return "\n".join(lines)


def check_gpu() -> None:
    """`UserError` that says what was not measured, where there is no GPU or no torch."""
    require("detect", ("torch",))
    if not import_torch().cuda.is_available():
        raise UserError(_NO_GPU)


@contextmanager
def _loaded(
    expert: str, route: str, device: str, format: str, tiny: bool
) -> Iterator[tuple[Any, Images]]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder, weights = Path(name), None
        if not tiny:
            weights = folder / "weights"
            weights.mkdir()
            FULL[expert, route](weights)
        adapter: AnyExpert = make_expert(expert, "tiny" if tiny else "neural")
        settings = Settings(
            blob_dir=folder / "blobs",
            device=device,
            weights=weights,
            options={"route": route, "dtype": format} | _OPTIONS.get(expert, {}),
        )
        adapter.load(settings)
        yield adapter, Images(BlobResolver.at(folder / "blobs", ()), max_pixels=10**8)
        del adapter
        gc.collect()


def _row(adapter: Any, images: Images, route: str, size: int, seconds: float) -> Row:
    torch = import_torch(adapter.settings.threads)
    device = adapter.runtime.device
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    wait: Callable[[], None] = torch.cuda.synchronize if cuda else _nothing
    requests = [_request(adapter, seed) for seed in range(size)]
    items = [adapter.preprocess(request, images) for request in requests]
    pictures = size * (len(requests[0].images) if adapter.name == "reconstruct" else 1)
    bare = adapter.bare(items)

    def alone() -> None:
        with adapter.runtime.inference():
            bare()

    own, model = _alternating(lambda: adapter.forward_batch(items), alone, wait, seconds)
    return Row(
        expert=adapter.name,
        route=route,
        device=torch.cuda.get_device_name(device) if cuda else str(device),
        format=adapter.runtime.format,
        batch=size,
        rate=pictures / own,
        bare_rate=pictures / model,
        peak=torch.cuda.max_memory_allocated(device) / _MEBIBYTE if cuda else None,
    )


def _alternating(
    first: Callable[[], object],
    second: Callable[[], object],
    wait: Callable[[], None],
    seconds: float,
) -> tuple[float, float]:
    """Median seconds of two calls, taken in turn so that a drifting clock is fair to both."""
    times: tuple[list[float], list[float]] = ([], [])
    for call in (first, second):
        call()
    wait()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 3:
        for call, kept in zip((first, second), times, strict=True):
            start = time.perf_counter()
            call()
            wait()
            kept.append(time.perf_counter() - start)
    return float(np.median(times[0])), float(np.median(times[1]))


def _nothing() -> None:
    pass


def _picture(seed: int) -> ImageInline:
    rng = np.random.default_rng(seed)
    return inline(rng.integers(0, 255, (480, 640, 3), dtype=np.uint8))


def _request(adapter: Any, seed: int) -> Any:
    image, box = _picture(seed), (100.0, 80.0, 420.0, 400.0)
    if adapter.name == "restore" and adapter.backend == "tiny":
        box = (100.0, 80.0, 164.0, 144.0)  # a CPU takes a minute for the large one
    makers: dict[str, Callable[[], BaseModel]] = {
        "detect": lambda: DetectRequest(image=image, phrases=("chair", "table", "lamp")),
        "depth": lambda: DepthRequest(image=image, focal=500),
        "segment": lambda: SegmentRequest(image=image, mode=SegmentMode.CONCEPT, text="chair"),
        "reconstruct": lambda: ReconstructRequest(images=tuple(map(_picture, range(8)))),
        "restore": lambda: RestoreRequest(image=image, box=box, scale=4),
        "orient": lambda: OrientRequest(image=image, box=box),
    }
    return makers[adapter.name]()


# What would hide the model's time: embeddings kept from the call before.
_OPTIONS = {"segment": {"embeddings": "0"}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit code 1 when a ratio is missed, 2 when nothing can be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.claims.experts.neural_speed")
    parser.add_argument("--expert", action="append", help="only this one (may be repeated)")
    parser.add_argument("--format", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    parser.add_argument("--tiny", action="store_true", help="tiny models, to check this script")
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    given = parser.parse_args(arguments)
    try:
        if not given.tiny:
            check_gpu()
        chosen = [key for key in FULL if not given.expert or key[0] in given.expert]
        if not chosen:
            raise UserError(f"no expert of that name; choose from: {', '.join(_names())}")
        rows = _measured(chosen, given)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(table(rows) + "\n")
    if given.json is not None:
        given.json.write_bytes(TypeAdapter(list[Row]).dump_json(rows, indent=1))
    return 0 if given.tiny or all(row.claim().ok for row in rows) else 1


def _measured(chosen: Sequence[tuple[str, str]], given: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for expert, route in chosen:
        if given.tiny and (expert, route) not in _TINY:
            continue
        rows += measure(
            expert,
            route,
            device=given.device,
            format=given.format,
            tiny=given.tiny,
            seconds=given.seconds,
        )
    return rows


_TINY = {
    ("detect", "base"),
    ("depth", "da3"),
    ("depth", "da2"),
    ("segment", "sam3"),
    ("reconstruct", "da3"),
    ("restore", "swinir"),
    ("orient", "v1"),
}


def _names() -> list[str]:
    return sorted({expert for expert, _ in FULL})


if __name__ == "__main__":
    raise SystemExit(main())
