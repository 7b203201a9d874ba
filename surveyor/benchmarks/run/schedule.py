"""Which (task, epoch) pairs a run owes: selection, shards, and the record kept of each task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, islice, zip_longest

from surveyor.benchmarks.run.config import Baseline, RunConfig, Shard
from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.manifest import ScheduledTask


def select(tasks: Iterable[Task], config: RunConfig) -> list[Task]:
    """The tasks that this configuration asks for, in dataset order.

    Raises `UserError` for a question type that the dataset does not have, and when nothing is left.
    """
    chosen = list(tasks)
    if config.types:
        known = {task.question_type for task in chosen}
        if absent := [name for name in config.types if name not in known]:
            raise UserError(
                f"the dataset has no questions of type {absent[0]!r}; it has: "
                + ", ".join(sorted(known))
            )
        chosen = [task for task in chosen if task.question_type in config.types]
    if config.limit is not None:
        chosen = sample(chosen, config.limit)
    if config.shard is not None:
        chosen = shard(chosen, config.shard)
    if not chosen:
        raise UserError(f"there is nothing to run: {config.dataset} has no task for these settings")
    if config.baseline is Baseline.BLIND:
        chosen = [task.model_copy(update={"frames": ()}) for task in chosen]
    return chosen


def sample(tasks: Sequence[Task], most: int) -> list[Task]:
    """At most ``most`` of the tasks, the question types taken in turn, in dataset order.

    Of each type the first ones are kept, and types take turns in the order in which they first
    come up: the same dataset always gives the same sample, and a larger one holds a smaller one.
    """
    of_type: dict[str, list[Task]] = {}
    for task in tasks:
        of_type.setdefault(task.question_type, []).append(task)
    rounds = chain.from_iterable(zip_longest(*of_type.values()))
    kept = {task.id for task in islice((task for task in rounds if task is not None), most)}
    return [task for task in tasks if task.id in kept]


def shard(tasks: Sequence[Task], part: Shard) -> list[Task]:
    """One part of the tasks, whole scenes at a time, so that shards share no expert call.

    Scenes go, largest first, to the part with the fewest tasks: parts are even, and the same
    dataset always splits the same way.
    """
    sizes = Counter(task.scene_id for task in tasks)
    loads = [0] * part.count
    home: dict[str, int] = {}
    for scene, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        home[scene] = loads.index(min(loads))
        loads[home[scene]] += size
    return [task for task in tasks if home[task.scene_id] == part.index - 1]


def scheduled(task: Task) -> ScheduledTask:
    """What the run's folder keeps of a task."""
    return ScheduledTask(
        id=task.id,
        scene_id=task.scene_id,
        split=task.split,
        question_type=task.question_type,
        hash=task_hash(task),
        frames=tuple(frame.index for frame in task.frames),
        frame_rule=task.frame_rule,
    )


def task_hash(task: Task) -> str:
    """Content hash of everything that the planner is given, as `surveyor.agent.loop` logs it."""
    return sha256_of(task.model_dump_json().encode())
