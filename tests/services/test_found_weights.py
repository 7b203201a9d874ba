"""Checkpoints are told by what they hold, and a folder of them becomes experts."""

from __future__ import annotations

import json
import pickle
import sys
import zipfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.services.config import ServeConfig, plan_of
from surveyor.services.neural.checkpoints import recognise, weight_names
from surveyor.services.neural.found_weights import expert_plans, survey
from surveyor.services.neural.model_cards import CARDS
from surveyor.services.neural.weights import find_weights
from surveyor.services.plan import ExpertPlan

PI3 = ("register_token", "point_decoder.blocks.0.w", "conf_decoder.blocks.0.w", "camera_head.w")
SWINIR = ("conv_first.weight", "layers.0.residual_group.blocks.0.norm1.weight")
ORIENT_V1 = ("dinov2.embeddings.cls_token", "down_sampler.net1.0.weight")
ORIENT_V2 = (
    "vggt.aggregator.camera_token",
    "ref_sampler.net1.0.weight",
    "tgt_sampler.net1.0.weight",
)
DINO = ("module.transformer.level_embed", "module.bert.pooler.w", "module.input_proj.0.0.weight")
SAM31 = ("detector.backbone.w", "tracker.maskmem_backbone.w")


def safetensors(file: Path, *names: str) -> Path:
    """A file with this header; its weights are empty."""
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps(dict.fromkeys(names, entry)).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    return file


def pickled(file: Path, *names: str, under: str = "", legacy: bool = False) -> Path:
    """A file as torch writes it, now or before 1.6, without the weights."""
    state: object = dict.fromkeys(names, 0)
    data = pickle.dumps({under: state} if under else state, protocol=2)
    file.parent.mkdir(parents=True, exist_ok=True)
    if legacy:
        file.write_bytes(b"".join(pickle.dumps(one, protocol=2) for one in (1, 1001, 4)) + data)
        return file
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", b"")
    return file


def folder(root: Path, stated: dict[str, object], *names: str) -> Path:
    """A checkpoint that is a folder."""
    safetensors(root / "model.safetensors", *names)
    (root / "config.json").write_text(json.dumps(stated))
    return root


def frame(root: Path) -> Path:
    """Checkpoints as one published framework's readme lays them out."""
    folder(root / "depth_anything" / "DA3METRIC-LARGE", {"model_name": "da3metric-large"})
    pickled(
        root / "depth_anything" / "depth_anything_v2_vitb.pth",
        "pretrained.w",
        "depth_head.scratch.w",
    )
    pickled(root / "grounding_dino" / "groundingdino_swinb_cogcoor.pth", *DINO, under="model")
    pickled(root / "orient_anything" / "dino_weight.pt", *ORIENT_V1)
    safetensors(root / "pi3" / "model.safetensors", *PI3)
    pickled(root / "sam3.1" / "sam3.1_multiplex.pt", *SAM31)
    (root / "sam3.1" / "config.json").write_text(json.dumps({"model_type": "sam3_video"}))
    swinir = (
        "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_PSNR-with-dict-keys-params-and-params_ema.pth"
    )
    pickled(root / "swinir" / swinir, *SWINIR, under="params_ema", legacy=True)
    return root


def test_the_published_tree_is_understood_whatever_its_files_are_called(tmp_path: Path) -> None:
    told = survey(frame(tmp_path))
    assert {(one.kind.expert, one.kind.route): one.path.parent.name for one in told.found} == {
        ("depth", "da3"): "depth_anything",
        ("orient", "v1"): "orient_anything",
        ("reconstruct", "pi3"): "pi3",
        ("restore", "swinir"): "swinir",
    }
    reasons = {one.path.name: one.why for one in told.left}
    assert "IDEA-Research/grounding-dino-base" in reasons["groundingdino_swinb_cogcoor.pth"]
    assert "facebook/sam3" in reasons["sam3.1_multiplex.pt"]
    assert "route da2" in reasons["depth_anything_v2_vitb.pth"]
    assert told.missing == ("detect", "segment")


