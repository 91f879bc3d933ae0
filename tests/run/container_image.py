"""An image for the tests of containers: this machine's shell, a few of its tools and the libraries they need, imported
as a root filesystem. Nothing is fetched."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import pytest

from luthier.run.containers_engine import Engine, find_engine

TOOLS = ("sh", "sleep", "cat", "env", "id", "mkdir", "touch", "ls", "dd", "tail", "true")
NAME = "luthier-test-image:1"


@cache
def engine() -> Engine:
    """The container engine of this machine; a test that needs one is skipped, with the reason, where none works."""
    found = find_engine()
    if found.engine is None:
        pytest.skip(f"no container engine works here: {found.why}")
    if found.engine.kind != "podman":
        pytest.skip(f"these tests look at podman's processes, and the engine here is {found.engine}")
    return found.engine


@cache
def image() -> str:
    """The name of the image, made once."""
    words = engine().words("image", "inspect", NAME)
    if subprocess.run(words, capture_output=True).returncode:
        subprocess.run(engine().words("import", "-", NAME), input=_archive(), capture_output=True, check=True)
    return NAME


def _archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for folder in ("bin", "tmp", "etc", "proc", "sys", "dev"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
        libraries: set[str] = set()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            said = subprocess.run(["ldd", found], capture_output=True, text=True).stdout
            libraries |= set(re.findall(r"(/\S+)", said))
            _add(tar, found, f"bin/{tool}")
        for library in sorted(libraries):
            _add(tar, library, library.lstrip("/"))
    return made.getvalue()


def _add(tar: tarfile.TarFile, source: str, name: str) -> None:
    content = Path(source).resolve().read_bytes()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755
    tar.addfile(entry, io.BytesIO(content))


def containers() -> list[str]:
    """The names of all containers the engine knows, running or not."""
    words = engine().words("ps", "--all", "--format", "{{.Names}}")
    return subprocess.run(words, capture_output=True, text=True).stdout.split()


def forget_installed() -> None:
    """Removes the images that install commands made of ours."""
    words = engine().words("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"since={NAME}")
    names = subprocess.run(words, capture_output=True, text=True).stdout.split()
    made = [name for name in names if "/luthier-install:" in name]
    if made:
        subprocess.run(engine().words("rmi", "--force", *made), capture_output=True)
