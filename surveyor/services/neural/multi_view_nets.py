"""Multi-view models behind `ViewsNet`: Depth Anything 3, and slots for a user's own installs.

Pi3, VGGT and MapAnything are not on any package index. Install a commit of your choice next to
this project; the adapter imports it when it is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Scale
from surveyor.services.neural import da3
from surveyor.services.neural.multi_view import Geometry, from_above_one, inverted, to_integers
from surveyor.services.neural.preprocessing import Planes, imagenet
from surveyor.services.neural.runtime import Runtime, array, filled, user_class
from surveyor.services.neural.weights import Weights


class AnyView:
    """Depth Anything 3 any-view: relative scale."""

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        self._runtime = runtime
        self._network = da3.load(weights.path, runtime)

    def geometry(self, views: Planes) -> Geometry:
        return da3.any_view(self._network, self._runtime, imagenet(views))

    def bare(self, views: Planes) -> Callable[[], object]:
        batch = self._runtime.tensor(imagenet(views)[None])
        return lambda: da3.dense(self._network, batch)


class Pi3:
    """Pi3 (github.com/yyfz/Pi3, arXiv 2507.13347): points in camera frames, camera-to-world poses
    of one common frame, relative scale."""

    module, kind, scale = "pi3.models.pi3", "Pi3", Scale.RELATIVE

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        make = user_class(self.module, self.kind, "pi3", "github.com/yyfz/Pi3")
        self._runtime = runtime
        network = filled(make(**_stated(make, weights)), weights.file)
        if hasattr(network, "disable_multimodal"):
            network.disable_multimodal()  # its priors draw random numbers, even when unused
        self._network = network.to(runtime.device).eval()

    def geometry(self, views: Planes) -> Geometry:
        with self._runtime.inference():
            out = self._network(self._runtime.tensor(views[None]))
        points = array(out["local_points"])[0]
        logits = array(out["conf"])[0, ..., 0]
        return Geometry(
            depth=points[..., 2],
            confidence=(1 / (1 + np.exp(-logits))).astype(np.float32),
            T_world_camera=array(out["camera_poses"])[0].astype(np.float64),
            K=np.stack([pinhole_of(view) for view in points]),
            scale=self.scale,
        )

    def bare(self, views: Planes) -> Callable[[], object]:
        batch = self._runtime.tensor(views[None])
        return lambda: self._network(batch)


class Pi3X(Pi3):
    """Pi3X, of the same repository: as Pi3, in metres."""

    module, kind, scale = "pi3.models.pi3x", "Pi3X", Scale.METRIC


class Vggt:
    """VGGT (github.com/facebookresearch/vggt): world-to-camera poses, relative scale."""

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        self._runtime = runtime
        source = "github.com/facebookresearch/vggt"
        decode = user_class("vggt.utils.pose_enc", "pose_encoding_to_extri_intri", "vggt", source)
        make = user_class("vggt.models.vggt", "VGGT", "vggt", source)
        self._pose = decode
        self._network = filled(make(), weights.file).to(runtime.device).eval()

    def geometry(self, views: Planes) -> Geometry:
        with self._runtime.inference():
            out = self._network(self._runtime.tensor(views[None]))
            size = views.shape[-2:]
            T, K = self._pose(out["pose_enc"].float(), size)
        return Geometry(
            depth=array(out["depth"])[0, ..., 0],
            confidence=from_above_one(array(out["depth_conf"])[0]),
            T_world_camera=inverted(array(T)[0]),
            K=to_integers(array(K)[0]),
            scale=Scale.RELATIVE,
        )

    def bare(self, views: Planes) -> Callable[[], object]:
        batch = self._runtime.tensor(views[None])
        return lambda: self._network(batch)


class MapAnything:
    """MapAnything (github.com/facebookresearch/map-anything): camera-to-world poses, metres."""

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        source = "github.com/facebookresearch/map-anything"
        kind = user_class("mapanything.models", "MapAnything", "mapanything", source)
        self._runtime = runtime
        self._network = kind.from_pretrained(weights.path).to(runtime.device).eval()

    def geometry(self, views: Planes) -> Geometry:
        infer = self.bare(views)
        with self._runtime.inference():
            out: Any = infer()
        return Geometry(
            depth=np.stack([array(one["depth_z"])[0, ..., 0] for one in out]),
            confidence=from_above_one(np.stack([array(one["conf"])[0] for one in out])),
            T_world_camera=np.stack([array(one["camera_poses"])[0] for one in out]).astype(float),
            K=np.stack([array(one["intrinsics"])[0] for one in out]).astype(float),
            scale=Scale.METRIC,
        )

    def bare(self, views: Planes) -> Callable[[], object]:
        asked = [
            {"img": self._runtime.tensor(view[None]), "data_norm_type": ["dinov2"]}
            for view in imagenet(views)
        ]
        mixed = self._runtime.format != "float32"
        return lambda: self._network.infer(asked, use_amp=mixed, apply_mask=True)


NETS: dict[str, Any] = {
    "da3": AnyView,
    "da3-base": AnyView,
    "pi3": Pi3,
    "pi3x": Pi3X,
    "vggt": Vggt,
    "mapanything": MapAnything,
}


def _stated(make: Any, weights: Weights) -> dict[str, Any]:
    """What a ``config.json`` beside the weights says of the constructor's arguments."""
    file = weights.file.parent / "config.json"
    if not file.is_file():
        return {}
    stated = json.loads(file.read_text())
    known = signature(make.__init__).parameters
    return {name: value for name, value in stated.items() if name in known}


def pinhole_of(points: Planes) -> NDArray[np.float64]:
    """The 3x3 K that projects camera-frame points (h, w, 3) best onto their own pixels.

    Least squares per axis on ``u = f x / z + c``; points without depth are left out.
    """
    height, width = points.shape[:2]
    valid = np.isfinite(points).all(axis=-1) & (points[..., 2] > 1e-6)
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    K = np.eye(3)
    for axis, pixels in enumerate((columns, rows)):
        slopes = points[..., axis][valid].astype(np.float64) / points[..., 2][valid]
        if slopes.size < 2 or np.ptp(slopes) < 1e-9:
            return np.full((3, 3), np.nan)
        K[axis, axis], K[axis, 2] = np.polyfit(slopes, pixels[valid], 1)
    return K
