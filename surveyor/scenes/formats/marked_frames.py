"""A dataset's pictures with its objects numbered, for records that speak of numbers.

The numbers are the scene's own instance ids, exact ones: these pictures are to train and to test
on, and never what an agent of ours is shown, which is drawn from what it measured itself.
Beside each picture lies a JSON file that says where which number is drawn, and why others are not.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from surveyor.core.dataset import Dataset
from surveyor.core.geometry import Float
from surveyor.core.images import rgb
from surveyor.core.markers import (
    MarkerRule,
    Markers,
    Rgb,
    draw_markers,
    place_markers,
    visible_share,
)
from surveyor.core.top_view import TopCamera
from surveyor.scenes.capture.visibility import world_points
from surveyor.scenes.datasets.contact_sheet import dataset_top_view
from surveyor.scenes.datasets.truth import frame_maps, scene_truth
from surveyor.scenes.records import SceneTruth

TOP = "top"
_EVERY = 7
"""Of a scene's points, each so-manieth outlines a silhouette well enough."""


def write_marked(dataset: Dataset, scene: str, out: Path, *, marks: bool) -> None:
    """``<out>/<scene>/top.png`` and ``00000.png``, ...: PNG, so that digits stay as they are."""
    folder = out / scene
    folder.mkdir(parents=True, exist_ok=True)
    truth = scene_truth(dataset.path, scene)
    capture = dataset.captures[scene]
    candidates = frozenset(item.instance_id for item in truth.objects)
    top = dataset_top_view(dataset, capture, truth, longest=512)
    drawn = place_markers(top.ids, candidates, rule=MarkerRule(min_visible=0.0))
    _write(folder / TOP, top.rgb, drawn, marks, top.camera)
    clouds = _clouds(dataset, truth)
    for frame, camera in zip(capture.frames, truth.cameras, strict=True):
        picture = np.asarray(rgb(dataset.blobs.get(frame.image.sha256)))
        ids = frame_maps(dataset.path, scene, frame.index).ids
        seen = candidates & set(np.unique(ids).tolist())
        shares = {k: visible_share(clouds[k], camera, ids, k) for k in seen}
        drawn = place_markers(ids, candidates, shares)
        _write(folder / f"{frame.index:05d}", picture, drawn, marks, None)


def _clouds(dataset: Dataset, truth: SceneTruth) -> dict[int, Float]:
    """World points of each object from all frames, thinned."""
    points, owners = [], []
    for frame, camera in zip(dataset.captures[truth.scene_id].frames, truth.cameras, strict=True):
        world, owner = world_points(camera, frame_maps(dataset.path, truth.scene_id, frame.index))
        points.append(world[::_EVERY])
        owners.append(owner[::_EVERY])
    everything, owned = np.concatenate(points), np.concatenate(owners)
    return {item.instance_id: everything[owned == item.instance_id] for item in truth.objects}


def _write(
    stem: Path, picture: Rgb, markers: Markers, marks: bool, camera: TopCamera | None
) -> None:
    Image.fromarray(draw_markers(picture, markers) if marks else picture).save(
        stem.with_suffix(".png")
    )
    told = markers.model_dump(mode="json") if marks else {}
    if camera is not None:
        told["pixels_of_world"] = camera.affine().tolist()
    stem.with_suffix(".json").write_text(json.dumps(told))
