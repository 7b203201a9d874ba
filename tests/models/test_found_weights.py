"""A folder of small checkpoints, laid out as users lay them out, becomes experts that answer."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from surveyor.services.images import Images
from surveyor.services.neural.found_weights import expert_plans, survey
from surveyor.services.neural.runtime import import_torch, quiet_libraries
from surveyor.services.neural.tiny.da3 import write_any_view, write_metric
from surveyor.services.neural.tiny.detect import TinyDetect
from surveyor.services.neural.tiny.orient import save_v1
from surveyor.services.neural.tiny.restore import save_swinir
from surveyor.services.neural.tiny.segment import TinySegment
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.models.conftest import Tray

SWINIR = "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_PSNR-with-dict-keys-params-and-params_ema.pth"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import_torch().manual_seed(0)
    root = tmp_path_factory.mktemp("checkpoints")
    folders = (
        "depth_anything/DA3METRIC-LARGE",
        "da3/DA3-SMALL",
        "dino",
        "sam3",
        "swinir",
        "orient",
    )
    metric, views, dino, sam3, swinir, orient = (root / name for name in folders)
    for folder in (metric, views, dino, sam3, swinir, orient):
        folder.mkdir(parents=True)
    with quiet_libraries():
        write_metric(metric)
        write_any_view(views)
        TinyDetect().write(dino)
        TinySegment().write(sam3)
        save_swinir(swinir / SWINIR, groups=2, blocks=1, heads=2, width=16)
        save_v1(orient / "dino_weight.pt", width=64, layers=2, heads=1, image=56)
    return root


def test_every_expert_that_was_found_answers(
    checkpoints: Path, images: Images, tmp_path: Path
) -> None:
    told = survey(checkpoints)
    plans, left = expert_plans(told, tmp_path / "envs", device="cpu")
    assert (told.missing, told.left, left) == ((), (), ())
    assert {plan.expert for plan in plans} == {
        "detect",
        "depth",
        "segment",
        "reconstruct",
        "render_view",
        "restore",
        "orient",
    }
    for plan in plans:
        expert = make_expert(plan.expert, plan.backend)
        small = {"size": "112"} if "da3" in plan.options["route"] else {}
        expert.load(Settings(blob_dir=tmp_path, weights=plan.weights, options=plan.options | small))
        request = expert.probe()
        item = expert.preprocess(request, images)
        (raw,) = expert.forward_batch([item])
        answer = expert.postprocess(request, item, raw, Tray())
        info = expert.info()
        assert info.licence == "unknown"
        assert info.revision.removeprefix("sha256:") in answer.producer.weights
        assert info.model.rpartition("/")[2] in answer.producer.weights


def test_one_command_starts_what_a_folder_holds(checkpoints: Path, tmp_path: Path) -> None:
    def surveyor(*arguments: str) -> str:
        command = [sys.executable, "-m", "surveyor.cli.main", "serve", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    state = str(tmp_path / "state")
    asked = ("--weights", str(checkpoints), "--expert", "orient", "--device", "cpu")
    told = surveyor("up", *asked, "--state", state)
    try:
        assert "found     orient       orient/dino_weight.pt: Orient Anything, v1" in told
        endpoints = json.loads((tmp_path / "state" / "endpoints.json").read_text())
        (endpoint,) = endpoints["experts"]
        info = httpx2.get(f"{endpoint['url']}/v1/info").json()
        sha = hashlib.sha256((checkpoints / "orient" / "dino_weight.pt").read_bytes()).hexdigest()
        assert (info["model"], info["licence"]) == ("dino_weight.pt", "unknown")
        assert info["revision"] == f"sha256:{sha}"
    finally:
        surveyor("down", "--state", state)
