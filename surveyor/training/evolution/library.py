"""A library folder: the skill store, the rollouts it learned from, and the snapshots."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.core.locks import try_lock
from surveyor.skills.builtin import add_builtin
from surveyor.skills.store import SkillStore


@dataclass(frozen=True, slots=True)
class Library:
    """Paths of one library.

    ::

        skills.sqlite   versions and ledger        rollouts/       run folders played while evolving
        plans/          which rooms teach, judge   snapshots/<id>/ what runs pin
        distil/         prompts and replies        evolve.lock     one evolution at a time
    """

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "skills.sqlite"

    @property
    def rollouts(self) -> Path:
        return self.root / "rollouts"

    @property
    def plans(self) -> Path:
        return self.root / "plans"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def index(self) -> Path:
        return self.root / "index.faiss"

    @property
    def distil(self) -> Path:
        return self.root / "distil"

    def open(self, *, builtin: bool = True) -> SkillStore:
        """The store, with the builtin skills planted unless told otherwise."""
        if self.root.exists() and not self.root.is_dir():
            raise UserError(f"{self.root} is a file; a library is a folder, name another one")
        store = SkillStore(self.store)
        if builtin:
            add_builtin(store)
        return store

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the library for one evolution; a second process is refused.

        Readers, runs with a snapshot and single-row commands do not need the lock.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.root / "evolve.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UserError(f"cannot lock {self.root}: {error.strerror}") from None
        try:
            if not try_lock(handle, self.root / "evolve.lock"):
                raise UserError(
                    f"{self.root} is being evolved by another process; wait for it or stop it first"
                )
            yield
        finally:
            os.close(handle)
