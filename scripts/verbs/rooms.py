"""`surveyor rooms`: suites of embedded rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Make and show embedded rooms.")


@app.command()
def make(
    out: Annotated[Path, typer.Argument(help="Folder of the suite; finished ones are kept.")],
    rooms: Annotated[int, typer.Option(min=1, help="How many rooms.")] = 6,
    seed: Annotated[int, typer.Option(help="Seed of the first room.")] = 0,
    frames: Annotated[int, typer.Option(min=1, help="Frames a room.")] = 24,
    width: Annotated[int, typer.Option(min=64, help="Width of a frame, pixels.")] = 480,
    height: Annotated[int, typer.Option(min=48, help="Height of a frame, pixels.")] = 360,
    per_type: Annotated[int, typer.Option(min=1, help="Questions a room and type, at most.")] = 6,
    split: Annotated[str, typer.Option(help="Split that the scenes belong to.")] = "test",
) -> None:
    """Build rooms, film them, ask about them. Interrupt and repeat at will."""
    from scenes.suite_rooms import RoomsSettings
    from scripts.demonstration import make_rooms

    settings = RoomsSettings(n_frames=frames, size=(width, height), per_type=per_type)
    make_rooms(out, range(seed, seed + rooms), settings=settings, split=split)


@app.command("list")
def list_(suite: Annotated[Path, typer.Argument(help="A suite folder.")]) -> None:
    """List a suite's scenes and how many questions of each type it asks."""
    from scenes.suite import Suite

    manifest = Suite.open(suite).manifest
    print(f"{manifest.name}, split {manifest.split}, {len(manifest.scenes)} scenes")
    for name, count in manifest.questions.items():
        print(f"{name:<32} {count}")
