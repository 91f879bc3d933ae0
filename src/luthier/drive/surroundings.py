"""What a command meets on this machine, read from files: its Python and packages, its variables, the machine.

No process is started for any of it. Nothing that may hold a password is read: of the environment only the variables that
change what programs compute. The repository its code is in is `repository.py`'s.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from luthier.description import Command
from luthier.run.environment import THREAD_CAPS
from luthier.run.platform import cores

__all__ = ["machine", "own_version", "python_of", "variables_of"]

_PYTHON = re.compile(r"(python|pypy)\d*(\.\d+)?t?$")
_MATTERS = (
    "PYTHONHASHSEED",
    "PYTHONPATH",
    "PYTHONNOUSERSITE",
    "CUDA_VISIBLE_DEVICES",
    "CUBLAS_WORKSPACE_CONFIG",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "XLA_FLAGS",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "CONDA_DEFAULT_ENV",
    "LANG",
    "LC_ALL",
    "TZ",
    *THREAD_CAPS,
)


def variables_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Those of an environment's variables that change what programs compute."""
    return {name: environment[name] for name in _MATTERS if name in environment}


# ------------------------------------------------------------------ Python


def python_of(command: Command | None, environment: Mapping[str, str]) -> dict[str, Any] | None:
    """The Python a command runs with (None: of this process), its version and packages; None where it is no Python's."""
    if command is None:
        found: str | None = sys.executable
    else:
        found = next(
            filter(None, (_interpreter(word, command, environment) for word in _words(command))), None
        )
    if found is None:
        return None
    prefix = os.path.dirname(os.path.dirname(found))
    settings = _venv(prefix)
    version = settings.get("version_info") or settings.get("version") or _version(found, prefix)
    return {
        "executable": found,
        "version": ".".join(version.split(".")[:3]) if version else None,
        "packages": _packages(found, prefix, settings),
    }


def _words(command: Command) -> Iterator[str]:
    """The words that may be its program: the first ones, for `time python train.py` and `srun -n1 python train.py`."""
    words: list[str] = list(command.words)
    if command.shell:
        try:
            words = shlex.split(words[0], comments=True)
        except ValueError:
            words = words[0].split()
    yield from words[:12] if command.shell else words[:6]


def _interpreter(word: str, command: Command, environment: Mapping[str, str]) -> str | None:
    """The Python behind a word: itself, or what its first line names."""
    if word.startswith("-") or ":" in word or "{{" in word:
        return None
    if "/" in word:
        path: str | None = os.path.join(command.directory, word)
    else:
        path = _which(word, environment.get("PATH"))
    if path is None or not os.path.isfile(path):
        return None
    path = _behind_shim(os.path.normpath(path), command.directory, environment)
    if _PYTHON.match(os.path.basename(path)):
        return path
    try:
        with open(path, "rb") as file:
            first = file.readline(256)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    parts = os.fsdecode(first[2:]).split()
    if parts and os.path.basename(parts[0]) == "env":
        parts = [found for part in parts[1:] if (found := _which(part, environment.get("PATH")))]
    is_python = parts and os.path.isabs(parts[0]) and _PYTHON.match(os.path.basename(parts[0]))
    return os.path.normpath(parts[0]) if is_python else None


def _which(name: str, path: str | None) -> str | None:
    """The program of this name on a PATH; `shutil.which` without the milliseconds of loading it."""
    for folder in (path or os.defpath).split(os.pathsep):
        place = os.path.join(folder, name)
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return None


def _behind_shim(path: str, directory: str, environment: Mapping[str, str]) -> str:
    """The Python that pyenv's stand-in of this path starts; the path itself where it is none, or that can't be told."""
    shims, name = os.path.split(path)
    root = os.path.dirname(shims)
    if os.path.basename(shims) != "shims" or not os.path.isdir(f"{root}/versions"):
        return path
    named = environment.get("PYENV_VERSION", "")
    places = [*(f"{folder}/.python-version" for folder in (directory, *map(str, Path(directory).parents)))]
    for place in (*places, f"{root}/version"):
        if not named:
            with suppress(OSError, UnicodeDecodeError):
                named = Path(place).read_text(encoding="utf-8").strip()
    for version in named.replace(":", "\n").split():
        if os.path.isfile(found := f"{root}/versions/{version}/bin/{name}"):
            return found
        if version == "system":
            others = os.pathsep.join(p for p in environment.get("PATH", "").split(os.pathsep) if p != shims)
            return _which(name, others) or path
    return path


