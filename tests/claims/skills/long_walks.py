"""Does the scene decide how to look, on long walks? Real episodes, reference experts, cross-fitted.

Places of three to seven rooms, filmed in 379 frames; what the frames show is asked in the words of
VSI-Bench. The experts err as the preset ``long-walks`` says, calls are priced by `NEURAL_PRICES`.
Datasets and rollouts are kept under ``out/claims/walks``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from surveyor.core.dataset import Dataset
from surveyor.memory.events import ToolOutcome
from surveyor.scenes.datasets.truth import load_truth
from surveyor.scenes.datasets.walks import REPEATING, WalkSettings, make_walks_dataset
from surveyor.services.reference.base import WorldCache
from surveyor.services.reference.presets import preset
from surveyor.services.reference.registration import register
from surveyor.services.reference.world import FrameKey, ReferenceWorld
from surveyor.skills.distil.rollouts import Rollout, table
from surveyor.skills.workflow import Fallback, Frames, Join, Stop, Workflow
from surveyor.tools.prices import NEURAL_PRICES, PriceList
from surveyor.tools.quality import decode_luma, overlap
from surveyor.tools.schemas import ReconstructionData
from surveyor.training.evolution.cases import Case, load_cases
from surveyor.training.evolution.player import RolloutRequest, requests_for
from surveyor.training.evolution.players import LoggedPlayer
from surveyor.training.evolution.records import EvolveSettings
from surveyor.training.evolution.sessions import reference_player
from tests.claims.claim import Claim
from tests.claims.skills.compare import Contrast, contrast, row
from tests.claims.skills.walk_policies import (
    Looks,
    Rows,
    conditioned,
    crossed,
    per_type,
    shuffled,
    single,
)

ROOT = Path("out/claims/walks")
FIRST_PLACE, PART = 450_000, 2
N_FRAMES = 379
"""22, 43 and 64 even frames of 379 are all among 127: a frame is developed once for all."""
TYPES = (
    "object_counting", "object_abs_distance", "object_rel_distance",
    "object_rel_direction_medium", "room_size_estimation",
)  # fmt: skip
SHUFFLES, PLACES_JOINED, FRAMES_JOINED = 20, 8, 43
_JOIN = NEURAL_PRICES["reconstruct"]
PAID = {"registered": _JOIN.base + 22 * _JOIN.per_view + 22 * 21 / 2 * _JOIN.per_pair}
"""Joining 22 frames first is paid; hits are found on the way, and pixels cost nothing."""


def _even(number: int, **choices: object) -> Workflow:
    whole = {"frames": Frames(number=number), "fallback": Fallback(), **choices}
    return Workflow.model_validate(whole)


FIRST = _even(22, stop=Stop())
"""The first cheap look; its registered share and hits are what a card may say."""
SPACE: Mapping[str, Workflow] = {
    "22 frames, stop at 2": FIRST,
    "43 frames, stop at 2": _even(43, stop=Stop()),
    "64 frames, stop at 2": _even(64, stop=Stop()),
    "127 frames, stop at 1": _even(127, stop=Stop(seen=1)),
    "43 frames, voted": _even(43, stop=Stop(), join=Join.VOTE, fallback=Fallback(join=Join.BEST)),
}


def measure(places: int = 6, root: Path = ROOT) -> Iterator[Claim]:
    """Make walks, play every workflow, learn and pay cross-fitted."""
    paths, seconds = [], []
    for k in range(places // PART):
        began, there = time.process_time(), (root / f"walks{k:02d}").exists()
        paths.append(make_part(root / f"walks{k:02d}", FIRST_PLACE + PART * k))
        seconds += [] if there else [(time.process_time() - began) / PART]
    if seconds:
        yield Claim.at_most(
            "walks: CPU seconds to make a place of 379 frames, no pictures",
            round(max(seconds), 1), 10, f"mean {statistics.fmean(seconds):.1f}",
        )  # fmt: skip
    rows, looks, tags = asyncio.run(_played(paths, root))
    yield from registration(paths[: PLACES_JOINED // PART], tags)
    yield from claims(rows, looks, tags, EvolveSettings().price)


def make_part(path: Path, first: int) -> Path:
    """Two places, two questions a type."""
    settings = WalkSettings(
        n_frames=N_FRAMES, size=(192, 144), types=TYPES, per_type=2, light_rays=1
    )
    make_walks_dataset(
        path, range(first, first + PART), settings=settings, name=path.name, split="train"
    )
    return path


async def _played(paths: Sequence[Path], root: Path) -> tuple[Rows, Looks, Looks]:
    """Every task in every way, part by part; what the first looks showed; the true tags."""
    rows: dict[str, dict[str, Rollout]] = {}
    looks: dict[str, dict[str, float]] = {}
    tags: dict[str, dict[str, float]] = {}
    for path in paths:
        cases = load_cases([path])
        shelf = WorldCache((path,), keep_frames=PART * 130, keep_sights=4_000)
        async with reference_player(
            [path], root / "rollouts" / path.name, root / "experts" / path.name,
            preset="long-walks", shelf=shelf, prices=PriceList(NEURAL_PRICES), progress=_told,
        ) as player:  # fmt: skip
            wanted = requests_for((c, w) for c in cases for w in SPACE.values())
            done = table(await player.play("walks", wanted))
            looks |= _looks(path, cases, player)
        for case in cases:
            mine = {w.key: done.get((case.id, w.key)) for w in SPACE.values()}
            if all(mine.values()):
                rows[case.id] = {k: r for k, r in mine.items() if r is not None}
        for scene in {case.task.scene_id for case in cases}:
            truth = load_truth(path, scene)
            corners = len(truth.rooms[0])
            tags[scene] = {
                "repeating": float(REPEATING in truth.conditions),
                "rooms": (corners - 4) / 8,
                "pan": float(truth.capture_style == "pan"),
            }
    return rows, looks, tags


def _looks(path: Path, cases: Sequence[Case], player: LoggedPlayer) -> dict[str, dict[str, float]]:
    """Features by place of what an agent saw: pixels of 22 frames, and the first look's calls."""
    blobs = Dataset.open(path).blobs
    found: dict[str, dict[str, float]] = {}
    for scene in {case.task.scene_id for case in cases}:
        mine = [case for case in cases if case.task.scene_id == scene]
        step = (N_FRAMES - 1) // 21
        greys = [decode_luma(blobs.get(f.image.sha256)) for f in mine[0].task.frames[::step]]
        alike = [overlap(a, b) for a, b in pairwise(greys)]
        outcomes = [o for case in mine for o in _outcomes(player, case)]
        found[scene] = {
            "overlap": mine[0].profile.overlap,
            "clutter": mine[0].profile.clutter,
            "luma": mine[0].profile.luma,
            "rooms passed": float(sum(each < statistics.median(alike) / 2 for each in alike)),
            "sameness": max(overlap(a, b) for k, a in enumerate(greys) for b in greys[k + 3 :]),
            "registered": _registered(outcomes),
            "hits": _hits(outcomes),
        }
    return found


