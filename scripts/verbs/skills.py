"""`surveyor skills`: read and govern a library of skills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skills.store import SkillStore

app = typer.Typer(no_args_is_help=True, help="Read and govern a library of skills.")

LIBRARY = Path("out/library")
Library = Annotated[Path, typer.Option(help="Folder of the library.")]
Name = Annotated[str, typer.Argument(help="A skill, or skill@version.")]
Reason = Annotated[str, typer.Option(help="Why; the ledger keeps it.")]


@contextmanager
def _store(library: Path) -> Iterator[SkillStore]:
    from training.evolve_library import Library as Folder

    library.mkdir(parents=True, exist_ok=True)
    with Folder(library).open() as store:
        yield store


@app.command("list")
def list_(
    library: Library = LIBRARY,
    every: Annotated[bool, typer.Option("--all", help="Candidates and retired ones too.")] = False,
) -> None:
    """List skills with their standing and the lower bound of their lift."""
    from skills.provenance import Status
    from skills.views import list_rows

    with _store(library) as store:
        for row in list_rows(store, None if every else Status.ACTIVE):
            print(
                f"{row.name:<40} {row.version:<17} {row.status:<10} {row.origin:<9} "
                f"lift >= {row.lift:+.3f}  {row.tokens} tokens"
            )


@app.command()
def show(name: Name, library: Library = LIBRARY) -> None:
    """Print a skill with its standing, evidence and history."""
    from skills.views import show as text

    with _store(library) as store:
        print(text(store, name))


@app.command()
def diff(old: Name, new: Name, library: Library = LIBRARY) -> None:
    """Print what changed between two versions."""
    from skills.views import diff as text

    with _store(library) as store:
        print(text(store, old, new))


@app.command()
def report(
    library: Library = LIBRARY,
    runs: Annotated[list[Path] | None, typer.Option("--run", help="Count uses in a run.")] = None,
) -> None:
    """Print what each skill is worth: uses, lift with its interval, costs, lineage."""
    from memory.runs import RunFolder
    from skills.attribution import report as worth

    folders = [RunFolder.open(path) for path in runs or ()]
    episodes = [
        episode
        for folder in folders
        for task, epoch in folder.scheduled()
        if (episode := folder.episode(task.id, epoch)) is not None
    ]
    with _store(library) as store:
        for row in worth(store, episodes):
            lift = "never judged" if row.lift is None else f"lift {row.lift:+.3f}"
            ends = "" if row.low is None else f" [{row.low:+.3f}, {row.high:+.3f}]"
            print(f"{row.name}@{row.version}  uses {row.uses}  {lift}{ends}")


@app.command()
def snapshot(library: Library = LIBRARY) -> None:
    """Freeze the active skills into a folder that runs can pin."""
    from skills.snapshot import take_snapshot

    with _store(library) as store:
        frozen = take_snapshot(store, library / "snapshots")
        print(frozen.path)
        frozen.store.close()


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder to write skill folders into.")],
    library: Library = LIBRARY,
) -> None:
    """Write the active skills in the Agent Skills layout."""
    from skills.portable import export_skills
    from skills.provenance import Status

    with _store(library) as store:
        for path in export_skills(store.skills(Status.ACTIVE), out):
            print(path)


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="A skill folder, or a folder of them.")],
    library: Library = LIBRARY,
) -> None:
    """Take in foreign skills as untrusted text: shown, never executed until promoted."""
    from skills.portable import import_skills

    with _store(library) as store:
        for document in import_skills(store, folder):
            print(f"{document.name}@{document.version}  untrusted")


@app.command()
def trust(name: Name, reason: Reason, library: Library = LIBRARY) -> None:
    """Vouch for a version: it becomes active."""
    from skills.portable import promote_by_hand

    with _store(library) as store:
        print(promote_by_hand(store, name, reason).ref, "active")


@app.command()
def retire(name: Name, reason: Reason, library: Library = LIBRARY) -> None:
    """Take a version out of retrieval; its history stays."""
    from skills.portable import retire as retired

    with _store(library) as store:
        print(retired(store, name, reason).ref, "retired")
