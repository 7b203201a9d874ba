"""The box room's experts over real HTTP, and its frames as somebody's photo files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import numpy as np

from surveyor.services.contract import Endpoints, ExpertEndpoint
from surveyor.tools.geometry.many_views import ViewPose
from surveyor.tools.geometry.photo_joining import Joined
from tests.support.box_room import CAMERA, BoxRoom


@contextmanager
def box_experts(room: BoxRoom, endpoints: Path) -> Iterator[Path]:
    """Serve a box room's experts on a free port; the endpoints file that names them."""
    told = httpx2.Client(transport=room.transport)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, expert, rest = self.path.split("/", 2)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            kind = {"content-type": self.headers.get("content-type") or "application/json"}
            url = f"http://{expert}.test/{rest}"
            found = told.request(self.command, url, content=body, headers=kind)
            self.send_response(found.status_code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(found.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.content)

        do_POST = do_PUT = do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        home = f"http://127.0.0.1:{server.server_port}"
        served = tuple(
            ExpertEndpoint(expert=e.expert, url=f"{home}/{e.expert}", pid=0, backend="boxes")
            for e in room.endpoints.experts
        )
        endpoints.write_text(Endpoints(supervisor=0, experts=served).model_dump_json())
        try:
            yield endpoints
        finally:
            server.shutdown()
            told.close()


def photo_files(room: BoxRoom, folder: Path) -> list[Path]:
    """The room's frames as files, ``IMG_1.png`` first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"IMG_{frame.index + 1}.png" for frame in room.frames]
    for path, frame in zip(paths, room.frames, strict=True):
        path.write_bytes(room.store.get(frame.image.sha256))
    return paths


def joined(room: BoxRoom, unit: float = 0.37) -> Joined:
    """The room's cameras as a classical reconstruction has them, in units of its own."""
    cameras = {}
    for k, pose in enumerate(room.poses):
        R = pose.T_world_camera[:3, :3].T
        cameras[k] = ViewPose(R, -R @ pose.position * unit)
    still = np.zeros((6 * len(cameras) + 1, 6 * len(cameras) + 1))
    return Joined(cameras, (CAMERA,) * room.count, (), np.zeros((0, 3)), 0.3, True, still)
