"""Versions of what decides how an episode goes, recorded in the manifest of every rollout.

A version hashes what the code *does*: its syntax tree without comments and docstrings. So a
sentence that is put better leaves rollouts valid, and a changed number or call makes them stale.
Experts say their own versions, weights and error models (`surveyor.memory.events.Producer`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from surveyor.core.producer import Producer
from surveyor.skills.provenance import digest

PARTS: Mapping[str, tuple[str, ...]] = {
    "loop": ("surveyor.agent",),
    "program": ("surveyor.agent.program",),
    "chat": ("surveyor.agent.chat",),
    "tools": (
        "surveyor.tools",
        "surveyor.tools.geometry",
        "surveyor.tools.measuring",
        "surveyor.tools.perception",
    ),
}


def behaviour_of(
    planner: str, model: str, producers: Iterable[Producer], *, reading: str = ""
) -> dict[str, str]:
    """Versions by part. ``planner`` is `program` or `chat`; ``model`` names the model behind it;
    ``reading`` names tools beyond the builtin ones."""
    return {
        "planner": f"{planner} {version(planner)} {model}".strip(),
        "loop": version("loop"),
        "tools": f"{version('tools')} {reading}".strip(),
        "experts": digest(sorted(p.model_dump_json() for p in producers))[:16],
    }


def fingerprint(behaviour: Mapping[str, str]) -> str:
    """One name for all parts."""
    return digest([f"{part}={behaviour[part]}" for part in sorted(behaviour)])[:16]


@cache
def version(part: str) -> str:
    """Version of one part of `PARTS`."""
    texts = []
    for package in PARTS[part]:
        root = files(package)
        for name in sorted(f.name for f in root.iterdir() if f.name.endswith(".py")):
            texts.append(f"{package}/{name} {behaviour_text((root / name).read_text())}")
    return digest(texts)[:12]


def behaviour_text(source: str) -> str:
    """Source code without what changes nothing: comments, docstrings, layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
