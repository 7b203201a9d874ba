"""`surveyor rooms`: datasets of embedded rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.cli.verbs import Verbs
from surveyor.core.wording import many

app = typer.Typer(cls=Verbs, no_args_is_help=True, help="Make and show embedded rooms.")


@app.command()
def make(
    out: Annotated[Path, typer.Argument(help="Folder of the dataset; finished ones are kept.")],
    rooms: Annotated[int, typer.Option(min=1, help="How many rooms.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first room.")] = 0,
    frames: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Frames a room: 24, of a walk 360.")
    ] = None,
    width: Annotated[int, typer.Option(min=64, max=4096, help="Width of a frame, pixels.")] = 480,
    height: Annotated[int, typer.Option(min=48, max=4096, help="Height of a frame, pixels.")] = 360,
    type_: Annotated[
        list[str] | None,
        typer.Option("--type", help="A question type, vsi (ten of them) or all; repeatable."),
    ] = None,
    per_type: Annotated[int, typer.Option(min=1, help="Questions a room and type, at most.")] = 6,
    split: Annotated[str, typer.Option(help="Split that the scenes belong to.")] = "test",
    condition: Annotated[
        list[str] | None, typer.Option(help="clean, dark, blurred, ...; taken in turn.")
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(help="Film twins: moved, removed, recoloured, mirrored, relit or all."),
    ] = None,
    kind: Annotated[str | None, typer.Option(help="bedroom, kitchen, office, ...")] = None,
    shape: Annotated[str | None, typer.Option(help="rectangle, l_shape or two_rooms.")] = None,
    area: Annotated[float | None, typer.Option(help="Floor area, square metres.")] = None,
    objects: Annotated[int | None, typer.Option(help="Objects a room, openings included.")] = None,
    clutter: Annotated[float | None, typer.Option(help="How much lies about, 0 to 1.")] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Furnish with these categories only; repeatable.")
    ] = None,
    beauty: Annotated[bool, typer.Option(help="More light samples and antialiasing.")] = False,
    walk: Annotated[
        bool, typer.Option("--walk", help="Long walks through places of many rooms instead.")
    ] = False,
) -> None:
    """Build rooms, film them, ask about them. Interrupt and repeat at will."""
    from surveyor.compose.rooms import make_dataset, make_walks, settings_of, types_of

    controls = {
        "kind": kind, "shape": shape, "area": area, "objects": objects, "clutter": clutter,
        "vocabulary": category,
    }  # fmt: skip
    if walk:
        others = {**controls, "condition": condition, "pairs": pairs, "beauty": beauty or None}
        make_walks(
            out, range(seed, seed + rooms), split, others,
            n_frames=frames, size=(width, height), types=types_of(type_ or ()), per_type=per_type,
        )  # fmt: skip
        return
    settings = settings_of(
        n_frames=24 if frames is None else frames,
        size=(width, height),
        types=types_of(type_ or ()),
        per_type=per_type,
        conditions=tuple(condition or ("clean",)),
        light_rays=48 if beauty else 16,
        antialias=beauty,
        controls=controls if any(v is not None for v in controls.values()) else None,
    )
    make_dataset(out, range(seed, seed + rooms), settings, split, pairs or ())


@app.command("list")
def list_(dataset: Annotated[Path, typer.Argument(help="A dataset folder.")]) -> None:
    """List a dataset's scenes and how many questions of each type it asks."""
    from surveyor.core.dataset import Dataset

    manifest = Dataset.open(dataset).manifest
    print(f"{manifest.name}, split {manifest.split}, {many(len(manifest.scenes), 'scene')}")
    for name, count in manifest.questions.items():
        print(f"{name:<32} {count}")


@app.command()
def show(
    dataset: Annotated[Path, typer.Argument(help="A dataset folder.")],
    out: Annotated[Path, typer.Argument(help="The PNG to write.")] = Path("out/sheet.png"),
    scene: Annotated[list[str] | None, typer.Option(help="Only these scenes.")] = None,
) -> None:
    """Write a contact sheet: picture, depth, ids and numbered top view of every scene."""
    from surveyor.scenes.datasets.contact_sheet import contact_sheet

    contact_sheet(dataset, out, tuple(scene or ()))
    print(out)


@app.command()
def export(
    dataset: Annotated[Path, typer.Argument(help="A dataset folder.")],
    out: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    layout: Annotated[
        str, typer.Option(help="vsibench, vsibench-video, scannet, scannetpp, arkitscenes, ...")
    ],
) -> None:
    """Write a dataset in a public dataset's layout, answers included."""
    from surveyor.scenes.formats.registry import export_dataset

    export_dataset(dataset, out, layout)
    print(out)


@app.command()
def audit(dataset: Annotated[Path, typer.Argument(help="A dataset folder.")]) -> None:
    """Print how well a dataset's questions are answered blind: by frequency and by a forest."""
    from surveyor.compose.rooms import blind_rows

    rows = blind_rows(dataset)
    if not rows:
        print("no question type is asked often enough to be audited (20 questions)")
    for row in rows:
        print(
            f"{row.question_type:<32} n {row.n:<5} chance {100 * row.chance:5.1f}  "
            f"frequency {100 * row.frequency:5.1f}  forest {100 * row.forest:5.1f}  "
            f"letters p {row.letters_p:.2f}"
        )
