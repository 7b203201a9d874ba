"""Repeating a run from its folder alone."""

from __future__ import annotations

from pydantic import ValidationError

from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem
from surveyor.memory.manifest import Manifest
from surveyor.memory.runs import RunFolder


def config_of(folder: RunFolder) -> RunConfig:
    """The configuration that the run was made with."""
    try:
        return RunConfig.model_validate(folder.record.config)
    except ValidationError as error:
        raise UserError(
            f"the configuration of {folder.path} does not fit this version of Surveyor: "
            f"{first_problem(error, RunConfig)}"
        ) from None


def changed_since(then: Manifest, now: Manifest) -> tuple[str, ...]:
    """What a repetition does not share with the original, one sentence each; ideally nothing."""
    found = []
    for name in ("code", "python", "prompt", "skills"):
        before, after = getattr(then, name), getattr(now, name)
        if before != after:
            found.append(f"{name} was {before or '–'}, is {after or '–'}")
    if then.dataset != now.dataset:
        found.append(
            f"the dataset was {then.dataset.name} {then.dataset.content_hash[:12]}, "
            f"is {now.dataset.name} {now.dataset.content_hash[:12]}"
        )
    experts = {expert.name: expert for expert in now.experts}
    for expert in then.experts:
        current = experts.get(expert.name)
        if current != expert:
            told = f"{current.version} {current.weights[:12]}".strip() if current else "absent"
            found.append(
                f"expert {expert.name} was {expert.version} {expert.weights[:12]}".strip()
                + f", is {told}"
            )
    packages = sorted(then.packages.keys() | now.packages.keys())
    moved = [name for name in packages if then.packages.get(name) != now.packages.get(name)]
    if moved:
        found.append(f"{len(moved)} packages differ, among them {', '.join(moved[:3])}")
    return tuple(found)
