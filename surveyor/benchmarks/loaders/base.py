"""What a loader is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from surveyor.benchmarks.loaders.build import Contents, build_dataset
from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.core.dataset import DatasetManifest
from surveyor.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Loader:
    """Makes datasets of one benchmark from its local files.

    ``splits[0]`` is the default. ``read`` finds the rows and frames of one split, given the folder
    of the files, the split, and the folder that media are looked for in where it is another one.
    """

    name: str
    splits: tuple[str, ...]
    read: Callable[[Path, str, Path | None], Contents]

    def load(
        self,
        source: Path,
        out: Path,
        *,
        split: str | None = None,
        frames: FrameRule,
        media: Path | None = None,
    ) -> DatasetManifest:
        """Write the dataset of one split at ``out`` and return its manifest.

        ``source`` is the folder that holds the benchmark's files, and its frames unless they lie
        in the folder ``media``. The manifest's
        settings record the files' hashes, the revision where the folder's path names one, the
        frame rule and the metric to score by. Raises `UserError`, and leaves nothing behind, for
        an unknown split, missing files or frames, ids that repeat and files that are no images.
        """
        chosen = split or self.splits[0]
        if chosen not in self.splits:
            known = ", ".join(self.splits)
            raise UserError(f"{self.name} has no split {chosen!r}; choose from: {known}")
        if not source.exists():
            raise UserError(f"{source} does not exist; give the folder of {self.name}'s files")
        if media is not None and not media.is_dir():
            raise UserError(f"there is no folder {media}; --media is where images and videos lie")
        contents = self.read(source, chosen, media)
        return build_dataset(contents, source, out, subset=chosen, rule=frames)
