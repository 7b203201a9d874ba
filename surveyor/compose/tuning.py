"""What `surveyor train sft | grpo | watch` do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from surveyor.compose.run import default_cache
from surveyor.compose.session import reference_experts
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem
from surveyor.memory.episodes import Episode
from surveyor.tools.builtin import default_tools
from surveyor.tools.cache import ResultCache
from surveyor.tools.endpoints import EndpointsFile
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.training.evolution.scoring import Scored, Scorer
from surveyor.training.rows.guard import refuse_test

if TYPE_CHECKING:
    from surveyor.training.grpo.adapters.rollout import Grounds
    from surveyor.training.grpo.environment import RolloutStage
    from surveyor.training.grpo.trl import Marker

_SHOWN = ("loss", "accuracy", "reward", "entropy", "tokens_per_second", "grad_norm")


def fine_tune(
    checkpoint: Path, data: Sequence[str], out: Path, settings: dict[str, object]
) -> None:
    """The `train sft` verb."""
    from surveyor.training.sft import SftSettings, train_sft

    try:
        wanted = SftSettings.model_validate(settings)
    except ValidationError as error:
        raise UserError(f"train sft: {first_problem(error)}") from None
    model = train_sft(checkpoint, [weighted(one) for one in data], out, wanted)
    print(f"{model}: serve it with `surveyor serve-model` or `surveyor vllm up`")


def reinforce(
    checkpoint: Path,
    prompts: Path,
    datasets: Sequence[Path],
    out: Path,
    experts: Path | None,
    preset: str,
    settings: dict[str, object],
) -> None:
    """The `train grpo` verb; reference experts are started unless others are named."""
    from surveyor.training.grpo.trl import GrpoSettings, train_grpo

    try:
        wanted = GrpoSettings.model_validate(settings)
    except ValidationError as error:
        raise UserError(f"train grpo: {first_problem(error)}") from None
    if not datasets:
        raise UserError("name the datasets that the prompts were made from with --dataset")
    refuse_test(datasets)

    def play(endpoints: Path) -> None:
        stage, marker = _stage(datasets, endpoints)
        model = train_grpo(checkpoint, prompts, out, stage, marker, wanted)
        print(f"{model}: serve it with `surveyor serve-model` or `surveyor vllm up`")

    if experts is not None:
        play(experts)
        return
    if len(datasets) > 1:
        raise UserError("start experts for several datasets yourself, and name them with --experts")
    with reference_experts(datasets[0], preset, out / "experts") as endpoints:
        play(endpoints)


def grounds_of(datasets: Sequence[Path], endpoints: Path, reward: Sequence[str] = ()) -> Grounds:
    """What the adapters of `surveyor.training.grpo.adapters` need: datasets of split train, the
    endpoints file of running experts, and the parts of the reward as ``--reward`` takes them."""
    from surveyor.training.grpo.adapters.rollout import Grounds
    from surveyor.training.rewards.parts import weights_of

    refuse_test(datasets)
    stage, marker = _stage(datasets, endpoints)
    return Grounds(stage, marker, weights_of(reward))


def _stage(datasets: Sequence[Path], endpoints: Path) -> tuple[RolloutStage, Marker]:
    from surveyor.training.grpo.environment import RolloutStage

    opened = [Dataset.open(path) for path in datasets]
    tasks = {task.id: task for dataset in opened for task in dataset.tasks()}
    client = _LazyClient(endpoints, opened)
    stage = RolloutStage(tasks, Registry(default_tools()), client, images=False)
    return stage, _LazyScorer(datasets)


class _LazyClient:
    """Made in the event loop that first asks: the trainer's."""

    def __init__(self, endpoints: Path, datasets: Sequence[Dataset]) -> None:
        self._endpoints = endpoints
        self._datasets = datasets
        self._client: ExpertClient | None = None

    def __call__(self) -> ExpertClient:
        if self._client is None:
            cache = default_cache()
            self._client = ExpertClient(
                EndpointsFile.named(self._endpoints),
                BlobStore(cache / "blobs"),
                ResultCache(cache / "answers.sqlite"),
                originals=tuple(dataset.blobs for dataset in self._datasets),
            )
        return self._client