def _outcomes(player: LoggedPlayer, case: Case) -> Iterator[ToolOutcome]:
    """What the calls of the first look gave, from its log."""
    episode = player.log.folder(RolloutRequest(case, FIRST), "").episode(case.id, 0)
    if episode is not None:
        yield from episode.outcomes


def _registered(outcomes: Sequence[ToolOutcome]) -> float:
    told = [
        ReconstructionData.model_validate(o.data)
        for o in outcomes
        if o.name == "reconstruct" and isinstance(o.data, dict)
    ]
    shares = [len(t.registered) / (len(t.registered) + len(t.missing)) for t in told]
    return statistics.fmean(shares) if shares else 0.0


def _hits(outcomes: Sequence[ToolOutcome]) -> float:
    """Boxes a search."""
    found = [len(o.data) for o in outcomes if o.name == "detect" and isinstance(o.data, list)]
    return statistics.fmean(found) if found else 0.0


def registration(paths: Sequence[Path], tags: Looks) -> Iterator[Claim]:
    """What the experts make of 43 frames of the first places: how many views are joined, and how
    far two of them come out wrong at most."""
    for kind, holds in (("repeating", True), ("other", False)):
        for name in ("realistic", "long-walks"):
            found = [
                _joined(path, scene, name)
                for path in paths
                for scene in Dataset.open(path).manifest.scenes
                if scene in tags and bool(tags[scene]["repeating"]) is holds
            ]
            if found:
                shares, errors = zip(*found, strict=True)
                yield Claim(
                    f"walks: metres off at most, {kind} places, preset {name}",
                    round(statistics.median(errors), 2), "shown", True,
                    f"median of {len(found)} places; {statistics.median(shares):.2f} of"
                    f" {FRAMES_JOINED} views joined",
                )  # fmt: skip


