#!/usr/bin/env bash
# APEIRIA's three stages with a compact agent that writes programs, on a CPU, from scratch:
# perception alignment (how many, how long) -> accounts with relations -> GRPO by the boxes' reward.
#   scripts/recipes/program_stages_on_cpu.sh [FOLDER]
# Every stage plays the same referring expressions in rooms that no stage saw, by the real runner:
# the last lines are Acc@0.25 of each. Reference experts know the truth, so the numbers are of the agent
# that plans, not of perception. The same command again goes on.
set -euo pipefail
OUT=${1:-out/stages}
ROOMS=${ROOMS:-24} TEST=${TEST:-44} CHAINS=${CHAINS:-40} UPDATES=${UPDATES:-24}
LOOKS_STEPS=${LOOKS_STEPS:-200} CHAIN_STEPS=${CHAIN_STEPS:-800}
PORT=${PORT:-8011} PYTHON=${PYTHON:-python}
surveyor() { "$PYTHON" -m surveyor.cli.main "$@"; }
step() { [ -e "$1" ] || { shift; surveyor "$@"; }; }
mkdir -p "$OUT/runs"

small=(--frames 4 --width 64 --height 48)
looks=(--type object_counting --type object_size_estimation)
step "$OUT/train" rooms make "$OUT/train" --rooms "$ROOMS" --seed 0 --per-type 8 --split train \
  "${small[@]}" "${looks[@]}" --type scanrefer
step "$OUT/test" rooms make "$OUT/test" --rooms "$TEST" --seed 7100 --per-type 4 --split test \
  "${small[@]}" --type scanrefer

# The teacher: it asks the table of objects and lets the tool `program` compute.
surveyor train rollouts "$OUT/train" "$OUT/runs/looks" --written "${looks[@]}"
surveyor train rollouts "$OUT/train" "$OUT/runs/chains" --written --type scanrefer --limit "$CHAINS"
surveyor train rollouts "$OUT/test" "$OUT/runs/teacher" --written

shape=(--layers 3 --width 96 --batch 4 --reworded 0 --strange 0)
step "$OUT/stage1/model" train compact "$OUT/stage1" --steps "$LOOKS_STEPS" "${shape[@]}" \
  --run "$OUT/runs/looks"
step "$OUT/stage2/model" train compact "$OUT/stage2" --start "$OUT/stage1/model" \
  --steps "$CHAIN_STEPS" "${shape[@]}" --run "$OUT/runs/looks" --run "$OUT/runs/chains"
step "$OUT/stage3/model" train reinforce "$OUT/stage2/model" "$OUT/stage3" --dataset "$OUT/train" \
  --type scanrefer --reward boxes --reward format:0.1 --steps "$UPDATES" --groups 6 --group 6 --rate 5e-4

for stage in 1 2 3; do
  "$PYTHON" -m surveyor.cli.main serve-model "$OUT/stage$stage/model" --port "$PORT" --name "stage$stage" &
  server=$!
  trap 'kill $server' EXIT
  until curl -sf "http://127.0.0.1:$PORT/v1/models" | grep -q "stage$stage"; do kill -0 $server; sleep 1; done
  cat > "$OUT/run.toml" <<TOML
dataset = "$OUT/test"
planner = "chat"
tools = ["single", "scene", "program"]
[planner_options]
model = "stage$stage"
base_url = "http://127.0.0.1:$PORT/v1"
sampling = { temperature = 0 }
capabilities = { images = false }
[expert_options]
preset = "perfect"
TOML
  surveyor run --config "$OUT/run.toml" --out "$OUT/runs/stage$stage"
  kill $server; wait $server 2> /dev/null || true
done
trap - EXIT
"$PYTHON" -m tests.claims.companions.stages "$OUT"
