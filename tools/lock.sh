#!/usr/bin/env bash
# Pins every package Luthier needs with the hashes of all its files: to run and to be developed in requirements/dev.txt,
# to be compared with its peers in requirements/bench*.txt. uv is fetched into a temporary environment; no index or path
# is written to the locks.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check uv
mkdir -p requirements

lock() { # NAME WHO-INSTALLS-IT WHAT-OF-PYPROJECT OPTION...
    local name=$1 who=$2
    shift 2
    # The old lock is where uv begins, so that only what has to change does; LOCK_OPTIONS=--upgrade renews everything.
    if [ -f "requirements/$name.txt" ]; then cp "requirements/$name.txt" "$scratch/$name.txt"; fi
    # shellcheck disable=SC2086
    "$scratch/venv/bin/uv" pip compile "$@" --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet \
        --output-file "$scratch/$name.txt" ${LOCK_OPTIONS:-} >/dev/null
    {
        echo "# Written by \`make lock\` from pyproject.toml: what $who installs, with the hashes of all files. Do not edit."
        cat "$scratch/$name.txt"
    } > "requirements/$name.txt"
}

printf 'torch\n' > "$scratch/torch.txt"
lock dev '`make`' pyproject.toml --universal --group dev --group integrations --extra pandas --extra parquet --extra plot --extra postgres --extra s3
# What both need has the same version in both, so that one can be installed upon the other.
lock integrations-torch '`make nightly`' pyproject.toml --universal --group integrations-torch \
    --constraints requirements/dev.txt --excludes "$scratch/torch.txt"
lock bench '`make bench`' pyproject.toml --universal --group bench --constraints requirements/dev.txt
# Ax's environment has all of bench besides; HEBO's has nothing of Luthier's and is for one Python.
lock bench-ax '`make bench-ax`' pyproject.toml --universal --group bench --group bench-ax \
    --constraints requirements/bench.txt --excludes "$scratch/torch.txt"
lock bench-hebo '`make bench-hebo`' --group pyproject.toml:bench-hebo --excludes "$scratch/torch.txt"
