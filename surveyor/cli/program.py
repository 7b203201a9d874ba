"""`surveyor program`: compute a program on one scene's boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def program(
    text: Annotated[
        str, typer.Argument(help="A program, a question of a known kind, or an account's file.")
    ],
    scene: Annotated[
        str, typer.Option(help="Boxes in APEIRIA's layout (.json), or a scene of --dataset.")
    ] = "",
    dataset: Annotated[Path | None, typer.Option(help="The dataset of the scene.")] = None,
    experts: Annotated[Path | None, typer.Option(help="Endpoints file of a scene expert.")] = None,
    preset: Annotated[
        str, typer.Option(help="Error model of the reference expert, if none runs.")
    ] = "perfect",
    asker: Annotated[str, typer.Option(help="Where the asker stands: X,Y,DEGREES.")] = "",
    layout: Annotated[
        str, typer.Option(help="Show every step: own, short, or apeiria (its layout).")
    ] = "",
    explain: Annotated[bool, typer.Option(help="Say its type, depth and operators.")] = False,
) -> None:
    """Execute a program on a scene, and print its value or every step.

    Of a file that holds an account, the steps that come out otherwise on this scene are printed.
    What cannot be told says why ("2 found"); a text that is no program says what was expected.
    """
    from surveyor.compose.program import ProgramRequest, told
    from surveyor.core.errors import UserError

    if not scene and not explain:
        raise UserError("name the scene: --scene boxes.json, or --scene NAME --dataset FOLDER")
    for line in told(ProgramRequest(text, scene, dataset, experts, preset, asker, layout, explain)):
        print(line)
