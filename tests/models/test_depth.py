"""Tiny depth models: metres, focal lengths, and where they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surveyor.services.contract import DepthRequest
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, inline
from surveyor.services.neural import da3
from surveyor.services.neural.tiny.depth import TinyDepth
from surveyor.services.settings import Settings
from tests.models.conftest import Loaded, Tray, picture


def ask(expert, images: Images, focal: float | None = None):
    request = DepthRequest(image=inline(picture()), focal=focal)
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    tray = Tray()
    answer = expert.postprocess(request, item, raw, tray)
    return answer, tray.arrays[0], item


def test_metres_are_canonical_depth_times_the_focal_length_at_the_processed_size(
    loaded: Loaded, images: Images
) -> None:
    expert = loaded("depth")
    answer, depth, item = ask(expert, images, focal=100)
    canonical = da3.canonical_depth(expert.net._network, expert.runtime, [item.image])[0]
    assert item.image.shape == (3, 84, 112)
    processed = 100 * 112 / 80
    middle = canonical[28:56, 28:84].mean() * processed / 300
    assert depth[20:40, 20:60].mean() == pytest.approx(middle, rel=0.02)
    assert answer.scale_source == "given"
    assert answer.intrinsics.fx == pytest.approx(100)


def test_depth_grows_with_the_focal_length(loaded: Loaded, images: Images) -> None:
    near, far = (ask(loaded("depth"), images, focal)[1] for focal in (50, 100))
    assert far == pytest.approx(near * 2, rel=1e-4)


def test_an_unknown_focal_length_is_estimated_and_said_so(loaded: Loaded, images: Images) -> None:
    expert = loaded("depth")
    answer, depth, item = ask(expert, images)
    assert answer.scale_source == "estimated"
    estimated = expert.net.focal(item.image) * 80 / 112
    assert answer.intrinsics.fx == pytest.approx(estimated)
    assert depth == pytest.approx(ask(expert, images, estimated)[1], rel=1e-4)


class Alone(TinyDepth):
    """Without a network that estimates focal lengths."""

    def focal_weights(self) -> None:
        return None


def test_without_an_estimator_the_focal_length_is_required(images: Images, tmp_path: Path) -> None:
    expert = Alone()
    expert.load(Settings(blob_dir=tmp_path))
    with pytest.raises(ExpertError, match="send `focal` in pixels"):
        ask(expert, images)
    assert ask(expert, images, 80)[0].scale_source == "given"


def test_answers_tell_the_network_that_estimates_focal_lengths(
    loaded: Loaded, tmp_path: Path
) -> None:
    """It scales them: cached answers of another one are not these."""
    both, alone = loaded("depth"), Alone()
    alone.load(Settings(blob_dir=tmp_path))
    assert both.info().producer.weights.split(" focal ")[0] == alone.info().producer.weights.strip()
    assert len(both.info().producer.weights) > len(alone.info().producer.weights)


def test_the_second_version_needs_no_focal_length(loaded: Loaded, images: Images) -> None:
    expert = loaded("depth", route="da2")
    answer, depth, _ = ask(expert, images)
    assert answer.scale_source == "none"
    assert answer.scale == "metric"
    same, again, _ = ask(expert, images, 100)
    assert np.array_equal(depth, again)
    assert (same.scale_source, same.intrinsics.fx) == ("given", 100)


def test_the_parts_agree_with_the_whole_network(loaded: Loaded) -> None:
    """Upstream's own forward, on views without sky."""
    import torch

    expert = loaded("depth")
    views = np.stack([da3.prepared(picture(seed), 112) for seed in range(2)])
    ours = da3.any_view(expert.net._views, expert.runtime, views)
    with torch.inference_mode():
        theirs = expert.net._views(torch.from_numpy(views[None]))
    assert ours.depth == pytest.approx(theirs["depth"][0].numpy(), abs=1e-6)
    assert ours.K[:, 0, 0] == pytest.approx(theirs["intrinsics"][0, :, 0, 0].numpy())
    to_camera = np.tile(np.eye(4), (2, 1, 1))
    to_camera[:, :3] = theirs["extrinsics"][0, :, :3].numpy()
    assert ours.T_world_camera @ to_camera == pytest.approx(np.eye(4)[None].repeat(2, 0), abs=1e-4)


def test_a_checkpoint_may_only_name_the_packages_own_classes() -> None:
    from surveyor.core.errors import UserError

    evil = {"config": {"__object__": {"path": "os", "name": "system", "args": "as_params"}}}
    with pytest.raises(UserError, match="a class of its own"):
        da3.build(evil)
    with pytest.raises(UserError, match="no known model"):
        da3.build({"model_name": "da9"})
