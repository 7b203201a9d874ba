#!/usr/bin/env bash
# A small language model on one thread of a CPU drives the tools: embedded rooms, perfect experts.
#   scripts/recipes/small_model_on_cpu.sh MODEL.gguf LLAMA_SERVER [FOLDER]
# MODEL.gguf is any instruct model (ours: Qwen2.5-Coder-0.5B-Instruct, Q4_K_M), LLAMA_SERVER is llama.cpp's
# llama-server. WAYS names the ways of calling to try; every run is resumed by the same command.
set -euo pipefail
GGUF=$1 SERVER=$2 OUT=${3:-out/small-model}
ROOMS=${ROOMS:-12} SEED=${SEED:-73000} PORT=${PORT:-8091} WAYS=${WAYS:-"native grammar"} LIMIT=${LIMIT:-100}
PYTHON=${PYTHON:-python} NAME=$(basename "${GGUF%.gguf}")
surveyor() { "$PYTHON" -m surveyor.cli.main "$@"; }
mkdir -p "$OUT"

surveyor rooms make "$OUT/rooms" --rooms "$ROOMS" --seed "$SEED" --per-type 1 --frames 12 --width 160 --height 120

# One thread and one slot: the prompt's first part is read once and kept for every later question.
# Without --poll 0 and with more threads a busy machine gets ten times slower.
export LD_LIBRARY_PATH="$(dirname "$SERVER")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
"$SERVER" -m "$GGUF" --jinja -t 1 -tb "${BATCH_THREADS:-1}" --poll 0 -c 16384 -np 1 --host 127.0.0.1 --port "$PORT" \
  > "$OUT/server.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
until curl -sf "http://127.0.0.1:$PORT/health" > /dev/null; do
  kill -0 $server || { tail -5 "$OUT/server.log"; exit 1; }
  sleep 1
done

for way in $WAYS; do
  case $way in
    native)  can='images = false, dialect = "native"' options=() ;;
    grammar) can='images = false, dialect = "grammar", constraint = "llamacpp", parallel_calls = false'
             options=(--tools measure --profile short) ;;
    *)       echo "WAYS takes native and grammar, not $way"; exit 2 ;;
  esac
  cat > "$OUT/$way.toml" <<TOML
dataset = "$OUT/rooms"
planner = "chat"
concurrency = 1
limit = $LIMIT
[planner_options]
model = "$NAME"
base_url = "http://127.0.0.1:$PORT/v1"
sampling = { temperature = 0, max_tokens = ${TOKENS:-200}, cache_prompt = true }
timeout = 1800
patience = 3600
capabilities = { $can }
[limits]
turns = ${TURNS:-6}
wall = 36000  # reading the first prompt alone may take a quarter of an hour
[expert_options]
preset = "perfect"
TOML
  surveyor run --config "$OUT/$way.toml" --out "$OUT/runs/$way" "${options[@]}"
done
