"""Depth Anything 3 (Lin et al., arXiv 2511.10647): loading and the two forward passes.

The package's own `api` module is not used: it drags in video and evaluation libraries and casts
to half precision. Here the network is built from the checkpoint's own configuration and its parts
are called one after the other, which also avoids two surprises of the whole: the depth head runs
once (upstream calls it twice), and sky is masked per image instead of being overwritten with a
random quantile over the batch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.geometry import Scale
from surveyor.services.images import Pixels
from surveyor.services.neural.multi_view import PATCH, Geometry, from_above_one, to_integers
from surveyor.services.neural.preprocessing import Planes, fitted, normalised, resized
from surveyor.services.neural.runtime import Runtime, array

LONGEST = 504
CANONICAL_FOCAL = 300.0
_SKY = 0.3
_PACKAGE = "depth_anything_3."
_FIRST_VIEW = "saddle_balanced"


def prepared(pixels: Pixels, longest: int) -> Planes:
    """(3, h, w) input: longest side at ``longest``, both sides multiples of the patch."""
    width, height = fitted(pixels.shape[1], pixels.shape[0], longest, PATCH)
    return normalised(resized(pixels, width, height))


def load(folder: Path, runtime: Runtime) -> Any:
    """The network of a checkpoint folder on the device; every weight must have its place."""
    from safetensors.torch import load_model

    network = build(json.loads((folder / "config.json").read_text()))
    file = folder / "model.safetensors"
    try:
        load_model(named(network), file, strict=True)
    except Exception as error:  # noqa: BLE001 - whatever a parser stumbles over
        why = " ".join(str(error).split())[:200]
        raise UserError(f"{file} holds no weights of this network ({why})") from None
    return network.to(runtime.device).eval()


def named(network: Any) -> Any:
    """The network under the name that it has in checkpoints. Some of its weights are shared and
    stored once, so checkpoints are read and written as models, not as dictionaries."""
    from torch import nn

    return nn.ModuleDict({"model": network})


def build(stated: dict[str, Any]) -> Any:
    """The network that a checkpoint's ``config.json`` describes, with random weights."""
    from depth_anything_3.cfg import create_object, load_config
    from depth_anything_3.registry import MODEL_REGISTRY

    config = stated.get("config")
    if isinstance(config, dict) and "__object__" in config:
        _check_classes(config)
        return create_object(config)
    name = stated.get("model_name")
    if name not in MODEL_REGISTRY:
        raise UserError(f"the checkpoint's config.json names no known model ({name!r})")
    return create_object(load_config(MODEL_REGISTRY[name]))


def _check_classes(config: dict[str, Any]) -> None:
    """`UserError` when a configuration would construct anything but the package's own classes."""
    for key, value in config.items():
        if key == "__object__" and not str(value.get("path", "")).startswith(_PACKAGE):
            raise UserError(f"the checkpoint's config.json names a class of its own: {value}")
        if isinstance(value, dict):
            _check_classes(value)


def canonical_depth(network: Any, runtime: Runtime, images: Sequence[Planes]) -> Planes:
    """(B, h, w) canonical depth of single images of one size; sky is 0.

    Metres are this times the focal length *at this size* in pixels over `CANONICAL_FOCAL`.
    """
    batch = runtime.tensor(np.stack(images)[:, None])
    with runtime.inference():
        _, out = dense(network, batch)
    depth = array(out["depth"])[:, 0]
    if "sky" not in out:
        return depth
    sky = array(out["sky"]).reshape(depth.shape) >= _SKY
    return np.where(sky, np.float32(0), depth)


def any_view(network: Any, runtime: Runtime, views: Planes) -> Geometry:
    """Joint geometry of normalised views (N, 3, h, w) in one frame of relative scale."""
    import torch
    from depth_anything_3.model.utils.transform import pose_encoding_to_extri_intri

    batch = runtime.tensor(views[None])
    with runtime.inference():
        features, out = dense(network, batch)
        # Poses in full precision, as upstream.
        with torch.autocast(device_type=batch.device.type, enabled=False):
            encoded = network.cam_dec(features[-1][1].float())
        # Camera-to-world, although the function's name says otherwise.
        poses, K = pose_encoding_to_extri_intri(encoded, batch.shape[-2:])
    T = np.tile(np.eye(4), (len(views), 1, 1))
    T[:, :3] = array(poses)[0, :, :3]
    return Geometry(
        depth=array(out["depth"])[0],
        confidence=from_above_one(array(out["depth_conf"])[0]),
        T_world_camera=T,
        K=to_integers(array(K)[0]),
        scale=Scale.RELATIVE,
    )


def dense(network: Any, batch: Any) -> tuple[Any, Any]:
    """Features and the dense head's maps of (B, N, 3, h, w); the head runs in full precision."""
    import torch

    features, _ = network.backbone(
        batch, cam_token=None, export_feat_layers=[], ref_view_strategy=_FIRST_VIEW
    )
    height, width = batch.shape[-2:]
    with torch.autocast(device_type=batch.device.type, enabled=False):
        return features, network.head(features, height, width, patch_start_idx=0)
