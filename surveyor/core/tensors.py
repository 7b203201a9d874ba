"""Named arrays and a JSON text in one piece, as safetensors has them: an expert's response body,
and evidence on disk.

Layout (safetensors format): 8 bytes little-endian header length, a JSON header that gives each
tensor's dtype, shape and byte range, then the bytes. The answer's JSON is in ``__metadata__``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Array = NDArray[Any]
MEDIA_TYPE = "application/vnd.safetensors"
_NAMES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "uint8": "U8",
    "uint16": "U16",
    "bool": "BOOL",
}
_DTYPES = {name: np.dtype(dtype) for dtype, name in _NAMES.items()}


def pack(tensors: Mapping[str, Array], answer: str = "") -> bytes:
    """One body of named arrays and the answer's JSON text, if there is one."""
    header: dict[str, object] = {"__metadata__": {"answer": answer}}
    parts: list[bytes] = []
    offset = 0
    for name, values in tensors.items():
        data = np.ascontiguousarray(values).tobytes()
        end = offset + len(data)
        dtype = _NAMES[str(values.dtype)]
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [offset, end]}
        parts.append(data)
        offset = end
    head = orjson.dumps(header)
    head += b" " * (-len(head) % 8)  # keeps the tensors aligned for readers that map the file
    return b"".join([len(head).to_bytes(8, "little"), head, *parts])


def unpack(body: bytes) -> tuple[dict[str, Array], str]:
    """Arrays by name and the answer's JSON text; `ValueError` when the body is damaged."""
    size = int.from_bytes(body[:8], "little")
    if len(body) < 8 or size > len(body) - 8:
        raise ValueError("the body is too short to be safetensors")
    header = orjson.loads(body[8 : 8 + size])
    data = memoryview(body)[8 + size :]
    arrays: dict[str, Array] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        values = np.frombuffer(data[start:end], _DTYPES[entry["dtype"]])
        arrays[name] = values.reshape(entry["shape"])
    return arrays, str(header.get("__metadata__", {}).get("answer", ""))
