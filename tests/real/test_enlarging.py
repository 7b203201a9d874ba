"""True weights through the restore expert: what Real-ESRGAN paints is sharp, and less true than
what bicubic interpolation leaves."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import RestoreRequest
from surveyor.services.images import Images, Pixels, inline
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.models.conftest import Tray

SCRIPT = Path(__file__).parents[2] / "scripts" / "realesrgan_weights.py"
SIDE, SCALE = 256, 4


def test_real_weights_are_sharper_and_less_true_than_bicubic(
    enlarger: Path, depth_pair: Path, tmp_path: Path
) -> None:
    for needed in ("torch", "spandrel"):
        if find_spec(needed) is None:  # imported by the expert, which makes torchvision fit first
            pytest.skip(f"{needed} is not installed; make test-models brings it")
    weights = tmp_path / "realesrgan-x4plus.pth"
    subprocess.run([sys.executable, str(SCRIPT), str(enlarger), str(weights)], check=True)
    photo = Image.open(depth_pair / "motorcycle_left.png").convert("RGB")
    left, top = (side // 2 - SIDE // 2 for side in photo.size)
    whole = photo.crop((left, top, left + SIDE, top + SIDE))
    small = whole.resize((SIDE // SCALE,) * 2, Image.Resampling.BICUBIC)
    truth = np.asarray(whole)
    plain = np.asarray(small.resize(whole.size, Image.Resampling.BICUBIC))
    ours = _restored(np.asarray(small), weights, tmp_path)
    for name, pixels in (("truth", truth), ("Real-ESRGAN", ours), ("bicubic", plain)):
        print(f"{name}: sharpness {_sharpness(pixels):.0f}, PSNR {_psnr(pixels, truth):.1f} dB")
    assert _sharpness(ours) > 2 * _sharpness(plain)
    assert 18 < _psnr(ours, truth) < _psnr(plain, truth)


def _restored(small: Pixels, weights: Path, folder: Path) -> Pixels:
    expert = make_expert("restore", "neural")
    expert.load(Settings(blob_dir=folder / "blobs", weights=weights))
    request = RestoreRequest(image=inline(small), scale=SCALE)
    images = Images(BlobResolver.at(folder / "blobs", ()), max_pixels=1_000_000)
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    kept = Tray()
    expert.postprocess(request, item, raw, kept)
    return kept.images[0]


def _sharpness(pixels: Pixels) -> float:
    """Variance of the Laplacian of the brightness."""
    grey = pixels.astype(float).mean(axis=2)
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * inner).var())


def _psnr(pixels: Pixels, truth: Pixels) -> float:
    error = float(((pixels.astype(float) - truth) ** 2).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))
