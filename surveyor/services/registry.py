"""Which adapter serves an expert with which backend; modules are imported when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from surveyor.core.errors import UserError
from surveyor.services.contract import EXPERTS
from surveyor.services.expert import AnyExpert, Expert

REPLAY = "replay"  # any expert, from a recording
_MEMBERS = (*Expert.__annotations__, *(name for name in vars(Expert) if name[0] != "_"))

# backend -> expert -> "module:class".
ADAPTERS: dict[str, dict[str, str]] = {
    "reference": {
        "scene": "surveyor.services.reference.scene:ReferenceScene",
        "detect": "surveyor.services.reference.detect:ReferenceDetect",
        "segment": "surveyor.services.reference.segment:ReferenceSegment",
        "depth": "surveyor.services.reference.depth:ReferenceDepth",
        "reconstruct": "surveyor.services.reference.reconstruct:ReferenceReconstruct",
        "orient": "surveyor.services.reference.orient:ReferenceOrient",
        "restore": "surveyor.services.reference.restore:ReferenceRestore",
        "render_view": "surveyor.services.reference.render_view:ReferenceRenderView",
    },
    "neural": {
        "detect": "surveyor.services.neural.detect:NeuralDetect",
        "segment": "surveyor.services.neural.segment:NeuralSegment",
        "depth": "surveyor.services.neural.depth:NeuralDepth",
        "orient": "surveyor.services.neural.orient:NeuralOrient",
        "restore": "surveyor.services.neural.restore:NeuralRestore",
        "reconstruct": "surveyor.services.neural.reconstruct:NeuralReconstruct",
        "render_view": "surveyor.services.neural.render_view:NeuralRenderView",
    },
    "stereo": {"depth": "surveyor.services.stereo.depth:StereoDepth"},
    "tiny": {
        "detect": "surveyor.services.neural.tiny.detect:TinyDetect",
        "segment": "surveyor.services.neural.tiny.segment:TinySegment",
        "depth": "surveyor.services.neural.tiny.depth:TinyDepth",
        "orient": "surveyor.services.neural.tiny.orient:TinyOrient",
        "restore": "surveyor.services.neural.tiny.restore:TinyRestore",
        "reconstruct": "surveyor.services.neural.tiny.reconstruct:TinyReconstruct",
        "render_view": "surveyor.services.neural.tiny.render_view:TinyRenderView",
    },
}


def experts_of(backend: str) -> tuple[str, ...]:
    """The experts that a backend has; `UserError` names the backends there are."""
    if backend == REPLAY or ":" in backend:
        return EXPERTS
    if backend not in ADAPTERS:
        known = ", ".join((*ADAPTERS, REPLAY))
        raise UserError(
            f"there is no backend {backend!r}; choose from: {known}, "
            "or an adapter of your own as module:Class"
        )
    return tuple(ADAPTERS[backend])


def make_expert(expert: str, backend: str = "reference") -> AnyExpert:
    """A new, unloaded adapter; `UserError` names the choices when there is none.

    ``backend`` is one of `ADAPTERS`, ``replay``, or ``module:Class``: an adapter of the user's own.
    """
    if expert not in EXPERTS:
        raise UserError(f"there is no expert {expert!r}; choose from: {', '.join(EXPERTS)}")
    known = experts_of(backend)
    if expert not in known:
        raise UserError(f"backend {backend!r} has no {expert!r}; it has: {', '.join(known)}")
    if backend == REPLAY:
        from surveyor.services.replay import ReplayExpert

        return cast(AnyExpert, ReplayExpert(expert))
    if ":" in backend:
        return _own_adapter(expert, backend)
    module, _, name = ADAPTERS[backend][expert].partition(":")
    return cast(AnyExpert, getattr(import_module(module), name)())


def _own_adapter(expert: str, backend: str) -> AnyExpert:
    """The user's own adapter; `UserError` says what keeps it from being one."""
    module, _, name = backend.partition(":")
    try:
        made = getattr(import_module(module), name)()
    except (ImportError, AttributeError, TypeError) as error:
        raise UserError(f"backend {backend!r} cannot be imported: {error}") from None
    if lacks := [one for one in _MEMBERS if not hasattr(made, one)]:
        raise UserError(
            f"backend {backend!r} is no expert yet, it lacks: {', '.join(lacks)}; a complete one "
            "is in docs/experts.md"
        )
    if made.name != expert:
        raise UserError(f"backend {backend!r} serves {made.name!r}, not {expert!r}")
    return cast(AnyExpert, made)
