"""Filing a finished episode in scene memory: its card, how it went, and the objects it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter, ValidationError

from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.memory.scenes.records import EvidenceObject, FiledEpisode
from surveyor.memory.scenes.store import SceneMemory
from surveyor.skills.provenance import digest
from surveyor.skills.scene_profile import SceneProfile
from surveyor.tools.schemas import BoxRow, ObjectRow, ObjectsData

_FINDERS = frozenset({"fuse", "scene"})
_BOXES = TypeAdapter(list[BoxRow])


def remember(
    memory: SceneMemory,
    key: str,
    task: Task,
    episode: Episode,
    card: SceneProfile,
    *,
    score: float | None = None,
    workflow: str = "",
) -> bool:
    """File an episode with its evidence; False when ``key`` was filed before."""
    card = looked_at(card, task, episode)
    started, retrieved = episode.started, episode.skills
    used = retrieved.candidates if retrieved else ()
    filed = FiledEpisode(
        key=key,
        scene_id=started.scene_id,
        task_id=started.task_id,
        split=started.split,
        question_type=started.question_type,
        question=started.question,
        status=episode.status.value,
        answer=episode.answer,
        score=score,
        cost=sum(o.cost for o in episode.outcomes),
        workflow=workflow,
        skills=tuple(f"{c.skill}@{c.version}" for c in used if c.used),
        card=card.json_fields(),
        card_text=card.text,
        vector=card.vector,
    )
    return memory.file(filed, tuple(evidence(task, episode, key)))


def looked_at(card: SceneProfile, task: Task, episode: Episode) -> SceneProfile:
    """The card with what the episode's detector saw in the capture's own frames, if it looked.

    Boxes of derived frames are left out: their pixels are not those of the capture.
    """
    own = {f"frame_{f.index}" for f in task.frames}
    frames: set[str] = set()
    areas: list[float] = []
    for outcome in episode.outcomes:
        if outcome.name == "detect" and outcome.status is ToolStatus.OK:
            frames |= own.intersection(outcome.sources)
            areas += [_area(row.box) for row in _boxes(outcome) if row.frame in own]
    pixels = card.width * card.height
    if not frames or not pixels:
        return card
    return card.with_detections([area / pixels for area in areas], len(frames))


def evidence(task: Task, episode: Episode, key: str) -> Iterable[EvidenceObject]:
    """Accepted objects of an episode's fused or looked-up tables.

    Coordinates of one reconstruction belong together and to no other. Two episodes mean the same
    one when the same experts made it, step by step, from the same frames. Frames and producers are
    all that a table rests on.
    """
    frames = {f"frame_{f.index}": f.image.sha256 for f in task.frames}
    makers = {handle: o for o in episode.outcomes for handle in o.handles}
    for outcome in episode.outcomes:
        if outcome.name not in _FINDERS or outcome.status is not ToolStatus.OK:
            continue
        handles = _rests_on(outcome, makers)
        seen = tuple(frames[h] for h in sorted(handles) if h in frames)
        chain = [outcome, *(makers[h] for h in handles if h in makers)]
        producers = {f"{p.name} {p.version}" for o in chain for p in o.producers}
        rows, numbers = _objects(outcome), Counter[str]()
        worlds = {
            space: _world(makers.get(space, outcome), makers, frames)
            for space in {row.space for row in rows}
        }
        for row in rows:
            numbers[row.category] += 1
            yield EvidenceObject(
                scene_id=episode.started.scene_id,
                world=worlds[row.space],
                key=f"{row.category} {numbers[row.category]}",
                category=row.category,
                center=row.center,
                size=row.size,
                axes=row.axes,
                scale=row.scale.value,
                coordinates=row.world.value,
                confidence=row.confidence,
                views=max(1, row.support),
                frames=seen,
                producers=tuple(sorted(producers)),
                episode=key,
            )


def _world(maker: ToolOutcome, makers: Mapping[str, ToolOutcome], frames: Mapping[str, str]) -> str:
    """Names coordinates by the steps that made them: tools, experts with their weights, frames."""
    handles = _rests_on(maker, makers)
    steps = {id(o): o for o in (maker, *(makers[h] for h in handles if h in makers))}
    told = [f"{o.name} {_experts(o)} {_frames_of(o, makers, frames)}" for o in steps.values()]
    return digest(sorted(told))[:16]


def _experts(outcome: ToolOutcome) -> list[str]:
    return sorted(producer.model_dump_json() for producer in outcome.producers)


def _frames_of(
    outcome: ToolOutcome, makers: Mapping[str, ToolOutcome], frames: Mapping[str, str]
) -> list[str]:
    return sorted(frames[h] for h in _rests_on(outcome, makers) if h in frames)


def _rests_on(outcome: ToolOutcome, makers: Mapping[str, ToolOutcome]) -> set[str]:
    """Every handle that a result was made from, directly or through other results."""
    reached: set[str] = set()
    waiting = list(outcome.sources)
    while waiting:
        handle = waiting.pop()
        if handle not in reached:
            reached.add(handle)
            made_by = makers.get(handle)
            if made_by is not None:
                waiting.extend(made_by.sources)
    return reached


def _boxes(outcome: ToolOutcome) -> list[BoxRow]:
    try:
        return _BOXES.validate_python(outcome.data)
    except ValidationError:
        return []


def _area(box: tuple[float, float, float, float]) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _objects(outcome: ToolOutcome) -> tuple[ObjectRow, ...]:
    try:
        data = ObjectsData.model_validate(outcome.data)
    except ValidationError:
        return ()
    return tuple(row for row in data.objects if row.accepted)
