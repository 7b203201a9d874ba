"""What `surveyor serve setup` shows, fetches and places."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.services.neural.model_cards import CARDS, ModelCard
from surveyor.services.neural.setting_up import Need, declared, fetched, needs, placed, told
from surveyor.services.placement import Gpu, listed_gpus
from tests.scripts.test_run_options import surveyor

GIB = 1 << 30


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


def sized(card: ModelCard) -> int | None:
    return None if card.hub is None else 2 * GIB


def gpu(index: int, free: int) -> Gpu:
    return Gpu(index, "some GPU", 80 * GIB, free * GIB)


def test_sizes_licences_and_what_is_by_hand_come_first() -> None:
    wanted = needs((), {"detect": "owlv2"}, sized)
    lines = list(told(wanted, [], placed(wanted, [], {})))
    assert {one.expert for one in wanted} == set(CARDS) - {"render_view"}
    assert lines[0] == (
        "detect       google/owlv2-base-patch16-ensemble, licence Apache-2.0, 2.15 GB, to fetch"
    )
    assert any("restore" in line and "by hand: 003_realSR" in line for line in lines)
    assert "to fetch: 5 models, 10.74 GB" in lines
    assert "no GPU found (nvidia-smi, NVML): every expert runs on the CPU, slowly" in lines
    assert "detect       on cpu" in lines


def test_what_is_in_the_cache_is_not_fetched_again(tmp_path: Path) -> None:
    card = CARDS["depth"]["da2"]
    at = tmp_path / "hub" / f"models--{str(card.hub).replace('/', '--')}" / "snapshots"
    folder = at / str(card.revision)
    folder.mkdir(parents=True)
    for name in card.files:
        (folder / name).write_bytes(b"{}")
    wanted = needs(["depth", "detect"], {"depth": "da2"}, sized)
    assert (wanted[0].at, wanted[0].size) == (folder, 4)
    asked: list[str] = []

    def fetch(card: ModelCard) -> Path:
        asked.append(card.model)
        return tmp_path

    there = fetched(wanted, fetch)
    assert asked == ["IDEA-Research/grounding-dino-base"]
    assert [(one.path, one.kind.route) for one in there.found] == [
        (folder, "da2"),
        (tmp_path, "base"),
    ]


def test_experts_are_spread_by_measured_memory_and_else_by_their_weights() -> None:
    wanted = needs(["detect", "depth", "segment"], {}, sized)
    gpus = [gpu(0, 20), gpu(1, 10)]
    where = {p.expert: p.device for p in placed(wanted, gpus, {"segment": 15 * GIB})}
    assert where == {"segment": "cuda:0", "detect": "cuda:1", "depth": "cuda:1"}
    (plan, *_) = declared(placed(wanted, [], {}), wanted)
    assert plan.memory_gib == pytest.approx(3.0)
    with pytest.raises(UserError, match=r"needs 90\.0 GiB"):
        placed(wanted, gpus, {"segment": 90 * GIB})


def test_the_table_of_nvidia_smi_is_read() -> None:
    table = "0, NVIDIA H200, 143771, 143000\nFailed to initialise\n1, NVIDIA L4, 23034, [N/A]\n"
    (one,) = listed_gpus(table)
    assert (one.index, one.name, one.total, one.free) == (
        0,
        "NVIDIA H200",
        143771 << 20,
        143000 << 20,
    )


def test_unknown_experts_and_routes_are_refused() -> None:
    with pytest.raises(UserError, match="no neural expert 'nose'"):
        needs(["nose"], {}, sized)
    with pytest.raises(UserError, match="has no route 'x'"):
        needs(["detect"], {"detect": "x"}, sized)


def test_an_unknown_size_is_said() -> None:
    one = Need("detect", "base", CARDS["detect"]["base"], None, None)
    assert "size unknown, to fetch" in one.line()
    assert "to fetch: 1 models, 0.00 GB and 1 of unknown size" in told([one], [], [])


def test_a_dry_run_shows_and_changes_nothing(tmp_path: Path) -> None:
    offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "none"), "PATH": "/nowhere"}
    done = surveyor(
        tmp_path, "serve", "setup", "--dry-run", "--route", "detect=dfine", environment=offline
    )
    assert done.returncode == 0, done.stderr
    assert "ustc-community/dfine-xlarge-coco, licence Apache-2.0" in done.stdout
    assert "every expert runs on the CPU" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == []
    wrong = surveyor(tmp_path, "serve", "setup", "--route", "owlv2", environment=offline)
    assert wrong.returncode == 2
    assert "EXPERT=ROUTE" in wrong.stderr
