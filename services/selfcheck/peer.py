"""A plain server of the kind that is usually found: base64 PNG in JSON in, depth as JSON out.

One request at a time on the device, a thread for each connection, no batching. With Flask
installed it is a Flask development server; otherwise the standard library's threading server,
which costs less: ``python -m services.selfcheck.peer --port-file FILE``.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

_DEVICE = threading.Lock()


def infer(request: dict[str, Any], base: float, item: float) -> dict[str, Any]:
    """The endpoint's work: decode, wait for the device, give the depth map as nested lists."""
    from PIL import Image

    data = base64.b64decode(request["image"])
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    with _DEVICE:
        time.sleep(base + item)
    height, width = pixels.shape[:2]
    depth = np.repeat(np.linspace(1, 2, height, dtype=np.float32)[:, None], width, axis=1)
    low, high = float(depth.min()), float(depth.max())
    return {"success": True, "depth": depth.tolist(), "depth_min": low, "depth_max": high}


def has_flask() -> bool:
    """Whether Flask can be used."""
    return find_spec("flask") is not None


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="services.selfcheck.peer")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--base-ms", type=float, default=5)
    parser.add_argument("--item-ms", type=float, default=1)
    given = parser.parse_args()
    base, item = given.base_ms / 1e3, given.item_ms / 1e3
    if has_flask():
        _serve_flask(given.port_file, base, item)
    else:
        _serve_plain(given.port_file, base, item)


def _serve_flask(port_file: Path, base: float, item: float) -> None:
    flask, serving = import_module("flask"), import_module("werkzeug.serving")
    app = flask.Flask("peer")

    def answer() -> Any:
        return flask.jsonify(infer(flask.request.get_json(), base, item))

    app.add_url_rule("/infer", view_func=answer, methods=["POST"])
    server = serving.make_server("127.0.0.1", 0, app, threaded=True)
    port_file.write_text(str(server.server_port))
    server.serve_forever()


def _serve_plain(port_file: Path, base: float, item: float) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps(infer(json.loads(body), base, item)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

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
