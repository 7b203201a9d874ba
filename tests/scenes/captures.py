"""A small scene capture as a headset would keep it: one room with a table, a door and a window."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, DEPTH, HEIGHT = 4.0, 3.0, 2.5
HALF = np.sqrt(0.5)
UPRIGHT = (-HALF, 0.0, 0.0, HALF)  # local z becomes up
LEVEL = (0.0, 0.0, 0.0, 1.0)


def capture() -> dict[str, Any]:
    """The capture, Y up, its corner away from the origin."""
    walls = [
        _plane("WALL_FACE", (0, HEIGHT / 2, -DEPTH / 2), (0, HALF, HALF, 0), WIDTH, HEIGHT),
        _plane("WALL_FACE", (0, HEIGHT / 2, DEPTH / 2), (0, HALF, HALF, 0), WIDTH, HEIGHT),
        _plane("WALL_FACE", (-WIDTH / 2, HEIGHT / 2, 0), (0.5, 0.5, 0.5, -0.5), DEPTH, HEIGHT),
        _plane("WALL_FACE", (WIDTH / 2, HEIGHT / 2, 0), (0.5, 0.5, 0.5, -0.5), DEPTH, HEIGHT),
    ]
    door = _plane("DOOR_FRAME", (0, 1.0, DEPTH / 2), (0, HALF, HALF, 0), 0.9, 2.0)
    floor = _plane("FLOOR", (0, 0, 0), LEVEL, WIDTH, DEPTH)
    top = _plane("TABLE", (1.0, 0.75, -0.5), LEVEL, 1.2, 0.7)
    box = {
        "semanticLabel_META": "TABLE",
        "locatable_META": _pose((1.0, 0.75, -0.5), UPRIGHT),
        "bounded3D_META": {
            "offset": {"x": -0.6, "y": -0.35, "z": -0.75},
            "extent": {"width": 1.2, "height": 0.7, "depth": 0.75},
        },
    }
    mesh = {
        "semanticLabel_META": "GLOBAL_MESH",
        "locatable_META": _pose((0, 0, 0), LEVEL),
        "triangleMesh_META": _mesh(),
    }
    return {"type": "scene", "version": 1, "spatialEntities": [floor, *walls, door, top, box, mesh]}


def write_capture(folder: Path, name: str = "den") -> Path:
    """Writes it as ``<folder>/<name>.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(capture()))
    return path


def _pose(position: tuple[float, ...], turn: tuple[float, ...]) -> dict[str, Any]:
    return {
        "orientation": dict(zip("xyzw", map(float, turn), strict=True)),
        "position": dict(zip("xyz", map(float, position), strict=True)),
    }


def _plane(
    label: str, position: tuple[float, ...], turn: tuple[float, ...], w: float, h: float
) -> dict[str, Any]:
    return {
        "semanticLabel_META": label,
        "locatable_META": _pose(position, turn),
        "bounded2D_META": {
            "offset": {"x": -w / 2, "y": -h / 2},
            "extent": {"width": w, "height": h},
        },
    }


def _mesh() -> dict[str, str]:
    """A room and the table in it, finely meshed, Y up."""
    low, high = (-WIDTH / 2, 0.0, -DEPTH / 2), (WIDTH / 2, HEIGHT, DEPTH / 2)
    shell = _box(low, high)
    table = _box((0.4, 0.0, -0.85), (1.6, 0.75, -0.15))
    vertices, triangles = [], []
    count = 0
    for v, t in (shell, table):
        vertices.append(v)
        triangles.append(t + count)
        count += len(v)
    return {
        "vertices": base64.b64encode(np.concatenate(vertices).astype("<f4").tobytes()).decode(),
        "indices": base64.b64encode(np.concatenate(triangles).astype("<u4").tobytes()).decode(),
    }


def _box(low: tuple[float, ...], high: tuple[float, ...]) -> tuple[Any, Any]:
    """Six grids."""
    vertices, triangles, count = [], [], 0
    a, b = np.array(low), np.array(high)
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        n, m = (max(2, int((b - a)[k] / 0.1)) for k in (u, v))
        grid = np.indices((n + 1, m + 1)).reshape(2, -1).T / (n, m)
        quad = np.arange((n + 1) * (m + 1)).reshape(n + 1, m + 1)
        corners = [quad[:-1, :-1], quad[1:, :-1], quad[1:, 1:], quad[:-1, 1:]]
        p, q, r, s = (c.ravel() for c in corners)
        faces = np.concatenate([np.stack([p, q, r], 1), np.stack([p, r, s], 1)])
        for side in (a, b):
            points = np.zeros((len(grid), 3))
            points[:, axis] = side[axis]
            points[:, u] = a[u] + grid[:, 0] * (b - a)[u]
            points[:, v] = a[v] + grid[:, 1] * (b - a)[v]
            vertices.append(points)
            triangles.append(faces + count)
            count += len(points)
    return np.concatenate(vertices), np.concatenate(triangles)
