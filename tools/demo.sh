#!/usr/bin/env bash
# The demo: a ready project, a check, a search of 24 trials on two slots that learns, and the best of them. It works in
# ./demo, which it makes anew each time.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
type_and_run() {
    printf '%s$' "$bold"
    printf ' %q' "$@"
    printf '%s\n' "$plain"
    "$@"
}

if [ -e demo ] && [ ! -e demo/.made-by-make-demo ]; then
    echo "the folder demo is not one that \`make demo\` made; move it away first" >&2
    exit 2
fi
rm -rf demo
mkdir demo
touch demo/.made-by-make-demo
cd demo

step "A ready project: an SVM on handwritten digits."
type_and_run luthier template get digits
cd digits

step "Is everything wired? One trial is run and examined."
type_and_run luthier check --params space.yaml --metric accuracy --as-args -- python train.py

step "24 trials, two at a time, each chosen by what the others taught."
type_and_run luthier tune --num-runs 24 --parallel-runs 2 --params space.yaml --metric accuracy --no-check \
    --as-args -- python train.py

step "All of them, best first, and the best with its command."
type_and_run luthier show --sort accuracy
type_and_run luthier best

cat <<END

${bold}What to try next${plain}, in demo/digits (its README has more):

  source ../../.venv/bin/activate
  luthier tune --num-runs 40 --parallel-runs 2 --params space.yaml --metric accuracy --as-args -- python train.py
                               the same command with a larger number: the search goes on from 24.
                               Interrupt it with Ctrl-C and type it again; nothing is lost
  luthier explain 1.20         why trial 20 was tried: what was believed then, along each parameter
  luthier best 1 --confirm 5   the leaders again with fresh seeds: is the winner real?
  luthier replay 1             every proposal computed again from the record
  luthier logs 1.1             what the first trial printed
  luthier export --help        the trials as CSV, JSON or Parquet

And your own program: luthier check --param rate=.001:1:log --metric accuracy -- python train.py --rate :rate:
END
