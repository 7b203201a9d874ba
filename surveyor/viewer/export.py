"""An episode's scene as .ply and .glb, for other programs.

PLY keeps the coordinates as they are (Z up). glTF is Y up by its standard, so the root node turns
the scene; the numbers of points and boxes stay.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from surveyor.core.geometry import Float, OrientedBox
from surveyor.tools.geometry.kept import KeptGeometry

_FLOAT, _POINTS, _LINES = 5126, 0, 1
_Z_UP: Final = [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
_EDGES: Final = (
    (0, 1),
    (0, 2),
    (0, 4),
    (1, 3),
    (1, 5),
    (2, 3),
    (2, 6),
    (3, 7),
    (4, 5),
    (4, 6),
    (5, 7),
    (6, 7),
)


def points_of(kept: KeptGeometry, cloud: bytes) -> NDArray[np.float32]:
    """(n, 3) the kept cloud's points."""
    grid = np.frombuffer(cloud, "<u2").reshape(-1, 3)
    return (np.array(kept.origin) + grid * kept.step).astype(np.float32)


def ply(points: NDArray[np.float32]) -> bytes:
    """A binary PLY of points (n, 3)."""
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment metres, Z up, made by Surveyor\n"
        f"element vertex {len(points)}\nproperty float x\nproperty float y\nproperty float z\n"
        "end_header\n"
    )
    return header.encode() + points.astype("<f4").tobytes()


def glb(
    points: NDArray[np.float32],
    boxes: Sequence[tuple[str, OrientedBox]],
    cameras: Sequence[Float],
    segments: Sequence[Float],
) -> bytes:
    """A binary glTF: the cloud as points; boxes, cameras (4, 4) and segments (2, 3) as lines."""
    parts: list[tuple[str, int, NDArray[np.float32]]] = []
    if len(points):
        parts.append(("cloud", _POINTS, points))
    for name, box in boxes:
        corners = box.corners()
        parts.append((name, _LINES, np.array([corners[i] for e in _EDGES for i in e], np.float32)))
    if cameras:
        lines = [frustum(T) for T in cameras]
        parts.append(("cameras", _LINES, np.concatenate(lines).astype(np.float32)))
    for k, segment in enumerate(segments):
        parts.append((f"measured {k + 1}", _LINES, np.asarray(segment, np.float32)))
    return _packed(parts)


def frustum(T_world_camera: Float, far: float = 0.25) -> Float:
    """(16, 3) ends of eight lines: a small pyramid where a camera stands."""
    x, y = 0.6 * far, 0.45 * far
    tips = np.array([[-x, -y, far], [x, -y, far], [x, y, far], [-x, y, far]])
    origin = np.zeros(3)
    lines = [p for tip in tips for p in (origin, tip)]
    lines += [tips[k % 4] for i in range(4) for k in (i, i + 1)]
    ends: Float = np.array(lines) @ T_world_camera[:3, :3].T + T_world_camera[:3, 3]
    return ends


def _packed(parts: Sequence[tuple[str, int, NDArray[np.float32]]]) -> bytes:
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "Surveyor"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "Z up, metres", "matrix": _Z_UP}],
        "meshes": [], "accessors": [], "bufferViews": [],
    }  # fmt: skip
    data = b""
    for name, mode, array in parts:
        raw = array.astype("<f4").tobytes()
        k = len(document["meshes"])
        document["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(data), "byteLength": len(raw)}
        )
        document["accessors"].append(
            {
                "bufferView": k, "componentType": _FLOAT, "count": len(array), "type": "VEC3",
                "min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist(),
            }
        )  # fmt: skip
        primitive = {"attributes": {"POSITION": k}, "mode": mode}
        document["meshes"].append({"name": name, "primitives": [primitive]})
        document["nodes"].append({"name": name, "mesh": k})
        data += raw
    if parts:
        document["nodes"][0]["children"] = list(range(1, len(parts) + 1))
        document["buffers"] = [{"byteLength": len(data)}]
    else:
        for key in ("meshes", "accessors", "bufferViews"):
            del document[key]
    text = orjson.dumps(document)
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    if data:
        chunks += struct.pack("<II", len(data), 0x004E4942) + data
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks
