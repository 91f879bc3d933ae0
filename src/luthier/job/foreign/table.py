"""Reads trials from a CSV file: a line each, with a column for every parameter and for the metric.

What kind of values a column has is inferred from all of them, and said. A table that Optuna's `trials_dataframe` wrote is
recognised by its columns (`params_…`, `state`, `number`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from luthier.description import Objective
from luthier.errors import UsageError
from luthier.job.foreign.study import Measured, Study, Tried, note_of
from luthier.space import Categorical, Constant, Domain, Float, Integer, Value, hint
from luthier.space.value import identity, is_text, number_text, read_number, read_value
from luthier.trial import Outcome

__all__ = ["Columns", "read_table"]

SEPARATORS = ",;\t|"
MANY = 20
"""A column of so many texts, all of them different, names things and is no choice."""
WIDE = 1000.0
"""Positive numbers that differ by such a factor were drawn on a logarithmic scale."""
PARAMS = "params_"
STATES = {"COMPLETE": Outcome.SUCCEEDED, "PRUNED": Outcome.STOPPED, "FAIL": Outcome.FAILED}
NO_VALUE = ("", "-", "none", "null", "n/a", "na")
OPTUNAS = ("number", "state", "datetime_start", "datetime_complete", "duration")
ATTRIBUTES, SYSTEM = "user_attrs_", "system_attrs_"


class Columns(NamedTuple):
    """Which columns are what, as the user says. Without `params` all others are parameters."""

    objectives: tuple[Objective, ...]
    params: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Table:
    path: Path
    heads: list[str]
    rows: list[tuple[int, dict[str, str]]]

    @property
    def is_optunas(self) -> bool:
        """Whether Optuna's `trials_dataframe` wrote it."""
        return "state" in self.heads and any(head.startswith(PARAMS) for head in self.heads)

    def column(self, head: str) -> list[str]:
        """The texts of a column that has any."""
        return [row[head] for _, row in self.rows if row[head]]


def read_table(path: Path, columns: Columns) -> Study:
    """Reads the file.

    **Raises** UsageError, with file:line where there is one, for a table that can't be read, a column that does not exist
    and a metric that is no number.
    """
    table = _read(path)
    for name in [*columns.params, *(objective.metric for objective in columns.objectives)]:
        if name not in table.heads:
            there = ", ".join(table.heads)
            raise UsageError(f"{path} has no column {name!r}{hint(name, table.heads)}; it has {there}")
    if not columns.objectives:
        raise UsageError(
            f"which column of {path} is the metric? name it with --metric: {', '.join(table.heads)}"
        )
    names, left_out = _parameters(table, columns)
    domains, said = {}, [*left_out]
    for head, name in names.items():
        texts = table.column(head)
        domains[name] = _domain(texts, has_gaps=len(texts) < len(table.rows))
        said.append(f"{name}: {_shown(domains[name])}")
    trials = tuple(_tried(table, number, row, columns, names, domains) for number, row in table.rows)
    return Study("csv", path.name, columns.objectives, domains, trials, said=tuple(said))


def _read(path: Path) -> _Table:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            separator = max(SEPARATORS, key=first.count)
            file.seek(0)
            reader = csv.reader(file, delimiter=separator)
            heads = [head.strip() for head in next(reader, [])]
            _check_heads(path, heads)
            rows = []
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(heads):
                    raise UsageError(
                        f"{path}:{reader.line_num}: this line has {len(cells)} cells, the first {len(heads)}"
                    )
                texts = (cell.strip() for cell in cells)
                rows.append((reader.line_num, dict(zip(heads, texts, strict=True))))
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except (csv.Error, OSError) as error:
        raise UsageError(f"{path} can't be read as CSV: {error}") from None
    if not rows:
        raise UsageError(f"{path} has no line below its first, so there is no trial")
    return _Table(path, heads, rows)


def _check_heads(path: Path, heads: Sequence[str]) -> None:
    """The first line names the columns; one without a name (as of a pandas index) is left to `_parameters`."""
    twice = next((head for head in heads if heads.count(head) > 1), None)
    if twice is not None:
        raise UsageError(f"{path}:1: the column {twice!r} stands there twice; name each column once")
    if not heads or all(read_number(head) is not None for head in heads):
        raise UsageError(f"{path}:1: the first line has to name the columns")
    if odd := next((head for head in heads if not is_text(head) or not head.isprintable()), None):
        raise UsageError(f"{path}:1: {odd!r} is no name for a column; is this a CSV file?")


