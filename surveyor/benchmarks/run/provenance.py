"""What a number depends on, gathered for the manifest: code, packages, interpreter."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.producer import Producer
from surveyor.memory.manifest import DatasetIdentity, Manifest, RunRecord

_FIELD = re.compile(r"^(Name|Version):(.*)$", re.MULTILINE)


def record(
    run_id: str,
    config: RunConfig,
    dataset: DatasetIdentity,
    *,
    prompt: str = "",
    skills: str = "",
    tools: tuple[str, ...] = (),
    experts: tuple[Producer, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> RunRecord:
    """The record of a new run: this code and these packages, this configuration and dataset.

    ``prompt`` is the hash of what every episode is told, ``skills`` the snapshot id, ``tools``
    what the planner is offered, ``experts`` who will answer, ``environment`` the variables that
    decided something.
    """
    seeds = {"run": config.seed}
    if config.corruption is not None:
        seeds["corruption"] = config.corruption.seed
    return RunRecord(
        id=run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        config=config.model_dump(mode="json"),
        free=RunConfig.FREE,
        epochs=config.epochs,
        manifest=Manifest(
            code=code_version(),
            python=platform.python_version(),
            packages=installed_packages(),
            dataset=dataset,
            prompt=prompt,
            skills=skills or config.skills,
            tools=tools,
            experts=tuple(sorted(experts, key=lambda producer: producer.name)),
            seeds=seeds,
            environment=dict(environment or {}),
        ),
    )


def code_version() -> str:
    """The release and, in a checkout, the commit; ``+changes`` when files differ from it."""
    try:
        release = metadata.version("surveyor")
    except metadata.PackageNotFoundError:
        release = "unreleased"
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists() or shutil.which("git") is None:
        return release
    described = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--dirty=+changes"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{release} {described.stdout.strip()}".strip()


def installed_packages() -> dict[str, str]:
    """Every installed distribution and its version."""
    found = dict(_named(dist) for dist in metadata.distributions())
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _named(dist: metadata.Distribution) -> tuple[str, str]:
    """Name and version from the head of the metadata: parsing all of it takes a second for 300."""
    text = dist.read_text("METADATA") or dist.read_text("PKG-INFO") or ""
    head = dict(_FIELD.findall(text.partition("\n\n")[0]))
    if "Name" in head and "Version" in head:
        return head["Name"].strip(), head["Version"].strip()
    return dist.name, dist.version
