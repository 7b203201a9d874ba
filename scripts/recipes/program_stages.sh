#!/usr/bin/env bash
# APEIRIA's three stages over our verbs: perception alignment -> SFT on programs' accounts -> GRPO.
#   CHECKPOINT=/models/Qwen3-4B scripts/recipes/program_stages.sh OUT
#   TINY=1 PYTHON=.venv-models/bin/python scripts/recipes/program_stages.sh out/try   minutes, a CPU
# At full size it needs a GPU and was not run here; rooms, runs, rows, pairs and prompts were at tiny
# size, the training steps were not. The rows come from reference experts, which know
# the truth: an upper bound of a teacher. Every step is kept; the same command again goes on.
set -euo pipefail
OUT=${1:-out/programs} PYTHON=${PYTHON:-python}
ROOMS=${ROOMS:-200} STEPS=${STEPS:-500} GRPO_STEPS=${GRPO_STEPS:-200} LORA=${LORA:-64} GROUP=8
frames=(--frames 16 --width 320 --height 240) per_type=4 completion=3000 rows=()
if [ -n "${TINY:-}" ]; then
  ROOMS=2 STEPS=2 GRPO_STEPS=1 LORA=0 GROUP=2 completion=64 per_type=1
  frames=(--frames 4 --width 96 --height 72)
fi
surveyor() { "$PYTHON" -m surveyor.cli.main "$@"; }
step() { [ -e "$1" ] || { shift; surveyor "$@"; }; }
mkdir -p "$OUT"

# Rooms, and the program planner's episodes on them: with the exact table, and with one that lacks
# things, whose accounts are the wrong halves of preference pairs.
types=(--type object_counting --type object_size_estimation --type object_abs_distance)
types+=(--type object_rel_distance --type object_rel_direction_hard --type scanrefer)
step "$OUT/rooms" rooms make "$OUT/rooms" --rooms "$ROOMS" --split train --per-type "$per_type" \
  "${frames[@]}" "${types[@]}"
surveyor run "$OUT/rooms" --workflow table --out "$OUT/exact"
surveyor run "$OUT/rooms" --workflow table --preset perfect:detect.miss=0.3 --out "$OUT/lacking"

# Stage 1, perception alignment: accounts of one look (how many, how long), no relations.
step "$OUT/rows1" export sft "$OUT/rows1" --run "$OUT/exact" --layout own \
  --type object_counting --type object_size_estimation
# Stage 2, chains of thought: every program's account; the first stage's rows go on at a tenth.
step "$OUT/rows2" export sft "$OUT/rows2" --run "$OUT/exact" --layout own
step "$OUT/pairs" export preferences "$OUT/pairs" --run "$OUT/exact" --run "$OUT/lacking" --layout own
step "$OUT/prompts" export grpo "$OUT/prompts" --run "$OUT/exact"
if [ -n "${TINY:-}" ] && [ ! -e "$OUT/tiny" ]; then
  "$PYTHON" -c "
from pathlib import Path
from surveyor.training.models.tiny import make_tiny
make_tiny(Path('$OUT/tiny'), ['count(filter(scene(), chair)) -> 2 objects: obj_1, obj_2'])"
fi
CHECKPOINT=${CHECKPOINT:-$OUT/tiny}
surveyor train sft "$CHECKPOINT" "$OUT/stage1" --data "$OUT/rows1" --steps "$STEPS" --lora "$LORA"
surveyor train sft "$OUT/stage1/model" "$OUT/stage2" --data "$OUT/rows2" --data "$OUT/rows1:0.1" \
  --steps "$STEPS" --lora "$LORA"
# Stage 3, reinforcement with the real tools; clip 0.2 below and 0.28 above (surveyor/training/grpo).
surveyor train grpo "$OUT/stage2/model" "$OUT/stage3" --prompts "$OUT/prompts" \
  --dataset "$OUT/rooms" --preset perfect --steps "$GRPO_STEPS" --group "$GROUP" \
  --reward answer --reward boxes --reward format:0.1 \
  --completion "$completion" --lora "$LORA"
