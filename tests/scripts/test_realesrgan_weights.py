"""The script that reads Real-ESRGAN out of ncnn's files, on files of the same form."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "realesrgan_weights.py"))
TAG = 0x01306B47.to_bytes(4, "little")


def _files(folder: Path, layers: int) -> tuple[Path, list[np.ndarray]]:
    rng, param, data, kept = np.random.default_rng(0), ["7767517", "0 0"], b"", []
    for number in range(layers):
        weight = rng.normal(size=(1, 1, 3, 3)).astype("<f2")  # 18 bytes: padded to 20
        kept.append(weight)
        param.append(f"Convolution Conv_{number} 1 1 a b 0=1 1=3 4=1 5=1 6=9 -23310=1,2.0e-01")
        data += TAG + weight.tobytes() + bytes(2) + np.float32(number).tobytes()
    (folder / "m.bin").write_bytes(data)
    (folder / "m.param").write_text("\n".join(param))
    return folder / "m.param", kept


def test_every_weight_comes_under_its_published_name(tmp_path: Path) -> None:
    names = SCRIPT["names"]()
    param, kept = _files(tmp_path, len(names))
    state = SCRIPT["read"](param)
    assert len(state) == 2 * len(names) == 702
    for number, name in enumerate(names):
        np.testing.assert_array_equal(state[f"{name}.weight"], kept[number].astype(np.float32))
        assert state[f"{name}.bias"] == [number]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 3 convolutions, not 351"):
        SCRIPT["read"](_files(tmp_path, 3)[0])
    param, _ = _files(tmp_path, 351)
    whole = param.with_suffix(".bin").read_bytes()
    param.with_suffix(".bin").write_bytes(whole + bytes(4))
    with pytest.raises(ValueError, match=r"4 bytes of .* are unexplained"):
        SCRIPT["read"](param)
    param.with_suffix(".bin").write_bytes(bytes(4) + whole[4:])
    with pytest.raises(ValueError, match="conv_first is not kept as float16"):
        SCRIPT["read"](param)
