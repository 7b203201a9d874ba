"""The vector index: exact inner products with FAISS, coarse cells beyond 200,000 rows.

The file is a cache of vectors that SQLite holds. It is used when its fingerprint (embedder,
dimension, library generation, number of rows) is what the library says, and rebuilt otherwise.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError

IVF_FROM = 200_000
PROBES = 16

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


class VectorIndex:
    """Rows by id; similarity is the inner product of unit vectors.

    ``device`` is ``cpu`` (one thread, which is fastest for single queries) or ``gpu``.
    """

    def __init__(self, dim: int, *, device: Literal["cpu", "gpu"] = "cpu") -> None:
        self.dim = dim
        self.device = device
        self._index: Any = _flat(dim)
        self._search: Any = self._index

    @classmethod
    def build(
        cls,
        ids: Ids,
        vectors: Vectors,
        *,
        device: Literal["cpu", "gpu"] = "cpu",
        ivf_from: int = IVF_FROM,
    ) -> VectorIndex:
        """Index ``vectors`` of shape (n, dim) under ``ids`` of shape (n,)."""
        made = cls(vectors.shape[1], device=device)
        if len(ids) >= ivf_from:
            made._index = _cells(vectors)
        made._index.add_with_ids(np.ascontiguousarray(vectors), ids)
        made._place()
        return made

    @property
    def kind(self) -> str:
        """``flat`` or ``ivf``."""
        return "ivf" if hasattr(self._index, "nprobe") else "flat"

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def put(self, row: int, vector: Vectors) -> None:
        """Insert or replace one row (FAISS itself would keep both of two equal ids)."""
        self.remove([row])
        self._index.add_with_ids(vector.reshape(1, -1), np.array([row], np.int64))
        self._place()

    def remove(self, ids: Sequence[int]) -> int:
        """Drop rows; returns how many there were."""
        gone = int(self._index.remove_ids(np.array(ids, np.int64)))
        self._place()
        return gone

    @property
    def ids(self) -> Ids:
        """The ids of all rows, in the order in which they were added."""
        import faiss

        flat = self.kind == "flat"
        return faiss.vector_to_array(self._index.id_map) if flat else np.zeros(0, np.int64)

    def part(self, ids: Ids) -> VectorIndex:
        """An exact index over some of a flat index's rows; those that it lacks are left out."""
        kept = np.intersect1d(ids, self.ids)
        if not kept.size:
            return VectorIndex(self.dim, device=self.device)
        return VectorIndex.build(kept, self._index.reconstruct_batch(kept), device=self.device)

    def search(self, vector: Vectors, limit: int) -> tuple[list[int], list[float]]:
        """Ids and similarities of the ``limit`` nearest rows, best first."""
        if not len(self) or limit < 1:
            return [], []
        scores, ids = self._search.search(vector.reshape(1, -1), min(limit, len(self)))
        kept = ids[0] >= 0
        return ids[0][kept].tolist(), scores[0][kept].tolist()

    def save(self, path: Path, fingerprint: str) -> None:
        """Write index and sidecar; a reader sees the old pair, the new pair, or a misfit."""
        import faiss

        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        faiss.write_index(self._index, str(temporary))
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        side = {"fingerprint": fingerprint, "bytes": temporary.stat().st_size, "kind": self.kind}
        temporary.replace(path)
        _sidecar(path).write_text(json.dumps(side))

    @classmethod
    def load(
        cls, path: Path, fingerprint: str, *, device: Literal["cpu", "gpu"] = "cpu"
    ) -> VectorIndex | None:
        """The cached index, or ``None`` when there is any doubt that it fits."""
        import faiss

        try:
            side = json.loads(_sidecar(path).read_text())
            fits = side["fingerprint"] == fingerprint and side["bytes"] == path.stat().st_size
            if not fits:
                return None
            index = faiss.read_index(str(path))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            return None
        made = cls(index.d, device=device)
        made._index = index
        made._place()
        return made

    def _place(self) -> None:
        import faiss

        if self.device == "cpu":
            faiss.omp_set_num_threads(1)
            self._search = self._index
        elif not hasattr(faiss, "GpuResourcesVector") or not faiss.get_num_gpus():
            # The CPU build has every function's name and none of what it needs.
            raise UserError("a GPU index needs faiss-gpu and a GPU; search on the cpu instead")
        else:
            self._search = faiss.index_cpu_to_all_gpus(self._index)


def _flat(dim: int) -> Any:
    import faiss

    return faiss.IndexIDMap2(faiss.IndexFlatIP(dim))


def _cells(vectors: Vectors) -> Any:
    import faiss

    count, dim = vectors.shape
    cells = max(1, int(4 * math.sqrt(count)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, cells, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:: max(1, count // (cells * 40))])
    index.nprobe = PROBES
    return index


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")
