"""`surveyor score`: score a run from its log, or any file of predictions."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_jsonable_python

app = typer.Typer()


@app.command()
def score(
    what: Annotated[str, typer.Argument(help="A run folder, or a dataset folder.")] = "",
    predictions: Annotated[
        Path | None, typer.Argument(help="A file of {id, prediction} rows, with a dataset.")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="The dataset that the run was made with.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="Self-contained rows; prints one JSON object for each.")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Name of the metric; the dataset's own when left out.")
    ] = "",
    profile: Annotated[str, typer.Option(help="Published variant of the metric.")] = "",
    captions: Annotated[
        bool, typer.Option(help="BLEU, ROUGE-L and CIDEr of predictions (extra captions).")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score again at any time, from the log alone.

    Every scheduled question counts; failed and missing ones count 0.
    """
    from surveyor.benchmarks.scorers.rows import RowError
    from surveyor.core.errors import UserError

    chosen = profile or None
    if captions and predictions is None:
        raise UserError("captions are scored as a file: score DATASET PREDICTIONS --captions")
    if file := rows or predictions:
        try:
            if rows is not None:
                _score_rows(rows, metric or "vsi", chosen)
            elif captions:
                _score_captions(Path(what), file, json)
            else:
                _score_predictions(Path(what), file, metric, chosen, json)
        except RowError as error:
            raise UserError(f"{file}: {error}") from None
    elif what:
        _score_run(Path(what), dataset, metric, chosen, json)
    else:
        raise UserError("name a run folder, a dataset with a file of predictions, or --rows FILE")


def _score_rows(path: Path, metric: str, profile: str | None) -> None:
    from surveyor.benchmarks.scorecard import summarize
    from surveyor.benchmarks.scorers.registry import metric_named
    from surveyor.benchmarks.scorers.rows import RowCounts, score_rows

    counts = RowCounts()
    for row in score_rows(_lines(path), metric, profile, counts):
        sys.stdout.write(dumps(row) + "\n")
    unread = f"  unread {counts.unread}" if counts.unread else ""
    print(f"scored {counts.scored}  failed {counts.failed}{unread}", file=sys.stderr)
    if counts.judged:
        card = summarize(metric_named(metric), counts.judged, profile)
        for name, value in card.overall.items():
            figure = f"overall {name} {value:.1f}  ({card.metric}/{card.profile})"
            print(figure, file=sys.stderr)


def _score_predictions(
    dataset: Path, path: Path, metric: str, profile: str | None, json: bool
) -> None:
    from surveyor.benchmarks.predictions import score_predictions
    from surveyor.benchmarks.scoring import metric_of

    card = score_predictions(dataset, _lines(path), metric or metric_of(dataset), profile)
    if json:
        print(dumps(to_jsonable_python(card)))
        return
    counts = card.counts
    for group in card.groups:
        means = "  ".join(f"{name} {value:.1f}" for name, value in group.means.items())
        print(f"{group.name:<32} n {group.counts.scheduled:<5} {means}")
    for name, value in card.overall.items():
        print(f"overall {name} {value:.1f}  ({card.metric}/{card.profile})")
    print(f"scored {counts.scored}  failed {counts.failed}  incomplete {counts.incomplete}")
    if card.unread:
        print(f"unread {card.unread}, of which the published code guesses {card.guessed}")


def _score_captions(dataset: Path, path: Path, json: bool) -> None:
    from surveyor.benchmarks.predictions import caption_figures

    figures = caption_figures(dataset, _lines(path))
    if json:
        print(dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<12} {value:.1f}")


def _score_run(
    path: Path, dataset: Path | None, metric: str, profile: str | None, json: bool
) -> None:
    from surveyor.benchmarks.scoring import metric_of, score_run
    from surveyor.compose.tables import show
    from surveyor.core.errors import UserError
    from surveyor.memory.runs import RunFolder

    folder = RunFolder.open(path)
    if dataset is None:
        raise UserError("to score a run, say with --dataset which dataset it was made with")
    types = {task.question_type for task in folder.schedule}
    report = score_run(folder, dataset, metric or metric_of(dataset, types), profile)
    if json:
        print(report.model_dump_json(indent=2))
    else:
        show({report.planner: report})


def _lines(path: Path) -> list[bytes]:
    from surveyor.core.errors import UserError

    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
