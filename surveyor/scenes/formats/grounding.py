"""ScanQA, SQA3D, ScanRefer, Multi3DRefer and Reason3D records, by their published names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem
from surveyor.scenes.formats.posed_images import read_json, write_json
from surveyor.scenes.formats.question_records import Asked, Record, asked

SPLIT = "val"
Row = TypeVar("Row", bound=BaseModel)


class _GroundingRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ScanQARow(_GroundingRow):
    """A row of ``ScanQA_v1.0_<split>.json``."""

    scene_id: str
    question_id: str
    question: str
    answers: tuple[str, ...] = ()
    object_ids: tuple[int, ...] = ()
    object_names: tuple[str, ...] = ()


class ScanReferRow(_GroundingRow):
    """A row of ``ScanRefer_filtered_<split>.json``; ids are strings there."""

    scene_id: str
    object_id: str
    object_name: str
    ann_id: str
    description: str
    token: tuple[str, ...] = ()


class Multi3DReferRow(_GroundingRow):
    """A row of ``multi3drefer_<split>.json``."""

    scene_id: str
    object_ids: tuple[int, ...]
    object_name: str
    ann_id: int
    description: str
    eval_type: str


class Reason3DRow(_GroundingRow):
    """A row of Reason3D's json."""

    scene_id: str
    object_id: int
    object_name: str
    question: str
    type: str


class SqaQuestion(_GroundingRow):
    """A question of SQA3D's balanced questions file."""

    scene_id: str
    question_id: int
    situation: str
    question: str
    alternative_situation: tuple[str, ...] = ()


class SqaAnswer(_GroundingRow):
    """One accepted answer of SQA3D."""

    answer: str
    answer_confidence: str = "yes"
    answer_id: int = 1


class Position(_GroundingRow):
    """Metres in the scene's frame."""

    x: float
    y: float
    z: float


class Quaternion(_GroundingRow):
    """A rotation as SQA3D writes it."""

    x: float = Field(alias="_x")
    y: float = Field(alias="_y")
    z: float = Field(alias="_z")
    w: float = Field(alias="_w")


class SqaAnnotation(_GroundingRow):
    """An annotation of SQA3D: answers, and where one stands."""

    scene_id: str
    question_id: int
    question_type: str
    answer_type: str
    answers: tuple[SqaAnswer, ...]
    position: Position
    rotation: Quaternion


def write_grounding(path: Path, folder: Path) -> dict[str, int]:
    """Write every record that a dataset has; returns rows by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, (types, record) in _FILES.items():
        rows = [record(number, row) for number, row in enumerate(asked(path, *types))]
        if rows:
            write_json(folder / name, rows)
            written[name] = len(rows)
    situated = list(asked(path, "sqa3d"))
    if situated:
        questions = [_sqa_question(k, row) for k, row in enumerate(situated)]
        annotations = [_sqa_annotation(k, row) for k, row in enumerate(situated)]
        stem = "v1_balanced_{}_" + f"{SPLIT}_scannetv2.json"
        write_json(folder / stem.format("questions"), {"questions": questions})
        write_json(folder / stem.format("sqa_annotations"), {"annotations": annotations})
        written[stem.format("questions")] = len(questions)
    return written


def _scanqa(number: int, row: Asked) -> Record:
    return {
        "scene_id": row.task.scene_id,
        "question_id": f"{SPLIT}-{row.task.scene_id}-{number}",
        "question": row.task.question,
        "answers": row.target.payload["references"],
        "object_ids": [item.instance_id for item in row.objects],
        "object_names": row.target.payload["object_names"],
    }


def _scanrefer(number: int, row: Asked) -> Record:
    description = _description(row)
    return {
        "scene_id": row.task.scene_id,
        "object_id": str(row.target.payload["object_id"]),
        "object_name": str(row.target.payload["object_name"]).replace(" ", "_"),
        "ann_id": str(number),
        "description": description,
        "token": list(description.split()),
    }


def _multi3drefer(number: int, row: Asked) -> Record:
    return {
        "scene_id": row.task.scene_id,
        "object_ids": row.target.payload["object_ids"],
        "object_name": row.target.payload["object_name"],
        "ann_id": number,
        "description": _description(row),
        "eval_type": row.target.payload["eval_type"],
    }


def _reason3d(number: int, row: Asked) -> Record:
    """One row an object: Reason3D asks for one mask at a time."""
    item = row.objects[0]
    return {
        "scene_id": row.task.scene_id,
        "object_id": item.instance_id,
        "object_name": item.category,
        "question": row.task.question,
        "type": "surveyor",
    }


def _sqa_question(number: int, row: Asked) -> Record:
    situation = str(row.target.payload["situation"])
    return {
        "scene_id": row.task.scene_id,
        "question_id": number,
        "situation": situation,
        "alternative_situation": [],
        "question": row.task.question.removeprefix(situation).strip(),
    }


def _sqa_annotation(number: int, row: Asked) -> Record:
    answers: list[Record] = [
        {"answer": text, "answer_confidence": "yes", "answer_id": k}
        for k, text in enumerate(row.target.payload["references"], start=1)  # type: ignore[arg-type]
    ]
    return {
        "scene_id": row.task.scene_id,
        "question_id": number,
        "question_type": row.target.payload["sqa_type"],
        "answer_type": "other",
        "answers": answers,  # type: ignore[dict-item]
        "position": row.target.payload["position"],
        "rotation": row.target.payload["rotation"],
    }


def _description(row: Asked) -> str:
    return row.task.question.split(": ", 1)[1]


_Writer = tuple[tuple[str, ...], Callable[[int, Asked], Record]]
_FILES: Mapping[str, _Writer] = {
    f"ScanQA_v1.0_{SPLIT}.json": (("scanqa", "unanswerable"), _scanqa),
    f"ScanRefer_filtered_{SPLIT}.json": (("scanrefer",), _scanrefer),
    f"multi3drefer_{SPLIT}.json": (("multi3drefer",), _multi3drefer),
    f"reason3d_{SPLIT}.json": (("reason_seg",), _reason3d),
}


def read_rows(path: Path, row: type[Row]) -> list[Row]:
    """Rows of a JSON array file; `UserError` names the first that is wrong."""
    return _validated(path, read_json(path), row)


def read_sqa3d(questions: Path, annotations: Path) -> list[tuple[SqaQuestion, SqaAnnotation]]:
    """SQA3D's two files joined by question id."""
    asked_ = _validated(questions, _inside(questions, "questions"), SqaQuestion)
    known = {
        row.question_id: row
        for row in _validated(annotations, _inside(annotations, "annotations"), SqaAnnotation)
    }
    missing = [row.question_id for row in asked_ if row.question_id not in known]
    if missing:
        raise UserError(f"{annotations} has no annotation for question {missing[0]}")
    return [(row, known[row.question_id]) for row in asked_]


def _inside(path: Path, name: str) -> object:
    found = read_json(path)
    if not isinstance(found, dict) or name not in found:
        raise UserError(f"{path} has no list of {name}; is it an SQA3D file?")
    return found[name]


def _validated(path: Path, value: object, row: type[Row]) -> list[Row]:
    try:
        return TypeAdapter(list[row]).validate_python(value)  # type: ignore[valid-type]
    except ValidationError as error:
        raise UserError(f"{path} holds no {row.__name__}s: {first_problem(error)}") from None