class _LazyScorer:
    """Scores in a process of its own, started in the trainer's event loop."""

    def __init__(self, datasets: Sequence[Path]) -> None:
        self._scorer = Scorer(datasets)
        self._started = False

    async def __call__(self, episode: Episode) -> Scored:
        if not self._started:
            self._started = True
            await self._scorer.__aenter__()
        return await self._scorer.judge(episode)


def weighted(text: str) -> tuple[Path, float]:
    """``FOLDER`` or ``FOLDER:WEIGHT``; `UserError` for a weight that is none."""
    folder, colon, weight = text.rpartition(":")
    if not colon:
        return Path(text), 1.0
    try:
        return Path(folder), float(weight)
    except ValueError:
        raise UserError(f"--data is FOLDER or FOLDER:WEIGHT, as in rows:2, not {text!r}") from None


def probe_memory(
    checkpoint: Path, data: Sequence[str], wanted: int, devices: int, rank: int
) -> None:
    """The `train probe` verb: updates with the longest of 64 rows, at two batch sizes."""
    from surveyor.training.extras import need
    from surveyor.training.models.collator import AgentCollator
    from surveyor.training.models.families import load_checkpoint
    from surveyor.training.operations.memory import available_bytes, fit, peak_of_step
    from surveyor.training.sft import Mixture, lora

    if not data:
        raise UserError("name at least one folder of rows with --data")
    torch = need("torch")
    gpu = torch.cuda.is_available()
    loaded = load_checkpoint(checkpoint, dtype="auto" if gpu else "float32")
    model, collate = (
        loaded.model.to("cuda" if gpu else "cpu").train(),
        AgentCollator(loaded.processor),
    )
    if (adapters := lora(rank)) is not None:
        model = need("peft").get_peft_model(model, adapters)
    rows = Mixture([weighted(one) for one in data], 0, 64)
    longest = max((rows[k] for k in range(len(rows))), key=lambda row: len(str(row["messages"])))
    available = available_bytes()
    measured = {}
    for size in (1, 3):
        batch = {name: value.to(model.device) for name, value in collate([longest] * size).items()}
        measured[size] = peak_of_step(model, batch)
        print(f"batch {size}: {measured[size] / 1e9:.2f} of {available / 1e9:.2f} GB", flush=True)
    found = fit(measured, available, wanted, devices)
    print(
        f"--batch {found.batch} --accumulate {found.accumulate}: {wanted} episodes an update on "
        f"{devices} device(s), {found.expected / 1e9:.2f} GB expected"
    )


def make_job(config: Path, out: Path | None) -> None:
    """The `train job` verb; without ``out`` both files are shown."""
    from surveyor.training.operations.cluster import accelerate_yaml, read_cluster, slurm_script

    cluster = read_cluster(config)
    files = {"job.sh": slurm_script(cluster), "accelerate.yaml": accelerate_yaml(cluster)}
    for name, text in files.items():
        if out is None:
            print(f"# {name}\n{text}")
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text)
    if out is not None:
        print(f"{out / 'job.sh'}: send it with `sbatch job.sh` from {out}")


def watch(run: Path, follow: bool) -> None:
    """The `train watch` verb: the last rows of a training's metrics, and new ones as they come."""
    from surveyor.training.operations.metrics import read_metrics

    shown = 0
    while True:
        rows = read_metrics(run)
        for row in rows[shown if shown else -10 :]:
            print(told(row), flush=True)
        shown = len(rows)
        if not follow:
            return
        time.sleep(2)


def told(row: Mapping[str, Any]) -> str:
    """One line of metrics."""
    parts = [f"step {row.get('step', 0):.0f}"]
    parts += [f"{name} {row[name]:.4g}" for name in _SHOWN if name in row]
    parts += [f"{k.rpartition('/')[2]} {v:.3g}" for k, v in row.items() if k.startswith("part/")]
    if "seconds_left" in row:
        parts.append(f"{row['seconds_left'] / 60:.1f} min left")
    return "  ".join(parts)
