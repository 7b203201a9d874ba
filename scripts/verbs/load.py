"""`surveyor load`: a published benchmark's files as a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def load(
    name: Annotated[str, typer.Argument(help="vsi-bench, mmsi-bench, blink, scanqa, ...")],
    source: Annotated[Path, typer.Argument(help="The benchmark's folder or file.")],
    out: Annotated[Path, typer.Argument(help="The suite folder to make.")],
    split: Annotated[str | None, typer.Option(help="Which split.")] = None,
    frames: Annotated[str, typer.Option(help="all, uniform:32, fps:1, list:0,8,16.")] = "all",
) -> None:
    """Make a suite from a benchmark's local files; see docs/benchmarks.md."""
    from benchmarks.loaders.frames import FrameRule
    from benchmarks.loaders.registry import loader_named

    rule = FrameRule.parse(frames)
    manifest = loader_named(name).load(source, out, split=split, frames=rule)
    asked = sum(manifest.questions.values())
    print(f"{len(manifest.scenes)} scenes, {asked} questions in {out}")
    print(f"score it with --metric {manifest.settings.get('metric', 'vsi')}")
