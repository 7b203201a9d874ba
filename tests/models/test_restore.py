"""Tiny SwinIR: crop first, tiles without seams, the way back to the image sent."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.errors import UserError
from surveyor.services.contract import RestoreRequest
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, inline
from surveyor.services.neural.multi_view import planes
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.models.conftest import BOX, Loaded, Tray, picture


def ask(expert, images: Images, **more):
    request = RestoreRequest(image=inline(picture()), **more)
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    tray = Tray()
    return expert.postprocess(request, item, raw, tray), tray.images[0], item


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_box_is_cut_out_and_its_pixels_map_back(
    loaded: Loaded, images: Images, scale: int
) -> None:
    answer, pixels, _ = ask(loaded("restore"), images, box=BOX, scale=scale)
    assert pixels.shape == (34 * scale, 36 * scale, 3)
    a, _, c, _, e, f = answer.derivation.to_parent
    first, last = a * 0 + c, a * (36 * scale - 1) + c
    assert first == pytest.approx(12 - 0.5 + 0.5 / scale)
    assert last == pytest.approx(47 + 0.5 - 0.5 / scale)
    assert f == pytest.approx(9 - 0.5 + 0.5 / scale)
    assert e == pytest.approx(1 / scale)
    assert answer.steps[-1].endswith(f"x{scale}")


def test_without_a_box_the_whole_image_is_restored(loaded: Loaded, images: Images) -> None:
    answer, pixels, item = ask(loaded("restore"), images)
    assert pixels.shape == (60, 80, 3)
    assert item.corner == (0, 0)
    assert answer.derivation.to_parent == (1, 0, 0, 0, 1, 0)


def test_tiles_agree_with_the_whole_where_they_see_enough(loaded: Loaded, images: Images) -> None:
    whole, tiled = loaded("restore"), loaded("restore", tile="48", overlap="16")
    *_, item = ask(whole, images)
    (alone,), (parts,) = whole.forward_batch([item]), tiled.forward_batch([item])
    assert alone.shape == parts.shape == (3, 240, 320)
    assert np.abs(alone - parts)[:, 8:-8, 8:-8].mean() < 0.01 * max(np.ptp(alone), 1e-6) + 1e-3


def test_the_model_is_called_with_tiles_of_the_size_asked_for(
    loaded: Loaded, images: Images
) -> None:
    expert = loaded("restore", tile="48", overlap="16")
    seen = []
    hook = expert._model.model.register_forward_pre_hook(lambda _, x: seen.append(x[0].shape))
    try:
        expert._forward(planes(picture())[None, :, :48, :48])
        ask(expert, images)
    finally:
        hook.remove()
    assert len(seen) == 1 + 2 * 2
    assert {tuple(shape[-2:]) for shape in seen} == {(48, 48)}


def test_too_many_pixels_are_refused_with_the_way_out(loaded: Loaded, images: Images) -> None:
    expert = loaded("restore", pixels="2000")
    with pytest.raises(ExpertError, match="send a box around what matters"):
        ask(expert, images)
    assert ask(expert, images, box=BOX)[1].shape == (34, 36, 3)


def test_options_that_cannot_be(tmp_path) -> None:
    for options, sentence in (
        ({"tile": "many"}, "option tile is a number from 32 to 4096, not 'many'"),
        ({"tile": "32", "overlap": "32"}, "overlap is at most half of tile"),
        ({"dtype": "float16"}, "no float16 form"),
        ({"dtype": "int4"}, "dtype is one of float32, bfloat16, float16"),
    ):
        expert = make_expert("restore", "tiny")
        with pytest.raises(UserError, match=sentence):
            expert.load(Settings(blob_dir=tmp_path, options=options))
