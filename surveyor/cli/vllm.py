"""`surveyor vllm`: serve a local model with the flags that its family needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.agent.model_server import Engine
from surveyor.cli.verbs import Verbs

app = typer.Typer(cls=Verbs, no_args_is_help=True, help="Serve a local model for the chat planner.")


@app.callback()
def _vllm() -> None:
    """Kept apart so that `up` stays a command of its own."""


@app.command(context_settings={"allow_extra_args": True})
def up(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Hub id or folder of the model.")],
    engine: Annotated[Engine, typer.Option(help="What serves it.")] = Engine.VLLM,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")] = 8000,
    name: Annotated[str, typer.Option(help="Name to serve it by (default: the model).")] = "",
    gpus: Annotated[int, typer.Option(help="GPUs to spread the model over.")] = 1,
    memory: Annotated[float, typer.Option(help="Share of GPU memory to take.")] = 0.9,
    length: Annotated[int, typer.Option("--context", help="Longest context, tokens.")] = 32768,
    images: Annotated[int | None, typer.Option(help="Most images in a request.")] = None,
    max_pixels: Annotated[int | None, typer.Option(help="Most pixels of an image.")] = None,
    tool_parser: Annotated[str, typer.Option(help="Instead of the family's own.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Print the command and stop.")] = False,
    probe: Annotated[bool, typer.Option(help="Examine the server once it answers.")] = True,
    patience: Annotated[float, typer.Option(help="Seconds to wait until it answers.")] = 900.0,
    log: Annotated[Path, typer.Option(help="Where the server writes.")] = Path("out/model.log"),
) -> None:
    """Compose the server's command, start it, wait until it answers, examine it as `doctor` does,
    and keep it until Ctrl-C. What stands after -- goes onto the command as it is.
    """
    from surveyor.agent.model_server import ServeOptions, compose, printed
    from surveyor.compose.model_server import keep

    options = ServeOptions.of(
        host=host,
        port=port,
        name=name or None,
        context=length,
        images=images,
        max_pixels=max_pixels,
        gpus=gpus,
        memory=memory,
        tool_parser=tool_parser or None,
        extra=tuple(context.args),
    )
    command = compose(model, engine, options)
    print(printed(command), flush=True)
    if not dry_run:
        keep(command, options, options.name or model, log, patience=patience, probe=probe)
