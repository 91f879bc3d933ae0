"""All trials, or all curves, of an experiment streamed into a file: CSV, JSON, JSON lines or Parquet.

One row a trial, or with `curves` one row a point or a step (`curve_rows.py`). Parameters stand in columns `param.<name>`: as they were written
in CSV, as plain values elsewhere. Metrics stand in `metric.<name>` with their last value. Trials are read in pages,
so that a hundred thousand need little memory; a file appears whole or not at all.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO

from luthier.errors import UsageError
from luthier.store import ExperimentRecord, Sort, Spent, Store
from luthier.trial import Trial
from luthier.view.reached import reached
from luthier.view.trials import spent_of

if TYPE_CHECKING:
    from luthier.view.curve_rows import Form

__all__ = ["FORMATS", "columns", "export", "trial_rows"]

FORMATS = ("csv", "json", "jsonl", "parquet")
_PAGE = 1000
_BEFORE = ("experiment", "trial", "run_id", "state", "outcome", "reason", "value")
_AFTER = ("seconds", "cpu_seconds", "peak_bytes", "exit_code", "signal", "attempts", "seed", "proposed_by",
          "created", "began", "ended")  # fmt: skip
_TEXTS = ("state", "outcome", "reason", "proposed_by", "metric")
_WHOLE = (
    "experiment",
    "trial",
    "run_id",
    "attempt",
    "fold",
    "peak_bytes",
    "exit_code",
    "signal",
    "attempts",
    "seed",
)
_ROWS = {None: "trials", "long": "points", "wide": "steps"}
"""What the rows are called in a JSON document."""

Row = dict[str, Any]


def export(
    store: Store, record: ExperimentRecord, form: str, target: Path | None, *, curves: Form | None = None
) -> int:
    """Writes an experiment to `target`, or to standard output, and returns the number of rows.

    **Holds** the file is whole and on disk when this returns; on any error the old one is untouched.
    **Raises** UsageError when the file can't be written or pyarrow is missing.
    """
    heads, rows = _table(store, record, curves, as_texts=form == "csv")
    try:
        with _destination(target) as file:
            if form == "parquet":
                return _write_parquet(file, heads, rows, record)
            with _text(file) as text:
                if form == "csv":
                    return _write_csv(text, heads, rows)
                if form == "jsonl":
                    return _write_lines(text, rows)
                return _write_json(text, record, rows, _ROWS[curves])
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{target or 'standard output'} could not be written: {error.strerror}") from error


def _table(
    store: Store, record: ExperimentRecord, curves: Form | None, *, as_texts: bool
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The columns and the rows."""
    if curves is None:
        return columns(store, record), trial_rows(store, record, as_texts=as_texts)
    from luthier.view.curve_rows import long_columns, long_rows, wide_columns, wide_rows

    trials = _trials(store, record)
    if curves == "long":
        return long_columns(record), long_rows(store, record, trials)
    metrics = store.metric_names(record.id)
    return wide_columns(record, metrics), wide_rows(store, record, trials, metrics)


def columns(store: Store, record: ExperimentRecord) -> tuple[str, ...]:
    """The names of a trial row's columns, in their order. Several objectives and constraints have columns of their own."""
    what = record.description
    aims = [f"value.{goal.metric}" for goal in what.objectives] if what.also else []
    aims += ["is_allowed"] if what.constraints else []
    parameters = [f"param.{name}" for name in record.description.space.names]
    metrics = [f"metric.{name}" for name in store.metric_names(record.id)]
    return (*_BEFORE, *aims, *parameters, *metrics, *_AFTER)


def trial_rows(store: Store, record: ExperimentRecord, *, as_texts: bool = False) -> Iterator[Row]:
    """Every trial as a row. Parameters that are not active in it, and metrics it did not report, are None."""
    heads = columns(store, record)
    for trial, spent in _with_times(store, record):
        row: Row = dict.fromkeys(heads)
        row.update(_facts(trial))
        if spent is not None:
            row.update(seconds=spent.seconds, cpu_seconds=spent.cpu_seconds)
        row.update(_aims(trial, record))
        if trial.configuration is not None:
            configuration = trial.configuration
            given = configuration.texts() if as_texts else configuration.values()
            row.update({f"param.{name}": value for name, value in given.items()})
        for metric, value in reached(store, record, trial).items():
            if f"metric.{metric}" in row:  # one first reported after we began is left for the next export
                row[f"metric.{metric}"] = value
        yield row


def _aims(trial: Trial, record: ExperimentRecord) -> Row:
    """All objectives where there are several, and whether the constraints were kept where there are any."""
    result, what = trial.result, record.description
    if result is None:
        return {}
    row: Row = {}
    if what.also and result.values is not None:
        row = {f"value.{goal.metric}": v for goal, v in zip(what.objectives, result.values, strict=False)}
    if what.constraints and result.constraints:
        row["is_allowed"] = result.is_allowed
    return row


