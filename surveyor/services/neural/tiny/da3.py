"""Small random Depth Anything 3 checkpoints, laid out as the hub's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surveyor.services.neural import da3

_PARTS = "depth_anything_3.model"


def write_any_view(folder: Path) -> None:
    """ViT-S with the alternating attention, ray and camera heads of the any-view models."""
    backbone = _backbone(alt_start=4, qknorm_start=4, rope_start=4, cat_token=True)
    head = _part("dualdpt", "DualDPT", dim_in=768, **_HEAD | {"output_dim": 2})
    cameras = {
        "cam_enc": _part("cam_enc", "CameraEnc", dim_out=384),
        "cam_dec": _part("cam_dec", "CameraDec", dim_in=768),
    }
    _write(folder, "da3-tiny", {"net": backbone, "head": head, **cameras})


def write_metric(folder: Path) -> None:
    """ViT-S with the depth and sky head of the metric model."""
    backbone = _backbone(alt_start=-1, qknorm_start=-1, rope_start=-1, cat_token=False)
    head = _part("dpt", "DPT", dim_in=384, **_HEAD)
    _write(folder, "da3metric-tiny", {"net": backbone, "head": head})


_HEAD = {"output_dim": 1, "features": 16, "out_channels": [8, 16, 24, 32]}


def _backbone(**arguments: Any) -> dict[str, Any]:
    return _part("dinov2.dinov2", "DinoV2", name="vits", out_layers=[0, 1, 2, 11], **arguments)


def _part(module: str, kind: str, /, **arguments: Any) -> dict[str, Any]:
    where = {"path": f"{_PARTS}.{module}", "name": kind, "args": "as_params"}
    return {"__object__": where, **arguments}


def _write(folder: Path, name: str, parts: dict[str, Any]) -> None:
    save_da3(folder, {"model_name": name, "config": _part("da3", "DepthAnything3Net", **parts)})


def save_da3(folder: Path, stated: dict[str, Any]) -> None:
    """A checkpoint with random weights of the network that ``stated`` describes."""
    from safetensors.torch import save_file

    network = da3.build(stated)
    if network.cam_dec is not None:
        network.cam_dec.fc_fov[0].bias.data.fill_(1.0)  # radians: a lens, not a slit
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(stated))
    # Shared weights are stored once, under the first of their names.
    stored = {w.data_ptr(): key for key, w in reversed(da3.named(network).state_dict().items())}
    kept = set(stored.values())
    weights = {k: w.clone() for k, w in da3.named(network).state_dict().items() if k in kept}
    save_file(weights, folder / "model.safetensors")
