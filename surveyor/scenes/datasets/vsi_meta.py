"""The dataset of real scans: VSI-Bench's released metadata, asked by the official rules."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from surveyor.core.dataset import DatasetManifest, read_manifest
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.writer import DatasetPlan, Progress, SceneBundle, write_dataset
from surveyor.scenes.formats.vsi_meta import read_vsi_meta, vsi_meta_hash
from surveyor.scenes.questions.asking import PER_SCENE, ask
from surveyor.scenes.questions.vsi import MEASURED_TYPES

VSI_META_LIMITS: Mapping[str, int | None] = {
    **dict.fromkeys(MEASURED_TYPES, PER_SCENE),
    "object_counting": None,
    "object_size_estimation": None,
}

_METADATA = "metadata"


def check_made_of(path: Path, meta_dir: Path) -> None:
    """`UserError` where the dataset that is at ``path`` was made of other metadata than these."""
    made = read_manifest(path).settings.get(_METADATA)
    if made not in (None, vsi_meta_hash(meta_dir)):  # of datasets made before, nobody knows
        raise UserError(
            f"{path} was made of other metadata than {meta_dir}; delete it, or give another --seed"
        )


def make_vsi_meta_dataset(
    path: Path, meta_dir: Path, *, seed: int = 0, progress: Progress | None = None
) -> DatasetManifest:
    """Questions by the official rules about the real scans behind VSI-Bench; no frames.

    Counting and size questions are asked wherever possible, the other types up to six times a
    scene. Raises `UserError` when ``meta_dir`` is not VSI-Bench's metadata.
    """
    scenes = {scene.scene_id: scene for scene in read_vsi_meta(meta_dir)}
    plan = DatasetPlan(
        name="vsi-meta",
        generator="vsi-meta",
        seed=seed,
        settings={_METADATA: vsi_meta_hash(meta_dir)},
        scenes=tuple(scenes),
    )
    return write_dataset(
        path,
        plan,
        lambda scene_id: SceneBundle(scenes[scene_id]),
        partial(ask, dataset=plan.name, split=plan.split, seed=seed, per_type=VSI_META_LIMITS),
        progress,
    )
