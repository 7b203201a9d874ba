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
    condition: Annotated[
        list[str] | None, typer.Option(help="clean, dark, blurred, ...; taken in turn.")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Question types; VSI-Bench's if left out.")
    ] = None,
    beauty: Annotated[bool, typer.Option(help="More light samples and antialiasing.")] = False,
) -> None:
    """Build rooms, film them, ask about them. Interrupt and repeat at will."""
    from scripts.demonstration import make_rooms
    from scripts.rooming import settings_of

    settings = settings_of(
        n_frames=frames,
        size=(width, height),
        per_type=per_type,
        conditions=tuple(condition or ("clean",)),
        light_rays=48 if beauty else 16,
        antialias=beauty,
        **({"types": tuple(types)} if types else {}),
    )
    make_rooms(out, range(seed, seed + rooms), settings=settings, split=split)


@app.command("list")
def list_(suite: Annotated[Path, typer.Argument(help="A suite folder.")]) -> None:
    """List a suite's scenes and how many questions of each type it asks."""
    from scenes.suite import Suite

    manifest = Suite.open(suite).manifest
    print(f"{manifest.name}, split {manifest.split}, {len(manifest.scenes)} scenes")
    for name, count in manifest.questions.items():
        print(f"{name:<32} {count}")


@app.command()
def show(
    suite: Annotated[Path, typer.Argument(help="A suite folder.")],
    out: Annotated[Path, typer.Argument(help="The PNG to write.")] = Path("out/sheet.png"),
    scene: Annotated[list[str] | None, typer.Option(help="Only these scenes.")] = None,
) -> None:
    """Write a contact sheet: picture, depth, ids and numbered top view of every scene."""
    from scenes.contact_sheet import contact_sheet

    out.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(suite, out, tuple(scene or ()))
    print(out)


@app.command()
def export(
    suite: Annotated[Path, typer.Argument(help="A suite folder.")],
    out: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    layout: Annotated[str, typer.Option(help="vsibench, scannet, scannetpp, arkitscenes, ...")],
) -> None:
    """Write a suite in a public dataset's layout, answers included."""
    from scenes.export.layouts import export_suite

    export_suite(suite, out, layout)
    print(out)


@app.command()
def audit(suite: Annotated[Path, typer.Argument(help="A suite folder.")]) -> None:
    """Print how well a suite's questions are answered blind: by frequency and by a forest."""
    from scripts.rooming import blind_rows

    rows = blind_rows(suite)
    if not rows:
        print("no question type is asked often enough to be audited (20 questions)")
    for row in rows:
        print(
            f"{row.question_type:<32} n {row.n:<5} chance {100 * row.chance:5.1f}  "
            f"frequency {100 * row.frequency:5.1f}  forest {100 * row.forest:5.1f}  "
            f"letters p {row.letters_p:.2f}"
        )
