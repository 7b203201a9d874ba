"""Orient Anything: version 1 as a tiny model, version 2 with a stand-in for its backbone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.errors import UserError
from surveyor.core.masks import encode_rle
from surveyor.services.contract import Mask, OrientRequest
from surveyor.services.errors import ExpertError
from surveyor.services.expert import AnyExpert
from surveyor.services.images import Images, inline
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.models.conftest import BOX, Loaded, Tray, picture


def ask(expert, images: Images, **more):
    request = OrientRequest(image=inline(picture()), box=BOX, **more)
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    return expert.postprocess(request, item, raw, Tray()), item, raw


def test_a_pair_is_two_readings_and_their_difference(loaded: Loaded, images: Images) -> None:
    expert = loaded("orient")
    alone, *_ = ask(expert, images)
    pair, item, _ = ask(expert, images, other=inline(picture(1)), other_box=BOX)
    assert item.views.shape == (2, 3, 224, 224)
    assert (alone.other, alone.relative_azimuth) == (None, None)
    assert pair.orientation.azimuth == alone.orientation.azimuth
    turn = pair.other.azimuth - pair.orientation.azimuth
    assert np.cos(np.deg2rad(pair.relative_azimuth - turn)) == pytest.approx(1)


def test_the_head_reads_the_class_token(loaded: Loaded, images: Images) -> None:
    import torch

    expert = loaded("orient")
    _, item, raw = ask(expert, images)
    network = expert.net._network
    with torch.inference_mode():
        token = network["dinov2"](torch.from_numpy(item.views)).last_hidden_state[:, 0]
        hidden = network["down_sampler"]["net1"](token)
        expected = network["down_sampler"]["net2"](hidden).numpy()
    assert raw == pytest.approx(expected, abs=1e-5)


def test_a_checkpoint_with_other_weights_is_refused(tmp_path: Path) -> None:
    import torch

    file = tmp_path / "dino_weight.pt"
    torch.save([1, 2], file)
    expert = make_expert("orient", "neural")
    with pytest.raises(UserError, match="is no checkpoint of weights"):
        expert.load(Settings(blob_dir=tmp_path, weights=file))


_VGGT = '''
import torch

class VGGT(torch.nn.Module):
    """Camera tokens that tell the view's mean brightness."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def aggregator(self, views):
        assert views.shape[-2:] == (518, 518) and views.ndim == 5
        level = views.mean(dim=(2, 3, 4))
        tokens = torch.stack([level, 1 - level], -1)[:, :, None] * self.scale
        return [tokens * 0, tokens], 5
'''


Read = dict[str, tuple[int, int, int]]


def version_two(tmp_path: Path, install: Callable[..., None], read: Read) -> AnyExpert:
    """A version 2 that reads the same (azimuth, polar, rotation) in everything it sees."""
    import torch

    from surveyor.services.neural.orient_nets import head

    install({"vggt/models/vggt.py": _VGGT})
    sizes = {"m.net1.0.weight": torch.empty(900, 2), "m.net2.0.weight": torch.empty(900, 900)}
    state = {"vggt.scale": torch.ones(1)}
    turns = torch.deg2rad(torch.arange(360.0))
    for name, (azimuth, polar, rotation) in read.items():
        mlp = head(sizes, "m")
        for parameter in mlp.parameters():
            torch.nn.init.zeros_(parameter)
        peaks = torch.full((900,), -8.0)
        peaks[:360] = torch.logit(0.9 * torch.exp(torch.cos(turns - np.deg2rad(azimuth)) - 1))
        peaks[360 + 90 + polar] = peaks[540 + 180 + rotation] = 9
        mlp["net2"][1].bias.data = peaks
        state |= {f"{name}.{key}": value for key, value in mlp.state_dict().items()}
    file = tmp_path / "rotmod_realrotaug_best.pt"
    torch.save(state, file)
    expert = make_expert("orient", "neural")
    expert.load(Settings(blob_dir=tmp_path / "blobs", weights=file, options={"route": "v2"}))
    return expert


def test_version_two_reads_the_second_view_relative_to_the_first(
    tmp_path: Path, images: Images, install: Callable[..., None]
) -> None:
    read: Read = {"ref_sampler": (40, 0, 0), "tgt_sampler": (350, 0, 0)}
    expert = version_two(tmp_path, install, read)
    answer, *_ = ask(expert, images, other=inline(picture(1)), other_box=BOX)
    assert answer.orientation.azimuth == -40
    assert answer.orientation.symmetry == 1
    assert answer.other.azimuth == pytest.approx(-30)
    assert answer.relative_azimuth == pytest.approx(10)


def test_version_two_turns_the_object_instead_of_adding_angles(
    tmp_path: Path, images: Images, install: Callable[..., None]
) -> None:
    read: Read = {"ref_sampler": (200, 35, 0), "tgt_sampler": (60, 10, 0)}
    expert = version_two(tmp_path, install, read)
    answer, *_ = ask(expert, images, other=inline(picture(1)), other_box=BOX)
    other = answer.other
    assert (other.azimuth, other.polar, other.rotation) == pytest.approx(
        (89.6036, 25.1301, -33.2755), abs=1e-3
    )


def masked(inside: slice) -> Mask:
    """A mask of the picture: these columns of the middle rows."""
    pixels = np.zeros((60, 80), bool)
    pixels[20:40, inside] = True
    size, counts = encode_rle(pixels)
    return Mask(size=size, counts=counts)


@pytest.mark.parametrize(("route", "background"), [("v1", 0), ("v2", 255)])
def test_a_mask_takes_the_background_away(
    route: str,
    background: int,
    tmp_path: Path,
    loaded: Loaded,
    images: Images,
    install: Callable[..., None],
) -> None:
    """Upstream's own cut-outs are black for version 1 and white for version 2."""
    read: Read = {"ref_sampler": (0, 0, 0), "tgt_sampler": (0, 0, 0)}
    expert = loaded("orient") if route == "v1" else version_two(tmp_path, install, read)
    shown: list[np.ndarray] = []
    prepare = expert.net.prepare
    expert.net.prepare = lambda crop: shown.append(crop) or prepare(crop)
    try:
        ask(expert, images)
        ask(expert, images, mask=masked(slice(20, 30)))
        corner = np.zeros((60, 80), bool)
        corner[20, 20] = corner[29, 39] = True
        size, counts = encode_rle(corner)
        ask(expert, images, mask=Mask(size=size, counts=counts))
    finally:
        del expert.net.prepare
    whole, tight, holes = shown
    assert whole.shape == (34, 36, 3)
    assert np.array_equal(tight, picture()[20:40, 20:30])
    assert holes.shape == (10, 20, 3)
    assert np.array_equal(holes[0, 0], picture()[20, 20])
    assert (holes[1:9] == background).all()


def small() -> Mask:
    """A whole mask of a smaller picture."""
    size, counts = encode_rle(np.ones((30, 40), bool))
    return Mask(size=size, counts=counts)


def test_a_mask_that_does_not_fit_is_refused(loaded: Loaded, images: Images) -> None:
    expert = loaded("orient")
    wrong = {
        "mask has no pixel inside the box": masked(slice(60, 70)),
        r"the mask is of \(30, 40\), the image of \(60, 80\)": small(),
    }
    for sentence, mask in wrong.items():
        with pytest.raises(ExpertError, match=sentence) as told:
            ask(expert, images, mask=mask)
        assert told.value.field == "mask"
        with pytest.raises(ExpertError, match=sentence) as told:
            ask(expert, images, other=inline(picture()), other_box=BOX, other_mask=mask)
        assert told.value.field == "other_mask"
