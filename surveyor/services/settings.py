"""How one expert is served: limits, batching, security, and what its adapter may load."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.images import MAX_PIXELS

MEBIBYTE = 1 << 20


class RequestLimits(BaseModel):
    """What a request may cost before it is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(default=64 * MEBIBYTE, gt=0)
    pixels: int = Field(default=MAX_PIXELS, gt=0, description="decoded pixels of one image")
    request_pixels: int = Field(
        default=4 * MAX_PIXELS, gt=0, description="decoded pixels of all images of one request"
    )
    images: int = Field(default=256, gt=0, description="images in one request")
    body_seconds: float = Field(default=60.0, gt=0, description="for a whole body to arrive")
    held_bytes: int = Field(
        default=128 * MEBIBYTE, gt=0, description="bodies in memory at once; blobs go to disk"
    )
    deadline: float = Field(default=120.0, gt=0, description="seconds; a client may ask for less")


class Batching(BaseModel):
    """``wait`` seconds are given to others to join the first item of a batch.

    ``stuck`` is the age in seconds at which a running batch, or the preparation of one request,
    counts as hung: the service then reports itself unhealthy, so that its supervisor replaces it.
    When every preparing thread has been at one request for ``blocked`` seconds, it is not ready.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wait: float = Field(default=0.003, ge=0, le=1)
    queue: int = Field(default=64, gt=0)
    max_batch: int | None = Field(default=None, gt=0, description="None: the adapter's own")
    stuck: float = Field(default=300.0, gt=0)
    blocked: float = Field(default=2.0, gt=0)


class Settings(BaseModel):
    """Everything that `build_app` and an adapter's ``load`` need to know.

    ``hosts`` are the names by which the service may be called (the Host header); empty: any.
    ``blob_dir`` is shared by the experts of one machine; ``blob_folders`` are further ones that are
    only read (a dataset's own frames, so that they need no upload). ``model``, ``revision`` and
    ``weights`` choose what a neural adapter loads; ``datasets``, ``preset`` and ``seed`` are for
    the reference experts; ``record`` is a folder that every answer is written to, for the replay
    backend; ``options`` are an adapter's own knobs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    blob_dir: Path
    blob_folders: tuple[Path, ...] = ()
    token: str | None = None
    hosts: tuple[str, ...] = ()
    limits: RequestLimits = RequestLimits()
    batching: Batching = Batching()
    device: str = "cpu"
    threads: int = Field(default=1, gt=0)
    model: str | None = None
    revision: str | None = None
    weights: Path | None = None
    datasets: tuple[Path, ...] = ()
    preset: str = "perfect"
    seed: int = 0
    record: Path | None = None
    options: dict[str, str] = Field(default_factory=dict)
