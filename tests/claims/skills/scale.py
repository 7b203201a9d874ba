"""How the library and scene memory scale, beside a store that rewrites everything each time."""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

import numpy as np

from surveyor.memory.scenes.records import FiledEpisode
from surveyor.memory.scenes.store import SceneMemory
from surveyor.skills.builtin import builtin_documents
from surveyor.skills.documents import SkillDocument
from surveyor.skills.embed import LexicalEmbedder
from surveyor.skills.frontmatter import Value, write
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.scope import Condition, Scope
from surveyor.skills.snapshot import open_snapshot, take_snapshot
from surveyor.skills.store import SkillStore
from tests.claims.claim import Claim

TYPES = (
    "object_counting",
    "object_abs_distance",
    "object_size_estimation",
    "room_size_estimation",
    "object_rel_distance",
    "object_rel_direction_easy",
    "obj_appearance_order",
    "route_planning",
)
THINGS = "chair table lamp sofa door window shelf bed plant desk stool mirror rug cup box".split()  # noqa: SIM905
VERBS = "count find compare measure locate order estimate verify inspect trace".split()  # noqa: SIM905
PLACES = "kitchen bedroom office hall studio attic garage library lobby workshop".split()  # noqa: SIM905
MEASURES = ("views", "luma", "overlap", "clutter")


def measure() -> Iterator[Claim]:
    """Claims about scale, each as soon as it is measured."""
    yield from recording()
    yield from writers()
    for count, bound in ((10_000, 1.0), (100_000, 10.0)):
        yield from retrieval(count, bound)


def recording(last: int = 100_000) -> Iterator[Claim]:
    """Milliseconds per recorded episode, first and last thousand, and the rewriting store's."""
    with tempfile.TemporaryDirectory() as folder, SceneMemory(Path(folder) / "m.sqlite") as memory:
        times = []
        for i in range(last):
            record = _episode(f"e{i}", i)
            start = time.perf_counter()
            memory.file(record)
            times.append(time.perf_counter() - start)
    first, end = (1e3 * statistics.median(part) for part in (times[:1000], times[-1000:]))
    yield Claim.at_most(
        f"recording: median ms of episodes {last - 999}-{last} over that of 1-1000",
        end / first,
        1.5,
        f"{first:.3f} ms, then {end:.3f} ms",
    )
    with tempfile.TemporaryDirectory() as folder:
        peer = [_rewrite(Path(folder), n) for n in (1, 100, 400)]
    yield Claim.at_least(
        "recording: a store that rewrites its library, ms at episode 400 over ours at the end",
        peer[2] / end,
        100,
        f"it took {peer[0]:.1f}, {peer[1]:.1f}, {peer[2]:.1f} ms at episodes 1, 100, 400",
    )


def writers(processes: int = 4, seconds: float = 3.0) -> Iterator[Claim]:
    """Episodes a second from several processes into one memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.sqlite"
        SceneMemory(path).close()
        command = [sys.executable, "-m", "tests.claims.skills.scale", str(path), str(seconds)]
        children = [
            subprocess.Popen([*command, str(k)], stdout=subprocess.PIPE, text=True)
            for k in range(processes)
        ]
        counts = [int(child.communicate()[0]) for child in children]
        with SceneMemory(path) as memory:
            stored = len(memory)
    yield Claim.at_least(
        f"recording: episodes/s from {processes} processes", sum(counts) / seconds, 2000
    )
    yield Claim.holds("recording: none of them lost", stored == sum(counts), f"{stored}")


def retrieval(count: int, bound: float) -> Iterator[Claim]:
    """Median milliseconds of one retrieval, and the seconds that opening a frozen library takes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SkillStore(Path(folder) / "s.sqlite") as store,
    ):
        provenance = Provenance(origin=Origin.IMPORTED)  # documents without a workflow block
        rows = ((d, provenance) for d in islice(documents(), count))
        store.add_many(rows, status=Status.ACTIVE, action="made")
        if count <= 10_000:
            snapshot = take_snapshot(store, Path(folder) / "snapshots")
            yield from _opening(snapshot.path, count)
        retriever = Retriever(store)
        for known in (True, False):
            times = _latencies(retriever, known=known)
            p50, p95 = np.percentile(times, [50, 95])
            asked = "" if known else ", question type unheard of"
            yield Claim.at_most(
                f"retrieval: p50 ms at {count:,} skills (FAISS, FTS5, fusion, re-ranking)" + asked,
                float(p50),
                bound,
                f"p95 {p95:.2f} ms, {len(times)} queries, exact inner products"
                f" ({retriever.index.kind})",
            )


