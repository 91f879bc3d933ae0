"""`spell run`, and what is done with single runs: `ps`, `info`, `logs`, `stop`, `kill`, `archive`, `label`."""

from __future__ import annotations

import sys
from typing import Any

import click

from luthier.cli.app import Example
from luthier.cli.doors.spell.hyper import show_native
from luthier.cli.doors.spell.options import MORE, SETTINGS, command_options, wanted_of, with_all
from luthier.cli.doors.spell.printing import casting, container_of, facts, length, params_of, sparkle
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import age, date, emit, emit_json, say, table
from luthier.clock import SystemClock
from luthier.compat.spell.kept import Kept
from luthier.compat.spell.looking import command_for, find_run, kind_of, labels_of, run_row, run_rows
from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, Trial, TrialState

__all__ = ["archive", "info", "kill", "label", "logs", "ps", "run", "stop"]

RUN = click.argument("run_id", type=click.IntRange(1), metavar="RUN")
RUNS = click.argument("run_ids", type=click.IntRange(1), metavar="RUN...", nargs=-1, required=True)
EXAMPLE = """
luthier spell run --param rate=0.01 -- python train.py --learning_rate :rate:
"""


@click.command("run", cls=Example, context_settings=SETTINGS, example=EXAMPLE)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Takes the place of :NAME:.")
@click.option("-b", "--background", is_flag=True, help="Do not follow what it prints.")
@with_all(*MORE)
@command_options
def run(background: bool, **options: Any) -> int:
    """Runs a command once. Ctrl-C stops showing what it prints; the run goes on."""
    from luthier.cli.doors.spell.following import follow
    from luthier.cli.doors.spell.recipe import read_recipe, save_recipe
    from luthier.compat.spell.beginning import begin

    place: Place = options["place"]
    if options["from_file"]:
        read_recipe("run", options)
    if options["save_command"]:
        return save_recipe("run", options)
    wanted = wanted_of("run", options)
    if options["show_native"]:
        return show_native(wanted, place)
    begun = begin(wanted, place.folder, emit, say)
    number = begun.first[0].run_id
    casting(f"spell #{number}")
    if background:
        say(f"See what it prints with: {place.hint(f'spell logs -f {number}')}")
        return 0
    emit(sparkle("Stop viewing logs with ^C"))
    return follow(place, number, since=None, tells=True)


@click.command("ps", cls=Example, example="luthier spell ps --all")
@click.option("-a", "--all", "everything", is_flag=True, help="Also those that have ended.")
@click.option(
    "-n", "--number", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="At most."
)
@click.option("--project", metavar="NAME", help="Only those of a project.")
@click.option("--label", "wanted_label", metavar="LABEL", help="Only those with a label.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Only those with this value.")
@with_store
@as_json
def ps(
    place: Place,
    everything: bool,
    number: int,
    project: str | None,
    wanted_label: str | None,
    params: tuple[str, ...],
    as_json: bool,
) -> None:
    """Lists runs, the newest first; without --all those that have not ended."""
    kept, now = Kept(place.folder), SystemClock().now()
    hidden = kept.archived("runs")
    filters = [text.partition("=")[::2] for text in params]
    rows: list[dict[str, Any]] = []
    with place.read() as store:
        for record in sorted(store.experiments(), key=lambda record: -record.id):
            if project is not None and record.description.labels.get("project") != project:
                continue
            for row in reversed(run_rows(store, record, now)):
                labels = labels_of(record, row.id, kept)
                fits = all(row.texts.get(name) == text for name, text in filters)
                if row.id in hidden or not fits or (row.is_final and not everything):
                    continue
                if wanted_label is None or wanted_label in labels:
                    rows.append({"row": row, "labels": labels, "record": record})
    rows.sort(key=lambda each: -each["row"].id)
    _print_runs(rows[:number], now, as_json=as_json)


def _print_runs(rows: list[dict[str, Any]], now: float, *, as_json: bool) -> None:
    if as_json:
        documents = [
            {
                "id": each["row"].id,
                "search": each["row"].search,
                "status": each["row"].status,
                "exit_code": each["row"].exit_code,
                "params": each["row"].values,
                "labels": each["labels"],
            }
            for each in rows
        ]
        emit_json("spell-ps", {"runs": documents})
        return
    cells = []
    for each in rows:
        row, command = each["row"], each["record"].description.command
        params = " ".join(
            f"{name}={text}"
            for name, text in zip(row.texts, params_of(row.texts, row.values, list(row.texts)), strict=True)
        )
        shown = [str(row.id), row.shown_status, age(now - row.created), length(row.seconds)]
        cells.append([*shown, ",".join(each["labels"]), str(command or ""), params])
    emit(table(["RUN", "STATUS", "AGE", "DURATION", "LABELS", "COMMAND", "PARAMS"], cells))


