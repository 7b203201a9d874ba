"""Runs beside each other: merged shards, comparisons, repetitions, probes, launchers."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play
from surveyor.benchmarks.compare import compare
from surveyor.benchmarks.corruption_effect import answers, read_probe
from surveyor.benchmarks.run.baselines import equip
from surveyor.benchmarks.run.config import Baseline, Corruption, RunConfig
from surveyor.benchmarks.run.corruption import is_corrupted
from surveyor.benchmarks.run.launch import (
    Shards,
    SlurmResources,
    run_here,
    run_on_ray,
    slurm_script,
)
from surveyor.benchmarks.run.merge import merge
from surveyor.benchmarks.run.provenance import record
from surveyor.benchmarks.run.repeat import changed_since, config_of
from surveyor.benchmarks.run.schedule import scheduled, select
from surveyor.benchmarks.scoring import score_run
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.producer import Producer
from surveyor.core.tasks import Task
from surveyor.memory.events import ToolStatus
from surveyor.memory.manifest import DatasetIdentity
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.truth import targets
from tests.benchmarks.bench import World, glance, make_dataset, play


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("datasets") / "tiny")


def shards(root: Path, dataset: Dataset, count: int, **settings: object) -> list[RunFolder]:
    return [
        play(root / f"part{i}", dataset, shard=f"{i}/{count}", **settings)[0]
        for i in range(1, count + 1)
    ]


def test_merged_shards_are_the_whole_run(tmp_path: Path, dataset: Dataset) -> None:
    whole, _ = play(tmp_path / "whole", dataset, epochs=2)
    merged = merge(tmp_path / "merged", shards(tmp_path, dataset, 2, epochs=2)[::-1])
    assert answers(merged) == answers(whole)
    first, second = score_run(whole, dataset.path), score_run(merged, dataset.path)
    assert first.overall == second.overall
    assert first.tally == second.tally
    assert config_of(merged).shard is None


def test_merging_checks_that_nothing_is_missing_or_twice(tmp_path: Path, dataset: Dataset) -> None:
    parts = shards(tmp_path, dataset, 3)
    whole, _ = play(tmp_path / "whole", dataset)
    other, _ = play(tmp_path / "other", dataset, shard="3/3", seed=1)
    half = play(tmp_path / "half", dataset, shard="1/2")[0]
    target = tmp_path / "merged"
    for given, words in (
        ([], "name the shards"),
        (parts[:2], "shard 3/3 is missing"),
        ([*parts, parts[1]], "shard 2/3 was given twice"),
        ([*parts[:2], other], "seed is 1, not 0"),
        ([parts[0], half], "cut differently"),
        ([whole], "is not a shard"),
    ):
        with pytest.raises(UserError, match=words):
            merge(target, given)
        assert not target.exists()
    merge(target, parts)
    with pytest.raises(UserError, match="exists already"):
        merge(target, parts)


def test_incomplete_episodes_stay_incomplete_after_merging_and_can_be_resumed(
    tmp_path: Path, dataset: Dataset
) -> None:
    gone = World(broken=lambda task: task.scene_id == "studio")
    parts = [
        play(tmp_path / f"p{i}", dataset, gone, shard=f"{i}/2", give_up_after=999)[0]
        for i in (1, 2)
    ]
    merged = merge(tmp_path / "merged", parts)
    report = score_run(merged, dataset.path)
    assert report.tally.incomplete == sum(task.scene_id == "studio" for task in dataset.tasks())
    _, summary = play(tmp_path / "merged", dataset)
    assert summary.complete


def oracle(dataset: Dataset, knows: set[str]) -> Callable[[Task, PlannerInput], Play]:
    right = {target.task_id: target.answer for target in targets(dataset.path)}

    def script(task: Task, brief: PlannerInput) -> Play:
        yield Turn(answer=right[task.id] if task.question_type in knows else "?")

    return script


def test_comparison_pairs_tasks_and_says_what_else_differs(
    tmp_path: Path, dataset: Dataset
) -> None:
    kinds = sorted(dataset.manifest.questions)
    weak, strong = oracle(dataset, set(kinds[:2])), oracle(dataset, set(kinds[:3]))
    a, _ = play(tmp_path / "a", dataset, script=weak)
    b, _ = play(tmp_path / "b", dataset, script=strong, seed=1, types=kinds[:4])
    score_run(a, dataset.path)
    with pytest.raises(UserError, match="has not been scored"):
        compare(a, b)
    score_run(b, dataset.path)
    told = compare(a, b)
    assert set(told.types) == set(kinds[:4])
    assert told.types[kinds[2]].difference.value == pytest.approx(100)
    assert told.types[kinds[2]].only_b == told.types[kinds[2]].n
    assert told.types[kinds[0]].difference.value == 0
    assert told.overall.difference.value > 0
    assert told.unpaired_a == len(a.schedule) - len(b.schedule)
    assert "seed: 0 / 1" in told.notes
    same = compare(a, a)
    assert (same.overall.difference.value, same.overall.mcnemar_p, same.notes) == (0, 1, ())
    score_run(b, dataset.path, profile="lenient")
    with pytest.raises(UserError, match="score both the same way"):
        compare(a, b)


def test_a_comparison_says_which_scores_are_gone(tmp_path: Path, dataset: Dataset) -> None:
    a, b = (play(tmp_path / name, dataset, epochs=2)[0] for name in "ab")
    score_run(a, dataset.path)
    score_run(b, dataset.path)
    results = b.path / "results.jsonl"
    lines = results.read_bytes().splitlines(keepends=True)
    results.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(UserError, match=f"b lacks 1 of its {len(lines)} scores .*surveyor score"):
        compare(a, b)
    results.unlink()
    with pytest.raises(UserError, match=f"b lacks {len(lines)} of its .* --dataset {dataset.path}"):
        compare(b, a)
    shutil.rmtree(b.path / "episodes")
    with pytest.raises(UserError, match="its logs are gone too, put the folder back"):
        compare(a, b)


def test_a_run_can_be_repeated_from_its_folder(tmp_path: Path, dataset: Dataset) -> None:
    first, _ = play(tmp_path / "first", dataset, epochs=2, types=["object_counting"])
    config = config_of(RunFolder.open(first.path))
    again, _ = play(
        tmp_path / "again", dataset, **config.model_dump(mode="json", exclude={"dataset"})
    )
    assert answers(again) == answers(first)
    manifest = first.record.manifest
    assert changed_since(manifest, again.record.manifest) == ()
    moved = manifest.model_copy(
        update={"python": "4.0", "packages": {}, "experts": (Producer(name="d", version="2"),)}
    )
    told = "; ".join(changed_since(moved, manifest))
    for words in ("python was 4.0", "packages differ", "expert d was 2, is absent"):
        assert words in told


def test_baselines_take_away_frames_and_tools(tmp_path: Path, dataset: Dataset) -> None:
    def look(task: Task, brief: PlannerInput) -> Play:
        seen.append((len(brief.tools), len(brief.frame_handles)))
        yield Turn(answer="1")

    expectations = ((Baseline.ALL, (1, 3)), (Baseline.NO_TOOLS, (0, 3)), (Baseline.BLIND, (0, 0)))
    for baseline, expected in expectations:
        seen: list[tuple[int, int]] = []
        play(tmp_path / baseline, dataset, script=look, baseline=baseline, limit=2)
        assert set(seen) == {expected}


def test_a_baseline_without_tools_is_not_said_to_be_answered_by_experts(
    tmp_path: Path, dataset: Dataset
) -> None:
    known = (Producer(name="detect", version="1", backend="reference"),)
    for baseline, expected in ((Baseline.ALL, True), (Baseline.BLIND, False)):
        config = RunConfig(dataset=str(dataset.path)).changed(baseline=baseline, limit=2)
        identity = DatasetIdentity(name="tiny", content_hash=dataset.manifest.content_hash)
        made = record(baseline, config, identity, experts=known)
        tasks = select(dataset.tasks(), config)
        folder = RunFolder.create(tmp_path / baseline, made, map(scheduled, tasks))
        assert score_run(folder, dataset.path).reference is expected


def test_calling_a_tool_that_was_taken_away_is_a_mistake(tmp_path: Path, dataset: Dataset) -> None:
    folder, summary = play(tmp_path / "r", dataset, baseline="no-tools", limit=2)
    episode = folder.episode(folder.schedule[0].id, 0)
    assert episode is not None
    assert {outcome.status for outcome in episode.outcomes} == {ToolStatus.MISTAKE}
    assert summary.progress.left == 2 - summary.progress.ended


def test_lying_tools_move_the_answers_of_those_who_use_them(
    tmp_path: Path, dataset: Dataset
) -> None:
    def stubborn(task: Task, brief: PlannerInput) -> Play:
        yield next(glance(task, brief))
        yield Turn(answer="2.5")

    lie = {"corruption": {"share": 0.5, "strength": 0.5}}
    numbers = {"types": ["object_abs_distance", "object_size_estimation"]}
    honest, _ = play(tmp_path / "honest", dataset, **numbers)
    probed, _ = play(tmp_path / "probed", dataset, **numbers, **lie)
    read = read_probe(honest, probed)
    assert read.lied_to + read.spared == len(honest.schedule)
    assert min(read.lied_to, read.spared) > 5
    assert (read.moved_share, read.drifted_share) == (1.0, 0.0)
    calm, _ = play(tmp_path / "calm", dataset, script=stubborn, **numbers)
    calm_probed, _ = play(tmp_path / "calm-probed", dataset, script=stubborn, **numbers, **lie)
    assert read_probe(calm, calm_probed).moved == 0
    with pytest.raises(UserError, match="did not lie"):
        read_probe(probed, honest)


def test_the_probe_is_the_same_for_every_run_and_as_large_as_asked() -> None:
    probe = Corruption(share=0.3, seed=4)
    lied = {f"t{i}" for i in range(2000) if is_corrupted(f"t{i}", probe)}
    assert lied == {f"t{i}" for i in range(2000) if is_corrupted(f"t{i}", probe)}
    assert 0.25 < len(lied) / 2000 < 0.35
    registry = World().registry
    assert equip(registry, RunConfig(dataset="s")) is registry


def test_shards_run_here_and_one_that_fails_is_told(tmp_path: Path) -> None:
    code = "import sys; sys.exit(3 if '--shard 2/3' in ' '.join(sys.argv) else 0)"
    parts = Shards((sys.executable, "-c", code), tmp_path / "r", 3)
    assert run_here(parts) == {1: 0, 2: 3, 3: 0}
    assert parts.merge[:3] == ("surveyor", "merge", str(tmp_path / "r"))
    shared = replace(parts, shared="s3://bucket/runs").merge[3]
    assert shared == f"s3://bucket/runs/r.shard-1-of-{parts.count}"


def test_the_slurm_script_is_a_script_that_runs_one_shard(tmp_path: Path) -> None:
    out = tmp_path / "a run"
    parts = Shards(("echo", "surveyor run", "rooms"), out, 4)
    script = slurm_script(parts, SlurmResources(gpus=1, partition="long", at_once=2))
    assert "#SBATCH --array=1-4%2" in script
    assert "#SBATCH --gpus-per-task=1" in script
    path = tmp_path / "job.sh"
    path.write_text(script)
    done = subprocess.run(
        ["bash", str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={"SLURM_ARRAY_TASK_ID": "3", "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout.strip() == f"surveyor run rooms --shard 3/4 --out {parts.folder(3)}"


def test_shards_run_on_ray_in_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    code = (
        "import os, sys; i = sys.argv[sys.argv.index('--shard') + 1]; "
        "open('shard-' + i[0], 'w').write(os.getcwd()); sys.exit(3 if i == '2/3' else 0)"
    )
    assert run_on_ray(Shards((sys.executable, "-c", code), Path("r"), 3)) == {1: 0, 2: 3, 3: 0}
    assert {path.read_text() for path in tmp_path.glob("shard-*")} == {str(tmp_path)}


def test_ray_is_optional(tmp_path: Path) -> None:
    if importlib.util.find_spec("ray") is not None:
        pytest.skip("Ray is installed here")
    with pytest.raises(UserError, match="Ray is not installed"):
        run_on_ray(Shards(("true",), tmp_path / "r", 2))