def documents() -> Iterator[SkillDocument]:
    """Different plausible skills, as many as wanted."""
    base = builtin_documents()[0]
    bounds = range(1, 100_000)
    for bound, kind, verb, thing, place in product(bounds, TYPES, VERBS, THINGS, PLACES):
        name = f"{verb}-{thing}-{place}-{TYPES.index(kind)}-{bound}"
        text = f"{verb.capitalize()} the {thing} in a {place}, case {bound}."
        description = f"{text} Use for {kind.replace('_', ' ')} questions about a {thing}."
        condition = Condition(
            measure=MEASURES[bound % 4], comparison=">" if bound % 2 else "<=", bound=bound / 10
        )
        metadata = {"question-types": kind, "scene": str(condition), "tools": "detect depth"}
        fields: dict[str, Value] = {"name": name, "description": description}
        body = f"# {name}\n\n## When to use\n\n{description} The {place} has a {thing}.\n"
        yield SkillDocument(
            name=name,
            description=description,
            metadata=metadata,
            body=body,
            workflow=base.workflow,
            scope=Scope(question_types=(kind,), conditions=(condition,)),
            text=f"{write(fields | {'metadata': metadata})}\n{body}",
        )


def _latencies(retriever: Retriever, queries: int = 300, *, known: bool = True) -> list[float]:
    rng = np.random.default_rng(0)
    times = []
    for i in range(queries):
        kind, thing, place = (str(rng.choice(x)) for x in (TYPES, THINGS, PLACES))
        card = SceneProfile(question_type=kind, operands=(thing,), views=int(rng.integers(4, 40)))
        if not known:
            card = card.model_copy(update={"question_type": "unheard_of"})
        question = f"How would you {rng.choice(VERBS)} the {thing} that stands in the {place}?"
        vector = retriever.embedder.queries([f"{question} {card.text}"])[0]
        start = time.perf_counter()
        retriever.rank(card, question, vector=vector)
        if i >= 20:
            times.append(1e3 * (time.perf_counter() - start))
    return times


def _opening(path: Path, count: int) -> Iterator[Claim]:
    times = []
    embedder = LexicalEmbedder()
    for _ in range(5):
        start = time.perf_counter()
        opened = open_snapshot(path)
        opened.retriever(embedder)
        times.append(time.perf_counter() - start)
        opened.store.close()
    yield Claim.at_most(
        f"opening a frozen library of {count:,} skills, s", statistics.median(times), 0.3
    )


def _episode(key: str, number: int) -> FiledEpisode:
    thing = THINGS[number % len(THINGS)]
    return FiledEpisode(
        key=key,
        scene_id=f"room_{number // 40:06d}",
        task_id=key,
        split="train",
        question_type=TYPES[number % len(TYPES)],
        question=f"How many {thing}(s) are in this room?",
        status="answered",
        answer="3",
        score=0.5,
        cost=3.0,
        workflow="abcdef",
        skills=("count-objects-across-views@0123456789abcdef",),
        card={"views": 24, "luma": 0.5},
        card_text=f"object counting {thing} dark",
        vector=(0.1,) * 9,
    )


def _rewrite(folder: Path, episodes: int) -> float:
    """Milliseconds of one save in the design under comparison: after each episode the whole
    library goes to disk again, a state file, one file per skill and a tree of pages per skill.
    The number of skills and of files per episode follows published measurements."""
    skills = [
        {
            "id": f"{i}",
            "name": f"skill {i}",
            "strategy": ["x" * 200] * 4,
            "meta": {"episodes": ["e" * 40] * min(episodes, 24), "text": "y" * 1500},
        }
        for i in range(max(1, round(0.59 * episodes)))
    ]
    target = folder / f"{episodes}"
    target.mkdir()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        (target / "state.json").write_text(json.dumps(skills, indent=2))
        for skill in skills:
            text = json.dumps(skill, indent=2)
            (target / f"{skill['id']}.json").write_text(text)
            for page in range(5):
                (target / f"{skill['id']}.{page}.md").write_text(text[:400])
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def _write_for(path: Path, seconds: float, name: str) -> int:
    with SceneMemory(path) as memory:
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            key = hashlib.sha256(f"{name}/{count}".encode()).hexdigest()[:16]
            memory.file(_episode(key, count))
            count += 1
    return count


if __name__ == "__main__":
    sys.stdout.write(f"{_write_for(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3])}\n")
