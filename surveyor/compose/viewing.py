"""Starting the viewer: which runs, on which address, behind which guard."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

from surveyor.benchmarks.run.preflight import check_place
from surveyor.compose.ask import Asking
from surveyor.compose.asking_pages import OwnPlaces
from surveyor.compose.run import default_cache
from surveyor.core.dataset import read_manifest
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder
from surveyor.skills.snapshot import DATABASE
from surveyor.viewer.api import RunLibrary, make_app
from surveyor.viewer.asking import AskingTurn
from surveyor.viewer.guard import LOCAL, App, Guard
from surveyor.viewer.index import open_runs
from surveyor.viewer.shelves import SkillShelf, Status, TrainingShelf

OUT: Final = Path("out")
"""Where runs are looked for unless some are named."""


def viewer_app(
    runs: Sequence[Path],
    token: str,
    *,
    trusted: Sequence[str] = (),
    datasets: Sequence[Path] = (),
    experts: Path | None = None,
    library: Path | None = None,
    cache: Path | None = None,
    asking: Asking | None = None,
    turn: AskingTurn | None = None,
    training: Sequence[Path] = (),
    truth: bool = False,
) -> App:
    """The guarded app; `UserError` when a run or a dataset is not one.

    With ``asking`` it keeps photos and answers questions about them, which ``turn`` can stop, and
    needs no run; ``truth`` lets it show the hidden side of datasets that this machine holds.
    """
    for dataset in datasets:
        read_manifest(dataset)
    if asking is not None:
        check_place(asking.root, "name another folder with --places")
    found = RunLibrary(_found(runs, asking), cache or default_cache(), datasets, truth=truth)
    turn = turn or AskingTurn()
    places = OwnPlaces(asking, found.add, found.runs, turn) if asking is not None else None
    skills = SkillShelf(_database(library)) if library is not None else None
    app = make_app(found, _services(experts), skills, TrainingShelf(training), places)
    return Guard(app, token, LOCAL | set(trusted))


def _database(library: Path) -> Path:
    """The file of a library, which is named by its folder as everywhere, or by itself."""
    file = library / DATABASE if library.is_dir() else library
    if not file.is_file():
        raise UserError(f"there is no skill library at {library}; `surveyor evolve` makes one")
    return file


def _found(runs: Sequence[Path], asking: Asking | None) -> Mapping[str, RunFolder]:
    try:
        return open_runs(list(runs))
    except UserError:
        if asking is not None and list(runs) == [OUT]:
            return {}
        raise


def serve_viewer(
    runs: Sequence[Path],
    *,
    port: int,
    host: str,
    trusted: Sequence[str],
    token: bool,
    datasets: Sequence[Path],
    experts: Path | None,
    library: Path | None,
    asking: Asking | None = None,
    training: Sequence[Path] = (),
    truth: bool = False,
) -> None:
    """Serve until Ctrl-C, and print the address to open."""
    import uvicorn

    class Server(uvicorn.Server):
        """Ctrl-C also ends the question that is being answered, which it would wait for."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            turn.stop()
            super().handle_exit(sig, frame)

    turn, local = AskingTurn(), host in LOCAL
    if not token and not local:
        raise UserError("--no-token is for this machine alone; leave --host or the token")
    if not local and not trusted:
        raise UserError(
            f"to listen on {host}, name how browsers will call it with --trust-host NAME"
        )
    secret = secrets.token_urlsafe(24) if token else ""
    app = viewer_app(
        runs, secret, trusted=trusted, datasets=datasets, experts=experts, library=library,
        asking=asking, turn=turn, training=training, truth=truth,
    )  # fmt: skip
    if not token:
        print("warning: without a token every user of this machine can read", file=sys.stderr)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # whoever opens the address that is told waits, and is not refused
        except OSError as error:
            raise UserError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another --port"
            ) from None
        shown = trusted[0] if trusted and not local else host
        named = f"[{shown}]" if ":" in shown else shown
        address = f"http://{named}:{listener.getsockname()[1]}/"
        address += "places" if asking is not None else ""
        print(address + (f"?token={secret}" if secret else ""), flush=True)
        print("Ctrl-C ends it", file=sys.stderr, flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        Server(config).run(sockets=[listener])


def _services(endpoints: Path | None) -> Status | None:
    if endpoints is None:
        return None

    def rows() -> list[dict[str, Any]]:
        from surveyor.services.status import status

        hidden = {"log"}  # a path of this machine
        return [row.model_dump(mode="json", exclude=hidden) for row in status(endpoints)]

    return rows
