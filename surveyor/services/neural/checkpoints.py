"""Telling what a checkpoint is from what it holds: its configuration and the names of its weights.

File names say little (half of the world's checkpoints are ``model.safetensors``), so they are not
looked at. Nothing is unpickled and no model library is needed: the header of a safetensors file is
JSON, and the names in a pickle are read from its opcodes without carrying them out.
"""

from __future__ import annotations

import contextlib
import json
import pickletools
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
CONFIG, SAFETENSORS = "config.json", "model.safetensors"

_MOST_HEADER = 64 << 20
_LEGACY_PICKLES = 4  # torch before 1.6: two numbers, the machine, then the weights
_WRAPPERS = ("module.", "model.", "params.", "params_ema.")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a checkpoint is: an expert's route, or, without one, why nothing here loads it."""

    what: str
    expert: str = ""
    route: str = ""
    why: str = ""


_SAM31 = Kind(
    "SAM 3.1 or SAM 3 in Meta's own layout",
    "segment",
    why="transformers has no network for it yet; get `hf download facebook/sam3` (access granted "
    "by Meta): what 3.1 adds is for tracking in videos, and nothing here tracks",
)
_DINO = Kind(
    "GroundingDINO in its authors' own layout",
    "detect",
    why="it comes without its tokenizer, and transformers names its weights otherwise; get that "
    "model as `hf download IDEA-Research/grounding-dino-base`",
)
_DA2 = Kind(
    "Depth Anything V2 in its authors' own layout",
    "depth",
    why="get the metric model as `hf download "
    "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf` (route da2)",
)
_BARE_DA3 = Kind("Depth Anything 3 without its config.json", why="put its config.json beside it")
_RELATIVE = Kind(
    "a depth model without metres", "depth", why="get DA3METRIC-LARGE, or a metric V2 model"
)
_NESTED = Kind(
    "the nested Depth Anything 3",
    "depth",
    why="it is two networks in one; get DA3METRIC-LARGE for depth and DA3-SMALL or DA3-BASE for "
    "reconstruct",
)

# The first whose every sign begins the name of some weight, wrappers' prefixes taken off.
_SIGNS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (("metric_token", "point_decoder.", "conf_decoder."), Kind("Pi3X", "reconstruct", "pi3x")),
    (("register_token", "point_decoder.", "conf_decoder."), Kind("Pi3", "reconstruct", "pi3")),
    (("ref_sampler.", "tgt_sampler.", "vggt."), Kind("Orient Anything V2", "orient", "v2")),
    (("dinov2.", "down_sampler."), Kind("Orient Anything", "orient", "v1")),
    (("aggregator.camera_token", "depth_head."), Kind("VGGT", "reconstruct", "vggt")),
    (("conv_first.", "layers.0.residual_group."), Kind("SwinIR", "restore", "swinir")),
    (("detector.", "tracker."), _SAM31),
    (("transformer.level_embed", "bert.", "input_proj."), _DINO),
    (("pretrained.", "depth_head.scratch."), _DA2),
    (("backbone.pretrained.", "head.scratch."), _BARE_DA3),
)


def recognise(path: Path) -> Kind | None:
    """What the checkpoint at a path is (a file, or a folder that holds one), or None."""
    if path.is_dir():
        if (path / CONFIG).is_file() and (path / SAFETENSORS).is_file():
            return _by_config(path) or _by_names(path / SAFETENSORS)
        files = sorted(one for one in path.iterdir() if one.suffix in WEIGHT_SUFFIXES)
        return next((kind for kind in map(_by_names, files) if kind is not None), None)
    if path.name == SAFETENSORS and (path.parent / CONFIG).is_file():
        return recognise(path.parent)
    return _by_names(path) if path.is_file() else None


def weight_names(file: Path) -> frozenset[str]:
    """Names of the weights in a file; none when it is no checkpoint of a known format.

    A pickle is searched for every text in it, since what is a name is only known to who runs it.
    """
    names: set[str] = set()
    with contextlib.suppress(Exception):  # whatever a parser stumbles over ends the list
        if file.suffix == ".safetensors":
            names.update(_header(file))
        elif zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                (inner,) = (one for one in archive.namelist() if one.endswith("data.pkl"))
                with archive.open(inner) as opened:
                    names.update(_texts(opened))
        else:
            with file.open("rb") as opened:
                for _ in range(_LEGACY_PICKLES):
                    names.update(_texts(opened))
    return frozenset(names)


def _header(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        if size > _MOST_HEADER:
            return {}
        header = json.loads(opened.read(size))
    return header if isinstance(header, dict) else {}


def _texts(opened: IO[bytes]) -> set[str]:
    """Every text in the next pickle of a file."""
    return {
        value
        for opcode, value, _ in pickletools.genops(opened)
        if isinstance(value, str) and "UNICODE" in opcode.name
    }


def _by_names(file: Path) -> Kind | None:
    bare = {_unwrapped(name) for name in weight_names(file)}
    for signs, kind in _SIGNS:
        if all(any(name.startswith(sign) for name in bare) for sign in signs):
            return kind
    return None


def _unwrapped(name: str) -> str:
    for wrapper in _WRAPPERS:
        name = name.removeprefix(wrapper)
    return name


def _by_config(folder: Path) -> Kind | None:
    try:
        stated = json.loads((folder / CONFIG).read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(stated, dict):
        return None
    config = stated.get("config")
    named = str(stated.get("model_name", ""))
    if named.startswith("da3") or (isinstance(config, dict) and "__object__" in config):
        return _depth_anything_3(named or folder.name.lower(), config or {})
    match stated.get("model_type"):
        case "grounding-dino":
            wide = (stated.get("backbone_config") or {}).get("embed_dim") == 128
            return Kind("GroundingDINO", "detect", "base" if wide else "tiny")
        case "mm-grounding-dino":
            return Kind("MM-GroundingDINO", "detect", "mm")
        case "owlv2":
            return Kind("OWLv2", "detect", "owlv2")
        case "omdet-turbo":
            return Kind("OmDet-Turbo", "detect", "omdet")
        case "rt_detr" | "rt_detr_v2":
            return Kind("RT-DETR", "detect", "rtdetr")
        case "d_fine":
            return Kind("D-FINE", "detect", "dfine")
        case "sam3" | "sam3_video":
            return Kind("SAM 3", "segment", "sam3")
        case "depth_anything":
            metric = stated.get("depth_estimation_type") == "metric"
            return Kind("Depth Anything V2", "depth", "da2") if metric else _RELATIVE
        case _:
            names = weight_names(folder / SAFETENSORS)
            if any(name.startswith("info_sharing.") for name in names):
                return Kind("MapAnything", "reconstruct", "mapanything")
            return None


def _depth_anything_3(name: str, config: dict[str, Any]) -> Kind:
    """Which of the family; a network with a camera decoder is one for several views.

    Whether its depth is canonical for metres or of no scale is said by nothing but the name.
    """
    if "nested" in name or "anyview" in config:
        return _NESTED
    if "metric" in name:
        return Kind("Depth Anything 3 metric", "depth", "da3")
    if "mono" in name or (config and "cam_dec" not in config):
        return _RELATIVE
    return Kind("Depth Anything 3", "reconstruct", "da3-base" if "base" in name else "da3")
