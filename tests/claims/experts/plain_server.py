"""A plain server of the kind that is usually found: base64 PNG in JSON in, depth in JSON out.

A Flask development server with a thread for each connection, one request at a time on the device,
no batching. Where Flask is not installed, the standard library's threading server stands in, which
costs less, and every figure made with it says so (`server_name`). ``--arrays json`` gives the depth
map as nested lists; ``npz`` as a base64 string of a compressed `.npz` beside a coloured PNG, which
is what servers do whose authors found the lists too slow::

    python -m tests.claims.experts.plain_server --port-file FILE
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from surveyor.core.geometry import Depth

ARRAYS = ("json", "npz")
Body = dict[str, Any]

_DEVICE = threading.Lock()


def infer(request: Body, base: float, item: float, arrays: str = "json") -> Body:
    """The endpoint's work: decode, wait for the device, put the depth map into the answer."""
    from PIL import Image

    data = base64.b64decode(request["image"])
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    with _DEVICE:
        time.sleep(base + item)
    height, width = pixels.shape[:2]
    depth = np.repeat(np.linspace(1, 2, height, dtype=np.float32)[:, None], width, axis=1)
    told = {"success": True, "shape": list(depth.shape), "depth_units": "meters"}
    told |= {"depth_min": float(depth.min()), "depth_max": float(depth.max())}
    return {**told, "depth": depth.tolist()} if arrays == "json" else {**told, **_packed(depth)}


def has_flask() -> bool:
    """Whether Flask can be used."""
    return find_spec("flask") is not None


def server_name() -> str:
    """What stands behind the peer here, for the rows that are measured against it."""
    if has_flask():
        from importlib.metadata import version

        return f"Flask {version('flask')}"
    return "the standard library's threading server (Flask is not installed)"


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="tests.claims.experts.plain_server")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--base-ms", type=float, default=5)
    parser.add_argument("--item-ms", type=float, default=1)
    parser.add_argument("--arrays", choices=ARRAYS, default="json")
    given = parser.parse_args()
    base, item = given.base_ms / 1e3, given.item_ms / 1e3

    def answer(request: Body) -> Body:
        return infer(request, base, item, given.arrays)

    serve = _serve_flask if has_flask() else _serve_plain
    serve(given.port_file, answer)


def _packed(depth: Depth) -> Body:
    from PIL import Image

    values = io.BytesIO()
    np.savez_compressed(values, depth=depth)
    picture = io.BytesIO()
    shades = (255 * (depth - depth.min()) / max(float(np.ptp(depth)), 1e-6)).astype(np.uint8)
    Image.fromarray(np.stack([shades, 255 - shades, shades], axis=-1)).save(picture, "PNG")
    return {
        "raw_depth_npz": base64.b64encode(values.getvalue()).decode(),
        "depth_map": base64.b64encode(picture.getvalue()).decode(),
    }


def _serve_flask(port_file: Path, answer: Callable[[Body], Body]) -> None:
    """What ``app.run(threaded=True)`` starts, at a port that the system chooses."""
    flask, serving = import_module("flask"), import_module("werkzeug.serving")
    app = flask.Flask("peer")

    def infer_route() -> Any:
        return flask.jsonify(answer(flask.request.get_json()))

    def health_route() -> Any:
        return flask.jsonify({"status": "healthy", "model_loaded": True})

    app.add_url_rule("/infer", view_func=infer_route, methods=["POST"])
    app.add_url_rule("/health", view_func=health_route)
    server = serving.make_server(
        "127.0.0.1", 0, app, threaded=True, request_handler=_quiet(serving)
    )
    port_file.write_text(str(server.server_port))
    server.serve_forever()


def _quiet(serving: Any) -> Any:
    """Flask's own request handler without its line for each request, which costs time too."""

    class Quiet(serving.WSGIRequestHandler):  # type: ignore[misc]
        def log(self, kind: str, message: str, *args: Any) -> None:
            """Say nothing."""

    return Quiet


def _serve_plain(port_file: Path, answer: Callable[[Body], Body]) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told = json.dumps(answer(json.loads(body))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: a line for each request would be measured too."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Handler) as server:
        port_file.write_text(str(server.server_address[1]))
        server.serve_forever()


if __name__ == "__main__":
    main()
