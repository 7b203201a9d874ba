"""`surveyor serve-model`: serve a small model by the chat API, without a serving engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def serve_model(
    folder: Annotated[Path, typer.Argument(help="A model's folder.")],
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API.")] = 8010,
    name: Annotated[str, typer.Option(help="Name to serve it by (default: the folder's).")] = "",
) -> None:
    """Serve a compact agent, or a small Qwen3 or Qwen3-VL, on the CPU until Ctrl-C.

    What this server can't do it refuses by name; `surveyor vllm up` serves everything else.
    """
    from surveyor.compose.training import serve_folder

    serve_folder(folder, host, port, name)
