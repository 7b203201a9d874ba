"""The viewer's one local app: pages that are files of this package, and bounded JSON behind them.

Nothing is written into a run, and reading one runs nothing: a log never selects code, a host or an
expert. What a page shows of the truth stands in ``results.jsonl``, which a scored run has.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import FastAPI, HTTPException, Request, Response

from surveyor.benchmarks.compare import compare
from surveyor.benchmarks.report.page import TEMPLATES
from surveyor.benchmarks.report.record import RunReport, read_report
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import manifest_file, read_manifest
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.image_files import format_of
from surveyor.core.images import rgb
from surveyor.memory.episodes import Episode
from surveyor.memory.runs import RunFolder
from surveyor.tools.geometry.kept import KeptGeometry
from surveyor.viewer.asking import AskedPlaces, add_asking
from surveyor.viewer.episode_view import episode_json, mask_png, scene_json
from surveyor.viewer.index import Filter, RunIndex, run_name
from surveyor.viewer.shelves import SkillShelf, Status, TrainingShelf, add_shelves
from surveyor.viewer.truth import has_truth, truth_json

WEB: Final = Path(__file__).parent / "web"
TOKENS: Final = TEMPLATES / "tokens.css"
"""The colours of reports and of the viewer."""
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_SHA: Final = re.compile(r"[0-9a-f]{64}")
_IMAGES: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WebP": "image/webp"}
_KEEP: Final = {"cache-control": "private, max-age=31536000, immutable"}
_APART: Final = {"content-security-policy": "sandbox; default-src 'none'"}
_WIDTHS: Final = (160, 320, 640)
_PAGES: Final = frozenset(
    {"", "run", "compare", "services", "skills", "skill", "training", "places", "place"}
)
_LARGEST: Final = 64 << 20


class RunLibrary:
    """The runs that the viewer was started for, by name, with their indices and blobs; ``truth``
    says whether it may show the hidden side of their datasets."""

    def __init__(
        self,
        runs: Mapping[str, RunFolder],
        cache: Path,
        datasets: Sequence[Path] = (),
        *,
        truth: bool = False,
    ) -> None:
        self.truth = truth
        self.runs = dict(runs)
        self._indices: dict[str, RunIndex] = {}
        self._cache = cache
        self._datasets = tuple(datasets)
        self._lock = threading.Lock()

    def run(self, name: str) -> RunFolder:
        """A run by its name; 404 for any other."""
        if name not in self.runs:
            raise HTTPException(404, f"there is no run {name!r} here")
        return self.runs[name]

    def add(self, path: Path) -> str:
        """Show one more run, and the name that it gets."""
        name = run_name(path, self.runs)
        if name not in self.runs:
            self.runs[name] = RunFolder.open(path)
        return name

    def index(self, name: str) -> RunIndex:
        """The index of a run, begun at its first use."""
        folder = self.run(name)
        with self._lock:
            if name not in self._indices:
                self._indices[name] = RunIndex(folder, self._cache)
            return self._indices[name]

    def stores(self, name: str) -> list[BlobStore]:
        """Where a run's blobs may be: kept with it, its dataset's, its place's, the cache's.

        The dataset that a run names is looked into only where it is the one the run was made with.
        """
        folder = self.run(name)
        found = [folder.path / "blobs", *(path / "blobs" for path in self._datasets)]
        found += [path / "blobs" for path in self.datasets(name)]
        if (folder.path.parent / "photos.json").exists():
            found.append(folder.path.parent / "blobs")
        return [BlobStore(path) for path in [*found, self._cache / "blobs"] if path.is_dir()]

    def datasets(self, name: str) -> list[Path]:
        """Where the very dataset lies that a run was made with, of the places known."""
        record = self.run(name).record
        named = (Path(str(record.config.get("dataset", ""))), *self._datasets)
        wanted = record.manifest.dataset.content_hash
        there = [path for path in named if manifest_file(path)]
        return [path for path in there if read_manifest(path).content_hash == wanted]

    def blob(self, name: str, sha256: str) -> bytes:
        """A blob of a run; 404 where it is in none of its stores."""
        if not _SHA.fullmatch(sha256):
            raise HTTPException(404, "a blob is named by 64 hex digits")
        for store in self.stores(name):
            path = store.path(sha256)
            inside = path.resolve().is_relative_to(store.root.resolve())
            if inside and path.is_file() and path.stat().st_size <= _LARGEST:
                return store.get(sha256)
        raise HTTPException(404, "this picture is not on this machine any more")

    def episode(self, name: str, task: str, epoch: int) -> Episode:
        """One episode; 404 where it never began."""
        path = self.run(name).episode_path(task, epoch)
        if path.exists() and path.stat().st_size > _LARGEST:
            raise HTTPException(413, "this episode's log is too long for a page")
        episode = self.run(name).episode(task, epoch) if path.exists() else None
        if episode is None:
            raise HTTPException(404, "this episode has not begun")
        return episode


def _json(value: object) -> Response:
    return Response(orjson.dumps(value, default=str), media_type="application/json")


def make_app(
    library: RunLibrary,
    services: Status | None = None,
    skills: SkillShelf | None = None,
    training: TrainingShelf | None = None,
    places: AskedPlaces | None = None,
) -> FastAPI:
    """The app without its guard; ``services``, ``skills`` and ``training`` give what their pages
    show, ``places`` keeps and answers, where the viewer was started for that."""
    app = FastAPI(title="Surveyor", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(UserError)
    @app.exception_handler(InfrastructureError)
    def _told(_: Request, error: Exception) -> Response:
        body = orjson.dumps({"detail": str(error)})
        return Response(body, status_code=409, media_type="application/json")

    _add_runs(app, library)
    _add_episodes(app, library)
    _add_blobs(app, library)
    add_asking(app, places)
    add_shelves(app, services, skills, training or TrainingShelf(()))

    @app.get("/web/{name}")
    def _web(name: str) -> Response:
        if name not in _files():
            raise HTTPException(404, "no such file")
        path = TOKENS if name == TOKENS.name else WEB / name
        return Response(path.read_bytes(), media_type=_TYPES[path.suffix])

    @app.get("/{path:path}")
    def _page(path: str) -> Response:
        if path.partition("/")[0] not in _PAGES:
            raise HTTPException(404, "there is nothing here")
        return Response((WEB / "index.html").read_bytes(), media_type="text/html")

    return app


@lru_cache
def _files() -> frozenset[str]:
    return frozenset([TOKENS.name, *(p.name for p in WEB.iterdir() if p.suffix in _TYPES)])


def _add_runs(app: FastAPI, library: RunLibrary) -> None:
    @app.get("/api/runs")
    def _runs() -> Response:
        return _json({"runs": [_summary(library, name) for name in library.runs]})

    @app.get("/api/run/{run}")
    def _run(run: str) -> Response:
        told = _summary(library, run)
        report = _report(library.run(run))
        told["report"] = report.model_dump(mode="json") if report else None
        told["config"] = library.run(run).record.config
        return _json(told)

    @app.get("/api/run/{run}/state")
    def _state(run: str) -> Response:
        index = library.index(run)
        _refresh_soon(index)
        return _json({"counts": index.counts(), "facets": index.facets()})

    @app.get("/api/run/{run}/episodes")
    def _episodes(
        run: str, type: str = "", outcome: str = "", scene: str = "", tool: str = "",
        q: str = "", sort: str = "", offset: int = 0, limit: int = 100,
    ) -> Response:  # fmt: skip
        wanted = Filter(type, outcome, scene, tool, q, sort)
        return _json(library.index(run).page(wanted, offset, limit))

    @app.get("/api/compare/{a}/{b}")
    def _compare(a: str, b: str) -> Response:
        first, second = library.run(a), library.run(b)
        paired = compare(first, second)
        return _json({**paired.model_dump(mode="json"), "rows": _pairs(first, second)})


def _pairs(a: RunFolder, b: RunFolder) -> list[dict[str, Any]]:
    """Tasks of both runs that came out differently, the largest difference first."""
    one = {(s.task_id, s.epoch): s for s in a.results()}
    two = {(s.task_id, s.epoch): s for s in b.results()}
    types = {task.id: task.question_type for task in a.schedule}
    rows: list[dict[str, Any]] = []
    for key in one.keys() & two.keys():
        first, second = one[key], two[key]
        right = (first.value >= 0.5, second.value >= 0.5)
        cell = {(True, True): "both", (True, False): "only_a", (False, True): "only_b"}
        rows.append(
            {
                "task": key[0], "epoch": key[1], "type": types.get(key[0], ""),
                "cell": cell.get(right, "neither"),
                "a": {"answer": first.prediction, "value": first.value},
                "b": {"answer": second.prediction, "value": second.value},
                "correct": str(first.fields.get("correct", "")),
            }
        )  # fmt: skip
    rows.sort(key=lambda row: (-abs(row["a"]["value"] - row["b"]["value"]), row["task"]))
    return rows[:5000]


def _summary(library: RunLibrary, name: str) -> dict[str, Any]:
    folder = library.run(name)
    report = _report(folder)
    record = folder.record
    options = record.config.get("planner_options")
    told: dict[str, Any] = {
        "name": name,
        "created": record.created,
        "planner": str(record.config.get("planner", "")),
        "model": str(options.get("model", "")) if isinstance(options, dict) else "",
        "dataset": record.manifest.dataset.name,
        "scheduled": len(folder.schedule) * record.epochs,
        "scored": report is not None,
        "place": (folder.path.parent / "photos.json").exists(),
    }
    if report is not None:
        told |= {
            "overall": report.overall.model_dump(),
            "tally": report.tally.model_dump(),
            "reference": report.reference,
            "guesses": report.guesses.n,
        }
    return told


def _report(folder: RunFolder) -> RunReport | None:
    try:
        return read_report(folder)
    except UserError:
        return None


def _refresh_soon(index: RunIndex) -> None:
    """Fold what is new beside the request, so that the first page waits for nothing."""
    worker = threading.Thread(target=index.refresh, daemon=True)
    worker.start()
    worker.join(timeout=0.05)


def _add_episodes(app: FastAPI, library: RunLibrary) -> None:
    @app.get("/api/run/{run}/episode")
    def _episode(run: str, task: str, epoch: int = 0) -> Response:
        folder = library.run(run)
        frames = next((t.frames for t in folder.schedule if t.id == task), ())
        told = episode_json(library.episode(run, task, epoch), frames)
        score = library.index(run).page(Filter(q=task), 0, 200)
        row = [r for r in score["rows"] if r["task"] == task and r["epoch"] == epoch]
        return _json({**told, "score": row[0] if row else None})

    @app.get("/api/run/{run}/neighbours")
    def _neighbours(
        run: str, task: str, epoch: int = 0, type: str = "", outcome: str = "",
        scene: str = "", tool: str = "", q: str = "", sort: str = "",
    ) -> Response:  # fmt: skip
        wanted = Filter(type, outcome, scene, tool, q, sort)
        return _json(library.index(run).neighbours(wanted, task, epoch))

    @app.get("/api/run/{run}/scene")
    def _scene(run: str, task: str, epoch: int = 0) -> Response:
        told = scene_json(library.episode(run, task, epoch))
        for space in told["spaces"]:
            kept = _geometry(library, run, space["geometry"]) if space["geometry"] else None
            space["kept"] = kept.model_dump(mode="json") if kept else None
        held = any(map(has_truth, library.datasets(run)))
        told["truth"] = "held" if library.truth and held else "off" if held else "none"
        return _json(told)

    @app.get("/api/run/{run}/truth")
    def _truth(run: str, task: str, space: str, epoch: int = 0) -> Response:
        if not library.truth:
            raise HTTPException(404, "the viewer was not started with --truth")
        dataset = next(filter(has_truth, library.datasets(run)), None)
        if dataset is None:
            raise HTTPException(404, "this machine holds no truth of this run's dataset")
        episode = library.episode(run, task, epoch)
        spaces = scene_json(episode)["spaces"]
        told = next((s for s in spaces if s["space"] == space and s["geometry"]), None)
        kept = _geometry(library, run, told["geometry"]) if told else None
        if told is None or kept is None:
            raise HTTPException(404, "this space has no cameras that truth could be laid over")
        return _json(truth_json(dataset, episode.started.scene_id, kept, told["objects"]))

    @app.get("/api/run/{run}/mask")
    def _mask(run: str, task: str, handle: str, epoch: int = 0) -> Response:
        data = mask_png(library.episode(run, task, epoch), handle)
        if data is None:
            raise HTTPException(404, "there is no such mask")
        return Response(data, media_type="image/png", headers={**_APART})

    @app.get("/api/run/{run}/raw")
    def _raw(run: str, task: str, epoch: int = 0) -> Response:
        path = library.run(run).episode_path(task, epoch)
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise HTTPException(404, "there is no such log")
        return Response(path.read_bytes(), media_type="text/plain", headers={**_APART})


def _geometry(library: RunLibrary, run: str, sha256: str) -> KeptGeometry | None:
    try:
        return KeptGeometry.model_validate_json(library.blob(run, sha256))
    except HTTPException:
        return None


def _add_blobs(app: FastAPI, library: RunLibrary) -> None:
    @app.get("/blob/{run}/{sha256}")
    def _blob(run: str, sha256: str) -> Response:
        data = library.blob(run, sha256)
        kind = _IMAGES.get(format_of(data) or "")
        headers = {**_KEEP, **_APART}
        if kind is None:
            headers["content-disposition"] = "attachment"
        return Response(data, media_type=kind or "application/octet-stream", headers=headers)

    @app.get("/thumb/{run}/{sha256}")
    def _thumb(run: str, sha256: str, w: int = 320) -> Response:
        if w not in _WIDTHS:
            raise HTTPException(404, f"widths are {', '.join(map(str, _WIDTHS))}")
        image = rgb(library.blob(run, sha256))
        image.thumbnail((w, w))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=82)
        return Response(out.getvalue(), media_type="image/jpeg", headers={**_KEEP, **_APART})
