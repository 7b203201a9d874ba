"""`surveyor view`: runs, episodes and scenes in a browser, from this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def view(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Runs, or folders of runs; out/ if left out.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    trust_host: Annotated[
        list[str] | None, typer.Option(help="A name by which browsers may call the viewer.")
    ] = None,
    token: Annotated[bool, typer.Option(help="Ask for the token in the first address.")] = True,
    dataset: Annotated[
        list[Path] | None, typer.Option(help="A dataset whose pictures runs may show.")
    ] = None,
    experts: Annotated[
        Path | None, typer.Option(help="Endpoints file for the page of services.")
    ] = None,
    library: Annotated[
        Path | None, typer.Option(help="Folder of a skill library for its page.")
    ] = None,
    training: Annotated[
        list[Path] | None,
        typer.Option(
            help="What `surveyor train` wrote, or a folder of it; out/training if left out."
        ),
    ] = None,
    truth: Annotated[
        bool, typer.Option("--truth", help="Let scenes show true boxes of datasets held here.")
    ] = False,
    ask: Annotated[
        bool, typer.Option("--ask", help="Take photos and answer questions about them, in places.")
    ] = False,
    places: Annotated[Path, typer.Option(help="Where places are kept.")] = Path("out/places"),
    model: Annotated[str, typer.Option(help="With --ask: a chat model.")] = "",
    base_url: Annotated[
        str, typer.Option(help="With --ask: the model's OpenAI-compatible endpoint.")
    ] = "",
) -> None:
    """Show runs in the browser; no run is written to.

    Nothing leaves this machine, but photos for a --model elsewhere; the page says so before.
    """
    from surveyor.compose.ask import Asking
    from surveyor.compose.viewing import OUT, serve_viewer

    asking = Asking(root=places, experts=experts, model=model, base_url=base_url) if ask else None
    serve_viewer(
        runs or [OUT],
        port=port,
        host=host,
        trusted=tuple(trust_host or ()),
        token=token,
        datasets=tuple(dataset or ()),
        experts=experts,
        library=library,
        asking=asking,
        training=tuple(training or [Path("out/training")]),
        truth=truth,
    )
