"""`surveyor load`: a published benchmark's files, or captured rooms, as a dataset."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from surveyor.core.dataset import DatasetManifest

app = typer.Typer()


@app.command()
def load(
    name: Annotated[
        str,
        typer.Argument(help="vsi-bench, ..., webxr or roomplan; benchmarks are listed without it."),
    ] = "",
    source: Annotated[
        Path | None, typer.Argument(help="The benchmark's folder or file; left out with --hub.")
    ] = None,
    out: Annotated[Path | None, typer.Argument(help="The dataset folder to make.")] = None,
    split: Annotated[str | None, typer.Option(help="Which split.")] = None,
    frames: Annotated[str, typer.Option(help="all, uniform:32, fps:1, list:0,8,16.")] = "all",
    media: Annotated[
        Path | None, typer.Option(help="Folder of the images and videos, if they lie elsewhere.")
    ] = None,
    hub: Annotated[
        str, typer.Option(help="A data set's Hugging Face id, as nyu-visionx/VSI-Bench.")
    ] = "",
    revision: Annotated[
        str | None, typer.Option(help="Commit, tag or branch of --hub; its newest if left out.")
    ] = None,
    scenes: Annotated[
        int | None, typer.Option(min=1, help="For roomplan: only the first scenes.")
    ] = None,
) -> None:
    """Make a dataset from a benchmark's local files, or from the hub; see docs/benchmarks.md.

    Places that others captured: webxr (a headset's rooms, see docs/real.md); scannet, scannetpp,
    arkitscenes (poses and depth), apeiria (tables of objects); roomplan (anchors to place, from a
    folder in ARKitScenes' layout or a dataset of rooms, see docs/companions.md).
    """
    from surveyor.benchmarks.loaders.frames import FrameRule
    from surveyor.benchmarks.loaders.hub import fetch
    from surveyor.benchmarks.loaders.registry import loader_named
    from surveyor.compose.loading import PLACES, PlaceRequest, load_places
    from surveyor.compose.run import default_cache
    from surveyor.core.errors import UserError

    if not name:
        _listed()
        return
    if name in PLACES:
        if source is None or out is None or hub or revision is not None:
            raise UserError(f"give the folder of {name} and the dataset to make; no hub has it")
        load_places(PlaceRequest(name, source, out, split, FrameRule.parse(frames), scenes))
        _next_steps(out)
        return
    rule, loader = FrameRule.parse(frames), loader_named(name)
    if source is None:
        raise UserError(f"say where the files of {name} are and the dataset to make, or --hub ID")
    if hub:
        if out is not None:
            raise UserError(f"with --hub say only where the dataset goes, without {source}")
        source, out = fetch(name, hub, revision, default_cache()), source
    elif out is None or revision is not None:
        raise UserError("give the benchmark's folder and the dataset to make, or --hub with an id")
    manifest = loader.load(source, out, split=split, frames=rule, media=media or _media())
    _told(manifest, out)
    _next_steps(out)


def _listed() -> None:
    from surveyor.benchmarks.loaders.registry import loader_named, loader_names
    from surveyor.compose.loading import PLACES

    for known in loader_names():
        print(f"{known:<14} splits: {', '.join(loader_named(known).splits)}")
    print(f"places: {', '.join(PLACES)}")
    print("load one: surveyor load NAME FOLDER OUT --split SPLIT; see docs/benchmarks.md")


def _media() -> Path | None:
    """What the environment says of where images lie."""
    from surveyor.benchmarks.run.surroundings import IMAGES, Surroundings

    around = Surroundings.read(os.environ)
    if around.images is not None:
        print(f"from the environment: {IMAGES}={around.images} (--media)", file=sys.stderr)
    return around.images


def _told(manifest: DatasetManifest, out: Path) -> None:
    from surveyor.core.dataset import what_was_made

    print(what_was_made(manifest, out))
    if (commit := manifest.settings.get("revision")) is not None:
        print(f"revision {commit}")


def _next_steps(out: Path) -> None:
    print(f"score answers of your own: surveyor score {out} predictions.jsonl")
    print(
        f"run it: surveyor run {out} --planner chat --model MODEL --base-url URL "
        "--baseline no-tools (or --experts FILE, with tools)"
    )
