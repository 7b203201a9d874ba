"""What `surveyor train geometry | answer` do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from surveyor.compose.tuning import weighted
from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem


def project(checkpoint: Path, data: Sequence[str], out: Path, settings: dict[str, object]) -> None:
    """The `train geometry` verb."""
    from surveyor.training.geometry.train import GeometrySettings, train_geometry

    try:
        wanted = GeometrySettings.model_validate(settings)
    except ValidationError as error:
        raise UserError(f"train geometry: {first_problem(error)}") from None

    def told(row: dict[str, float]) -> None:
        if row["step"] % 20 == 0 or row["step"] == wanted.steps:
            print(
                f"step {row['step']:.0f} of {wanted.steps}  loss {row['loss']:.4f}  "
                f"projector gradient {row['grad_norm']:.3g}",
                flush=True,
            )

    model = train_geometry(checkpoint, [weighted(one) for one in data], out, wanted, told)
    print(f"{model}: let it answer records with `surveyor train answer`")


def answer_records(model: Path, data: Path, out: Path, *, constrained: bool) -> None:
    """The `train answer` verb: a prediction a record, as `surveyor score` reads them."""
    from surveyor.core.anchor_actions import edges_asked
    from surveyor.training.geometry.model import GeometryModel
    from surveyor.training.geometry.records import read_records
    from surveyor.training.geometry.spoken import pattern

    loaded = GeometryModel.load(model)
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = read_records(data)
    with out.open("w", encoding="utf-8") as file:
        for example in rows:
            record = example.record
            pictures = [example.folder / name for name in record.images]
            latents = loaded.seen(pictures, record.geometry)
            acts = constrained and record.task == "anchor"
            form = pattern(record.scene_id, edges_asked(record.question)) if acts else ""
            said = loaded.answer(record.question, latents, form=form)
            file.write(json.dumps({"id": record.question_id, "prediction": said}) + "\n")
    print(f"{out}: {len(rows)} predictions")