def test_what_is_there_and_what_is_not_is_told_line_by_line(tmp_path: Path) -> None:
    lines = list(survey(frame(tmp_path)).lines())
    assert "found     reconstruct  pi3/model.safetensors: Pi3, pi3" in lines
    missing = [line for line in lines if line.startswith("missing")]
    assert "facebook/sam3" in missing[1]
    assert CARDS["segment"]["sam3"].licence in missing[1]
    assert any(line.startswith("not used  sam3.1/sam3.1_multiplex.pt: SAM 3.1") for line in lines)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"model_type": "grounding-dino", "backbone_config": {"embed_dim": 128}}, "detect base"),
        ({"model_type": "grounding-dino", "backbone_config": {"embed_dim": 96}}, "detect tiny"),
        ({"model_type": "mm-grounding-dino"}, "detect mm"),
        ({"model_type": "owlv2"}, "detect owlv2"),
        ({"model_type": "omdet-turbo"}, "detect omdet"),
        ({"model_type": "rt_detr_v2"}, "detect rtdetr"),
        ({"model_type": "d_fine"}, "detect dfine"),
        ({"model_type": "sam3_video"}, "segment sam3"),
        ({"model_type": "depth_anything", "depth_estimation_type": "metric"}, "depth da2"),
        ({"model_type": "depth_anything", "depth_estimation_type": "relative"}, "depth "),
        ({"model_name": "da3metric-large"}, "depth da3"),
        ({"model_name": "da3mono-large"}, "depth "),
        ({"model_name": "da3-small"}, "reconstruct da3"),
        ({"model_name": "da3-base"}, "reconstruct da3-base"),
        ({"model_name": "da3nested-giant-large-1.1"}, "depth "),
        ({"config": {"__object__": {}, "cam_dec": {}}}, "reconstruct da3"),
        ({"model_type": "qwen3_vl"}, None),
    ],
)
def test_a_folder_is_told_by_its_configuration(
    tmp_path: Path, stated: dict[str, object], expected: str | None
) -> None:
    kind = recognise(folder(tmp_path / "x", stated))
    told = None if kind is None else f"{kind.expert} {kind.route}"
    assert (told or "").strip() == (expected or "").strip()
    if kind is not None and not kind.route:
        assert kind.why


@pytest.mark.parametrize(
    ("names", "route"),
    [
        (PI3, "pi3"),
        ((*PI3, "metric_token"), "pi3x"),
        (ORIENT_V1, "v1"),
        (ORIENT_V2, "v2"),
        (SWINIR, "swinir"),
        (("aggregator.camera_token", "depth_head.w"), "vggt"),
    ],
)
def test_a_file_is_told_by_the_names_of_its_weights(
    tmp_path: Path, names: tuple[str, ...], route: str
) -> None:
    files = (
        safetensors(tmp_path / "model.safetensors", *names),
        pickled(tmp_path / "weights.pt", *names),
        pickled(tmp_path / "old.pth", *names, under="state_dict", legacy=True),
    )
    for file in files:
        kind = recognise(file)
        assert kind is not None
        assert kind.route == route
        assert route in CARDS[kind.expert]


class Evil:
    """Unpickling it would leave a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.trace,)


def test_looking_at_a_pickle_runs_nothing_in_it(tmp_path: Path) -> None:
    file = tmp_path / "evil.pt"
    file.write_bytes(pickle.dumps({"conv_first.weight": Evil(tmp_path / "trace")}))
    assert "conv_first.weight" in weight_names(file)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"\xff" * 100, b"\x80\x02K"])
def test_what_is_no_checkpoint_is_none(tmp_path: Path, data: bytes) -> None:
    for name in ("a.pt", "model.safetensors"):
        (tmp_path / name).write_bytes(data)
        assert recognise(tmp_path / name) is None
    (told, _) = survey(tmp_path).left
    assert told.why == "no checkpoint that is known here"


def test_of_two_for_one_expert_one_is_taken_and_the_other_told(tmp_path: Path) -> None:
    folder(tmp_path / "a", {"model_name": "da3-base"})
    folder(tmp_path / "b", {"model_name": "da3-small"})
    told = survey(tmp_path)
    assert [one.path.name for one in told.found] == ["b"]
    assert "reconstruct has another; choose in an experts.toml" in told.left[0].why


def test_the_hubs_cache_is_such_a_folder_too(tmp_path: Path) -> None:
    repository = tmp_path / "models--facebook--sam3"
    snapshot = repository / "snapshots" / ("c" * 40)
    folder(repository / "blobs", {"model_type": "sam3_video"})
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        blob = (repository / "blobs" / name).rename(repository / "blobs" / ("a" * 60 + name[:4]))
        (snapshot / name).symlink_to(blob)
    told = survey(tmp_path)
    assert [one.path for one in told.found] == [snapshot]
    weights = find_weights("segment", CARDS["segment"]["sam3"], snapshot)
    assert (weights.own, weights.revision) == (False, "c" * 40)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    safetensors(tmp_path / "pi3" / "model.safetensors", *PI3)
    (tmp_path / "pi3" / "again").symlink_to(tmp_path)
    assert [one.path for one in survey(tmp_path).found] == [tmp_path / "pi3" / "model.safetensors"]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder; give one that holds checkpoints"):
        survey(tmp_path / "nowhere")


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards that need nothing but the standard library: what is installed is not the point."""
    for expert, routes in CARDS.items():
        light = {name: replace(card, modules=("json",)) for name, card in routes.items()}
        monkeypatch.setitem(CARDS, expert, light)


