"""`surveyor mcp`: the tools as an MCP server on stdin and stdout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def mcp(
    dataset: Annotated[Path, typer.Argument(help="A dataset folder.")],
    scene: Annotated[str, typer.Argument(help="The scene whose frames the tools look at.")],
    experts: Annotated[Path, typer.Option(help="Endpoints file of running experts.")],
    tools: Annotated[
        str,
        typer.Option(help="Only these, as in detect,lift; survey, program, scene only by name."),
    ] = "",
) -> None:
    """Serve the tools on one scene to an MCP client, until it hangs up."""
    import asyncio

    from surveyor.compose.run import serve_mcp

    named = [name.strip() for name in tools.split(",") if name.strip()]
    asyncio.run(serve_mcp(dataset, scene, experts, named))
