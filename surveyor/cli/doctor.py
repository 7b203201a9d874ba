"""`surveyor doctor`: what will work with a model endpoint, and what will not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def doctor(
    model: Annotated[str, typer.Option(help="Model name as the endpoint knows it.")] = "",
    base_url: Annotated[
        str, typer.Option(help="Where /chat/completions lives (default: OpenAI's).")
    ] = "",
    key_env: Annotated[
        str, typer.Option(help="Environment variable that holds the key (default: OPENAI_API_KEY).")
    ] = "",
    config: Annotated[
        Path | None, typer.Option(help="A run's TOML file: examine the planner it configures.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Use the endpoint and the key that the file names.")
    ] = False,
) -> None:
    """Probe an endpoint with a text, tool calls, two turns and images, and say what to configure.

    Exit code 1 when a run with this endpoint makes no sense.
    """
    from surveyor.agent.doctor import examine
    from surveyor.compose.configuration import configured
    from surveyor.compose.planner_options import PlannerOptions
    from surveyor.compose.tables import show_diagnosis

    named = {"model": model, "base_url": base_url, "key_env": key_env}
    given = {name: value for name, value in named.items() if value}
    run = configured(config, None, {"dataset": "-", "planner_options": given}, trusted=trust)
    diagnosis = asyncio.run(examine(PlannerOptions.read(run).chat()))
    show_diagnosis(diagnosis)
    if not diagnosis.usable:
        raise typer.Exit(1)