def _parameters(table: _Table, columns: Columns) -> tuple[dict[str, str], list[str]]:
    """The names of the parameters by their columns, and what is said of columns that are none."""
    if columns.params:
        return {name: name for name in columns.params}, []
    metrics = {objective.metric for objective in columns.objectives}
    if table.is_optunas:
        return {head: head.removeprefix(PARAMS) for head in table.heads if head.startswith(PARAMS)}, []
    names, said = {}, []
    for head in table.heads:
        texts = table.column(head)
        if head in metrics or not texts:
            continue
        if not head:
            said.append("left out: a column without a name")
        elif len(texts) > MANY and len(set(texts)) == len(texts) and any(map(_is_word, texts)):
            said.append(
                f"left out: {head}, a different text in every line; it is kept as a note (or name it with --param)"
            )
        else:
            names[head] = head
    if not names:
        raise UsageError(f"{table.path}: no column is left to be a parameter; name them with --param")
    return names, said


def _is_word(text: str) -> bool:
    return read_number(text) is None


# ---------------------------------------------------------------------- the kinds of columns


def _domain(texts: Sequence[str], *, has_gaps: bool) -> Domain:
    """The smallest domain that has all the values. Whole numbers with gaps between them are often written `3.0`, for
    pandas has no other gaps."""
    values = {identity(value.value): value for value in map(read_value, texts)}
    if len(values) < 2:
        return Constant(tuple(values.values()) or (Value(""),))
    numbers = [value.value for value in values.values() if not isinstance(value.value, str)]
    if len(numbers) < len(values):
        return Categorical(tuple(values.values()))
    low, high = min(numbers), max(numbers)
    if all(isinstance(number, int) or (has_gaps and number == int(number)) for number in numbers):
        return Integer(int(low), int(high), "log" if low > 0 and high / low >= WIDE else "linear")
    return Float(low, high, "log" if low > 0 and high / low >= WIDE else "linear")


def _shown(domain: Domain) -> str:
    match domain:
        case Constant():
            return f"always {domain.at(0).text}"
        case Float() | Integer():
            kind = "whole numbers" if isinstance(domain, Integer) else "numbers"
            scale = " on a logarithmic scale" if domain.scaling == "log" else ""
            return f"{kind} from {number_text(domain.low)} to {number_text(domain.high)}{scale}"
    count = domain.count() or 0
    few = ", ".join(domain.at(place).text for place in range(min(count, 6)))
    return f"one of {few}" + (f" and {count - 6} more" if count > 6 else "")


# ---------------------------------------------------------------------- the lines


def _tried(
    table: _Table,
    number: int,
    row: Mapping[str, str],
    columns: Columns,
    names: Mapping[str, str],
    domains: Mapping[str, Domain],
) -> Tried:
    values = {name: _value(row[head], domains[name]) for head, name in names.items() if row[head]}
    goals = [_goal(table.path, number, objective.metric, row) for objective in columns.objectives]
    whole = tuple(goal for goal in goals if goal is not None)
    ends = list(zip(columns.objectives, goals, strict=True))
    measured = [Measured(objective.metric, 0.0, goal) for objective, goal in ends if goal is not None]
    notes, metrics = {}, {objective.metric for objective in columns.objectives}
    began = ended = None
    if table.is_optunas:
        began, ended = (_time(row.get(f"datetime_{what}", "")) for what in ("start", "complete"))
    for head, text in row.items():
        if not head or head in names or head in metrics or not text or _is_optunas(table, head):
            continue
        other = read_number(text)
        name = head.removeprefix(ATTRIBUTES) if table.is_optunas else head
        if other is None:
            notes[name] = note_of(text)
        else:
            measured.append(Measured(name, 0.0, float(other)))
    outcome, reason = _ended(table, row, columns, goals)
    is_whole = len(whole) == len(goals)
    return Tried(
        f"line {number}", values, outcome, reason, whole if is_whole else None, (), tuple(measured), notes, began, ended
    )  # fmt: skip


def _value(text: str, domain: Domain) -> Value:
    value = read_value(text)
    return Value(int(value.value)) if domain.kind == "integer" and isinstance(value.value, float) else value


def _is_optunas(table: _Table, head: str) -> bool:
    return table.is_optunas and (head in OPTUNAS or head.startswith((SYSTEM, PARAMS)))


def _goal(path: Path, line: int, metric: str, row: Mapping[str, str]) -> float | None:
    text = row[metric]
    if text.lower() in NO_VALUE:
        return None
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{path}:{line}: {metric} is {text!r}, which is no number") from None


def _ended(
    table: _Table, row: Mapping[str, str], columns: Columns, goals: Sequence[float | None]
) -> tuple[Outcome, str]:
    if table.is_optunas and row["state"] not in STATES:
        return Outcome.KILLED, f"{row['state'].lower()} in Optuna"
    missing = [o.metric for o, goal in zip(columns.objectives, goals, strict=True) if goal is None]
    outcome = STATES.get(row["state"], Outcome.SUCCEEDED) if table.is_optunas else Outcome.SUCCEEDED
    if outcome is Outcome.SUCCEEDED and missing:
        return Outcome.FAILED, f"it has no {' and no '.join(missing)}"
    reasons = {Outcome.STOPPED: "pruned by Optuna", Outcome.FAILED: "failed in Optuna"}
    return outcome, reasons.get(outcome, "")


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except (ValueError, OverflowError, OSError):
        return None
