"""`surveyor ask`: a question about your own photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from surveyor.viewer.finding import FoundEpisode

app = typer.Typer()


@app.command()
def ask(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PHOTOS]... [QUESTION]",
            help="Photos, folders or a video, and the question last. With --place: the question.",
        ),
    ] = None,
    place: Annotated[
        str, typer.Option(help="Name of the place; one asked about before needs no photos.")
    ] = "",
    experts: Annotated[
        Path | None, typer.Option(help="Endpoints file of experts; those started here if left out.")
    ] = None,
    model: Annotated[str, typer.Option(help="A chat model, for questions in any words.")] = "",
    base_url: Annotated[str, typer.Option(help="OpenAI-compatible endpoint of the model.")] = "",
    point: Annotated[
        list[str] | None,
        typer.Option(help='An end marked by hand in two or more photos: "a=1:412,220 2:380,231".'),
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(help='A known size between two ends: "door height = 2.00 m, c to d".'),
    ] = None,
    judged_by: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="A scored run of these experts, for lengths' intervals."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where places are kept.")] = Path("out/places"),
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Answer a question about a place from photos of it, and show what the answer rests on.

    With experts and no model six kinds of question are understood (how far, how many, how long, how
    large is the room, what is closest, where is it from where I stand); with a model any. With
    neither, mark the ends by hand and name one known size. Exit code 4: asked in vain.
    """
    from surveyor.compose.ask import Asking, ask
    from surveyor.compose.asking_shell import shell, split

    photos, question = split(given or [], place=bool(place))
    asking = Asking(
        root=out,
        place=place,
        experts=experts,
        model=model,
        base_url=base_url,
        points=tuple(point or ()),
        known=tuple(known or ()),
        judged_by=judged_by,
    )
    if not question and not point:
        shell(photos, asking)
        return
    found = ask(photos, question, asking)
    _tell(found, json)
    if found.status != "answered":
        raise typer.Exit(4)


def _tell(found: FoundEpisode, as_json: bool) -> None:
    """Print an answer for a person, or as JSON and nothing else."""
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    for line in found.lines:
        print(line)
    if found.picture:
        print(f"picture: {found.picture}")
    print(f"more: surveyor show {found.run} / surveyor view {found.run}" if found.run else "")
