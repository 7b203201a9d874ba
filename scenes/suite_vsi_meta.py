"""The suite of real scans: VSI-Bench's released metadata, asked by the official rules."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from scenes.questions.asking import PER_SCENE, ask
from scenes.questions.vsi import MEASURED_TYPES
from scenes.suite import SuiteManifest
from scenes.suite_write import Progress, SceneBundle, SuitePlan, write_suite
from scenes.vsi_meta import read_vsi_meta

VSI_META_LIMITS: Mapping[str, int | None] = {
    **dict.fromkeys(MEASURED_TYPES, PER_SCENE),
    "object_counting": None,
    "object_size_estimation": None,
}


def make_vsi_meta_suite(
    path: Path, meta_dir: Path, *, seed: int = 0, progress: Progress | None = None
) -> SuiteManifest:
    """Questions by the official rules about the real scans behind VSI-Bench; no frames.

    Counting and size questions are asked wherever possible, the other types up to six times a
    scene. Raises `UserError` when ``meta_dir`` is not VSI-Bench's metadata.
    """
    scenes = {scene.scene_id: scene for scene in read_vsi_meta(meta_dir)}
    plan = SuitePlan(name="vsi-meta", generator="vsi-meta", seed=seed, scenes=tuple(scenes))
    return write_suite(
        path,
        plan,
        lambda scene_id: SceneBundle(scenes[scene_id]),
        partial(ask, suite=plan.name, split=plan.split, seed=seed, per_type=VSI_META_LIMITS),
        progress,
    )
