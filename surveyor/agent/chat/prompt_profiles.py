"""Published wordings of benchmark prompts, so that a figure can be compared with a paper's.

Each wording is a function from a task to the text that follows the frames. Sources: ``official``
is VSI-Bench's own harness (thinking-in-space, 51e089c), lmms-eval (75571cf) for MMSI-Bench,
CV-Bench and BLINK, and the suffix that papers on language models add to ScanQA and SQA3D;
``easi`` is VLMEvalKit's wording as EASI runs it. What a benchmark has no published wording for is
refused: a figure made with a wording of our own belongs to `agent_prompt`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from surveyor.agent.chat import easi_wordings
from surveyor.agent.chat.prompt import Profile, Prompt, agent_prompt, short_prompt
from surveyor.agent.planner import PlannerInput
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind, Task

Wording = Callable[[Task], str]

FRAMES: Final = "These are frames of a video."
LETTER: Final = "Answer with the option's letter from the given choices directly."
SHORT: Final = "Please answer the question using a single word or phrase."
FLOAT: Final = "Answer briefly and directly in one float number."
MMSI_LETTER: Final = f"{LETTER} Enclose the option's letter within ``."
ONLY: Final = (
    "Note: You only need to respond with {} without providing any additional information.\n"
)
PHRASE: Final = "Answer the question using a single word or phrase."

_PRINTED: Final = re.compile(r"^\(([A-E])\)", re.MULTILINE)


def vsi_official(task: Task) -> str:
    """VSI-Bench's own wording; measured questions are those with a number to answer."""
    if task.answer_kind is AnswerKind.CHOICE:
        return "\n".join((FRAMES, task.question, "Options:", *task.options, LETTER))
    return "\n".join((FRAMES, task.question, SHORT))


def vsi_easi(task: Task) -> str:
    """VLMEvalKit's wording of VSI-Bench: no line before the options, and one float number."""
    if task.answer_kind is AnswerKind.CHOICE:
        return "\n".join((FRAMES, task.question, *task.options, LETTER))
    return "\n".join((FRAMES, task.question, FLOAT))


def mmsi(task: Task) -> str:
    """MMSI-Bench in lmms-eval and VLMEvalKit; the options are part of the question."""
    return f"{task.question}\n{MMSI_LETTER}"


def blink(task: Task) -> str:
    """BLINK in lmms-eval: the row's own prompt after a note that names the letters."""
    prompt = "\n".join((task.question, *task.options))
    return ONLY.format(", ".join(_PRINTED.findall(prompt))) + prompt


def cv_bench(task: Task) -> str:
    """CV-Bench in lmms-eval: as BLINK, with an empty line after the note."""
    prompt = "\n".join((task.question, *task.options))
    return ONLY.format(", ".join(_PRINTED.findall(prompt))) + "\n" + prompt


def short_answer(task: Task) -> str:
    """ScanQA and SQA3D, as papers on language models ask them."""
    return f"{task.question}\n{PHRASE}"


def as_given(task: Task) -> str:
    """A row that already holds its whole prompt."""
    return task.question


_SHARED: Final[Mapping[str, Wording]] = {
    "mindcube": easi_wordings.mindcube,
    "viewspatial": easi_wordings.viewspatial,
    "site": easi_wordings.site,
    "3dsrbench": easi_wordings.selected,
    "spar": easi_wordings.spar,
    "omnispatial": easi_wordings.omnispatial,
    "mmsi-video": as_given,
}
"""EASI asks these as their authors do."""
OFFICIAL: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        **_SHARED,
        **dict.fromkeys(("erqa", "refspatial", "robospatial"), as_given),
        "blink-14": blink,
        "vsi-bench": vsi_official,
        "vsi-meta": vsi_official,
        "mmsi-bench": mmsi,
        "cv-bench-3d": cv_bench,
        "blink": blink,
        "scanqa": short_answer,
        "sqa3d": short_answer,
        **dict.fromkeys(
            ("skill3d-vsi", "skill3d-mmsi_pr", "skill3d-cv3d", "skill3d-blink_multiview"), as_given
        ),
    }
)
EASI: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        **_SHARED,
        **dict.fromkeys(("vsi-bench", "vsi-meta"), vsi_easi),
        "mmsi-bench": mmsi,
        **dict.fromkeys(("blink", "blink-14"), easi_wordings.selected),
        "embspatial": easi_wordings.best_letter,
        "robospatial": easi_wordings.robospatial,
    }
)


def official_text(task: Task) -> str:
    """The official wording of a task; `UserError` where its dataset has none."""
    return _wording("official", OFFICIAL, task)(task)


def easi_text(task: Task) -> str:
    """EASI's wording of a task; `UserError` where its dataset has none."""
    return _wording("easi", EASI, task)(task)


def official(task: Task, brief: PlannerInput, dialect: str) -> Prompt:
    """The official wording after unlabelled frames; with tools, their instructions before it.

    Without tools nothing is added, and the whole reply is the answer.
    """
    return _published(official_text(task), brief, dialect)


def easi(task: Task, brief: PlannerInput, dialect: str) -> Prompt:
    """EASI's wording after unlabelled frames; with tools, their instructions before it."""
    return _published(easi_text(task), brief, dialect)


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "agent": agent_prompt,
        "short": short_prompt,
        "official": official,
        "easi": easi,
        # Their own words come with the pictures (`surveyor.agent.chat.marked`).
        "markers": agent_prompt,
        "unmarked": agent_prompt,
    }
)


def profile_named(name: str, dataset: str | None = None) -> Profile:
    """The profile of that name, for a run on the dataset of that name.

    Raises `UserError` for a name that is none, and for a dataset that has no such wording: better
    before the first question than at it.
    """
    if name not in PROFILES:
        raise UserError(f"there is no prompt profile {name!r}; choose from {', '.join(PROFILES)}")
    wordings = {"official": OFFICIAL, "easi": EASI}.get(name)
    if dataset is not None and wordings is not None and dataset not in wordings:
        raise UserError(_absent(name, wordings, dataset))
    return PROFILES[name]


def _wording(name: str, wordings: Mapping[str, Wording], task: Task) -> Wording:
    if task.dataset not in wordings:
        raise UserError(_absent(name, wordings, task.dataset))
    return wordings[task.dataset]


def _absent(name: str, wordings: Mapping[str, Wording], dataset: str) -> str:
    return (
        f"dataset {dataset!r} has no published wording {name!r} (those of {', '.join(wordings)} "
        "have); choose profile agent"
    )


def _published(text: str, brief: PlannerInput, dialect: str) -> Prompt:
    acting = bool(brief.tools)
    return Prompt(dialect if acting else "", "", text, named=acting, whole=not acting)
