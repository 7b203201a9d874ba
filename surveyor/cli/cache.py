"""`surveyor cache`: what is kept of experts' answers between runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.cli.verbs import Verbs

app = typer.Typer(
    cls=Verbs, no_args_is_help=True, help="Show or empty the cache of expert answers."
)

At = Annotated[
    Path | None, typer.Option(help="The cache's folder; the one that runs use if left out.")
]


@app.command()
def show(at: At = None) -> None:
    """Print where the cache is and what it holds, by expert."""
    from surveyor.tools.cache_use import cache_use

    folder = _folder(at)
    use = cache_use(folder)
    print(f"cache: {folder}")
    for expert, (count, size) in sorted(use.answers.items()):
        print(f"{expert:<12} {count:>8} answers  {_mebibytes(size):>12}")
    print(f"{'blobs':<12} {use.blobs:>8} files    {_mebibytes(use.blob_bytes):>12}")
    print(f"{'evidence':<12} {use.evidence:>8} files    {_mebibytes(use.evidence_bytes):>12}")


@app.command()
def clear(at: At = None) -> None:
    """Forget every answer and its blobs; datasets, runs and what was fetched stay."""
    from surveyor.tools.cache_use import cache_use, clear_cache

    folder = _folder(at)
    clear_cache(folder)
    left = cache_use(folder)
    print(f"cleared {folder}: {sum(n for n, _ in left.answers.values())} answers left")


def _folder(at: Path | None) -> Path:
    """The cache that is meant. A folder that was named has to be one: datasets and runs have blobs
    too, and they would be removed."""
    from surveyor.compose.run import default_cache
    from surveyor.core.errors import UserError
    from surveyor.tools.cache_use import ANSWERS

    if at is not None and not any(at.glob(f"{ANSWERS}*")):
        raise UserError(f"{at} is no cache: it holds no {ANSWERS}; name another folder with --at")
    return at or default_cache()


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