@click.command("info", cls=Example, example="luthier spell info 362")
@RUN
@with_store
def info(place: Place, run_id: int) -> None:
    """Shows everything about a run."""
    with place.read() as store:
        trial = find_run(store, run_id)
        record = store.experiment(trial.experiment)
        pairs = _facts(place, store, record, trial)
    facts(pairs)


def _facts(place: Place, store: Store, record: ExperimentRecord, trial: Trial) -> list[tuple[str, str]]:
    from luthier.run.folders import Folders

    row, what = run_row(record, trial, SystemClock().now()), record.description
    labels = what.labels
    names = labels_of(record, row.id, Kept(place.folder))
    pairs = [
        ("Run", str(row.id)),
        ("Status", row.shown_status),
        ("Command", command_for(record, trial)),
        ("Machine Type", labels.get("machine type", "--")),
        ("Created At", date(row.created)),
        ("Duration", length(row.seconds)),
        ("Description", labels.get("description", "--")),
        ("Labels", ", ".join(names) or "--"),
    ]
    if kind_of(record) != "run":
        pairs.insert(1, ("Hyper Search", str(record.id)))
    cells = params_of(row.texts, row.values, list(row.texts))
    for name, text in zip(row.texts, cells, strict=True):
        pairs.append(("Hyperparameters" if name == next(iter(row.texts)) else "", f"{name}: {text}"))
    metrics = store.summaries(trial.experiment, trial.number)
    if metrics:
        pairs.append(("Metrics", ", ".join(f"{each.metric} {each.last:.6g}" for each in metrics)))
    if what.environment is not None and what.environment.image is not None:
        pairs.append(("Container", container_of(place, record)))
    if row.reason:
        pairs.append(("Ended", row.reason))
    if trial.attempt:
        outputs = Folders(place.folder).attempt(trial.experiment, trial.number, trial.attempt).outputs
        pairs.append(("Outputs", outputs))
    return pairs


@click.command("logs", cls=Example, example="luthier spell logs -f 362")
@RUN
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on until it ends.")
@click.option("-n", "--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines.")
@click.option("-v", "--verbose", is_flag=True, help="Accepted.")
@with_store
def logs(place: Place, run_id: int, follows: bool, tail: int | None, verbose: bool) -> int:
    """Prints what a run printed. With --follow, Ctrl-C leaves it running."""
    from luthier.cli.doors.spell.following import follow, show

    return follow(place, run_id, since=tail, tells=False) if follows else show(place, run_id, tail)


@click.command("stop", cls=Example, example="luthier spell stop 362 363")
@RUNS
@click.option("-q", "--quiet", is_flag=True, help="Say nothing.")
@with_store
def stop(place: Place, run_ids: tuple[int, ...], quiet: bool) -> None:
    """Stops runs; their outputs are kept."""
    _end(place, run_ids, quiet, Outcome.STOPPED, "Stopping")


@click.command("kill", cls=Example, example="luthier spell kill 362 363")
@RUNS
@click.option("-q", "--quiet", is_flag=True, help="Say nothing.")
@with_store
def kill(place: Place, run_ids: tuple[int, ...], quiet: bool) -> None:
    """Kills runs; what they wrote is thrown away."""
    _end(place, run_ids, quiet, Outcome.KILLED, "Killing")


def _end(place: Place, run_ids: tuple[int, ...], quiet: bool, outcome: Outcome, word: str) -> None:
    from luthier.compat.spell.ending import end_run

    with place.change() as store:
        trials = [find_run(store, number) for number in run_ids]
        for trial in trials:
            if trial.state is TrialState.FINISHED:
                say(f"run {trial.run_id} has ended already")
                continue
            if not quiet:
                emit(f"{word} run {trial.run_id}.")
                sys.stdout.flush()
            after = end_run(store, place.folder, trial, outcome)
            row = run_row(store.experiment(trial.experiment), after, SystemClock().now())
            if not row.is_final:
                say(f"run {row.id} was told to end; it is recorded when its search goes on")


@click.command("archive", cls=Example, example="luthier spell archive 362")
@RUNS
@with_store
def archive(place: Place, run_ids: tuple[int, ...]) -> None:
    """Hides runs from the list. Nothing of them is removed."""
    with place.read() as store:
        for number in run_ids:
            find_run(store, number)
    for number in run_ids:
        Kept(place.folder).archive("runs", number)
    emit("Successfully archived " + ", ".join(map(str, run_ids)))


@click.command(
    "label", cls=Example, example="luthier spell label 362 good\nluthier spell label 362 --remove good"
)
@RUN
@click.argument("labels", nargs=-1)
@click.option("--remove", multiple=True, metavar="LABEL", help="Takes a label off.")
@with_store
def label(place: Place, run_id: int, labels: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Puts labels on a run, and shows those it has."""
    with place.read() as store:
        find_run(store, run_id)
    emit(", ".join(Kept(place.folder).label(run_id, list(labels), list(remove))))
