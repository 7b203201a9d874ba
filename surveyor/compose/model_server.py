"""Keeping a local model server up for as long as its user wants it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from surveyor.agent.chat.capabilities import capabilities_of
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.doctor import examine
from surveyor.agent.model_server import ServeOptions, image_limits, running
from surveyor.compose.tables import show_diagnosis

_STOPS = (signal.SIGINT, signal.SIGTERM)


def keep(
    command: Sequence[str],
    options: ServeOptions,
    model: str,
    log: Path,
    *,
    patience: float,
    probe: bool,
) -> None:
    """Start ``command``, examine what it serves, and stop it at Ctrl-C or SIGTERM.

    Raises `InfrastructureError` when the server ends by itself.
    """
    with _stopped_by_signals():
        try:
            with running(command, options.url, log, patience, pause=0.2) as served:
                print(f"ready at {served.url} (its log is {log})", flush=True)
                if probe:
                    config = ChatConfig(model=model, base_url=served.url)
                    show_diagnosis(asyncio.run(examine(config)))
                print(
                    f"use it: surveyor run DATASET --planner chat --model {model} "
                    f"--base-url {served.url}; Ctrl-C stops it",
                    flush=True,
                )
                if sizes := _unlike_the_table(model, options):
                    print(f"with its images: capabilities = {{{sizes}}}", flush=True)
                served.wait()
        except KeyboardInterrupt:
            print("the model server was stopped")


def _unlike_the_table(model: str, options: ServeOptions) -> str:
    """The server's image limits as TOML fields, where a planner would not assume them."""
    can = capabilities_of(model)
    images, pixels = image_limits(model, options)
    served = {"max_images": images, "max_pixels": pixels}
    told = {"max_images": can.max_images, "max_pixels": can.max_pixels}
    return ", ".join(f"{name} = {value}" for name, value in served.items() if value != told[name])


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM as Ctrl-C, so that no server is left behind either way; and Ctrl-C also where a
    shell started us in the background, with it ignored."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
