"""Runs hyperopt's own tests against `luthier.compat.hyperopt`: none is copied, the installed package holds them.

    python tests/compat/from_hyperopt.py [--repeats] [words for pytest]

In this process the name `hyperopt` means ours, but for the folders of tests, which are read where hyperopt is installed
without loading it. A module or a name of hyperopt's that ours has not stands as a `Missing`, so that the other tests of
a file still run; one that uses it fails. `bson`, which a test asks whether documents could be sent to a database, is a
stand-in where it is not installed. Prints one line of JSON: every test's name and whether it passed.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import pkgutil
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TESTS = ("tests/test_base.py", "tests/unit", "pyll/tests")
ABSENT = "luthier.compat.hyperopt has no "


def folder_of_hyperopt() -> Path | None:
    """Where hyperopt is installed; None where it is not."""
    spec = importlib.util.find_spec("hyperopt")
    return Path(spec.origin).parent if spec is not None and spec.origin else None


class NotThereError(BaseException):
    """Says what a test asked for; no test expects it, whatever errors it expects."""


class Missing:
    """Stands for what ours has not: it fails when it is used."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotThereError(ABSENT + self.name)

    def __getitem__(self, key: Any) -> Any:
        raise NotThereError(ABSENT + self.name)


class Absent(types.ModuleType):
    """Stands for a module that ours has not."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self.__name__}.{name}")


class Finder:
    """Finds hyperopt's tests where hyperopt is installed, and an `Absent` for all else that is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        parts = name.split(".")
        if parts[0] != "hyperopt":
            return None
        if "tests" in parts:
            file = self.folder.joinpath(*parts[1:])
            if (file / "__init__.py").is_file():
                return importlib.util.spec_from_file_location(
                    name, file / "__init__.py", submodule_search_locations=[str(file)]
                )
            return importlib.util.spec_from_file_location(name, file.with_suffix(".py"))
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec: Any) -> types.ModuleType:
        return Absent(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def call_ours_hyperopt() -> None:
    """Makes `import hyperopt` and all below it mean ours."""
    ours = importlib.import_module("luthier.compat.hyperopt")
    names = [ours.__name__] + [m.name for m in pkgutil.walk_packages(ours.__path__, f"{ours.__name__}.")]
    for name in names:
        module = importlib.import_module(name)
        sys.modules[name.replace("luthier.compat.hyperopt", "hyperopt")] = module
        own = vars(module).get("__getattr__")
        module.__getattr__ = lambda asked, name=name, own=own: _internal(name, asked, own)  # type: ignore[method-assign]


def _internal(module: str, asked: str, own: Any) -> Any:
    """What a module of ours answers for a name it has not."""
    if own is not None:
        with contextlib.suppress(AttributeError):
            return own(asked)
    if (
        asked.lower().startswith(("__", "pytest", "setup", "teardown", "collect"))
        or f"{module}.{asked}" in sys.modules
    ):
        raise AttributeError(asked)
    return Missing(f"{module.rpartition('.')[2]}.{asked}")


def stand_in_for_bson() -> None:
    """Something that refuses what BSON can't hold."""
    if importlib.util.find_spec("bson") is None:

        class BSON:
            @staticmethod
            def encode(document: Any) -> bytes:
                return json.dumps(document).encode()

        module = types.ModuleType("bson")
        module.BSON = BSON  # type: ignore[attr-defined]
        sys.modules["bson"] = module


class Notes:
    """What became of each test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ended: dict[str, str] = {}
        self.why: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        place = next(each for each in ("pyll/tests", "tests") if f"{each}/" in report.nodeid)
        name = place + report.nodeid.partition(place)[2]
        if report.when == "call" or report.outcome != "passed":
            if self.ended.get(name) != "failed":
                self.ended[name] = report.outcome
            if report.failed:
                self.why[name] = str(report.longrepr).strip().splitlines()[-1]

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.ended[report.nodeid] = "failed"
            self.why[report.nodeid] = str(report.longrepr)


def main(words: list[str]) -> int:
    folder = folder_of_hyperopt()
    if folder is None:
        print(json.dumps({"missing": "hyperopt is not installed"}))
        return 0
    if "--repeats" in words:
        words.remove("--repeats")
        os.environ["LUTHIER_REPEATS"] = "1"
    os.environ["OMP_NUM_THREADS"] = "1"
    call_ours_hyperopt()
    stand_in_for_bson()
    sys.meta_path.append(Finder(folder))  # type: ignore[arg-type]
    np.random.seed(0)  # some of the tests draw by the global generator and look at frequencies
    notes = Notes(folder)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "--tb=line",
            "--continue-on-collection-errors",
            f"--rootdir={folder}",
            "-c",
            os.devnull,
        ]
        words = words or [str(folder / each) for each in TESTS]
        words = [str(folder / w) if (folder / w.partition("::")[0]).exists() else w for w in words]
        stdout, sys.stdout = sys.stdout, sys.stderr
        pytest.main([*options, "--import-mode=prepend", *words], plugins=[notes])
        sys.stdout = stdout
        os.chdir("/")
    print(json.dumps({"ended": notes.ended, "why": notes.why}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
