"""Placing experts on GPUs, and the configuration file that asks for it."""

from __future__ import annotations

import os

import pytest

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.services.blob_gc import trim
from surveyor.services.config import KNOWN_PORTS, plan_of, read_config
from surveyor.services.placement import Gpu, place
from surveyor.services.plan import ExpertPlan, read_memory

GIB = 1 << 30


def gpu(index, total=24, free=None):
    return Gpu(index, "test", total * GIB, (total if free is None else free) * GIB)


def expert(name, gib, device="auto"):
    return ExpertPlan(expert=name, device=device, memory_gib=gib)


def devices(plans):
    return {plan.expert: plan.device for plan in plans}


def test_the_largest_is_placed_first_where_most_is_free():
    plans = [expert("detect", 4), expert("segment", 16), expert("depth", 12)]
    placed = place(plans, [gpu(0), gpu(1)])
    assert devices(placed) == {"segment": "cuda:0", "depth": "cuda:1", "detect": "cuda:1"}
    assert [plan.expert for plan in placed] == ["detect", "segment", "depth"]


def test_what_was_measured_counts_where_it_is_more():
    plans = [expert("detect", 4), expert("depth", 6)]
    measured = {"detect": 20 * GIB, "depth": GIB}
    assert devices(place(plans, [gpu(0), gpu(1, 8)], measured)) == {
        "detect": "cuda:0",
        "depth": "cuda:1",
    }


def test_a_fixed_device_takes_its_room_and_the_cpu_takes_none():
    plans = [expert("segment", 20, "cuda:0"), expert("scene", 99, "cpu"), expert("depth", 10)]
    assert devices(place(plans, [gpu(0), gpu(1, 12)])) == {
        "segment": "cuda:0",
        "scene": "cpu",
        "depth": "cuda:1",
    }


def test_experts_that_declare_nothing_are_spread():
    plans = [expert("segment", 0), expert("depth", 0), expert("detect", 0)]
    placed = devices(place(plans, [gpu(0), gpu(1)]))
    assert sorted(placed.values()) == ["cuda:0", "cuda:0", "cuda:1"]


def test_a_gpu_that_is_not_there_is_told():
    with pytest.raises(UserError, match="'segment' is to run on cuda:7; here are cuda:0, cuda:1"):
        place([expert("segment", 1, "cuda:7")], [gpu(0), gpu(1)])


def test_what_does_not_fit_is_told_and_without_a_gpu_all_is_cpu():
    with pytest.raises(UserError, match=r"'segment' needs 16\.0 GiB"):
        place([expert("segment", 16)], [gpu(0, 24, free=10)])
    assert devices(place([expert("segment", 16)], [])) == {"segment": "cpu"}


def test_a_config_becomes_a_plan(tmp_path):
    file = tmp_path / "experts.toml"
    file.write_text(
        "datasets = ['rooms']\nrecord = 'rec'\n[limits]\nbody_bytes = 1000\n"
        "[experts.detect]\nbackend = 'neural'\nmodel = 'm'\npython = 'env/bin/python'\n"
        "options = {size = 504, dtype = 'bfloat16'}\n"
        "[experts.scene]\nport = 0\n"
    )
    plan = plan_of(read_config(file), tmp_path)
    detect, scene = plan.experts
    assert (detect.port, scene.port) == (KNOWN_PORTS["detect"], 0)
    assert detect.python == tmp_path / "env/bin/python"
    assert detect.device == "auto"
    assert detect.options == {"size": "504", "dtype": "bfloat16"}
    assert plan.datasets == (tmp_path / "rooms",)
    assert plan.limits.body_bytes == 1000
    settings = plan.settings("detect")
    assert (settings.model, settings.record) == ("m", tmp_path / "rec")
    assert settings.blob_folders == (tmp_path / "rooms" / "blobs",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[experts.detect\n", "is not TOML"),
        ("datasets = []\n[experts]\n", "experts"),
        ("[experts.detect]\nprot = 1\n", "experts.detect.prot"),
        ("[experts.nose]\n", "no expert 'nose'"),
        ("[experts.detect]\ndevice = 'gpu'\n", 'device is "auto", "cpu" or "cuda:N", not "gpu"'),
    ],
)
def test_a_wrong_config_is_one_sentence(tmp_path, text, sentence):
    file = tmp_path / "experts.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_config(file)
    with pytest.raises(UserError, match="cannot be read"):
        read_config(tmp_path / "absent.toml")


def test_measured_memory_is_kept_between_runs(tmp_path):
    file = tmp_path / "memory.json"
    assert read_memory(file) == {}
    file.write_text('{"detect": 5}')
    assert read_memory(file) == {"detect": 5}
    file.write_text("{")
    assert read_memory(file) == {}


def test_the_oldest_blobs_go_when_there_are_too_many_and_young_ones_last(tmp_path):
    store = BlobStore(tmp_path)
    old, older, young = (store.put(bytes([i]) * 1000, "x").sha256 for i in range(3))
    for sha256, age in ((old, 2000), (older, 3000), (young, 10)):
        os.utime(store.path(sha256), (1e9 - age, 1e9 - age))
    assert trim(tmp_path, 3000, now=1e9) == 0
    assert trim(tmp_path, 2500, now=1e9) == 1000
    assert (older in store, old in store, young in store) == (False, True, True)
    assert trim(tmp_path, 1000, now=1e9) == 1000
    assert (old in store, young in store) == (False, True)
    assert trim(tmp_path, 10, now=1e9) == 1000
    assert young not in store


def test_after_the_clock_was_set_back_what_is_new_outlives_what_seems_to_come_from_the_future(
    tmp_path,
):
    store = BlobStore(tmp_path)
    before, new = (store.put(bytes([i]) * 1000, "x").sha256 for i in range(2))
    for sha256, age in ((before, -3600), (new, 0)):
        os.utime(store.path(sha256), (1e9 - age, 1e9 - age))
    assert trim(tmp_path, 1000, now=1e9) == 1000
    assert (before in store, new in store) == (False, True)
