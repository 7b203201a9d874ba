"""`surveyor show`: a run or an episode in text, and an episode as a file to send."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def show(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    episode: Annotated[
        str, typer.Argument(help="A task's id, or a part that no other task has.")
    ] = "",
    story: Annotated[
        bool, typer.Option("--story", help="The episode in sentences: asked, tried, found.")
    ] = False,
    ply: Annotated[Path | None, typer.Option(help="Write the scene's cloud as .ply.")] = None,
    glb: Annotated[
        Path | None, typer.Option(help="Write cloud, boxes and cameras as .glb (Y up).")
    ] = None,
    rrd: Annotated[
        Path | None, typer.Option(help="Write the scene as .rrd for Rerun (extra rerun).")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the episode as one self-contained page.")
    ] = None,
) -> None:
    """Show what a run came to, or an episode with the evidence behind its answer."""
    from surveyor.core.errors import UserError
    from surveyor.memory.runs import RunFolder
    from surveyor.viewer.text import episode_story, episode_text, run_text

    folder = RunFolder.open(run)
    if not episode and len(folder.schedule) == 1:
        episode = folder.schedule[0].id
    if not episode:
        if ply or glb or html or rrd or story:
            raise UserError("name the episode to show or write")
        for line in run_text(folder):
            print(line)
        return
    written = ply or glb or html or rrd
    if story:
        print(episode_story(folder, episode))
    elif not written:
        for line in episode_text(folder, episode):
            print(line)
    if not written:
        return
    from surveyor.compose.exporting import export_episode

    for path in export_episode(folder, episode, ply=ply, glb=glb, html=html, rrd=rrd):
        print(path)
