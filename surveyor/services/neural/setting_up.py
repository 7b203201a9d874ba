"""From nothing to running neural experts: what is fetched, how large, under which licence, where.

Nothing is fetched before an operator has seen the list. Weights go into the hub's own cache, at
the commit that a card pins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.untrusted_text import clean
from surveyor.services.neural.checkpoints import Kind
from surveyor.services.neural.found_weights import FoundCheckpoint, Survey
from surveyor.services.neural.model_cards import CARDS, ModelCard, choose_card
from surveyor.services.neural.weights import find_weights
from surveyor.services.placement import AUTO, Gpu, place
from surveyor.services.plan import ExpertPlan

_GIGABYTE, _GIBIBYTE = 1e9, 1 << 30
_KINDS = ("*.json", "*.txt", "*.model", "*.jinja")
"""Small files beside the weights: configurations, tokenizers."""
_WORKING = 1.5
"""Bytes on a GPU for a byte of weights, where nothing was measured yet: weights and activations."""

Sizes = Callable[[ModelCard], int | None]
"""Bytes to fetch for a card, or ``None`` where nobody says."""
Fetch = Callable[[ModelCard], Path]


@dataclass(frozen=True, slots=True)
class Need:
    """One expert's weights. ``at`` is where they are already; ``size`` in bytes, if it is known."""

    expert: str
    route: str
    card: ModelCard
    at: Path | None
    size: int | None

    @property
    def by_hand(self) -> bool:
        """Whether nothing here can fetch them."""
        return self.at is None and self.card.hub is None

    def line(self) -> str:
        """What an operator should read before anything is fetched."""
        size = "size unknown" if self.size is None else f"{self.size / _GIGABYTE:.2f} GB"
        where = f"here: {self.at}" if self.at else "to fetch"
        if self.by_hand:
            where = f"by hand: {', '.join(self.card.files)} from {self.card.source}"
        return f"{self.expert:<12} {self.card.model}, licence {self.card.licence}, {size}, {where}"


def needs(
    experts: Sequence[str], routes: Mapping[str, str], sizes: Sizes | None = None
) -> tuple[Need, ...]:
    """What the experts need (all that there are if none is named), each by its route or the default
    one; `UserError` for an expert or a route that there is none of."""
    names = tuple(experts) or tuple(name for name in CARDS if name != "render_view")
    if unknown := [name for name in (*names, *routes) if name not in CARDS]:
        raise UserError(f"no neural expert {unknown[0]!r}; choose from: {', '.join(CARDS)}")
    found = []
    for name in names:
        route, card = choose_card(name, routes.get(name), None)
        at = _present(name, card)
        size = _bytes(at, card) if at else (sizes or hub_size)(card)
        found.append(Need(name, route, card, at, size))
    return tuple(found)


def placed(
    wanted: Sequence[Need], gpus: Sequence[Gpu], measured: Mapping[str, int]
) -> tuple[ExpertPlan, ...]:
    """Which expert goes where: by the memory that it was measured to use, else one and a half times
    its weights. `UserError` names what does not fit."""
    plans = [
        ExpertPlan(expert=one.expert, backend="neural", device=AUTO, options={"route": one.route})
        for one in wanted
        if not one.by_hand
    ]
    return place(declared(plans, wanted, measured), gpus, measured)


def declared(
    plans: Sequence[ExpertPlan], wanted: Sequence[Need], measured: Mapping[str, int] | None = None
) -> tuple[ExpertPlan, ...]:
    """The plans with the memory that they are taken to need where none was measured."""
    sizes = {one.expert: one.size or 0 for one in wanted if one.expert not in (measured or {})}
    return tuple(
        plan.model_copy(update={"memory_gib": _WORKING * sizes.get(plan.expert, 0) / _GIBIBYTE})
        for plan in plans
    )


def told(wanted: Sequence[Need], gpus: Sequence[Gpu], plans: Sequence[ExpertPlan]) -> Iterator[str]:
    """The whole of what would happen, one line each."""
    for one in wanted:
        yield one.line()
    missing = [one for one in wanted if one.at is None and not one.by_hand]
    known = sum(one.size or 0 for one in missing)
    unknown = sum(one.size is None for one in missing)
    more = f" and {unknown} of unknown size" if unknown else ""
    yield f"to fetch: {len(missing)} models, {known / _GIGABYTE:.2f} GB{more}"
    for gpu in gpus:
        free = gpu.free / _GIBIBYTE
        yield f"cuda:{gpu.index}  {gpu.name}, {free:.1f} GiB free"
    if not gpus:
        yield "no GPU found (nvidia-smi, NVML): every expert runs on the CPU, slowly"
    for plan in plans:
        yield f"{plan.expert:<12} on {plan.device}"


def fetched(wanted: Sequence[Need], fetch: Fetch | None = None) -> Survey:
    """Fetch what is missing and can be fetched; what is there then, for `expert_plans`."""
    there = []
    for one in wanted:
        if one.by_hand:
            continue
        at = one.at or (fetch or from_hub)(one.card)
        kind = Kind(one.card.model, one.expert, one.route)
        there.append(FoundCheckpoint(at, kind))
    return Survey(Path(), tuple(there), (), ())


def hub_size(card: ModelCard) -> int | None:
    """What the hub says that the card's files weigh; ``None`` where it cannot be asked."""
    if card.hub is None:
        return None
    try:
        from huggingface_hub import HfApi
    except ImportError:
        return None
    try:
        info = HfApi().model_info(card.hub, revision=card.revision, files_metadata=True, timeout=20)
    except Exception:  # noqa: BLE001 - no network, no access, an odd answer: none tells a size
        return None
    sizes = {one.rfilename: one.size for one in info.siblings or ()}
    found = [sizes.get(name) for name in card.files]
    return sum(size for size in found if size) if all(found) else None


def from_hub(card: ModelCard) -> Path:
    """The snapshot folder, fetched into the hub's cache.

    Raises `UserError` without the hub's library or without access, `InfrastructureError` when the
    hub does not answer.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
    except ImportError:
        raise UserError("fetching weights needs `pip install huggingface-hub`") from None
    try:
        folder = snapshot_download(
            str(card.hub), revision=card.revision, allow_patterns=[*card.files, *_KINDS]
        )
    except GatedRepoError:
        raise UserError(
            f"{card.model} is given on request only: ask at {card.source}, then `hf auth login`"
        ) from None
    except RepositoryNotFoundError:
        raise UserError(f"the hub has no {card.model} for you; see {card.source}") from None
    except Exception as error:
        raise InfrastructureError(
            f"{card.model} could not be fetched: {clean(str(error))[:200]}; the same command again "
            "goes on where it stopped"
        ) from error
    return Path(folder)


def _present(expert: str, card: ModelCard) -> Path | None:
    try:
        return find_weights(expert, card).path
    except UserError:
        return None


def _bytes(at: Path, card: ModelCard) -> int:
    files = [at] if at.is_file() else [at / name for name in card.files]
    return sum(file.stat().st_size for file in files if file.exists())
