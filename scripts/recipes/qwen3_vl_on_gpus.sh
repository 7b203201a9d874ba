#!/usr/bin/env bash
# Qwen3-VL on GPUs: rows from a teacher's runs -> SFT -> GRPO with the real tools -> serve.
# Not run here, for want of a GPU: its verbs were, at a tiny size (tests/models/test_training.py).
#   CHECKPOINT=/models/Qwen3-VL-4B-Instruct scripts/recipes/qwen3_vl_on_gpus.sh TRAIN_DATASET RUN [OUT]
# The numbers are those published for the Skill-3D agent: one epoch at 1e-5 for SFT, groups of eight
# at 1e-6 for GRPO; start from them.
set -euo pipefail
DATASET=$1 RUN=$2 OUT=${3:-out/qwen3-vl}
: "${CHECKPOINT:?name the folder of a checkpoint}"
ROWS_STEPS=${ROWS_STEPS:-200} GRPO_STEPS=${GRPO_STEPS:-200}

surveyor export sft "$OUT/rows" --run "$RUN" --images --guess-free --score 0.5 --effective 0.5
surveyor export grpo "$OUT/prompts" --run "$RUN" --images
# Several GPUs or nodes: put the command into a file and `surveyor train job job.toml --out job`.
surveyor train sft "$CHECKPOINT" "$OUT/sft" --data "$OUT/rows" --steps "$ROWS_STEPS" --lora 64
surveyor train grpo "$OUT/sft/model" "$OUT/grpo" --prompts "$OUT/prompts" --dataset "$DATASET" \
  --steps "$GRPO_STEPS" --group 8 --rate 1e-6 --completion 8192 --lora 64 --vllm
surveyor vllm up "$OUT/grpo/model"
