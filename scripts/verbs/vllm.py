"""`surveyor vllm`: serve a local model with the flags that its family needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.serving import Engine

app = typer.Typer(no_args_is_help=True, help="Serve a local model for the chat planner.")


@app.callback()
def _vllm() -> None:
    """Kept apart so that `up` stays a command of its own."""


@app.command()
def up(
    model: Annotated[str, typer.Argument(help="Hub id or folder of the model.")],
    engine: Annotated[Engine, typer.Option(help="What serves it.")] = Engine.VLLM,
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8000,
    gpus: Annotated[int, typer.Option(min=1, help="GPUs to spread the model over.")] = 1,
    context: Annotated[int, typer.Option(help="Longest context, tokens.")] = 32768,
    dry_run: Annotated[bool, typer.Option(help="Print the command and stop.")] = False,
    log: Annotated[Path, typer.Option(help="Where the server writes.")] = Path("out/model.log"),
) -> None:
    """Compose the server's command, start it, wait until it answers, and keep it until Ctrl-C."""
    import signal

    from agent.serving import ServeOptions, compose, printed, running

    options = ServeOptions(port=port, gpus=gpus, context=context)
    command = compose(model, engine, options)
    print(printed(command))
    if dry_run:
        return
    with running(command, options.url, log) as url:
        print(f"ready at {url}; next: surveyor doctor --model {model} --base-url {url}")
        signal.pause()
