"""The console command: a noun or verb per file, loaded only when it is called.

One exception boundary for the whole command line: what the user can mend ends with one sentence
and exit code 2, an infrastructure failure with one sentence and exit code 3, Ctrl-C with 130.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from typing import Any

import typer
from typer.main import get_command

from surveyor.cli.verbs import Verbs

VERBS: dict[str, str] = {
    "demo": "Measure six embedded rooms with perfect and with imperfect experts.",
    "rooms": "Make and show embedded rooms.",
    "ask": "Ask about your own photos, and see what the answer rests on.",
    "view": "Look at runs, episodes, scenes and places in a browser.",
    "runs": "List runs: state, score, what is incomplete.",
    "show": "Show a run or an episode and its evidence in text.",
    "run": "Run a dataset with a planner; resume what is incomplete.",
    "rerun": "Take a finished run's decisions again, or with another expert in a step.",
    "program": "Compute a program on one scene's boxes.",
    "load": "Make a dataset from a published benchmark's files.",
    "benchmarks": "List benchmarks and how to fetch them; results on them as one table.",
    "reproduce": "Run a model on a suite of benchmarks, as EASI-8, and write its table.",
    "score": "Score a run from its log, or a file of predictions.",
    "compare": "Compare two scored runs, paired by task.",
    "capacity": "Plan accelerators, storage and money for many episodes like a run's.",
    "merge": "Put the shards of a run together.",
    "store": "Send runs to a store that machines share, and bring them from it.",
    "report": "Write one page about one or several scored runs.",
    "export": "Write a run in another program's format.",
    "serve": "Start, list and stop expert services.",
    "cache": "Show or empty the cache of expert answers.",
    "skills": "Read and govern a library of skills.",
    "evolve": "Learn skills from training rollouts, round by round.",
    "train": "Train models on logged trajectories.",
    "serve-model": "Serve a small model by the chat API.",
    "doctor": "Probe a model endpoint: what will work with it, and what will not.",
    "mcp": "Serve the tools on one scene to an MCP client.",
    "vllm": "Serve a local model with the flags that its family needs.",
}


class LazyVerbs(Verbs):
    """A group whose commands are imported when they are looked up, so that --help is instant."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"surveyor.cli.{cmd_name.replace('-', '_')}")
        command = get_command(module.app)
        command.name = cmd_name
        # Completion would be of this verb alone, and of a program that is called otherwise.
        command.params = [p for p in command.params if "completion" not in str(p.name)]
        return command

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:  # here, because the library's main says nothing of it
            from surveyor.benchmarks.run.launch import PART

            saved = f": {stop}; run the same command again to resume" if str(stop) else ""
            if PART not in os.environ:
                print(f"\nstopped{saved}", file=sys.stderr)
            raise typer.Exit(130) from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


app = typer.Typer(
    cls=LazyVerbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Surveyor answers spatial questions about real places by measuring them.",
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from importlib.metadata import version as installed

        print(installed("surveyor"))
        raise typer.Exit


def main() -> None:
    """Entry point of the `surveyor` command."""
    from surveyor.core.errors import InfrastructureError, UserError

    try:
        app(args=_renamed(sys.argv[1:]))
    except UserError as error:
        _say(error)
        raise SystemExit(2) from None
    except InfrastructureError as error:
        _say(error)
        raise SystemExit(3) from None


def _renamed(arguments: list[str]) -> list[str]:
    """What was typed, with names of earlier versions in today's words and one line about it."""
    if arguments[:1] == ["proofs"]:
        raise SystemExit(
            "surveyor: `proofs` left the package; in a checkout: make claims NAME=group"
        )
    now = [re.sub(r"^--suite(?==|$)", "--dataset", word) for word in arguments]
    if now != arguments:
        print("surveyor: --suite is called --dataset now", file=sys.stderr)
    return now


def _say(error: Exception) -> None:
    from surveyor.core.untrusted_text import clean

    print(f"surveyor: {clean(str(error))}", file=sys.stderr)


if __name__ == "__main__":
    main()
