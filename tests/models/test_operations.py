"""Shards are put together, memory is measured, and accelerate reads what we write for it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("transformers")


from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.core.errors import UserError
from surveyor.training.extras import need
from surveyor.training.models.families import load_checkpoint
from surveyor.training.models.tiny import make_tiny
from surveyor.training.operations.cluster import Cluster, Sharding, accelerate_yaml
from surveyor.training.operations.metrics import read_metrics
from surveyor.training.operations.shards import FSDP, INDEX, merge_shards

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("tiny") / "model", ["How far is the sofa?"])


def same(one: Path, other: Path) -> bool:
    torch = need("torch")
    a, b = (load_checkpoint(path).model.state_dict() for path in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_numbered_files_become_one(tiny: Path, tmp_path: Path) -> None:
    loaded = load_checkpoint(tiny)
    loaded.model.save_pretrained(tmp_path / "many", max_shard_size="200KB")
    loaded.processor.save_pretrained(tmp_path / "many")
    assert (tmp_path / "many" / INDEX).exists()
    merged = merge_shards(tmp_path / "many", tmp_path / "one")
    assert [file.name for file in merged.glob("*.safetensors")] == ["model.safetensors"]
    assert not (merged / INDEX).exists()
    assert same(merged, tiny)
    next((tmp_path / "many").glob("model-00002*")).unlink()
    with pytest.raises(UserError, match="lacks model-00002"):
        merge_shards(tmp_path / "many", tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_the_sharded_state_of_fsdp_becomes_one_file(tiny: Path, tmp_path: Path) -> None:
    checkpoint = need("torch.distributed.checkpoint")
    loaded = load_checkpoint(tiny)
    folder = tmp_path / "checkpoint-10"
    state = {"model": loaded.model.state_dict()}
    writer = checkpoint.FileSystemWriter(str(folder / FSDP))
    checkpoint.save(state, storage_writer=writer, no_dist=True)
    loaded.model.config.save_pretrained(folder)
    loaded.processor.save_pretrained(folder)
    assert same(merge_shards(folder, tmp_path / "one"), tiny)


def test_what_is_not_sharded_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no sharded weights"):
        merge_shards(tmp_path, tmp_path / "one")
    (tmp_path / "zero_to_fp32.py").write_text("")
    with pytest.raises(UserError, match="DeepSpeed"):
        merge_shards(tmp_path, tmp_path / "one")


@pytest.mark.parametrize("sharding", Sharding)
@pytest.mark.parametrize("nodes", [1, 2])
def test_accelerate_reads_what_is_written_for_it(
    sharding: Sharding, nodes: int, tmp_path: Path
) -> None:
    file = tmp_path / "accelerate.yaml"
    cluster = Cluster(command=("train", "sft"), nodes=nodes, gpus=4, sharding=sharding)
    file.write_text(accelerate_yaml(cluster))
    read = need("accelerate.commands.config.config_args").load_config_from_file(str(file))
    assert read.num_processes == 4 * nodes
    kinds = {"none": "MULTI_GPU", "zero3": "DEEPSPEED", "fsdp": "FSDP"}
    assert read.distributed_type == kinds[sharding]


def test_what_tensorboard_wrote_is_watched_too(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    writer = need("torch.utils.tensorboard").SummaryWriter(str(tmp_path / "runs" / "a"))
    for step in (1, 2):
        writer.add_scalar("train/loss", 1.0 / step, step)
    writer.close()
    assert read_metrics(tmp_path) == [
        {"step": 1, "loss": pytest.approx(1.0)},
        {"step": 2, "loss": pytest.approx(0.5)},
    ]
    shown = CliRunner().invoke(app, ["train", "watch", str(tmp_path), "--no-follow"])
    assert "step 2  loss 0.5" in shown.output
