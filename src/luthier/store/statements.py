"""Loads the named statements of the `.sql` files. SQL stands there, never in Python.

What every dialect reads alike stands in `sql/both/`, the rest in a folder of the dialect's. Values are written `:name`
everywhere; what a driver wants instead is put in here.

A file is a sequence of `-- name: NAME` headers, comment lines that say what the statement is for, and the
statement itself, ended by a semicolon.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["migrations", "statements"]


_SQL = Path(__file__).parent / "sql"


@cache
def statements(dialect: str) -> dict[str, str]:
    """Returns every named statement of a dialect, comments removed."""
    found: dict[str, str] = {}
    for file in sorted([*(_SQL / "both").glob("*.sql"), *(_SQL / dialect).glob("*.sql")]):
        for block in file.read_text(encoding="utf-8").split("-- name: ")[1:]:
            name, _, body = block.partition("\n")
            lines = [line for line in body.splitlines() if not line.lstrip().startswith("--")]
            if name.strip() in found:
                raise ValueError(f"two statements are named {name.strip()}")
            found[name.strip()] = _drivers(dialect, "\n".join(lines).strip().rstrip(";"))
    return found


def _drivers(dialect: str, statement: str) -> str:
    """A statement as the dialect's driver takes it: psycopg names values `%(name)s`. `::` is a cast."""
    if dialect != "postgres":
        return statement
    return re.sub(r"(?<!:):([a-z_]+)", r"%(\1)s", statement.replace("%", "%%"))


def migrations(dialect: str) -> list[tuple[int, str]]:
    """Returns the numbered migrations of a dialect, oldest first."""
    files = sorted((_SQL / dialect / "migrations").glob("*.sql"))
    return [(int(file.name[:4]), file.read_text(encoding="utf-8")) for file in files]
