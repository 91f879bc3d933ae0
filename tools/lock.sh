#!/usr/bin/env bash
# Pins every package Luthier needs, to run and to be developed, with the hashes of all its files, in
# requirements/dev.txt. uv is fetched into a temporary environment; no index or path is written to the lock.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check uv
mkdir -p requirements
# The old lock is where uv begins, so that only what has to change does; LOCK_OPTIONS=--upgrade renews everything.
if [ -f requirements/dev.txt ]; then cp requirements/dev.txt "$scratch/dev.txt"; fi
# shellcheck disable=SC2086
"$scratch/venv/bin/uv" pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet \
    --output-file "$scratch/dev.txt" ${LOCK_OPTIONS:-} >/dev/null
{
    echo "# Written by \`make lock\` from pyproject.toml: what \`make\` installs, with the hashes of all files. Do not edit."
    cat "$scratch/dev.txt"
} > requirements/dev.txt
