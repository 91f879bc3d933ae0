"""Every example of docs/integrations.md, run as the program that it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "integrations.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
QUICK = ("optuna", "sklearn")
BESIDE = {"keras": "jax", "transformers": "torch"}
LIBRARIES = (
    "keras",
    "lightning",
    "lightgbm",
    "mlflow",
    "optuna",
    "ray",
    "transformers",
    "xgboost",
    "sklearn",
)


def library_of(example: str) -> str:
    return next(
        name for name in LIBRARIES if re.search(rf"^(import|from) {name}\b|import {name}$", example, re.M)
    )


def cases() -> list[object]:
    named = [(library_of(example), example) for example in EXAMPLES]
    return [
        pytest.param(name, text, id=f"{name}-{n}", marks=() if name in QUICK else pytest.mark.nightly)
        for n, (name, text) in enumerate(named)
    ]


def test_every_library_has_its_example() -> None:
    assert {library_of(example) for example in EXAMPLES} == set(LIBRARIES)


@pytest.mark.parametrize(("library", "example"), cases())
def test_the_example_runs(library: str, example: str, tmp_path: Path) -> None:
    for name in {library, BESIDE.get(library, library)}:
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    program = tmp_path / "example.py"
    program.write_text(example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip()
