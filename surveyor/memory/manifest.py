"""What a run's folder says about itself: the configuration, the manifest and the schedule."""

from __future__ import annotations

from pydantic import Field, JsonValue

from surveyor.core.producer import Producer
from surveyor.core.records import FrozenRecord
from surveyor.core.renamed import reads_old

RUN_VERSION = 1


class DatasetIdentity(FrozenRecord):
    """Which questions: the dataset's name and the hash of its content."""

    name: str
    content_hash: str = ""


class Manifest(FrozenRecord):
    """What a number depends on besides the configuration.

    ``code`` is the version and, where known, the commit. ``prompt`` hashes the system prompt and
    the tool schemas; ``skills`` is the pinned snapshot, ``tools`` what the planner was offered.
    ``behaviour`` holds versions of whatever decides how an episode goes, where somebody will ask
    later whether it would still go so. ``environment`` are the variables that decided something.
    """

    _old = reads_old(suite="dataset")

    code: str = ""
    python: str = ""
    packages: dict[str, str] = Field(default_factory=dict)
    dataset: DatasetIdentity
    prompt: str = ""
    skills: str = ""
    tools: tuple[str, ...] = ()
    experts: tuple[Producer, ...] = ()
    seeds: dict[str, int] = Field(default_factory=dict)
    behaviour: dict[str, str] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)


class ScheduledTask(FrozenRecord):
    """One line of the schedule: enough to name the task and to repeat its input."""

    id: str
    scene_id: str
    split: str = "test"
    question_type: str
    hash: str = ""
    frames: tuple[int, ...] = ()
    frame_rule: str = "all"


class RunRecord(FrozenRecord):
    """``run.json``. Keys of ``config`` named in ``free`` may change when the run is resumed."""

    v: int = RUN_VERSION
    id: str
    created: str
    config: dict[str, JsonValue]
    free: tuple[str, ...] = ()
    epochs: int = Field(default=1, ge=1)
    manifest: Manifest
    schedule_hash: str = ""
