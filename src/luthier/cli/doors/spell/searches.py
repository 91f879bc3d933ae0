"""`spell hyper list`, `describe`, `stop`, `kill`, `archive` and `download-metrics`."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.doors.spell.printing import container_of, facts, length, rows_of_runs
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import date, emit, emit_json, say, table
from luthier.clock import SystemClock
from luthier.compat.spell.commands import shown
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.kept import Kept
from luthier.compat.spell.looking import (
    RunRow,
    find_search,
    has_given_up,
    kind_of,
    run_rows,
    search_status,
    searches,
)
from luthier.description import NEEDS
from luthier.drive.containing import image_failure
from luthier.drive.ending import is_active
from luthier.store import ExperimentRecord, Store, Wish
from luthier.trial import Outcome
from luthier.view.experiments import wish_reason

__all__ = ["COMMANDS"]

SEARCH = click.argument("search", type=click.IntRange(1), metavar="ID")


@click.command("list", cls=Example, example="luthier spell hyper list")
@click.option("-a", "--all", "everything", is_flag=True, help="Also those that were archived.")
@with_store
@as_json
def list_searches(place: Place, everything: bool, as_json: bool) -> None:
    """Lists the searches."""
    hidden = set() if everything else Kept(place.folder).archived("searches")
    with place.read() as store:
        records = [record for record in searches(store) if record.id not in hidden]
    if as_json:
        emit_json("spell-hyper-list", {"searches": [_search_document(record) for record in records]})
        return
    rows = [[str(r.id), str(r.trials), date(r.created), _creator(r)] for r in records]
    emit(table(["ID", "# RUNS", "CREATED AT", "CREATOR"], rows))


def _creator(record: ExperimentRecord) -> str:
    return record.description.labels.get("creator", "--")


def _search_document(record: ExperimentRecord) -> dict[str, object]:
    labels = record.description.labels
    return {
        "id": record.id,
        "type": kind_of(record),
        "runs": record.trials,
        "status": search_status(record),
        "created": record.created,
        "creator": labels.get("creator"),
        "description": labels.get("description"),
        "machine_type": labels.get("machine type"),
        "command": shown(record.description.command) if record.description.command else None,
    }


@click.command("describe", cls=Example, example="luthier spell hyper describe 59")
@SEARCH
@with_store
@as_json
def describe(place: Place, search: int, as_json: bool) -> None:
    """Shows a search and its runs."""
    with place.read() as store:
        record = find_search(store, search)
        rows = run_rows(store, record, SystemClock().now())
        is_left = not record.is_met and record.wish is Wish.RUN and not is_active(store, place.folder, search)
        no_image = image_failure(store, search)
        why = wish_reason(store, record) if has_given_up(record) else None
    if as_json:
        runs = [
            {
                "id": r.id,
                "status": r.status,
                "exit_code": r.exit_code,
                "seconds": r.seconds,
                "params": r.values,
            }
            for r in rows
        ]
        emit_json("spell-hyper-describe", {**_search_document(record), "runs": runs})
        return
    facts(_facts(place, record, rows, search_status(record, is_left=is_left)))
    emit()
    emit("Runs:")
    emit(rows_of_runs(rows, record.description.space.names))
    if no_image is not None:
        say(f"the image could not be made: {no_image}")
    _say_what_is_wrong(place, record, rows, is_left=is_left)
    if why is not None:
        say(f"{why}, so no more were started; to go on: {place.hint(f'resume {search}')} --detach")


def _facts(place: Place, record: ExperimentRecord, rows: list[RunRow], status: str) -> list[tuple[str, str]]:
    what, labels = record.description, record.description.labels
    found = [
        ("ID", str(record.id)),
        ("Type", kind_of(record)),
        ("# Runs", str(len(rows))),
        ("Command", shown(what.command) if what.command else what.function or "--"),
        ("Machine Type", labels.get("machine type", "--")),
        ("Status", status),
        ("Duration", length(_duration(rows))),
        ("Description", labels.get("description", "--")),
    ]
    if what.objective is not None:
        found.append(("Metric", str(what.objective)))
    for name, key in (
        ("Project", "project"),
        ("Labels", "labels"),
        ("Commit", "commit"),
        ("Mounts", "mounts"),
    ):
        if key in labels:
            found.append((name, labels[key]))
    if what.environment is not None and what.environment.image is not None:
        found.append(("Container", container_of(place, record)))
    if "code" in what.bundles:
        found.append(("Code", what.bundles["code"][:12]))
    return found


def _duration(rows: list[RunRow]) -> float | None:
    """From the first run's beginning to the last one's end, or now."""
    began = [row.began for row in rows if row.began is not None]
    if not began:
        return None
    ends = [row.ended if row.is_final and row.ended else SystemClock().now() for row in rows if row.began]
    return max(0.0, max(ends) - min(began))


def _say_what_is_wrong(place: Place, record: ExperimentRecord, rows: list[RunRow], *, is_left: bool) -> None:
    """Why runs ended badly, the same reason once, and what to do where nobody goes on with the search."""
    reasons: dict[str, list[int]] = {}
    for row in rows:
        if (
            row.is_final
            and row.reason
            and (row.status not in ("complete", "stopped", "killed") or row.exit_code)
        ):
            reasons.setdefault(row.reason, []).append(row.id)
    for reason, runs in list(reasons.items())[:5]:
        which = f"run {runs[0]}" if len(runs) == 1 else f"runs {runs[0]}, … ({len(runs)} of them)"
        say(f"{which}: {reason}")
    if is_left:
        needed = record.description.labels.get(NEEDS)
        if needed is not None:
            say(
                f"search {record.id} waits for a worker tagged {needed}: {place.hint(f'worker --tag {needed}')}"
            )
            return
        hint = place.hint(f"resume {record.id}")
        say(f"nobody works on search {record.id}, and runs are left; to go on with it: {hint} --detach")


@click.command("stop", cls=Example, example="luthier spell hyper stop 59")
@SEARCH
@click.option("-q", "--quiet", is_flag=True, help="Say nothing.")
@with_store
def stop(place: Place, search: int, quiet: bool) -> None:
    """Stops a search: running runs end and keep their outputs, those that have not begun are killed."""
    _end(place, search, quiet, Outcome.STOPPED, "Stopping")


@click.command("kill", cls=Example, example="luthier spell hyper kill 59")
@SEARCH
@click.option("-q", "--quiet", is_flag=True, help="Say nothing.")
@with_store
def kill(place: Place, search: int, quiet: bool) -> None:
    """Kills all runs of a search that have not ended; what they wrote is thrown away."""
    _end(place, search, quiet, Outcome.KILLED, "Killing")


def _end(place: Place, search: int, quiet: bool, outcome: Outcome, word: str) -> None:
    from luthier.compat.spell.ending import end_search

    with place.change() as store:
        record = find_search(store, search)
        if not quiet:
            emit(f"{word} hyperparameter search {search}.")
            sys.stdout.flush()
        end_search(store, place.folder, record, outcome)


@click.command("archive", cls=Example, example="luthier spell hyper archive 59")
@SEARCH
@with_store
def archive(place: Place, search: int) -> None:
    """Hides a search from the list. Nothing of it is removed."""
    with place.read() as store:
        record = find_search(store, search)
        if record.running:
            raise SpellError(
                f"hyperparameter search {search} is running; first: {place.hint(f'spell hyper stop {search}')}"
            )
    Kept(place.folder).archive("searches", search)
    emit(f"Successfully archived hyperparameter search {search}.")


@click.command(
    "download-metrics", cls=Example, example="luthier spell hyper download-metrics 59 -d metrics.csv"
)
@SEARCH
@click.option("-d", "--destination", default="metrics.csv", show_default=True, metavar="FILE")
@click.option("-f", "--force", is_flag=True, help="Replace the file where it is there already.")
@with_store
def download_metrics(place: Place, search: int, destination: str, force: bool) -> None:
    """Writes all values that a search's runs reported into a CSV file."""
    target = Path(destination)
    with place.read() as store:
        record = find_search(store, search)
        if target.exists() and not force:
            raise SpellError(
                f'The file "{destination}" already exists and "force" is not set; add -f to replace it, '
                "or name another with -d"
            )
        count = _write(store, record, target)
    emit(f"Saved {count} values of hyperparameter search {search} to {destination}")


def _write(store: Store, record: ExperimentRecord, target: Path) -> int:
    """Writes the file whole or not at all, and returns the number of its rows."""
    from luthier.compat.spell.points import measured

    made, count = target.with_name(f".{target.name}.{os.getpid()}"), 0
    try:
        with open(made, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["run_id", "metric_name", "timestamp", "index", "value"])
            for trial in store.trials(record.id):
                for one in measured(store, trial):
                    stamp = one.timestamp.isoformat(timespec="microseconds")
                    writer.writerow([trial.run_id, one.metric, stamp, one.step, repr(one.value)])
                    count += 1
        made.replace(target)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise SpellError(f"{target} could not be written: {error.strerror}") from error
    return count


_ALL: tuple[click.Command, ...] = (list_searches, describe, stop, kill, archive, download_metrics)
COMMANDS = {str(command.name): command for command in _ALL}