def _joined(path: Path, scene: str, name: str) -> tuple[float, float]:
    """Share of views that are registered, and the largest error of a distance between two."""
    world = ReferenceWorld((path,), keep_frames=FRAMES_JOINED)
    step = (N_FRAMES - 1) // (FRAMES_JOINED - 1)
    views = [world.whole(FrameKey(path, scene, k)) for k in range(0, N_FRAMES, step)]
    errors = dataclasses.replace(preset(name).reconstruct, free=False)
    joined = register(views, [0.9] * len(views), errors, seed=0)
    true = np.array([views[k].pose.position for k in joined.indices])
    told = np.array([pose.position for pose in joined.poses])
    apart = [np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (true, told)]
    return len(joined.indices) / len(views), float(np.abs(apart[0] - apart[1]).max())


def claims(rows: Rows, looks: Looks, tags: Looks, price: float) -> Iterator[Claim]:
    """Policies, each learnt on seven eighths of the places and paid on the last."""
    seen, told = sorted(next(iter(looks.values()))), sorted(next(iter(tags.values())))
    carded = crossed(rows, conditioned(looks, seen, PAID), price)
    eager = crossed(rows, conditioned(looks, seen, PAID, errors=0.0), price)
    policies = {
        **{name: [done[w.key] for done in rows.values()] for name, w in SPACE.items()},
        "best single": crossed(rows, single, price),
        "best per type": crossed(rows, per_type, price),
        "card conditions": carded,
        "card conditions, ungated": eager,
        "oracle by true tag": crossed(rows, conditioned(tags, told), price),
        "oracle by true tag, ungated": crossed(rows, conditioned(tags, told, errors=0.0), price),
    }
    for name, rollouts in policies.items():
        mean = row(name, rollouts, price)
        note = (
            f"score {mean.score:.3f} at {mean.cost:.2f} s; {mean.rooms} places, {mean.tasks} tasks"
        )
        yield Claim(f"walks: utility of {name}", round(mean.utility, 4), "shown", True, note)
    for name in [*policies][-5:]:
        found = contrast(name, policies[name], "best single", policies["best single"], price)
        yield _row(f"{name} less best single", found)
    for errors, chosen in ((1.0, carded), (0.0, eager)):
        yield _less_shuffled(errors, chosen, rows, looks, price)
    for tag in ("repeating", "rooms"):
        yield from _interaction(tag, rows, tags, price)


def _less_shuffled(
    errors: float, chosen: list[Rollout], rows: Rows, looks: Looks, price: float
) -> Claim:
    """The conditions less the same learnt from shuffled cards, mean over shuffles."""
    seen = sorted(next(iter(looks.values())))
    old = [
        r
        for k in range(SHUFFLES)
        for r in crossed(rows, conditioned(shuffled(looks, k), seen, PAID, errors), price)
    ]
    name = "card conditions" if errors else "card conditions, ungated,"
    found = contrast(name, chosen * SHUFFLES, "shuffled cards", old, price)
    return Claim(
        f"walks: {name} less shuffled cards, utility",
        round(found.utility, 4),
        ">= 0.01, clear of 0",
        found.utility >= 0.01 and found.utility_low > 0,
        f"{_interval(found)}; mean of {SHUFFLES} shuffles",
    )


def _interaction(tag: str, rows: Rows, tags: Looks, price: float) -> Iterator[Claim]:
    """What each workflow gains over the first look on either side of a true tag."""
    middle = statistics.median(tags[place][tag] for place in tags)
    bound = max(middle, 0.5)
    for name, workflow in SPACE.items():
        if workflow == FIRST:
            continue
        parts = []
        for side, holds in (("below", False), ("from", True)):
            mine = [d for d in rows.values() if (tags[_place(d)][tag] >= bound) is holds]
            if len({_place(d) for d in mine}) > 1:
                new, old = [d[workflow.key] for d in mine], [d[FIRST.key] for d in mine]
                found = contrast(name, new, "first look", old, price)
                parts.append(f"{side} {bound:g}: {found.utility:+.3f} {_ends(found)}")
        yield Claim(f"walks: {name} less the first look, by {tag}", "; ".join(parts), "shown", True)


def _place(done: Mapping[str, Rollout]) -> str:
    return next(iter(done.values())).room


def _row(name: str, found: Contrast) -> Claim:
    return Claim(
        f"walks: {name}, utility", round(found.utility, 4), "shown", True, _interval(found)
    )


def _interval(found: Contrast) -> str:
    return (
        f"95 % over {found.rooms} places {_ends(found)}, score {found.score:+.3f},"
        f" cost x {found.cost_ratio:.2f}, {found.differ} tasks done differently"
    )


def _ends(found: Contrast) -> str:
    return f"[{found.utility_low:+.3f}, {found.utility_high:+.3f}]"


def _told(stage: str, done: int, total: int) -> None:
    if done % 100 == 0 or done == total:
        sys.stderr.write(f"  {stage}: {done} of {total}\n")
