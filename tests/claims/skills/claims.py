"""From evolutions on several error seeds to rows with bounds.

What is claimed, and against what, is fixed here beforehand: the evolved library against the plain
and the guarded default; its effective tool use; and scene-awareness only against the best
workflow per question type, with shuffled cards beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from surveyor.skills.distil.rollouts import Rollout
from tests.claims.claim import Claim
from tests.claims.skills.compare import Contrast, Played, by_tag, contrast, pooled, row
from tests.claims.skills.evolution import SeedResult
from tests.claims.skills.oracle import Hindsight

Tags = Callable[[Rollout], Iterable[str]]

LIBRARY_MOST = 40
"""Tens of skills, not hundreds."""
GAIN, SAVED, EFFECTIVE, AWARE = 0.03, 0.70, 0.85, 0.01


def claims(results: Sequence[SeedResult], price: float, tags: Tags) -> Iterator[Claim]:
    """Every row; ``tags`` names what kind of scene and question a rollout belongs to."""
    played = pooled([r.played for r in results])
    last = results[0].curve[max(results[0].curve)]
    yield from _policies(played, price, len(results))
    yield from _against_defaults(played, last, price)
    yield from _scene_awareness(played, last, price)
    yield from _curve(results, price)
    yield from _kinds(played, last, price, tags)
    look = next((r.hindsight for r in results if r.hindsight is not None), None)
    if look is not None:
        yield from _oracle(look)


def _policies(played: Played, price: float, seeds: int) -> Iterator[Claim]:
    for name, rollouts in played.items():
        found = row(name, rollouts, price)
        note = (
            f"score {found.score:.3f} at {found.cost:.2f} s, effective {found.effective:.2f};"
            f" {found.workflows} workflows, {found.rooms} rooms, {found.tasks} episodes,"
            f" {seeds} error seeds"
        )
        yield _shown(f"skills: utility of {name}", found.utility, note)


def _against_defaults(played: Played, last: str, price: float) -> Iterator[Claim]:
    plain = contrast(last, played[last], "plain", played["plain"], price)
    better = plain.score >= GAIN and plain.score_low > 0 and plain.cost_ratio <= 1
    cheaper = plain.score_high > 0 and plain.score_low > -0.01 and plain.cost_ratio <= SAVED
    yield Claim(
        "skills: evolved less plain default, score",
        round(plain.score, 4),
        f">= {GAIN} at cost x1, or equal at x{SAVED}",
        better or cheaper,
        f"{_interval(plain)}; equal means no worse than 1 point with 97.5 % confidence",
    )
    yield _clear("skills: evolved less plain default, utility", plain)
    guarded = contrast(last, played[last], "guarded", played["guarded"], price)
    yield _clear("skills: evolved less guarded default, utility", guarded)
    ours, theirs = (row(n, played[n], price).effective for n in (last, "plain"))
    yield Claim(
        "skills: effective tool use of the evolved library",
        round(ours, 4),
        f">= {EFFECTIVE} or doubled",
        ours >= EFFECTIVE or ours >= 2 * theirs,
        f"plain {theirs:.3f}",
    )
    for name in ("seeds", "best single"):
        other = contrast(last, played[last], name, played[name], price)
        yield _shown(f"skills: evolved less {name}, utility", other.utility, _interval(other))


def _scene_awareness(played: Played, last: str, price: float) -> Iterator[Claim]:
    aware = contrast(last, played[last], "per type", played["per type"], price)
    yield Claim(
        "skills: evolved less best per question type, utility",
        round(aware.utility, 4),
        f">= {AWARE}, clear of 0",
        aware.utility >= AWARE and aware.utility_low > 0,
        _interval(aware),
    )
    mixed = "evolved, cards shuffled"
    if mixed in played:
        real = contrast(last, played[last], mixed, played[mixed], price)
        yield _clear("skills: evolved less itself with cards shuffled, utility", real)


def _curve(results: Sequence[SeedResult], price: float) -> Iterator[Claim]:
    rounds = sorted(results[0].curve)
    for number in rounds:
        name = results[0].curve[number]
        each = [row(name, r.played[name], price).utility for r in results]
        note = "by error seed " + ", ".join(f"{value:.3f}" for value in each)
        yield _shown(
            f"skills: utility on unseen rooms after {number} rounds", sum(each) / len(each), note
        )
    sizes = [r.evolution.rounds[-1].active for r in results]
    yield Claim.at_most(
        "skills: active skills after the last round",
        max(sizes),
        LIBRARY_MOST,
        f"by error seed {', '.join(map(str, sizes))}",
    )
    promoted = [sum(x.count("promoted") for x in r.evolution.rounds) for r in results]
    yield _shown(
        "skills: promotions per evolution",
        sum(promoted) / len(promoted),
        f"by error seed {', '.join(map(str, promoted))}",
    )


def _kinds(played: Played, last: str, price: float, tags: Tags) -> Iterator[Claim]:
    found = by_tag(played, last, "plain", tags, price)
    for tag, part in found.items():
        yield _shown(f"skills: evolved less plain, utility, {tag}", part.utility, _interval(part))
    losing = [tag for tag, part in found.items() if part.utility_high < 0]
    yield _shown("skills: kinds where the evolved library loses", ", ".join(losing) or "none")


def _oracle(look: Hindsight) -> Iterator[Claim]:
    where = f"{look.rooms} rooms, {look.tasks} tasks, {look.workflows} workflows, in sample"
    yield _shown("skills: best single workflow in hindsight, utility", look.single, where)
    yield _shown("skills: best per question type in hindsight, utility", look.per_type, where)
    yield _shown(
        "skills: in-sample oracle per kind of scene and type, utility",
        look.oracle,
        f"chance level {look.chance:.4f} (95 % below {look.chance_high:.4f}): labels shuffled;"
        f" {where}",
    )


def _clear(name: str, found: Contrast) -> Claim:
    value = round(found.utility, 4)
    return Claim(name, value, "clear of 0", found.utility_low > 0, _interval(found))


def _shown(name: str, value: float | str, note: str = "") -> Claim:
    rounded = round(value, 4) if isinstance(value, float) else value
    return Claim(name, rounded, "shown", True, note)


def _interval(found: Contrast) -> str:
    return (
        f"utility {found.utility:+.4f} [{found.utility_low:+.4f}, {found.utility_high:+.4f}], score"
        f" {found.score:+.4f} [{found.score_low:+.4f}, {found.score_high:+.4f}], cost"
        f" x{found.cost_ratio:.2f}, {found.differ} episodes differ, {found.rooms} rooms"
    )
