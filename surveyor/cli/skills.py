"""`surveyor skills`: read and govern a library of skills."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli.verbs import Verbs

if TYPE_CHECKING:
    from surveyor.skills.store import SkillStore

app = typer.Typer(cls=Verbs, no_args_is_help=True, help="Read and govern a library of skills.")

LIBRARY = Path("out/library")
Library = Annotated[Path, typer.Option(help="Folder of the library.")]
Name = Annotated[str, typer.Argument(help="A skill, or skill@version.")]
Reason = Annotated[str, typer.Option(help="Why; the ledger keeps it.")]
Datasets = Annotated[
    list[Path] | None, typer.Option("--dataset", help="A train dataset; repeatable.")
]
Preset = Annotated[str, typer.Option(help="Reference experts' error model.")]
Seed = Annotated[int, typer.Option(help="Seed of the experts' errors.")]


@contextmanager
def _store(library: Path) -> Iterator[SkillStore]:
    """The library to change, made with the builtin skills when there is none."""
    from surveyor.training.evolution.library import Library as Folder

    with Folder(library).open() as store:
        yield store


@contextmanager
def _reading(library: Path) -> Iterator[SkillStore]:
    """The library to read; where there is none the builtin skills are shown, nothing is made."""
    from surveyor.training.evolution.library import Library as Folder

    if Folder(library).store.exists() or library.is_file():
        with Folder(library).open(builtin=False) as store:
            yield store
        return
    print(f"no library at {library} yet; these are the builtin skills", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder, Folder(Path(folder)).open() as store:
        yield store


@app.command("list")
def list_(
    library: Library = LIBRARY,
    every: Annotated[bool, typer.Option("--all", help="Candidates and retired ones too.")] = False,
) -> None:
    """List skills with their standing and the lower bound of their lift."""
    from surveyor.skills.provenance import Status
    from surveyor.skills.reports import list_rows

    with _reading(library) as store:
        for row in list_rows(store, None if every else Status.ACTIVE):
            print(
                f"{row.name:<40} {row.version:<17} {row.status:<10} {row.origin:<9} "
                f"lift >= {row.lift:+.3f}  {row.tokens} tokens"
            )


@app.command()
def show(name: Name, library: Library = LIBRARY) -> None:
    """Print a skill with its standing, evidence and history."""
    from surveyor.skills.reports import show as text

    with _reading(library) as store:
        print(text(store, name))


@app.command()
def diff(old: Name, new: Name, library: Library = LIBRARY) -> None:
    """Print what changed between two versions."""
    from surveyor.skills.reports import diff as text

    with _reading(library) as store:
        print(text(store, old, new))


@app.command()
def report(
    library: Library = LIBRARY,
    runs: Annotated[list[Path] | None, typer.Option("--run", help="Count uses in a run.")] = None,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Play the datasets without each skill in turn.")
    ] = False,
    datasets: Datasets = None,
    preset: Preset = "realistic",
    seed: Seed = 0,
) -> None:
    """Print what each skill is worth: uses, lift with its interval, costs, lessons, lineage."""
    from surveyor.memory.runs import RunFolder
    from surveyor.skills.attribution import report as worth
    from surveyor.skills.reports import lineage, verdict_line, worth_text

    folders = [RunFolder.open(path) for path in runs or ()]
    episodes = [
        episode
        for folder in folders
        for task, epoch in folder.scheduled()
        if (episode := folder.episode(task.id, epoch)) is not None
    ]
    with _reading(library) as store:
        told: set[str] = set()
        for row in worth(store, episodes):
            print(worth_text(row))
            descent = lineage(store, row.name)
            if "\n" in descent and row.name not in told:  # one line repeats the one above
                print(descent)
            told.add(row.name)
            print()
    if leave_one_out:
        from surveyor.compose.gate import left_out

        for verdict in left_out(library, datasets or [], preset, seed):
            print(verdict_line(f"without {verdict.skill}", verdict.comparison))


@app.command()
def gate(
    name: Name,
    datasets: Annotated[list[Path], typer.Option("--dataset", help="A train dataset; repeatable.")],
    library: Library = LIBRARY,
    preset: Preset = "realistic",
    seed: Seed = 0,
) -> None:
    """Judge a candidate on training rooms that it was not learned from; promote it if it pays."""
    from surveyor.compose.gate import gate as judged
    from surveyor.skills.reports import verdict_line

    verdict = judged(library, name, datasets, preset, seed)
    print(verdict_line(f"{verdict.skill}@{verdict.version} {verdict.action}", verdict.comparison))


@app.command()
def snapshot(library: Library = LIBRARY) -> None:
    """Freeze the active skills into a folder that runs can pin."""
    from surveyor.skills.snapshot import take_snapshot

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
    from surveyor.skills.folders import export_skills
    from surveyor.skills.provenance import Status

    with _reading(library) as store:
        for path in export_skills(store.skills(Status.ACTIVE), out):
            print(path)


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="A skill folder, or a folder of them.")],
    library: Library = LIBRARY,
) -> None:
    """Take in foreign skills as untrusted text: shown, never executed until promoted."""
    from surveyor.skills.folders import import_skills

    with _store(library) as store:
        for document in import_skills(store, folder):
            print(f"{document.name}@{document.version}  {store.status(document.version)}")


@app.command()
def trust(name: Name, reason: Reason, library: Library = LIBRARY) -> None:
    """Vouch for a version: it becomes active."""
    from surveyor.skills.folders import promote_by_hand

    with _store(library) as store:
        print(promote_by_hand(store, name, reason).ref, "active")


@app.command()
def retire(name: Name, reason: Reason, library: Library = LIBRARY) -> None:
    """Take a version out of retrieval; its history stays."""
    from surveyor.skills.folders import retire as retired

    with _store(library) as store:
        print(retired(store, name, reason).ref, "retired")
