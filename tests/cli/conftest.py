"""What the tests of the command line share: a store to look at, and a way to run words and see all three results."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from luthier.cli import main

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves helpers to us
import svm_search

NOW = 1_700_000_300.0


@dataclass
class Said:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int


Run = Callable[..., Said]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("LUTHIER_STORE", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops the calendar, for ages and dates."""
    monkeypatch.setattr("luthier.clock.SystemClock.now", lambda self: NOW)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of a store with one finished search."""
    folder = tmp_path / ".luthier"
    svm_search.build(folder).close()
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs words in the test's own folder."""
    monkeypatch.chdir(tmp_path)

    def words(*argv: str) -> Said:
        out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        kept = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, err
        try:
            code = main(list(argv))
        finally:
            sys.stdout, sys.stderr = kept
        out.flush()
        return Said(out.buffer.getvalue().decode(), err.getvalue(), code)  # type: ignore[attr-defined]

    return words


@pytest.fixture
def golden(tmp_path: Path) -> Callable[[str, Said], None]:
    """Compares what was said with a file in golden/; GOLDEN=write writes it anew."""

    def compare(name: str, said: Said) -> None:
        file = Path(__file__).parent / "golden" / f"{name}.txt"
        text = f"exit {said.code}\n--- out\n{said.out}--- err\n{said.err}".replace(str(tmp_path), "/HERE")
        if os.environ.get("GOLDEN") == "write":
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare
