"""Contact sheets: for each scene of a dataset its picture, depth, ids and numbered top view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from surveyor.core.cameras import Capture, Ids
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.geometry import Depth
from surveyor.core.images import rgb
from surveyor.core.markers import draw_markers, place_markers
from surveyor.core.top_view import EMPTY, TopView, top_view_of_points
from surveyor.scenes.capture.visibility import world_points
from surveyor.scenes.datasets.truth import frame_maps, scene_truth
from surveyor.scenes.records import SceneTruth

Rgb = NDArray[np.uint8]
CELL = (320, 240)
CAPTION = 16
CEILING_CUT = 0.4
# Dark to bright, from near to far.
_RAMP = np.array(
    [[48, 18, 59], [70, 107, 227], [40, 187, 236], [49, 242, 153], [164, 252, 60], [237, 208, 58],
     [251, 128, 34], [210, 49, 5], [122, 4, 3]], np.float64,
)  # fmt: skip


def contact_sheet(path: Path, out: Path, scenes: Sequence[str] = ()) -> None:
    """Write a picture with one row a scene (all by default): RGB, depth, ids, marked top view.

    Raises `UserError` for a scene that the dataset does not have and a name that is no picture's.
    """
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"{out} is no picture: give a name that ends in .png or .jpg")
    dataset = Dataset.open(path)
    chosen = tuple(scenes) or dataset.manifest.scenes
    unknown = set(chosen) - set(dataset.manifest.scenes)
    if unknown:
        raise UserError(f"the dataset in {path} has no scene {sorted(unknown)[0]!r}")
    rows = [_row(dataset, dataset.captures[name], scene_truth(path, name)) for name in chosen]
    sheet = Image.new("RGB", (4 * CELL[0], len(rows) * (CELL[1] + CAPTION)), (255, 255, 255))
    for k, (caption, pictures) in enumerate(rows):
        top = k * (CELL[1] + CAPTION)
        ImageDraw.Draw(sheet).text((4, top + 2), caption, (0, 0, 0))
        for column, picture in enumerate(pictures):
            image = Image.fromarray(picture)
            image.thumbnail(CELL)
            sheet.paste(image, (column * CELL[0], top + CAPTION))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out)


def _row(dataset: Dataset, capture: Capture, truth: SceneTruth) -> tuple[str, list[Rgb]]:
    if not capture.frames:
        raise UserError(f"scene {truth.scene_id} has no frames to show")
    shown = np.array(truth.visible_pixels) > 100
    best = int(shown.sum(axis=1).argmax())
    picture = _picture(dataset, capture, best)
    maps = frame_maps(dataset.path, truth.scene_id, best)
    candidates = frozenset(item.instance_id for item in truth.objects)
    view = dataset_top_view(dataset, capture, truth)
    marked = draw_markers(view.rgb, place_markers(view.ids, candidates))
    conditions = ", ".join(truth.conditions) or "clean"
    caption = (
        f"{truth.scene_id}: {conditions}; {truth.capture_style}; {truth.room_area:.0f} m2; "
        f"{len(truth.objects)} objects"
    )
    return caption, [picture, depth_colours(maps.depth), id_colours(maps.ids), marked]


def dataset_top_view(
    dataset: Dataset, capture: Capture, truth: SceneTruth, longest: int = 320
) -> TopView:
    """A top view from the exact clouds of all frames; small gaps are closed by their neighbours."""
    points, colours, ids = [], [], []
    for frame, camera in zip(capture.frames, truth.cameras, strict=True):
        maps = frame_maps(dataset.path, truth.scene_id, frame.index)
        world, owner = world_points(camera, maps)
        picture = _picture(dataset, capture, frame.index)
        points.append(world)
        ids.append(owner)
        colours.append(picture[maps.depth > 0])
    cut = (truth.height or 2.5) - CEILING_CUT
    view = top_view_of_points(
        np.concatenate(points), np.concatenate(colours), np.concatenate(ids), cut, longest
    )
    return _closed(view)


def _closed(view: TopView, reach: int = 3) -> TopView:
    """Empty pixels take what the nearest filled pixel within ``reach`` shows."""
    empty = (view.rgb == EMPTY).all(axis=2) & (view.ids == 0)
    distance, (v, u) = ndimage.distance_transform_edt(empty, return_indices=True)
    near = distance <= reach
    filled = view.rgb.copy()
    filled[near] = view.rgb[v[near], u[near]]
    ids = np.where(near, view.ids[v, u], view.ids)
    return TopView(view.camera, filled, ids, view.z)


def depth_colours(depth: Depth) -> Rgb:
    """Depth (H, W) as colours, dark blue near to dark red far; black where unknown."""
    known = depth > 0
    far = float(depth.max()) or 1.0
    place = depth / far * (len(_RAMP) - 1)
    channels = [np.interp(place, np.arange(len(_RAMP)), _RAMP[:, c]) for c in range(3)]
    colours = np.stack(channels, axis=-1)
    return np.where(known[..., None], colours, 0).astype(np.uint8)


def id_colours(ids: Ids) -> Rgb:
    """Instance ids (H, W) as colours that differ between neighbours in number; 0 is black."""
    hue = (ids * 0.618034) % 1.0
    value = 0.6 + 0.4 * ((ids * 7) % 5) / 4
    phases = (hue[..., None] + np.array([0, 1 / 3, 2 / 3])) % 1.0
    colours = value[..., None] * (0.5 + 0.5 * np.cos(2 * np.pi * phases))
    return np.where(ids[..., None] > 0, 255 * colours, 0).astype(np.uint8)


def _picture(dataset: Dataset, capture: Capture, index: int) -> Rgb:
    data = dataset.blobs.get(capture.frames[index].image.sha256)
    return np.asarray(rgb(data))
