"""One expert in one process: ``python -m surveyor.services.worker EXPERT --plan FILE --socket FD``.

The listening socket comes from the supervisor, which keeps it open, so that the address outlives
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

    from surveyor.services.service import Service

_LOG = logging.getLogger("worker")
OPERATOR = 2  # exit code: a person has to mend something


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the process's exit code."""
    parser = argparse.ArgumentParser(prog="surveyor.services.worker")
    parser.add_argument("expert")
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--parent-death-pipe", type=int, required=True)
    given = parser.parse_args(arguments)
    return forked(given.expert, given.plan, given.socket, given.parent_death_pipe)


def forked(expert: str, plan_file: Path, descriptor: int, parent_death_pipe: int) -> int:
    """The same in a process that was forked rather than started; the exit code."""
    watch(parent_death_pipe, lambda: os._exit(1))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    try:
        return _run(expert, plan_file, descriptor)
    except UserError as error:
        _LOG.error("%s", error)
        return OPERATOR


def _run(name: str, plan_file: Path, descriptor: int) -> int:
    import uvicorn

    from surveyor.services.app import build_app
    from surveyor.services.plan import LaunchPlan
    from surveyor.services.registry import make_expert

    plan = LaunchPlan.model_validate_json(plan_file.read_bytes())
    backend = next(one.backend for one in plan.experts if one.expert == name)
    app = build_app(make_expert(name, backend), plan.settings(name))
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=65,
        # Sooner than the supervisor's patience ends, so that those who wait are told.
        timeout_graceful_shutdown=max(1, int(plan.grace) - 1),
    )
    service: Service = app.state.service
    listening = socket.socket(fileno=descriptor)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(uvicorn.Server(config), service, listening))
    if service.failure is None:
        return 0
    _LOG.error("%s", service.failure)
    return OPERATOR if isinstance(service.failure, UserError) else 1


async def _serve(server: Server, service: Service, listening: socket.socket) -> None:
    """Serve; a service that cannot load ends its server at once."""
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    failed = asyncio.create_task(service.failed.wait())
    await asyncio.wait({serving, failed}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    failed.cancel()


if __name__ == "__main__":
    sys.exit(main())
