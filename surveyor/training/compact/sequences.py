"""Rows as sequences of token ids, and the order in which training takes them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from surveyor.core.errors import UserError
from surveyor.training.compact.language import encode
from surveyor.training.compact.vocabulary import NAMES, UNKNOWN, Vocabulary
from surveyor.training.rows.records import Row


@dataclass(frozen=True, slots=True)
class Spoken:
    """Ids of one episode; ``own`` marks those that the model is to learn."""

    ids: tuple[int, ...]
    own: tuple[bool, ...]


def sequences(rows: Iterable[Row], vocabulary: Vocabulary, longest: int) -> Iterator[Spoken]:
    """Rows that the language can say in full; others teach to guess, and are left out."""
    for row in rows:
        said = encode(row.messages, vocabulary)
        mine = [token for token, own in zip(said.tokens, said.own, strict=True) if own]
        if UNKNOWN in mine or len(said.tokens) > longest:
            continue
        yield Spoken(tuple(vocabulary.encode(said.tokens)), tuple(said.own))


def renamed(one: Spoken, vocabulary: Vocabulary, dice: random.Random) -> Spoken:
    """The same episode with its name slots permuted: what a name is called decides nothing."""
    slots = [vocabulary.ids[f"E{k}"] for k in range(1, NAMES + 1)]
    used = [slot for slot in slots if slot in one.ids]
    other = dict(zip(used, dice.sample(slots[: max(len(used), 12)], len(used)), strict=True))
    return Spoken(tuple(other.get(k, k) for k in one.ids), one.own)


def blurred(one: Spoken, vocabulary: Vocabulary, dice: random.Random, share: float) -> Spoken:
    """The same episode with some of its question's words read as ones that say little: whoever
    asks may use words that training never had."""
    question, go = (vocabulary.ids[mark] for mark in ("<q>", "<go>"))
    if question not in one.ids or go not in one.ids:
        return one
    asked = range(one.ids.index(question) + 1, one.ids.index(go))
    blur, ids = vocabulary.ids["<w>"], list(one.ids)
    for k in asked:
        if vocabulary.tokens[ids[k]] in vocabulary.known and dice.random() < share:
            ids[k] = blur
    return Spoken(tuple(ids), one.own)


@dataclass(frozen=True, slots=True)
class Order:
    """Which sequences make up a step: a function of the seed and the step alone, so that a run
    that was killed goes on exactly where it was."""

    sizes: tuple[int, ...]
    batch: int
    seed: int

    @classmethod
    def of(cls, data: Sequence[Spoken], batch: int, seed: int) -> Order:
        """The order of this data; `UserError` when there is less than one batch."""
        if len(data) < batch:
            raise UserError(
                f"there are {len(data)} episodes to train on and a batch takes {batch}; "
                "loosen the filters, or roll out more"
            )
        return cls(tuple(len(one.ids) for one in data), batch, seed)

    @property
    def per_epoch(self) -> int:
        """Whole batches of an epoch."""
        return len(self.sizes) // self.batch

    def step(self, number: int) -> list[int]:
        """Positions of the sequences of a step; those of similar length stand together."""
        epoch, position = divmod(number, self.per_epoch)
        return _epoch(self.sizes, self.batch, self.seed, epoch)[position]


@lru_cache(maxsize=2)
def _epoch(sizes: tuple[int, ...], batch: int, seed: int, epoch: int) -> list[list[int]]:
    dice = random.Random(f"{seed}/{epoch}")
    order = list(range(len(sizes)))
    dice.shuffle(order)
    whole, pool = len(sizes) // batch * batch, batch * 16
    batches: list[list[int]] = []
    for start in range(0, whole, pool):
        chunk = sorted(order[:whole][start : start + pool], key=sizes.__getitem__)
        batches += [chunk[k : k + batch] for k in range(0, len(chunk), batch)]
    dice.shuffle(batches)
    return batches
