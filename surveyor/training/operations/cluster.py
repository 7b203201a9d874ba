"""One configuration, the files that start a training with it: accelerate's, and a SLURM job's.

The same command runs on one node and on many: only the job's head and accelerate's counts differ.
"""

from __future__ import annotations

import shlex
import tomllib
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem


class Sharding(StrEnum):
    """What of the model lies on which GPU."""

    NONE = "none"
    ZERO3 = "zero3"
    FSDP = "fsdp"


class Cluster(BaseModel):
    """``nodes`` of ``gpus`` GPUs; ``command`` is what follows ``surveyor``, as a list of words.

    ``layer`` is the class that FSDP wraps, ``setup`` shell lines before the training, ``options``
    further lines of the job's head, as in ``--account=physics``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...] = Field(min_length=1)
    nodes: int = Field(default=1, ge=1)
    gpus: int = Field(default=8, ge=1)
    sharding: Sharding = Sharding.ZERO3
    layer: str = "Qwen3DecoderLayer"
    name: str = Field(default="surveyor", pattern=r"^[\w.-]+$")
    hours: int = Field(default=12, ge=1)
    cpus: int = Field(default=16, ge=1)
    partition: str = ""
    port: int = Field(default=29500, ge=1024, le=65535)
    setup: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def read_cluster(path: Path) -> Cluster:
    """The configuration in a TOML file; `UserError` names what is wrong with it."""
    try:
        return Cluster.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror or error})") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is no TOML file ({error})") from None
    except ValidationError as error:
        raise UserError(f"{path}: {first_problem(error)}") from None


def accelerate_yaml(cluster: Cluster) -> str:
    """The file for ``accelerate launch --config_file``; the node's rank comes from the job."""
    lines = [
        "compute_environment: LOCAL_MACHINE",
        f"num_machines: {cluster.nodes}",
        f"num_processes: {cluster.nodes * cluster.gpus}",
        "mixed_precision: bf16",
        "rdzv_backend: static",
        "same_network: true",
        "main_training_function: main",
    ]
    match cluster.sharding:
        case Sharding.ZERO3:
            lines += [
                "distributed_type: DEEPSPEED",
                "deepspeed_config:",
                "  zero_stage: 3",
                "  zero3_init_flag: true",
                "  zero3_save_16bit_model: true",
                "  offload_optimizer_device: none",
                "  offload_param_device: none",
                f"  deepspeed_multinode_launcher: {'standard' if cluster.nodes > 1 else 'pdsh'}",
            ]
        case Sharding.FSDP:
            lines += [
                "distributed_type: FSDP",
                "fsdp_config:",
                "  fsdp_version: 2",
                "  fsdp_reshard_after_forward: true",
                "  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP",
                f"  fsdp_transformer_layer_cls_to_wrap: {cluster.layer}",
                "  fsdp_state_dict_type: SHARDED_STATE_DICT",
                "  fsdp_cpu_ram_efficient_loading: true",
                "  fsdp_activation_checkpointing: false",
            ]
        case Sharding.NONE:
            alone = cluster.nodes * cluster.gpus == 1
            lines.append("distributed_type: 'NO'" if alone else "distributed_type: MULTI_GPU")
    return "\n".join(lines) + "\n"


def slurm_script(cluster: Cluster, config: str = "accelerate.yaml") -> str:
    """A job for ``sbatch``: one launcher a node, the first node's name as the meeting point.

    A job that was stopped is sent again as it is: the training goes on from its checkpoint.
    """
    head = [
        f"--job-name={cluster.name}",
        f"--nodes={cluster.nodes}",
        "--ntasks-per-node=1",
        f"--gpus-per-node={cluster.gpus}",
        f"--cpus-per-task={cluster.cpus}",
        f"--time={cluster.hours}:00:00",
        f"--output={cluster.name}-%j.log",
        "--requeue",
        *([f"--partition={cluster.partition}"] if cluster.partition else []),
        *cluster.options,
    ]
    launch = [
        "accelerate launch",
        f"--config_file {shlex.quote(config)}",
        f"--num_machines {cluster.nodes} --num_processes {cluster.nodes * cluster.gpus}",
        '--machine_rank "$SLURM_NODEID"',
        f'--main_process_ip "$MEET" --main_process_port {cluster.port}',
        f"-m surveyor.cli.main {shlex.join(cluster.command)}",
    ]
    return "\n".join(
        [
            "#!/usr/bin/env bash",
            *(f"#SBATCH {line}" for line in head),
            "set -euo pipefail",
            *cluster.setup,
            'MEET=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)',
            "export MEET OMP_NUM_THREADS=1",
            f"srun --kill-on-bad-exit=1 bash -c {shlex.quote(' '.join(launch))}",
            "",
        ]
    )