def _facts(trial: Trial) -> Row:
    result = trial.result
    row: Row = {
        "experiment": trial.experiment,
        "trial": trial.number,
        "run_id": trial.run_id,
        "state": trial.state.value,
        "attempts": trial.attempt,
        "seed": trial.seed,
        "proposed_by": trial.proposal.by if trial.proposal else None,
        "created": trial.created,
        "began": trial.began,
        "ended": trial.ended,
    }
    if result is not None:
        row |= {key: getattr(result, key) for key in ("value", "seconds", "cpu_seconds", "peak_bytes")}
    if (final := trial.final) is not None:
        row |= {"outcome": final.outcome.value}
        row |= {key: getattr(final, key) for key in ("reason", "exit_code", "signal")}
    return row


def _with_times(store: Store, record: ExperimentRecord) -> Iterator[tuple[Trial, Spent | None]]:
    """All trials, those in stages with what all their attempts took."""
    for page in _pages_of(store, record):
        spent = spent_of(store, record, page)
        for trial in page:
            yield trial, spent.get(trial.number)


def _trials(store: Store, record: ExperimentRecord) -> Iterator[Trial]:
    for page in _pages_of(store, record):
        yield from page


def _pages_of(store: Store, record: ExperimentRecord) -> Iterator[Sequence[Trial]]:
    offset = 0
    while page := store.trials(record.id, Sort(), _PAGE, offset):
        yield page
        offset += len(page)


# ---------------------------------------------------------------------- destinations and formats


@contextmanager
def _destination(target: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a new file that takes the place of `target` once it is whole."""
    if target is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(draft, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _text(file: IO[bytes]) -> Iterator[TextIO]:
    """Text on the bytes; the file is left open."""
    import io

    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()


def _write_csv(file: TextIO, heads: Sequence[str], rows: Iterable[Row]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(heads)
    count = 0
    for row in rows:
        writer.writerow(["" if row[head] is None else row[head] for head in heads])
        count += 1
    return count


def _write_lines(file: TextIO, rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        file.write(_json(row) + "\n")
        count += 1
    return count


def _write_json(file: TextIO, record: ExperimentRecord, rows: Iterable[Row], what: str) -> int:
    count = 0
    file.write(f'{{"schema": "luthier.export/1", "experiment": {record.id}, "{what}": [')
    for row in rows:
        file.write(("," if count else "") + "\n" + _json(row))
        count += 1
    file.write("\n]}\n")
    return count


def _json(row: Row) -> str:
    """A row in strict JSON: NaN and infinity as the strings "nan", "inf" and "-inf"."""
    plain = {k: str(v) if isinstance(v, float) and v - v != 0 else v for k, v in row.items()}
    return json.dumps(plain, ensure_ascii=False, allow_nan=False)


# ---------------------------------------------------------------------- Parquet


def _write_parquet(
    file: IO[bytes], heads: Sequence[str], rows: Iterator[Row], record: ExperimentRecord
) -> int:
    try:
        pa: Any = importlib.import_module("pyarrow")
        pq: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed; pip install 'luthier[parquet]', or use --format csv"
        ) from None
    schema = pa.schema([(head, _type(pa, head, record)) for head in heads])
    texts = [head for head in heads if schema.field(head).type == pa.string()]
    count = 0
    with pq.ParquetWriter(file, schema) as writer:
        for page in _pages(rows):
            for row in page:
                row.update({head: _parquet_text(row[head]) for head in texts})
            writer.write_table(pa.Table.from_pylist(page, schema=schema))
            count += len(page)
    return count


def _type(pa: Any, head: str, record: ExperimentRecord) -> Any:
    """The type of a column: that of a parameter's values when they share one, else text."""
    if head.startswith("param."):
        return _parameter_type(pa, record.description.space[head.removeprefix("param.")].domain)
    if head in _TEXTS:
        return pa.string()
    if head == "is_allowed":
        return pa.bool_()
    return pa.int64() if head in _WHOLE else pa.float64()


def _parameter_type(pa: Any, domain: Any) -> Any:
    if domain.kind in ("float", "normal", "lognormal"):
        return pa.float64()
    if domain.kind == "integer":
        return pa.int64()
    kinds = {type(domain.at(index).value) for index in range(domain.count())}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    return pa.float64() if kinds <= {int, float} else pa.string()


def _parquet_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pages(rows: Iterator[Row]) -> Iterator[list[Row]]:
    page: list[Row] = []
    for row in rows:
        page.append(row)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
