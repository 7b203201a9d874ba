"""What `surveyor export sft | preferences | grpo` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.compose.run import default_cache
from surveyor.compose.training import source_of
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.core.wording import many
from surveyor.training.export.pairs import preference_pairs, prompt_groups
from surveyor.training.export.write import RowDialect, write_preferences, write_prompts, write_sft
from surveyor.training.rows.accounts import Layout
from surveyor.training.rows.filters import Filters, chosen
from surveyor.training.rows.guard import Apart, guarded
from surveyor.training.rows.records import Row
from surveyor.training.rows.source import RunSource


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: of these runs, through these filters, apart from these test datasets."""

    runs: Sequence[Path]
    filters: Filters
    test: Sequence[Path]
    splits: Sequence[str]
    images: bool
    layout: str = Layout.CONVERSATION

    def sources(self) -> list[RunSource]:
        """The runs with all that their rows need."""
        can = Capabilities(images=self.images, images_in_tools=True, max_images=128)
        if self.layout not in list(Layout):
            raise UserError(f"there is no layout {self.layout!r}; choose from {', '.join(Layout)}")
        return [source_of(run, can, layout=Layout(self.layout)) for run in self.runs]


def export_sft(out: Path, dialect: str, wanted: Wanted) -> None:
    """One row an episode."""
    if dialect not in list(RowDialect):
        raise UserError(f"there is no dialect {dialect!r}; choose from {', '.join(RowDialect)}")
    sources = wanted.sources()
    apart = Apart.of(wanted.test)

    def rows() -> Iterator[Row]:
        for source in sources:
            yield from guarded(chosen(source.rows(), wanted.filters), apart, wanted.splits)

    count = write_sft(
        out, rows(), RowDialect(dialect), _stores(sources), _names(wanted), vision=wanted.images
    )
    print(f"{out}: {many(count, 'row')}")


def export_preferences(out: Path, margin: float, wanted: Wanted) -> None:
    """One row a pair."""
    sources, apart = wanted.sources(), Apart.of(wanted.test)
    pairs = (
        pair
        for pair in preference_pairs(sources, wanted.filters, margin)
        if list(guarded([pair.chosen, pair.rejected], apart, wanted.splits))
    )
    count = write_preferences(out, pairs, _stores(sources), _names(wanted), vision=wanted.images)
    print(f"{out}: {many(count, 'pair')}")


def export_prompts(out: Path, wanted: Wanted) -> None:
    """One row a task."""
    sources, apart = wanted.sources(), Apart.of(wanted.test)
    groups = (
        group
        for group in prompt_groups(sources, wanted.filters)
        if list(guarded([group.row], apart, wanted.splits))
    )
    count = write_prompts(out, groups, _stores(sources), _names(wanted), vision=wanted.images)
    print(f"{out}: {count} prompts")


def _stores(sources: Sequence[RunSource]) -> list[BlobStore]:
    kept = [BlobStore(source.folder.path / "blobs") for source in sources]
    frames = [source.dataset.blobs for source in sources]
    return [*kept, *frames, BlobStore(default_cache() / "blobs")]


def _names(wanted: Wanted) -> list[str]:
    return [run.name for run in wanted.runs]
