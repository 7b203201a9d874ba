"""The two Orient Anything networks: from crops to logits over angles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from surveyor.core.errors import UserError
from surveyor.services.images import Pixels
from surveyor.services.neural.angles import Bins
from surveyor.services.neural.multi_view import planes
from surveyor.services.neural.preprocessing import Planes, normalised, padded_square, resized
from surveyor.services.neural.runtime import Runtime, array, filled, tensors_of, user_class
from surveyor.services.neural.weights import Weights

_BLACK, _WHITE = 0, 255
_SOURCE = "github.com/SpatialVision/Orient-Anything-V2"
_OBJECT_SHARE = 0.85  # of the frame, as both versions' own inference code has it


class OrientNet(Protocol):
    """``pairs``: whether a second view is read relative to the first; ``background``: the grey
    that stands around an object that was cut out."""

    bins: Bins
    pairs: bool
    background: int

    def prepare(self, crop: Pixels) -> Planes:
        """(3, S, S) input of one object."""
        ...

    def logits(self, views: Planes) -> Planes:
        """(B, V, bins) of B objects in V views each, from (B, V, 3, S, S)."""
        ...

    def bare(self, views: Planes) -> Callable[[], object]:
        """The network alone, its input on the device."""
        ...


class OrientV1:
    """Version 1 (arXiv 2412.18605): DINOv2's class token, then two linear layers.

    Upstream cuts the object out, which leaves black around it, and hands the picture to DINOv2's
    own image processor: shorter side to 256, of which the middle 224 are kept.
    """

    pairs = False
    background = _BLACK
    _shorter, _size = 256, 224

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        state = _state(weights.file, "down_sampler", "dinov2")
        self._runtime = runtime
        self._network = filled(build_v1(state), weights.file, state)
        self._network.to(runtime.device).eval()
        self.bins = Bins.of(len(state["down_sampler.net2.0.weight"]))

    def prepare(self, crop: Pixels) -> Planes:
        square = padded_square(crop, _OBJECT_SHARE, self.background)
        whole = resized(square, self._shorter, self._shorter)
        edge = (self._shorter - self._size) // 2
        return normalised(whole[edge : edge + self._size, edge : edge + self._size])

    def logits(self, views: Planes) -> Planes:
        network = self.bare(views)
        with self._runtime.inference():
            return array(network()).reshape(*views.shape[:2], -1)

    def bare(self, views: Planes) -> Callable[[], Any]:
        pixels = self._runtime.tensor(views.reshape(-1, *views.shape[2:]))
        body, mlp = self._network["dinov2"], self._network["down_sampler"]
        return lambda: through(mlp, body(pixels).last_hidden_state[:, 0])


class OrientV2:
    """Version 2: VGGT's camera tokens; the first view has a head of its own, further views are
    read relative to it. Needs the ``vggt`` package that comes with its repository."""

    pairs = True
    background = _WHITE
    _size = 518

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        from torch import nn

        state = _state(weights.file, "ref_sampler", "tgt_sampler", "vggt")
        self._runtime = runtime
        self.bins = Bins.of(len(state["ref_sampler.net2.0.weight"]))
        heads = {name: head(state, name) for name in ("ref_sampler", "tgt_sampler")}
        body = user_class("vggt.models.vggt", "VGGT", "vggt", _SOURCE)()
        self._network = filled(nn.ModuleDict({"vggt": body, **heads}), weights.file, state)
        self._network.to(runtime.device).eval()

    def prepare(self, crop: Pixels) -> Planes:
        square = padded_square(crop, _OBJECT_SHARE, self.background)
        return planes(resized(square, self._size, self._size))

    def logits(self, views: Planes) -> Planes:
        network = self.bare(views)
        with self._runtime.inference():
            return np.stack([array(one) for one in network()], axis=1)

    def bare(self, views: Planes) -> Callable[[], Any]:
        pixels = self._runtime.tensor(views)
        heads = ("ref_sampler", *["tgt_sampler"] * (views.shape[1] - 1))

        def run() -> list[Any]:
            tokens, _ = self._network["vggt"].aggregator(pixels)
            camera = tokens[-1][:, :, 0].float()
            return [
                through(self._network[name], camera[:, index]) for index, name in enumerate(heads)
            ]

        return run


NETS: dict[str, Any] = {"v1": OrientV1, "v2": OrientV2}


def _state(file: Path, *parts: str) -> dict[str, Any]:
    """The checkpoint's weights; `UserError` when it lacks one of the network's parts."""
    state = tensors_of(file)
    lacking = [part for part in parts if not any(key.startswith(f"{part}.") for key in state)]
    if lacking:
        raise UserError(
            f"{file} is no checkpoint of this version of Orient Anything: it has no "
            f"{', '.join(lacking)}; route v1 reads dino_weight.pt, v2 rotmod_realrotaug_best.pt"
        )
    return state


def build_v1(state: dict[str, Any]) -> Any:
    """The network whose sizes a version 1 checkpoint implies."""
    from torch import nn
    from transformers import Dinov2Config, Dinov2Model

    patches, width = state["dinov2.embeddings.position_embeddings"].shape[1:]
    patch = state["dinov2.embeddings.patch_embeddings.projection.weight"].shape[-1]
    layers = {key.split(".")[3] for key in state if key.startswith("dinov2.encoder.layer.")}
    inner = len(state["dinov2.encoder.layer.0.mlp.fc1.weight"])
    config = Dinov2Config(
        hidden_size=width,
        num_hidden_layers=len(layers),
        num_attention_heads=max(width // 64, 1),
        mlp_ratio=inner // width,
        image_size=round((patches - 1) ** 0.5) * patch,
        patch_size=patch,
    )
    return nn.ModuleDict(
        {"dinov2": Dinov2Model(config), "down_sampler": head(state, "down_sampler")}
    )


def head(state: dict[str, Any], name: str) -> Any:
    """Linear, batch norm, ReLU, linear, batch norm, with the sizes that the checkpoint implies."""
    from torch import nn

    outer, width = state[f"{name}.net1.0.weight"].shape
    inner = len(state[f"{name}.net2.0.weight"])
    return nn.ModuleDict(
        {
            "net1": nn.Sequential(nn.Linear(width, outer), nn.BatchNorm1d(outer), nn.ReLU()),
            "net2": nn.Sequential(nn.Linear(outer, inner), nn.BatchNorm1d(inner)),
        }
    )


def through(mlp: Any, values: Any) -> Any:
    """A head made by `head`, applied."""
    return mlp["net2"](mlp["net1"](values))
