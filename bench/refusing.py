"""How soon a file that would grow without end is refused: the alias bomb, as YAML for `luthier run` and for RiseML's door.

    python bench/refusing.py [--rounds 20]

Nine anchors, each of nine aliases of the one before: read naively that is 9 to the tenth words. Wall time of reading it until
the error, in this process, the modules loaded; the slowest of the rounds against the bar of 50 ms. Exit code 1 when it is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from luthier.cli.doors.riseml.config import read_job as read_riseml
from luthier.errors import UsageError
from luthier.job.reading import read_job

MOST_SECONDS = 0.05


def bomb() -> str:
    """The text of it."""
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    return "\n".join(lines) + "\n"


def refused(read: Callable[[Path], object], file: Path) -> float:
    """Seconds until a file is refused."""
    began = time.perf_counter()
    try:
        read(file)
    except UsageError:
        return time.perf_counter() - began
    raise SystemExit(f"{file} was not refused")


def main() -> int:
    """Prints the times against the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    doors: dict[str, Callable[[Path], object]] = {
        "luthier run": lambda file: read_job(file, file.parent),
        "luthier riseml train": lambda file: read_riseml(str(file)),
    }
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "bomb.yml")
        file.write_text(bomb(), encoding="utf-8")
        for name, read in doors.items():
            refused(read, file)  # loads what reads it
            took = max(refused(read, file) for _ in range(rounds))
            missed |= took > MOST_SECONDS
            verdict = "MISSED" if took > MOST_SECONDS else "ok"
            print(f"{name:<22} refuses the alias bomb in {took * 1e3:.1f} ms (bar 50 ms) {verdict}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
