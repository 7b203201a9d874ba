"""An episode's scene as a recording for Rerun: cloud, cameras with their photos, boxes, segments.

Needs the extra ``rerun``. Coordinates stay as they are (Z up); every camera stands at its place on
the timeline ``photo``, so that the viewer's slider walks through the photos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, OrientedBox, Scale
from surveyor.core.image_files import format_of
from surveyor.tools.geometry.kept import KeptGeometry, KeptView

APPLICATION: Final = "surveyor"


def check_rerun() -> None:
    """`UserError` where Rerun's SDK is not installed."""
    if find_spec("rerun") is None:
        raise UserError("writing .rrd needs Rerun's SDK; run `pip install '.[rerun]'`")


def write_rrd(
    path: Path,
    name: str,
    kept: KeptGeometry,
    points: NDArray[np.float32],
    boxes: Sequence[tuple[str, OrientedBox]],
    segments: Sequence[Float],
    photo: Callable[[str], bytes | None],
) -> None:
    """Write a recording called ``name``. ``photo`` gives a frame's encoded bytes by its handle;
    ``points`` are (n, 3), ``segments`` (2, 3) each. Raises `UserError` without the extra."""
    check_rerun()
    rr: Any = import_module("rerun")
    unit = "units, scale unknown" if kept.scale is Scale.RELATIVE else "metres"
    with rr.RecordingStream(APPLICATION, recording_id=name) as out:
        out.save(str(path))
        out.log("scene", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        out.log("about", rr.TextDocument(f"{name}: lengths in {unit}, Z up"), static=True)
        if len(points):
            out.log("scene/cloud", rr.Points3D(points), static=True)
        if boxes:
            out.log("scene/boxes", _boxes(rr, boxes), static=True)
        if segments:
            strips = [np.asarray(segment, np.float32) for segment in segments]
            labels = [f"{np.linalg.norm(s[1] - s[0]):.2f}" for s in strips]
            out.log("scene/measured", rr.LineStrips3D(strips, labels=labels), static=True)
        for k, view in enumerate(kept.views):
            out.set_time("photo", sequence=k)
            _log_view(rr, out, f"scene/cameras/{view.frame}", view, photo(view.frame))
        out.flush()
        out.disconnect()


def _boxes(rr: Any, boxes: Sequence[tuple[str, OrientedBox]]) -> Any:
    turns = []
    for _, box in boxes:
        axes = np.array(box.axes).T  # columns: the box's axes in the world
        if np.linalg.det(axes) < 0:
            axes[:, 2] *= -1  # a box looks the same, and a turn has no mirror
        turns.append(Rotation.from_matrix(axes).as_quat())
    return rr.Boxes3D(
        centers=[box.center for _, box in boxes],
        sizes=[box.size for _, box in boxes],
        quaternions=turns,
        labels=[name for name, _ in boxes],
    )


def _log_view(rr: Any, out: Any, at: str, view: KeptView, data: bytes | None) -> None:
    T = np.array(view.T_world_camera)
    lens = view.intrinsics
    out.log(at, rr.Transform3D(translation=T[:3, 3], mat3x3=T[:3, :3]))
    out.log(
        at,
        rr.Pinhole(
            focal_length=(lens.fx, lens.fy),
            principal_point=(lens.cx + 0.5, lens.cy + 0.5),  # corners count from the edge there
            width=lens.width,
            height=lens.height,
            camera_xyz=rr.ViewCoordinates.RDF,
            image_plane_distance=0.25,
        ),
    )
    kind = format_of(data) if data is not None else None
    if kind in ("JPEG", "PNG", "WebP"):
        out.log(at, rr.EncodedImage(contents=data, media_type=f"image/{kind.lower()}"))