def _venv(prefix: str) -> dict[str, str]:
    """What pyvenv.cfg says; empty for a Python that is no virtual environment."""
    settings = {}
    with suppress(OSError, UnicodeDecodeError), open(f"{prefix}/pyvenv.cfg", encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition("=")
            settings[name.strip().lower()] = value.strip()
    return settings


def _version(found: str, prefix: str) -> str | None:
    real = os.path.realpath(found)
    if real == os.path.realpath(sys.executable):
        return ".".join(map(str, sys.version_info[:3]))
    if (full := re.fullmatch(r"\d+\.\d+\.\d+\w*", os.path.basename(prefix))) is not None:
        return full[0]  # as pyenv names its folders
    for path in Path(prefix, "conda-meta").glob("python-[0-9]*.json"):
        return path.name.split("-")[1]
    named = re.search(r"(\d+\.\d+)t?$", os.path.basename(real))
    return named[1] if named else None


def _packages(found: str, prefix: str, settings: Mapping[str, str]) -> dict[str, str]:
    """The packages in its folders, by the names of what installers leave there."""
    prefixes = [prefix]
    if not settings or settings.get("include-system-site-packages", "").lower() == "true":
        prefixes.append(os.path.dirname(os.path.dirname(os.path.realpath(found))))
    packages: dict[str, str] = {}
    for folder in _site_folders(prefixes):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            stem, dot, kind = name.rpartition(".")
            if dot and kind in ("dist-info", "egg-info"):
                package, dash, rest = stem.partition("-")
                version = rest.partition("-py")[0] if kind == "egg-info" else rest
                if dash:
                    packages.setdefault(re.sub(r"[-_.]+", "-", package).lower(), version)
    return dict(sorted(packages.items()))


def _site_folders(prefixes: list[str]) -> Iterator[str]:
    """Where a Python looks for packages, the nearest first."""
    for prefix in dict.fromkeys(prefixes):
        for base in (prefix, f"{prefix}/local"):
            for lib in ("lib", "lib64"):
                if os.path.islink(f"{base}/{lib}") and lib == "lib64":
                    continue
                for path in sorted(Path(base, lib).glob("python3*")) + sorted(Path(base, lib).glob("pypy3*")):
                    yield f"{path}/site-packages"
                    yield f"{path}/dist-packages"


def own_version() -> str:
    """Luthier's own version, by the name of what its installer left: what reads it elsewhere takes 20 ms to load."""
    for folder in sys.path:
        with suppress(OSError):
            for name in os.listdir(folder or "."):
                if name.startswith("luthier-") and name.endswith(".dist-info"):
                    return name.removeprefix("luthier-").removesuffix(".dist-info")
    return ""


# ------------------------------------------------------------------ machine


def machine() -> dict[str, Any]:
    """This machine: its name, system, memory and GPUs, and the cores that this process and its trials may use."""
    uname = os.uname()
    try:
        memory: int | None = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        memory = None
    return {
        "host": uname.nodename,
        "system": f"{uname.sysname} {uname.release}",
        "processor": uname.machine,
        "cpus": cores(),
        "memory_bytes": memory,
        "gpus": _gpus(),
    }


def _gpus() -> list[str]:
    """The names of NVIDIA's GPUs, as its driver's own files have them."""
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with suppress(OSError, UnicodeDecodeError):
            for line in path.read_text(encoding="utf-8").splitlines():
                name, _, value = line.partition(":")
                if name.strip() == "Model":
                    names.append(value.strip())
    return names
