"""Multi-view geometry: the tiny model, and the slots with stand-ins for a user's installs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics, Scale
from surveyor.services.contract import ReconstructRequest, RenderViewRequest
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, inline
from surveyor.services.neural.model_cards import CARDS
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.models.conftest import Loaded, Tray, picture

CAMERA = Intrinsics(fx=90, fy=80, cx=55.5, cy=41.5, width=112, height=84)


def ask(expert, images: Images, *pictures):
    request = ReconstructRequest(images=tuple(inline(one) for one in pictures))
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    tray = Tray()
    return expert.postprocess(request, item, raw, tray), tray


def test_views_of_any_shape_get_depth_over_their_whole_image(
    loaded: Loaded, images: Images
) -> None:
    expert = loaded("reconstruct")
    answer, tray = ask(expert, images, picture(), picture(1), picture(2, 60, 80))
    assert [view.index for view in answer.views] == [0, 1, 2]
    assert (answer.scale, answer.gravity) == ("relative", False)
    tall = answer.views[2].intrinsics
    assert (tall.width, tall.height) == (112, 149)
    depth = tray.arrays[4]
    assert depth.shape == (149, 112)
    assert (depth[:32] == 0).all()
    assert (depth[40:110] > 0).all()
    cloud = tray.arrays[-1]
    assert cloud.dtype == np.float32
    assert 0 < len(cloud) <= 75_000


def test_more_views_than_allowed_are_refused(loaded: Loaded, images: Images) -> None:
    with pytest.raises(ExpertError, match="3 views in one request; this service takes 2"):
        ask(loaded("reconstruct", views="2"), images, picture(), picture(), picture())


# Stand-ins with the call and the output of the three packages, all showing one made-up place.

_TRUTH = """
import math
import torch

def place(views, height, width):
    c, s = math.cos(0.3), math.sin(0.3)
    pose = torch.eye(4).repeat(views, 1, 1)
    pose[1:, :3, :3] = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    pose[1:, :3, 3] = torch.tensor([0.5, -0.2, 1.0])
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    z = 2 + 0.01 * u + 0.005 * v
    return pose, z.repeat(views, 1, 1), u, v

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    @classmethod
    def from_pretrained(cls, folder):
        return cls()
"""
_PI3 = (
    _TRUTH
    + """
class Pi3(Net):
    def __init__(self, decoder_size="large"):
        super().__init__()
        self.decoder_size = decoder_size

    def forward(self, imgs):
        assert float(imgs.min()) >= 0 and float(imgs.max()) <= 1
        _, n, _, h, w = imgs.shape
        pose, z, u, v = place(n, h, w)
        x, y = (u - 55.5) / 90 * z, (v - 41.5) / 80 * z
        return {
            "local_points": torch.stack([x, y, z], -1)[None],
            "conf": torch.full((1, n, h, w, 1), 2.0),
            "camera_poses": pose[None],
        }
"""
)
_PI3X = "from .pi3 import Pi3\n\nclass Pi3X(Pi3):\n    pass\n"
_VGGT = (
    _TRUTH
    + """
class VGGT(Net):
    def forward(self, imgs):
        assert float(imgs.min()) >= 0 and float(imgs.max()) <= 1
        _, n, _, h, w = imgs.shape
        pose, z, u, v = place(n, h, w)
        return {
            "pose_enc": torch.linalg.inv(pose)[None, :, :3],
            "depth": z[None, ..., None],
            "depth_conf": torch.full((1, n, h, w), 1 + 7.389056),
        }
"""
)
_POSE_ENC = """
import torch

def pose_encoding_to_extri_intri(encoded, size):
    K = torch.tensor([[90.0, 0, 56], [0, 80, 42], [0, 0, 1]])
    return encoded, K.expand(1, encoded.shape[1], 3, 3)
"""
_MAPANYTHING = (
    _TRUTH
    + """
class MapAnything(Net):
    def infer(self, views, use_amp, apply_mask):
        assert float(views[0]["img"].min()) < 0 and views[0]["data_norm_type"] == ["dinov2"]
        n, (h, w) = len(views), views[0]["img"].shape[-2:]
        pose, z, u, v = place(n, h, w)
        K = torch.tensor([[90.0, 0, 55.5], [0, 80, 41.5], [0, 0, 1]])
        return [
            {
                "depth_z": z[i][None, ..., None],
                "conf": torch.full((1, h, w), 1 + 7.389056),
                "camera_poses": pose[i][None],
                "intrinsics": K[None],
            }
            for i in range(n)
        ]
"""
)
_FILES = {
    "pi3/models/pi3.py": _PI3,
    "pi3/models/pi3x.py": _PI3X,
    "vggt/models/vggt.py": _VGGT,
    "vggt/utils/pose_enc.py": _POSE_ENC,
    "mapanything/models/__init__.py": _MAPANYTHING,
}
SLOTS = {
    "pi3": Scale.RELATIVE,
    "pi3x": Scale.METRIC,
    "vggt": Scale.RELATIVE,
    "mapanything": Scale.METRIC,
}


def stand_ins(folder: Path) -> Path:
    """A checkpoint of every slot in one folder."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({}))
    save_file({"scale": torch.ones(1)}, folder / "model.safetensors")
    torch.save({"scale": torch.ones(1)}, folder / "vggt_1B_commercial.pt")
    return folder


def slot(route: str, weights: Path):
    """The loaded adapter of a slot."""
    expert = make_expert("reconstruct", "neural")
    options = {"route": route, "size": "112"}
    expert.load(Settings(blob_dir=weights.parent / "blobs", weights=weights, options=options))
    return expert


