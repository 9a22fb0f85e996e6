#!/bin/bash
# bash run.sh PART...: train, tests, extraction, in the order given, in the folder that make.py wrote.
#   OUT      where results go (default ./results): a tar of models per architecture, extraction.json, bare_machine.log
#   MINUTES  time for the ten trainings, all side by side (default 3.3; some 20 s of report follow)
#   SEEDS    which seeds (default 0-4)
here=$(cd "$(dirname "$0")" && pwd)
OUT=$(mkdir -p "${OUT:-$here/results}" && cd "${OUT:-$here/results}" && pwd)
tree=$here/tree site=$here/site work=$here/work
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1
export TORCHINDUCTOR_COMPILE_THREADS=1 # a pool of compilers would be forked beside the processes that draw questions

unpack() {
  [ -d "$tree" ] || { mkdir -p "$tree" && tar xf "$here/tree.tar" -C "$tree"; }
  [ -d "$site" ] && return
  mkdir -p "$here/wheels" && tar xf "$here/wheels.tar" -C "$here/wheels"
  python3 -m pip install -q --no-index --no-deps --no-compile --target "$site" "$here"/wheels/*.whl
}

seconds_left() { echo $(($1 - $(date +%s))); }

# One architecture. What crashes is resumed, without graphs and compiler, in the time that is left.
train_one() {
  local model=$1 end=$2 options="" left
  for _ in 1 2; do
    left=$(seconds_left "$end")
    [ "$left" -ge 20 ] || return 1
    (cd "$tree" && timeout -k 5 $((left + 75)) python3 -m analysis_lib.worlds.mini.training --model "$model" \
      --seeds "${SEEDS:-0-4}" --device "${DEVICE:-cuda}" --minutes "$(awk "BEGIN {print $left / 60}")" \
      --workers "${WORKERS:-6}" --output "$work/models" --work "$work/checkpoints" $options ${TRAIN_OPTIONS:-} 2>&1 \
      | sed -u "s/^/$model /"; exit "${PIPESTATUS[0]}") && return 0
    options="--no-graph --no-fusion"
    echo "$model: a step at a time"
  done
}

train() {
  local end model models="mini-llava-1.5 mini-llava-1.6"
  end=$(($(date +%s) + $(awk "BEGIN {print int(60 * ${MINUTES:-3.3})}")))
  for model in $models; do train_one "$model" "$end" & done
  wait
  for model in $models; do tar cf "$OUT/$model.tar" -C "$work/models" $(cd "$work/models" && ls -d "$model"-seed-*); done
}

tests() {
  (cd "$tree" && PYTHONPATH=$site timeout -k 5 "${TESTS_SECONDS:-110}" python3 -m pytest -q -m gpu --timeout 60 \
    -p no:cacheprovider --durations 8 tests/unit/activations tests/unit/pid tests/unit/rehearsal)
}

extraction() {
  (cd "$tree" && PYTHONPATH=$site timeout -k 5 "${EXTRACTION_SECONDS:-90}" \
    python3 -m analysis_lib.rehearsal "$OUT/extraction.json")
}

for part in "$@"; do
  start=$SECONDS
  echo "== $part"
  unpack
  "$part"
  echo "== $part took $((SECONDS - start)) s"
done 2>&1 | tee -a "$OUT/bare_machine.log"
