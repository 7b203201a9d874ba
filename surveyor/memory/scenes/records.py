"""What scene memory keeps: episodes under their scene profile, and the objects found in a scene."""

from __future__ import annotations

from pydantic import Field, JsonValue

from surveyor.core.records import FrozenRecord

Triple = tuple[float, float, float]


class FiledEpisode(FrozenRecord):
    """One finished episode, success or failure, as later questions may look it up.

    ``key`` names the attempt (run, task, epoch); filing the same key twice keeps the first.
    ``card`` is the scene profile as JSON, ``card_text`` its words, ``vector`` its features.
    ``score`` is ``None`` until a scorer has spoken, ``cost`` is priced seconds.
    """

    key: str
    scene_id: str
    task_id: str
    split: str
    question_type: str
    question: str
    status: str
    answer: str | None = None
    score: float | None = None
    cost: float = 0.0
    workflow: str = ""
    skills: tuple[str, ...] = ()
    card: dict[str, JsonValue] = Field(default_factory=dict)
    card_text: str = ""
    vector: tuple[float, ...] = ()


class EvidenceObject(FrozenRecord):
    """An object as an episode measured it, never as the truth knows it.

    ``world`` names the reconstruction in whose coordinates ``center`` (metres) is given: positions
    of different worlds must not be mixed. ``size`` are full extents in metres along ``axes`` (unit
    rows; those of the world where ``None``), ``None`` where only a direction or a count was
    measured. ``coordinates`` say whose they are (`surveyor.core.geometry.World`). ``confidence`` in
    0..1, ``views`` the number of frames that showed it. ``frames`` are blob hashes of those frames,
    ``producers`` the experts behind it. ``version`` grows when a later episode measures the same
    ``key`` of the same world again.
    """

    scene_id: str
    world: str
    key: str
    category: str
    center: Triple
    size: Triple | None = None
    axes: tuple[Triple, Triple, Triple] | None = None
    scale: str = "metric"
    coordinates: str = "own"
    confidence: float = Field(ge=0, le=1)
    views: int = Field(ge=1)
    frames: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()
    episode: str = ""
    version: int = Field(default=0, ge=0)


class Recall(FrozenRecord):
    """What memory offers for one scene: objects of one world, newest version each, and by whom.

    ``episodes`` are the keys of the episodes that measured them. An empty recall is false.
    """

    scene_id: str
    world: str = ""
    objects: tuple[EvidenceObject, ...] = ()
    episodes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.objects)

    @property
    def text(self) -> str:
        """The observation a planner reads; it says that nothing was measured anew."""
        if not self.objects:
            return f"Nothing is remembered about {self.scene_id}."
        rows = [
            f"{o.key}: {o.category} at ({o.center[0]:.2f}, {o.center[1]:.2f}, {o.center[2]:.2f})"
            + (f", size {o.size[0]:.2f} x {o.size[1]:.2f} x {o.size[2]:.2f}" if o.size else "")
            + f", {o.views} views, confidence {o.confidence:.2f}, version {o.version}"
            for o in self.objects
        ]
        unit = "metres" if self.objects[0].scale == "metric" else "units without metric scale"
        head = (
            f"Remembered from {len(self.episodes)} earlier episode(s) on this scene, "
            f"not measured anew; coordinates in {unit}:"
        )
        return "\n".join([head, *rows])
