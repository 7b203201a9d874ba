"""Beside runs: services, a skill library with its lineage, and the curves that training wrote."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi import FastAPI, HTTPException, Response

from surveyor.core.errors import UserError
from surveyor.skills.attribution import worth
from surveyor.skills.entries import StoredSkill
from surveyor.skills.reports import diff, ledger_line
from surveyor.skills.store import SkillStore

if TYPE_CHECKING:
    from surveyor.training.evolution.records import RoundReport

METRICS: Final = "metrics.jsonl"
_MOST_POINTS: Final = 2000
_MOST_BYTES: Final = 64 << 20

Status = Callable[[], list[dict[str, Any]]]


def add_shelves(
    app: FastAPI, services: Status | None, skills: SkillShelf | None, training: TrainingShelf
) -> None:
    """The endpoints of what stands beside runs; what is ``None`` was not asked for at start."""

    @app.get("/api/services")
    def _services() -> Response:
        return _json({"rows": services() if services else [], "asked": services is not None})

    @app.get("/api/skills")
    def _skills() -> Response:
        told = (
            {"rows": skills.rows(), "evolutions": skills.evolutions()} if skills else {"rows": []}
        )
        return _json({**told, "asked": skills is not None})

    @app.get("/api/skill/{name}")
    def _skill(name: str, v: str = "", against: str = "") -> Response:
        told = skills.one(name, v, against) if skills else None
        if told is None:
            raise HTTPException(404, "there is no such skill or version here")
        return _json(told)

    @app.get("/api/training")
    def _trainings() -> Response:
        return _json({"rows": training.rows()})

    @app.get("/api/training/{name}")
    def _training(name: str) -> Response:
        told = training.one(name)
        if told is None:
            raise HTTPException(404, "there is no such training here")
        return _json(told)


class SkillShelf:
    """A skill library, opened anew for every request, because others may write it."""

    def __init__(self, library: Path) -> None:
        self._library = library

    def rows(self) -> list[dict[str, Any]]:
        """Every version with its lift and interval, by name and age."""
        with SkillStore(self._library, read_only=True) as store:
            return [_row(store, skill) for skill in store.skills(None)]

    def evolutions(self) -> list[dict[str, Any]]:
        """Every evolution of the library: its learning curve rung by rung, and its rounds with
        what the gate said."""
        from surveyor.training.evolution.records import RoundReport

        with SkillStore(self._library, read_only=True) as store:
            told = {run: store.rounds(run) for run in store.evolutions()}
        found = []
        for run, records in told.items():
            rounds = [RoundReport.model_validate_json(record) for record in records]
            curve = [max(g.utilities.values()) for r in rounds for g in r.rungs if g.utilities]
            found.append({"run": run, "curve": curve, "rounds": [_round(r) for r in rounds]})
        return found

    def one(self, name: str, version: str, against: str) -> dict[str, Any] | None:
        """A skill's versions, the one asked for in full, and what changed ``against`` another;
        ``None`` where there is no such skill."""
        with SkillStore(self._library, read_only=True) as store:
            every = [s for s in store.skills(None) if s.document.name == name]
            by_version = {s.document.version: s for s in every}
            if not every or {version, against} - {"", *by_version}:
                return None
            active = [s for s in every if s.status == "active"]
            shown = by_version.get(version) or (active or every)[-1]
            other = by_version.get(against)
            return {
                "name": name,
                "version": shown.document.version,
                "against": against,
                "text": shown.document.text,
                "untrusted": shown.status == "untrusted",
                "other": other.document.text if other else "",
                "diff": diff(store, other.ref, shown.ref).splitlines() if other else [],
                "versions": [{**_row(store, s), "parents": s.provenance.parents} for s in every],
                "ledger": [ledger_line(row) for row in store.ledger(name)][-200:],
            }


def _round(report: RoundReport) -> dict[str, Any]:
    keys = ("round", "played", "incomplete", "findings", "active", "utility", "plain", "best")
    judged = next((v.comparison for v in report.verdicts if v.comparison.level > 0), None)
    return {
        **{key: getattr(report, key) for key in keys},
        "rungs": [rung.rooms for rung in report.rungs],
        "promoted": report.count("promoted"),
        "gate": judged and {
            "lift": judged.lift, "low": judged.lower, "high": judged.upper,
            "rooms": judged.rooms, "reason": judged.reason,
        },
    }  # fmt: skip


def _row(store: SkillStore, skill: StoredSkill) -> dict[str, Any]:
    told = worth(store, skill)
    return {
        "name": skill.document.name,
        "version": skill.document.version,
        "status": skill.status.value,
        "origin": skill.provenance.origin.value,
        "scope": skill.document.scope.key,
        "tokens": skill.document.tokens,
        "lift": told.lift,
        "low": told.low,
        "high": told.high,
        "rooms": told.rooms,
    }


class TrainingShelf:
    """Folders that training wrote, by name: those named, and those in folders that are named."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = tuple(places)

    def _folders(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for place in self._places:
            inside = [place] if (place / METRICS).is_file() else []
            inside += sorted({p.parent for n in ("*", "*/*") for p in place.glob(f"{n}/{METRICS}")})
            for folder in inside:
                name, k = folder.name, 2
                while name in found and found[name] != folder:
                    name, k = f"{folder.name}~{k}", k + 1
                found[name] = folder
        return found

    def rows(self) -> list[dict[str, Any]]:
        """One row a training: steps so far and the last values."""
        told = []
        for name, folder in self._folders().items():
            rows = read_metrics(folder / METRICS)
            told.append({"name": name, "steps": len(rows), "last": rows[-1] if rows else {}})
        return told

    def one(self, name: str) -> dict[str, Any] | None:
        """The curves of one training, thinned to what a page can draw, and its settings."""
        folder = self._folders().get(name)
        if folder is None:
            return None
        rows = read_metrics(folder / METRICS)
        every = max(1, math.ceil(len(rows) / _MOST_POINTS))
        kept = rows[::every] + ([rows[-1]] if rows and (len(rows) - 1) % every else [])
        settings = folder / "training.json"
        told = orjson.loads(settings.read_bytes()) if settings.is_file() else {}
        return {"name": name, "rows": kept, "steps": len(rows), "settings": told}


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The numbers of ``metrics.jsonl``, a row a step; a torn last line is dropped."""
    if path.stat().st_size > _MOST_BYTES:
        raise UserError(f"{path.name} is larger than a page can hold ({_MOST_BYTES >> 20} MB)")
    data = path.read_bytes()
    rows: list[dict[str, float]] = []
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(row, dict):
            numbers = {
                key: value
                for key, value in row.items()
                if isinstance(value, (int, float)) and not isinstance(value, bool)
            }
            rows.append({"step": len(rows) + 1, **numbers})
    return rows


def _json(value: object) -> Response:
    return Response(orjson.dumps(value, default=str), media_type="application/json")