@pytest.mark.usefixtures("everything")
def test_what_was_found_is_what_starts(tmp_path: Path) -> None:
    root = frame(tmp_path)
    views = folder(root / "views", {"model_name": "da3-small"})
    (root / "pi3" / "model.safetensors").unlink()
    plans, left = expert_plans(survey(root), tmp_path / "envs")
    assert left == ()
    started = {one.expert: one for one in plans}
    assert set(started) == {"depth", "orient", "reconstruct", "render_view", "restore"}
    depth = started["depth"]
    assert depth.weights == root / "depth_anything" / "DA3METRIC-LARGE"
    assert (depth.backend, depth.device) == ("neural", "auto")
    assert depth.options == {"route": "da3", "focal_weights": str(views)}
    (only,), _ = expert_plans(survey(root), tmp_path / "envs", only=("orient",), device="cpu")
    assert (only.expert, only.device, only.options) == ("orient", "cpu", {"route": "v1"})


@pytest.mark.usefixtures("everything")
def test_an_environment_that_was_made_is_used(tmp_path: Path) -> None:
    root, python = frame(tmp_path / "w"), tmp_path / "envs" / "reconstruct-pi3" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    plans, _ = expert_plans(survey(root), tmp_path / "envs")
    used = {one.expert: one.python for one in plans}
    assert used["reconstruct"] == used["render_view"] == python
    assert used["depth"] is None


@pytest.mark.skipif(find_spec("pi3") is not None, reason="pi3 is installed here")
def test_what_lacks_its_packages_is_told_with_the_way_to_get_them(tmp_path: Path) -> None:
    safetensors(tmp_path / "pi3" / "model.safetensors", *PI3)
    plans, (left,) = expert_plans(survey(tmp_path), tmp_path / "envs")
    assert plans == ()
    for part in ("Pi3 needs", "pi3, not installed", "surveyor serve env reconstruct --route pi3"):
        assert part in left.why
    assert "https://github.com/yyfz/Pi3@COMMIT" in left.why


@pytest.mark.skipif(find_spec("pi3") is not None, reason="pi3 is installed here")
def test_the_command_tells_everything_before_it_gives_up(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from surveyor.cli.serve import app

    safetensors(tmp_path / "pi3" / "model.safetensors", *PI3)
    done = CliRunner().invoke(app, ["up", "--weights", str(tmp_path)])
    assert isinstance(done.exception, UserError)
    assert str(done.exception) == (f"nothing in {tmp_path} can be served: the lines above say why")
    lines = done.output.splitlines()
    assert lines[0] == "found     reconstruct  pi3/model.safetensors: Pi3, pi3"
    assert len([line for line in lines if line.startswith("cannot start")]) == 1
    assert len([line for line in lines if line.startswith("missing")]) == 5
    both = ["up", "--weights", str(tmp_path), "--config", "experts.toml"]
    assert "give one of them" in str(CliRunner().invoke(app, both).exception)


def test_a_checkpoint_in_a_layout_that_nothing_loads_is_refused_by_what_it_is(
    tmp_path: Path,
) -> None:
    root = frame(tmp_path)
    sam3, base = CARDS["segment"]["sam3"], CARDS["detect"]["base"]
    for path in (root / "sam3.1", root / "sam3.1" / "sam3.1_multiplex.pt"):
        with pytest.raises(UserError, match=r"is SAM 3\.1 .* not served here: .*facebook/sam3"):
            find_weights("segment", sam3, path)
    with pytest.raises(UserError, match=r"is GroundingDINO in its authors' own layout"):
        find_weights("detect", base, root / "grounding_dino")
    with pytest.raises(UserError, match=r"is Pi3, for the expert reconstruct \(route pi3\)"):
        find_weights("detect", base, root / "pi3")


def test_weights_in_a_configuration_keep_the_names_of_links(tmp_path: Path) -> None:
    """The hub's cache is links to files without a suffix."""
    (tmp_path / "blob").write_bytes(b"x")
    (tmp_path / "dino_weight.pt").symlink_to(tmp_path / "blob")
    stated = {"experts": {"orient": {"backend": "neural", "weights": "dino_weight.pt"}}}
    plan = plan_of(ServeConfig.model_validate(stated), tmp_path)
    (one,) = plan.experts
    assert isinstance(one, ExpertPlan)
    assert one.weights == tmp_path / "dino_weight.pt"
