"""A worker: ``python -m surveyor.services.worker EXPERT... --plan FILE --sockets FD...``.

Serves one expert, or several that share the process; each has its own listening socket, and so its
own address. The sockets come from the supervisor, which keeps them open, so that addresses outlive
this process. Exit code 2: the operator has to mend something (the log's last line says what).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from surveyor.core.errors import UserError
from surveyor.services.parent_death import watch

if TYPE_CHECKING:
    from uvicorn import Server

    from surveyor.services.expert import AnyExpert
    from surveyor.services.plan import LaunchPlan
    from surveyor.services.service import Service

_LOG = logging.getLogger("worker")
OPERATOR = 2  # exit code: a person has to mend something
_SHARED_FRAMES = 32  # whose maps stay in memory when all experts of a process look at them


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the process's exit code."""
    parser = argparse.ArgumentParser(prog="surveyor.services.worker")
    parser.add_argument("experts", nargs="+")
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--sockets", type=int, nargs="+", required=True)
    parser.add_argument("--parent-death-pipe", type=int, required=True)
    given = parser.parse_args(arguments)
    return forked(given.experts, given.plan, given.sockets, given.parent_death_pipe)


def forked(
    experts: Sequence[str], plan_file: Path, descriptors: Sequence[int], parent_death_pipe: int
) -> int:
    """The same in a process that was forked rather than started; the exit code."""
    watch(parent_death_pipe, lambda: os._exit(1))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    try:
        return _run(experts, plan_file, descriptors)
    except UserError as error:
        _LOG.error("%s", error)
        return OPERATOR


def _run(names: Sequence[str], plan_file: Path, descriptors: Sequence[int]) -> int:
    import uvicorn

    from surveyor.services.app import build_app, by_port
    from surveyor.services.plan import LaunchPlan

    plan = LaunchPlan.model_validate_json(plan_file.read_bytes())
    apps = [build_app(one, plan.settings(one.name)) for one in _adapters(names, plan)]
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    ports = (one.getsockname()[1] for one in sockets)
    config = uvicorn.Config(
        by_port(dict(zip(ports, apps, strict=True))),
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=65,
        # Sooner than the supervisor's patience ends, so that those who wait are told.
        timeout_graceful_shutdown=max(1, int(plan.grace) - 1),
    )
    services: list[Service] = [app.state.service for app in apps]
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(uvicorn.Server(config), services, sockets))
    failure = next((one.failure for one in services if one.failure is not None), None)
    if failure is None:
        return 0
    if isinstance(failure, UserError):
        _LOG.error("%s", failure)
        return OPERATOR
    _LOG.error("%s: %s", type(failure).__name__, " ".join(str(failure).split()))  # on one line
    return 1


def _adapters(names: Sequence[str], plan: LaunchPlan) -> list[AnyExpert]:
    """The adapters of one process; reference experts that share it hold the world once."""
    from surveyor.services.registry import make_expert

    backends = {one.expert: one.backend for one in plan.experts}
    adapters = [make_expert(name, backends[name]) for name in names]
    if len(adapters) > 1:
        from surveyor.services.reference.base import ReferenceExpert, WorldCache

        cache = WorldCache(plan.datasets, keep_frames=_SHARED_FRAMES)
        for one in adapters:
            if isinstance(one, ReferenceExpert):
                one.cache = cache
    return adapters


async def _serve(server: Server, services: Sequence[Service], sockets: list[socket.socket]) -> None:
    """Serve; a service that cannot load ends its server at once."""
    serving = asyncio.create_task(server.serve(sockets=sockets))
    failed = [asyncio.create_task(one.failed.wait()) for one in services]
    await asyncio.wait({serving, *failed}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    for task in failed:
        task.cancel()


if __name__ == "__main__":
    sys.exit(main())
