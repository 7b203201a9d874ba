"""Which adapter serves an expert with which backend; modules are imported when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from memory.errors import UserError
from services.contract import EXPERTS
from services.expert import AnyExpert

REPLAY = "replay"  # any expert, from a recording

# backend -> expert -> "module:class".
ADAPTERS: dict[str, dict[str, str]] = {
    "reference": {
        "scene": "services.reference.scene:ReferenceScene",
        "detect": "services.reference.detect:ReferenceDetect",
        "segment": "services.reference.segment:ReferenceSegment",
        "depth": "services.reference.depth:ReferenceDepth",
        "reconstruct": "services.reference.reconstruct:ReferenceReconstruct",
        "orient": "services.reference.orient:ReferenceOrient",
        "restore": "services.reference.restore:ReferenceRestore",
        "render_view": "services.reference.render_view:ReferenceRenderView",
    },
    "fake": {  # costs time and answers nothing true: for measuring the serving
        "depth": "services.selfcheck.fake:FakeDepth",
    },
    "neural": {
        "detect": "services.neural.detect:NeuralDetect",
        "segment": "services.neural.segment:NeuralSegment",
        "depth": "services.neural.depth:NeuralDepth",
        "orient": "services.neural.orient:NeuralOrient",
        "restore": "services.neural.restore:NeuralRestore",
        "reconstruct": "services.neural.reconstruct:NeuralReconstruct",
        "render_view": "services.neural.render_view:NeuralRenderView",
    },
    "tiny": {
        "detect": "services.neural.tiny.detect:TinyDetect",
        "segment": "services.neural.tiny.segment:TinySegment",
        "depth": "services.neural.tiny.depth:TinyDepth",
        "orient": "services.neural.tiny.orient:TinyOrient",
        "restore": "services.neural.tiny.restore:TinyRestore",
        "reconstruct": "services.neural.tiny.reconstruct:TinyReconstruct",
        "render_view": "services.neural.tiny.render_view:TinyRenderView",
    },
}


def experts_of(backend: str) -> tuple[str, ...]:
    """The experts that a backend has; `UserError` names the backends there are."""
    if backend == REPLAY:
        return EXPERTS
    if backend not in ADAPTERS:
        known = ", ".join((*ADAPTERS, REPLAY))
        raise UserError(f"there is no backend {backend!r}; choose from: {known}")
    return tuple(ADAPTERS[backend])


def make_expert(expert: str, backend: str = "reference") -> AnyExpert:
    """A new, unloaded adapter; `UserError` names the choices when there is none."""
    if expert not in EXPERTS:
        raise UserError(f"there is no expert {expert!r}; choose from: {', '.join(EXPERTS)}")
    known = experts_of(backend)
    if expert not in known:
        raise UserError(f"backend {backend!r} has no {expert!r}; it has: {', '.join(known)}")
    if backend == REPLAY:
        from services.replay import ReplayExpert

        return cast(AnyExpert, ReplayExpert(expert))
    where = ADAPTERS[backend][expert]
    module, _, name = where.partition(":")
    return cast(AnyExpert, getattr(import_module(module), name)())
