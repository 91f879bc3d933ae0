#!/usr/bin/env bash
# Makes the virtual environment .venv with every package at the version and hash of requirements/dev.txt, and Luthier
# itself in place. `make` calls it when the lock or pyproject.toml changed; the stamp is written last, so an install
# that was cut short begins again.
#
#   tools/install.sh STAMP
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=$1

say() { printf '%s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

fits() { # a Python that can run Luthier
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' 2>/dev/null
}

makes_venvs() { # Debian packs venv and ensurepip apart from Python
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.11 python3 python3.12 python3.13; do
        if command -v "$candidate" >/dev/null && fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

from_debian() {
    command -v apt-get >/dev/null || return 1
    say "installing python3-venv from Debian's packages"
    as_root apt-get update -qq >/dev/null && as_root apt-get install -qq -y --no-install-recommends python3 python3-venv >/dev/null
}

with_containers() { # for the tests that run containers; they are skipped, and say so, where this is refused
    command -v podman >/dev/null && return
    if [ -f /etc/debian_version ] && command -v apt-get >/dev/null; then
        say "installing podman and runc from Debian's packages, for the tests of containers"
        { as_root apt-get update -qq && as_root apt-get install -qq -y --no-install-recommends podman runc; } >/dev/null 2>&1 && return
    fi
    say "podman could not be installed: the tests that run containers will be skipped"
}

with_postgres() { # for the tests of the store on PostgreSQL, which start a server of their own
    if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null; then return; fi
    if [ -f /etc/debian_version ] && command -v apt-get >/dev/null; then
        say "installing postgresql from Debian's packages, for the tests of the store on PostgreSQL"
        # Debian's package makes and starts a cluster of the system's own, which nobody asked for.
        { as_root apt-get update -qq && as_root apt-get install -qq -y --no-install-recommends postgresql-common &&
            as_root sed -i -E 's/^#? *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf &&
            as_root apt-get install -qq -y --no-install-recommends postgresql; } >/dev/null 2>&1 && return
    fi
    say "PostgreSQL could not be installed: the tests of the store on PostgreSQL will be skipped"
}

with_checkers() { # for the tests of examples/workers; those whose checker is missing are skipped, and say so
    local missing=()
    command -v shellcheck >/dev/null || missing+=(shellcheck)
    command -v systemd-analyze >/dev/null || missing+=(systemd)
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ -f /etc/debian_version ] && command -v apt-get >/dev/null; then
        say "installing ${missing[*]} from Debian's packages, for the tests of examples/workers"
        { as_root apt-get update -qq && as_root apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 && return
    fi
    say "${missing[*]} could not be installed: the tests that check examples/workers with it will be skipped"
}

with_browser() { # for the tests of the dashboard's page; they are skipped, and say so, where this is refused
    if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then return; fi
    if [ -f /etc/debian_version ] && command -v apt-get >/dev/null; then
        say "installing chromium from Debian's packages, for the tests of the dashboard's page"
        { as_root apt-get update -qq && as_root apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1 && return
    fi
    say "chromium could not be installed: the tests of the dashboard's page in a browser will be skipped"
}

python=$(find_python || true)
if [ -z "$python" ] || ! makes_venvs "$python"; then
    from_debian || { say "Luthier needs Python 3.11 or newer with venv, and none was found; install it and try again"; exit 1; }
    python=$(find_python) || { say "Luthier needs Python 3.11 or newer; install it, or name one: make PYTHON=..."; exit 1; }
    makes_venvs "$python" || { say "$python can't make virtual environments; name another: make PYTHON=..."; exit 1; }
fi

if ! .venv/bin/python -c 'import pip' 2>/dev/null || ! fits .venv/bin/python; then
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
say "installing what requirements/dev.txt pins (once)"
quiet=(--quiet --disable-pip-version-check --no-input)
.venv/bin/python -m pip install "${quiet[@]}" --require-hashes --only-binary :all: -r requirements/dev.txt 2> >(grep -v '^WARNING: Location' >&2)
.venv/bin/python -m pip install "${quiet[@]}" --no-deps --no-build-isolation --no-index -e .
with_containers
with_postgres
with_checkers
with_browser
rm -f .venv/.installed-*
touch "$stamp"
