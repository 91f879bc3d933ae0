"""Starts kaos's `train` for one attempt, where no container does: lays out what it expects to find and becomes it.

It finds its code in a copy of its own (the folder it runs in), the data at `pfs/data/NAME` and its hyperparameters as the
only JSON file below `pfs/hyper`. The folder `pfs` is named by the variable PFS, and wherever a text file of the code says
`/pfs` the copy says that folder, so that a program written for a container runs as it is. What it writes to
OUTPUT/metrics/metrics.json is where Luthier looks for metrics, too.

This file is run by itself (`python -IS start.py JOB`), so it imports the standard library only.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["file_name"]

_LARGEST_TEXT = 1 << 20
_PFS = re.compile(rb"(?<![\w./-])/pfs(?![\w-])")
_LONGEST_NAME = 200


def file_name(texts: Mapping[str, str]) -> str:
    """`degree=5_kernel=poly_gamma=0.1.json`: a combination's file. A slash in a value does not lead to another folder."""
    stem = "_".join(f"{name}={text}" for name, text in texts.items())
    stem = stem.replace("%", "%25").replace("/", "%2F").replace("\0", "%00").replace("\n", "%0A")
    if len(stem.encode()) > _LONGEST_NAME:
        from hashlib import sha256

        stem = f"{stem.encode()[:_LONGEST_NAME].decode(errors='ignore')}~{sha256(stem.encode()).hexdigest()[:12]}"
    return f"{stem}.json"


def main(words: list[str]) -> None:
    """Lays everything out and becomes the program; never returns."""
    with open(words[1], encoding="utf-8") as file:
        job: dict[str, Any] = json.load(file)
    image = _image(job)
    run, output = os.environ["LUTHIER_RUN_DIR"], os.environ["LUTHIER_OUTPUT_DIR"]
    pfs = _lay_out(job, run)
    code = f"{run}/code"
    shutil.rmtree(code, ignore_errors=True)
    shutil.copytree(job["code"], code, symlinks=True)
    _make_own(code, pfs)
    _link(f"{output}/metrics/metrics.json", f"{run}/metrics.json")
    environment = {**os.environ, "PFS": pfs, "PATH": f"{image['bin']}:{os.environ.get('PATH', os.defpath)}"}
    if image["kind"] == "environment":
        environment["VIRTUAL_ENV"] = os.path.dirname(image["bin"])
        environment.pop("PYTHONHOME", None)
    os.chdir(code)
    program = [*_interpreter(f"{code}/{job['program']}", image["runs"]), output]
    sys.stdout.flush()
    os.execvpe(program[0], program, environment)


def _image(job: Mapping[str, Any]) -> dict[str, Any]:
    """The image, built; whoever comes first builds it, unless that failed before."""
    folder = job["build"]
    image = _read_image(folder)
    if image is None:
        words = [job["luthier"], "-m", "luthier.cli.doors.kaos.building", folder]
        subprocess.run(words, stdin=subprocess.DEVNULL, check=False)
        image = _read_image(folder)
    if image is None or image["state"] != "built":
        reason = image["reason"] if image else "it was not built"
        sys.exit(f"the image {job['image']} is not there: {reason}; its log: {folder}/build.log")
    if image["kind"] == "container":
        sys.exit(f"the image {job['image']} has become a container's since; submit the job again")
    return image


def _read_image(folder: str) -> dict[str, Any] | None:
    """What became of the build, once nobody is at it."""
    with open(f"{folder}/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(f"{folder}/image.json", encoding="utf-8") as file:
                image: dict[str, Any] = json.load(file)
                return image
        except (OSError, ValueError):
            return None


def _lay_out(job: Mapping[str, Any], run: str) -> str:
    """Makes `pfs`: the data linked, the hyperparameters in the only JSON file."""
    pfs = f"{run}/pfs"
    shutil.rmtree(pfs, ignore_errors=True)
    os.makedirs(f"{pfs}/hyper")
    os.symlink(job["data"], f"{pfs}/data")
    if job["hyper"]:
        with open(f"{run}/command.json", encoding="utf-8") as file:
            texts = json.load(file)["texts"]
        os.makedirs(f"{pfs}/hyper/{job['hyper']}")
        shutil.copyfile(os.environ["LUTHIER_PARAMS_FILE"], f"{pfs}/hyper/{job['hyper']}/{file_name(texts)}")
    return pfs


def _make_own(code: str, pfs: str) -> None:
    """Makes a copy writable, and its texts name our `pfs` where they name the container's."""
    plain = re.fullmatch(r"[\w./ :@+-]+", pfs) is not None
    for folder, _, files in os.walk(code):
        os.chmod(folder, 0o755)
        for name in files:
            path = f"{folder}/{name}"
            if os.path.islink(path):
                continue
            os.chmod(path, os.stat(path).st_mode | 0o200)
            if plain and os.path.getsize(path) <= _LARGEST_TEXT:
                _rename_pfs(path, pfs.encode())


def _rename_pfs(path: str, pfs: bytes) -> None:
    with open(path, "rb") as file:
        content = file.read()
    if b"\0" not in content and _PFS.search(content):
        with open(path, "wb") as file:
            file.write(_PFS.sub(lambda _: pfs, content))


def _link(target: str, place: str) -> None:
    if os.path.islink(place):
        os.unlink(place)
    os.symlink(target, place)


def _interpreter(program: str, python: str) -> list[str]:
    """The words that run it: a Python file by the image's Python, anything else by itself."""
    with open(program, "rb") as file:
        first = file.readline(200)
    is_python = first.startswith(b"#!") and b"python" in first
    is_text = not first.startswith((b"#!", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"))
    if is_python or (is_text and not program.endswith(".sh")):
        return [python, program]
    if is_text:
        return ["sh", program]
    os.chmod(program, os.stat(program).st_mode | 0o111)
    return [program]


if __name__ == "__main__":
    main(sys.argv)
