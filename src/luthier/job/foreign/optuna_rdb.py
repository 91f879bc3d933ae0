"""Reads a study from the SQLite file of an Optuna RDB storage, with the standard library alone.

Only Optuna's tables are read, and only by the columns that every version since 2.4 has; nothing is written to the file.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path
from typing import Any

from luthier.errors import UsageError
from luthier.job.foreign.optuna_parts import RawStudy, RawTrial, attributes, chosen, direction_of

__all__ = ["is_sqlite", "read_rdb"]

MAGIC = b"SQLite format 3\x00"
NEEDED = ("studies", "study_directions", "trials", "trial_params", "trial_values")
SPECIAL = {"INF_POS": inf, "INF_NEG": -inf, "NAN": nan}
UTC_SINCE = 5
"""From this version on Optuna writes times in UTC, before it those of the machine's zone."""

_STUDIES = "SELECT study_id, study_name FROM studies ORDER BY study_id"
_STUDY = {
    "directions": "SELECT * FROM study_directions WHERE study_id = ? ORDER BY objective",
    "user": "SELECT * FROM study_user_attributes WHERE study_id = ?",
    "system": "SELECT * FROM study_system_attributes WHERE study_id = ?",
    "trials": "SELECT * FROM trials WHERE study_id = ? ORDER BY number, trial_id",
}
_TRIALS = {
    "params": "SELECT p.* FROM trial_params p JOIN trials t USING (trial_id) WHERE t.study_id = ? ORDER BY p.param_id",
    "values": "SELECT v.* FROM trial_values v JOIN trials t USING (trial_id) WHERE t.study_id = ?",
    "steps": "SELECT v.* FROM trial_intermediate_values v JOIN trials t USING (trial_id) WHERE t.study_id = ?",
    "user": "SELECT a.* FROM trial_user_attributes a JOIN trials t USING (trial_id) WHERE t.study_id = ?",
    "system": "SELECT a.* FROM trial_system_attributes a JOIN trials t USING (trial_id) WHERE t.study_id = ?",
}


def is_sqlite(path: Path) -> bool:
    """Whether a file is SQLite's."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_rdb(path: Path, wanted: str | None) -> RawStudy:
    """Reads the study of this name, or the only one.

    **Raises** UsageError for a file that is no storage of Optuna's, and where the study is not clear.
    """
    with _opened(path) as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if missing := [name for name in NEEDED if name not in tables]:
            kind = (
                "an old Optuna's; bring it up to date with: optuna storage upgrade --storage sqlite:///FILE"
            )
            what = kind if {"studies", "trials"} <= tables else "no storage of Optuna's"
            raise UsageError(f"{path} is {what} (it has no table {missing[0]})")
        ids = {str(row["study_name"]): int(row["study_id"]) for row in db.execute(_STUDIES)}
        name = chosen(list(ids), wanted, str(path))
        return _study(db, name, ids[name], _zone(db, tables))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, opened to be read. A folder that can't be written has no place for SQLite's own files beside it: then
    the file is read as it is."""
    place = path.absolute().as_uri()
    try:
        for how in ("mode=ro", "mode=ro&immutable=1"):
            with closing(sqlite3.connect(f"{place}?{how}", uri=True, timeout=10.0)) as db:
                db.row_factory = sqlite3.Row
                try:
                    db.execute("SELECT count(*) FROM sqlite_master").fetchone()
                except sqlite3.OperationalError:
                    if "immutable" in how:
                        raise
                    continue
                db.execute("BEGIN")
                yield db
                return
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read as Optuna's storage: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(
            f"{path}: the tables of Optuna's storage don't fit together ({error}); is the file damaged?"
        ) from None


def _zone(db: sqlite3.Connection, tables: set[str]) -> bool:
    """Whether its times are in UTC."""
    row = (
        db.execute("SELECT library_version FROM version_info").fetchone()
        if "version_info" in tables
        else None
    )
    major = str(row[0]).partition(".")[0] if row else ""
    return major.isdigit() and int(major) >= UTC_SINCE


def _study(db: sqlite3.Connection, name: str, id: int, is_utc: bool) -> RawStudy:
    rows = {what: db.execute(query, (id,)).fetchall() for what, query in _STUDY.items()}
    raw = RawStudy(
        name,
        [direction_of(row["direction"]) for row in rows["directions"]],
        user=attributes(rows["user"]),
        system=attributes(rows["system"]),
    )
    trials: dict[int, RawTrial] = {}
    for place, row in enumerate(rows["trials"]):
        number = row["number"] if row["number"] is not None else place
        began, ended = (_time(row[key], is_utc) for key in ("datetime_start", "datetime_complete"))
        trials[row["trial_id"]] = RawTrial(int(number), str(row["state"]), began=began, ended=ended)
    _fill(db, id, trials)
    raw.trials = list(trials.values())
    return raw


def _fill(db: sqlite3.Connection, id: int, trials: dict[int, RawTrial]) -> None:
    for row in db.execute(_TRIALS["params"], (id,)):
        trials[row["trial_id"]].params[row["param_name"]] = (row["param_value"], row["distribution_json"])
    for row in db.execute(_TRIALS["values"], (id,)):
        value = _number(row, "value", "value_type")
        if value is not None:
            trials[row["trial_id"]].values[row["objective"]] = value
    for row in db.execute(_TRIALS["steps"], (id,)):
        value = _number(row, "intermediate_value", "intermediate_value_type")
        trials[row["trial_id"]].steps[row["step"]] = nan if value is None else value
    for kind in ("user", "system"):
        each: dict[int, list[Any]] = defaultdict(list)
        for row in db.execute(_TRIALS[kind], (id,)):
            each[row["trial_id"]].append(row)
        for trial, rows in each.items():
            getattr(trials[trial], kind).update(attributes(rows))


def _number(row: sqlite3.Row, column: str, kind: str) -> float | None:
    """A number; those that SQL has no word for are named in a column of their own."""
    if kind in row.keys() and row[kind] in SPECIAL:  # noqa: SIM118 - a Row's own iteration yields values
        return SPECIAL[row[kind]]
    return None if row[column] is None else float(row[column])


def _time(text: object, is_utc: bool) -> float | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(str(text))
        return (time.replace(tzinfo=UTC) if is_utc else time.astimezone()).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
