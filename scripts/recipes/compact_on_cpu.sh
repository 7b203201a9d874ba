#!/usr/bin/env bash
# The whole loop on a CPU: rooms -> the teacher's rollouts -> a compact agent -> serve -> evaluate.
# Every step is kept, so the same command again goes on where it was.
#   scripts/recipes/compact_on_cpu.sh [FOLDER]            the real thing
#   ROOMS=4 TEST=4 STEPS=60 scripts/recipes/compact_on_cpu.sh out/try     to see the road
set -emuo pipefail  # -m: what runs beside is a group of processes, which ends with this script
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
OUT=${1:-out/compact}
ROOMS=${ROOMS:-80} TEST=${TEST:-60} STEPS=${STEPS:-4800} PORT=${PORT:-8010}
PYTHON=${PYTHON:-python}
surveyor() { "$PYTHON" -m surveyor.cli.main "$@"; }
mkdir -p "$OUT"

# Rooms for training and others for testing: no scene is in both.
small=(--frames 16 --width 160 --height 120)
surveyor rooms make "$OUT/train" --rooms "$ROOMS" --seed 0 --per-type 3 --split train "${small[@]}"
surveyor rooms make "$OUT/test" --rooms "$TEST" --seed 9200 --per-type 1 --split test "${small[@]}"

# The teacher: the plain way of looking, and drawn workflows with the skill that asks for each.
# From here on two things at a time, one a core.
{
  surveyor train rollouts "$OUT/train" "$OUT/runs/drawn" --preset perfect --drawn 1 --limit 700
  surveyor train rollouts "$OUT/test" "$OUT/eval/teacher-plain" --preset perfect
} &
lane=$!
trap 'kill -- -$lane 2> /dev/null || true' EXIT
surveyor train rollouts "$OUT/train" "$OUT/runs/plain" --preset perfect --limit 300
surveyor train rollouts "$OUT/train" "$OUT/runs/real" --preset realistic --drawn 2 --limit 260
wait $lane

shape=(--layers 3 --width 96)
evaluate() { "$PYTHON" scripts/recipes/evaluate_compact.py "$OUT/$1/model" "$OUT/test" "${@:2}"; }

# Beside the agent: GRPO. An agent that saw many ways of looking and was told none
# finds out which ones pay.
reinforced() {
  [ -e "$OUT/habits/model" ] || surveyor train compact "$OUT/habits" --steps 500 "${shape[@]}" \
    --reworded 0 --strange 0 --beginnings 0 --untold 1 --run "$OUT/runs/drawn"
  [ -e "$OUT/grpo/model" ] || surveyor train reinforce "$OUT/habits/model" "$OUT/grpo" \
    --dataset "$OUT/train" --steps 16 --groups 6 --group 6 --rate 5e-4 --price 0.05
  for agent in habits grpo; do
    evaluate $agent "$OUT/eval-$agent" --only plain --temperature 1 --price 0.05 \
      --beside "$OUT/eval" --against "$OUT/eval-habits/compact-plain"
  done
}
reinforced > "$OUT/grpo.log" 2>&1 &
lane=$!

# The agent.
[ -e "$OUT/agent/model" ] || surveyor train compact "$OUT/agent" --steps "$STEPS" "${shape[@]}" \
  --run "$OUT/runs/plain" --run "$OUT/runs/drawn" --run "$OUT/runs/real"

# It drives the same loop as any model, over HTTP.
"$PYTHON" -m surveyor.cli.main serve-model "$OUT/agent/model" --port "$PORT" --name compact &
server=$!
trap 'kill -- -$server -$lane 2> /dev/null || true' EXIT
until curl -sf "http://127.0.0.1:$PORT/v1/models" | grep -q compact; do kill -0 $server; sleep 1; done
cat > "$OUT/run.toml" <<TOML
dataset = "$OUT/test"
planner = "chat"
[planner_options]
model = "compact"
base_url = "http://127.0.0.1:$PORT/v1"
sampling = { temperature = 0 }
capabilities = { images = false }
[expert_options]
preset = "perfect"
TOML
surveyor run --config "$OUT/run.toml" --out "$OUT/runs/compact" --limit 40
kill $server && wait $server || true
trap 'kill -- -$lane 2> /dev/null || true' EXIT

# By parts, beside the teacher: all test rooms plain, with realistic experts, unseen names, other
# words, three sets of words held out, workflows held out, and the skill removed.
evaluate agent "$OUT/eval" --workers 2
wait $lane || { cat "$OUT/grpo.log"; exit 1; }
cat "$OUT/grpo.log"
"$PYTHON" -m tests.claims.training.agent "$OUT/eval"
times  # user and system time, of this shell and of all that it ran
echo "$((SECONDS / 60)) minutes in all"