@pytest.mark.parametrize("route", SLOTS)
def test_every_slot_is_normalised_to_the_same_geometry(
    route: str, install: Callable[..., None], images: Images, tmp_path: Path
) -> None:
    install(_FILES)
    expert = slot(route, stand_ins(tmp_path / "weights"))
    answer, tray = ask(expert, images, picture(), picture(1))
    assert answer.scale is SLOTS[route]
    first, second = answer.views
    assert np.array(first.T_world_camera) == pytest.approx(np.eye(4), abs=1e-6)
    c, s = np.cos(0.3), np.sin(0.3)
    expected = [[c, 0, s, 0.5], [0, 1, 0, -0.2], [-s, 0, c, 1.0], [0, 0, 0, 1]]
    assert np.array(second.T_world_camera) == pytest.approx(np.array(expected), abs=1e-5)
    assert second.intrinsics.matrix() == pytest.approx(CAMERA.matrix(), abs=1e-2)
    depth, confidence = tray.arrays[2], tray.arrays[3]
    assert depth[10, 20] == pytest.approx(2 + 0.2 + 0.05)
    assert confidence.mean() == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-3)


@pytest.mark.parametrize("route", ["pi3", "pi3x", "vggt"])
def test_a_file_is_loaded_as_its_folder_is(
    route: str, install: Callable[..., None], tmp_path: Path
) -> None:
    install(_FILES)
    folder = stand_ins(tmp_path / "weights")
    by_folder = slot(route, folder).info()
    by_file = slot(route, folder / CARDS["reconstruct"][route].files[0]).info()
    assert by_file.revision == by_folder.revision
    assert by_file.model == CARDS["reconstruct"][route].files[0]


def test_weights_of_ones_own_are_announced_as_what_they_are(
    install: Callable[..., None], images: Images, tmp_path: Path
) -> None:
    install(_FILES)
    file = stand_ins(tmp_path / "weights") / "model.safetensors"
    expert = slot("pi3", file)
    answer, _ = ask(expert, images, picture(), picture(1))
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    info = expert.info()
    assert (info.model, info.licence) == ("model.safetensors", "unknown")
    assert info.revision == f"sha256:{sha}"
    assert f"model.safetensors sha256:{sha}" in answer.producer.weights


def test_a_checkpoint_says_which_size_of_pi3_it_is(
    install: Callable[..., None], tmp_path: Path
) -> None:
    install(_FILES)
    folder = stand_ins(tmp_path / "weights")
    assert slot("pi3", folder).net._network.decoder_size == "large"
    (folder / "config.json").write_text(json.dumps({"decoder_size": "base", "other": 1}))
    assert slot("pi3", folder).net._network.decoder_size == "base"


def test_weights_of_another_network_are_refused(
    install: Callable[..., None], tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    install(_FILES)
    folder = stand_ins(tmp_path / "weights")
    save_file({"register_token": torch.ones(1)}, folder / "model.safetensors")
    with pytest.raises(UserError, match="holds the weights of another network"):
        slot("pi3", folder)
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(UserError, match="cannot be read as a checkpoint"):
        slot("pi3", folder)


def test_a_pi3_that_is_another_package_is_refused_in_one_sentence(
    install: Callable[..., None], tmp_path: Path
) -> None:
    install({"pi3/__init__.py": ""})
    with pytest.raises(UserError, match=r"package pi3 that is installed here cannot be used"):
        slot("pi3", stand_ins(tmp_path / "weights"))


def test_without_the_package_pi3_is_refused_before_anything_loads(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs pi3.*surveyor serve env reconstruct --route pi3"):
        slot("pi3", stand_ins(tmp_path / "weights"))


def test_views_that_cannot_be_placed_are_reported_missing(loaded: Loaded, images: Images) -> None:
    expert = loaded("reconstruct")
    request = ReconstructRequest(images=tuple(inline(picture(i)) for i in range(3)))
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    raw.T_world_camera[1, 0, 3] = np.nan
    answer = expert.postprocess(request, item, raw, Tray())
    assert answer.missing == (1,)
    assert [view.index for view in answer.views] == [0, 2]
    raw.T_world_camera[:, 0, 0] = np.nan
    with pytest.raises(ExpertError, match="none of these views could be registered"):
        expert.postprocess(request, item, raw, Tray())


def test_a_view_from_where_a_picture_was_taken_shows_the_picture(
    loaded: Loaded, images: Images
) -> None:
    expert, shown = loaded("render_view"), picture(3)
    first, _ = ask(loaded("reconstruct"), images, shown)
    (placed,) = first.views
    request = RenderViewRequest(
        images=(inline(shown),),
        T_world_camera=placed.T_world_camera,
        intrinsics=placed.intrinsics,
    )
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    tray = Tray()
    answer = expert.postprocess(request, item, raw, tray)
    difference = np.abs(tray.images[0].astype(int) - item.pictures[0].astype(int))
    assert np.median(difference) <= 2
    assert answer.scale == "relative"


def test_an_orbit_keeps_the_cameras_up(loaded: Loaded, images: Images) -> None:
    expert = loaded("render_view")
    reconstructed, _ = ask(loaded("reconstruct"), images, picture(3))
    ups = []
    for azimuth in (0, 120):
        request = RenderViewRequest(images=(inline(picture(3)),), azimuth=azimuth, elevation=0)
        item = expert.preprocess(request, images)
        (raw,) = expert.forward_batch([item])
        answer = expert.postprocess(request, item, raw, Tray())
        ups.append(-np.array(answer.T_world_camera)[:3, 1])
    camera = np.array(reconstructed.views[0].T_world_camera)
    assert ups[0] == pytest.approx(-camera[:3, 1], abs=1e-6)
    assert ups[1] == pytest.approx(ups[0], abs=1e-6)
