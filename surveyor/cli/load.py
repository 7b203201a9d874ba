"""`surveyor load`: a published benchmark's files, or captured rooms, as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    webxr: rooms that a headset captured (a folder of .json); see docs/real.md. roomplan: anchors
    to place, from a folder in ARKitScenes' layout or a dataset of rooms; see docs/companions.md.
    """
    from surveyor.benchmarks.loaders.frames import FrameRule
    from surveyor.benchmarks.loaders.hub import fetch
    from surveyor.benchmarks.loaders.registry import loader_named, loader_names
    from surveyor.compose.run import default_cache
    from surveyor.core.errors import UserError

    if not name:
        for known in loader_names():
            print(f"{known:<14} splits: {', '.join(loader_named(known).splits)}")
        print("load one: surveyor load NAME FOLDER OUT --split SPLIT; see docs/benchmarks.md")
        return
    if name == "webxr":
        _captured(source, out, split, frames, plain=not hub and revision is None)
        return
    if name == "roomplan":
        _anchored(source, out, split, frames, scenes, plain=not hub and revision is None)
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
    manifest = loader.load(source, out, split=split, frames=rule, media=media)
    asked = sum(manifest.questions.values())
    print(f"{len(manifest.scenes)} scenes, {asked} questions in {out}")
    if (commit := manifest.settings.get("revision")) is not None:
        print(f"revision {commit}")
    _next_steps(out)


def _captured(
    source: Path | None, out: Path | None, split: str | None, frames: str, plain: bool
) -> None:
    from surveyor.benchmarks.loaders.frames import FrameRule
    from surveyor.core.errors import UserError
    from surveyor.scenes.datasets.scans import make_scans_dataset, scan_settings
    from surveyor.scenes.formats.webxr import read_webxr

    if source is None or out is None or not plain:
        raise UserError("give the folder of captures and the dataset to make; they are on no hub")
    rule = FrameRule.parse(frames)
    if rule.kind not in ("all", "uniform"):
        raise UserError("captured rooms are filmed anew: --frames uniform:N says how often")
    settings = scan_settings(split, rule.n)
    manifest = make_scans_dataset(
        out,
        read_webxr(source),
        settings=settings,
        progress=lambda done, total: print(f"room {done} of {total}", flush=True),
    )
    print(f"{len(manifest.scenes)} scenes, {sum(manifest.questions.values())} questions in {out}")
    _next_steps(out)


def _anchored(
    source: Path | None,
    out: Path | None,
    split: str | None,
    frames: str,
    scenes: int | None,
    plain: bool,
) -> None:
    from collections import Counter

    from surveyor.benchmarks.loaders.frames import FrameRule
    from surveyor.core.errors import UserError
    from surveyor.scenes.datasets.roomplan import REJECTED, make_roomplan_dataset

    if source is None or out is None or not plain:
        raise UserError("give the folder of captures and the dataset to make; they are on no hub")
    rule = FrameRule.parse(frames)
    if rule.kind not in ("all", "uniform"):
        raise UserError("anchors are asked over evenly spaced views: --frames uniform:N")
    views = 10_000 if rule.kind == "all" else int(rule.n or 1)
    manifest, rejected = make_roomplan_dataset(
        source, out, views=views, scenes=scenes, split=split or "test"
    )
    print(f"{len(manifest.scenes)} scenes, {sum(manifest.questions.values())} anchors in {out}")
    if rejected:
        print(f"{len(rejected)} objects ask nothing; {out / REJECTED} says why of each:")
        for reason, count in Counter(row.reason for row in rejected).most_common(5):
            print(f"  {count:>4}  {reason}")
    _next_steps(out)


def _next_steps(out: Path) -> None:
    print(f"score answers of your own: surveyor score {out} predictions.jsonl")
    print(
        f"run it: surveyor run {out} --planner chat --model MODEL --base-url URL "
        "--baseline no-tools (or --experts FILE, with tools)"
    )
