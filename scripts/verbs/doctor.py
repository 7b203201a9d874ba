"""`surveyor doctor`: what will work with a model endpoint, and what will not."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def doctor(
    model: Annotated[str, typer.Option(help="Model name as the endpoint knows it.")],
    base_url: Annotated[
        str, typer.Option(help="Where /chat/completions lives.")
    ] = "https://api.openai.com/v1",
    key_env: Annotated[
        str, typer.Option(help="Environment variable that holds the key.")
    ] = "OPENAI_API_KEY",
) -> None:
    """Probe an endpoint with a text, tool calls, two turns and images, and say what to configure.

    Exit code 1 when a run with this endpoint makes no sense.
    """
    from agent.chat.config import ChatConfig
    from agent.doctor import examine

    config = ChatConfig(model=model, base_url=base_url, key_env=key_env)
    diagnosis = asyncio.run(examine(config))
    for finding in diagnosis.findings:
        print(f"{finding.health.value:<8} {finding.probe:<14} {finding.detail}")
        if finding.advice:
            print(f"{'':<23} {finding.advice}")
    if diagnosis.overrides:
        print(f"configure: capabilities = {diagnosis.overrides}")
    if not diagnosis.usable:
        raise typer.Exit(1)
