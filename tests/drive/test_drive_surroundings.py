"""What a command meets is read from files: the right Python, the repository without what signs in, the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from luthier.description import Command
from luthier.drive.fitting import means_of
from luthier.drive.repository import git_of, without_credentials
from luthier.drive.surroundings import (
    machine,
    own_version,
    python_of,
    variables_of,
)
from luthier.run.platform import cores


def git(folder: Path, *words: str) -> str:
    name = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", "-C", str(folder), *name, *words], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("1")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def test_a_repository_is_read_as_git_tells_it(repository: Path, tmp_path: Path) -> None:
    git(repository, "remote", "add", "origin", "https://me:secret@example.org/x/y.git?token=1")
    git(repository, "checkout", "-q", "-b", "feature/one")
    found = git_of(str(repository / "sub"))
    head = git(repository, "rev-parse", "HEAD")
    assert found == {
        "root": str(repository),
        "commit": head,
        "branch": "feature/one",
        "remote": "https://example.org/x/y.git",
        "dirty": False,
    }
    git(repository, "pack-refs", "--all")
    (repository / "a").write_text("2")
    again = git_of(str(repository))
    assert again is not None and (again["commit"], again["dirty"]) == (head, True)
    git(repository, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    tree = git_of(str(tmp_path / "tree"))
    assert tree is not None
    assert (tree["commit"], tree["branch"], tree["remote"]) == (head, None, found["remote"])


def test_a_repository_without_a_commit_and_a_folder_without_a_repository(tmp_path: Path) -> None:
    assert git_of(str(tmp_path)) is None
    git(tmp_path, "init", "-q")
    found = git_of(str(tmp_path))
    assert found is not None and (found["commit"], found["branch"], found["remote"]) == (None, "main", None)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://user:pass@host/x.git", "https://host/x.git"),
        ("https://token@host:8443/x.git", "https://host:8443/x.git"),
        ("ssh://git:pw@host/x", "ssh://host/x"),
        ("git@host:x/y.git", "git@host:x/y.git"),
        ("/srv/x.git", "/srv/x.git"),
        ("https://host/x?private_token=1#a", "https://host/x"),
    ],
)
def test_no_credentials_are_kept(address: str, kept: str) -> None:
    assert without_credentials(address) == kept


def program(path: Path, first: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{first}\n")
    path.chmod(0o755)
    return path


def test_the_python_is_the_one_the_command_uses(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    python = program(venv / "bin/python3", "")
    (venv / "pyvenv.cfg").write_text(
        "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.12.4\n"
    )
    site = venv / "lib/python3.12/site-packages"
    for name in ("Foo_Bar-1.2.dist-info", "old.thing-0.1-py3.12.egg-info", "not-a-package", "_x.dist-info"):
        (site / name).mkdir(parents=True)
    program(tmp_path / "bin/train", f"#!{python}")
    program(tmp_path / "bin/other", "#!/usr/bin/env python3")
    program(tmp_path / "bin/plain", "#!/bin/sh")
    path = {"PATH": f"{venv}/bin:{tmp_path}/bin"}
    wanted = {
        "executable": str(python),
        "version": "3.12.4",
        "packages": {"foo-bar": "1.2", "old-thing": "0.1"},
    }
    here = str(tmp_path)
    for words in (
        ("python3", "train.py"),
        ("venv/bin/python3", "x"),
        ("train", "--a"),
        ("other",),
        ("nice", "-n", "5", "python3", "x"),
    ):
        assert python_of(Command(words, here), path) == wanted, words
    assert python_of(Command(("cd x && python3 y.py",), here, shell=True), path) == wanted
    assert python_of(Command(("plain", ":a:"), here), path) is None
    assert python_of(Command(("{{program}}", "x"), here), path) is None
    shim = program(tmp_path / "pyenv/shims/python3", "#!/bin/sh")
    real = program(tmp_path / "pyenv/versions/3.10.1/bin/python3", "")
    (tmp_path / "pyenv/version").write_text("3.10.1\n")
    found = python_of(Command((str(shim), "x"), here), {})
    assert found is not None and (found["executable"], found["version"]) == (str(real), "3.10.1")
    own = python_of(None, {})
    assert own is not None and own["executable"] == sys.executable and "pytest" in own["packages"]


def test_of_the_environment_only_what_changes_numbers_is_kept() -> None:
    given = {"AWS_SECRET_ACCESS_KEY": "x", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "0", "HOME": "/root"}
    assert variables_of(given) == {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "0"}


def test_cores_are_those_that_trials_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a batch job or a container, those of the whole machine would have a worker take what it can't run."""
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {3}, raising=False)
    assert (machine()["cpus"], means_of(()).cpus) == (1, 1)


def test_the_machine_and_the_version() -> None:
    here = machine()
    assert here["host"] == os.uname().nodename and here["cpus"] == cores() and here["memory_bytes"] > 2**20
    from luthier import __version__

    assert own_version() == __version__
