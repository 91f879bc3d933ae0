"""`luthier check`: runs a few trials that count for nothing, and says what a search over them would be like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from luthier import metrics
from luthier.cli.app import Example
from luthier.cli.checking import said_at_once, served_names
from luthier.cli.describe import describe, search_options
from luthier.cli.foreground import interruptible
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import duration, emit, emit_json, many, number, pairs, say, short, size
from luthier.cli.quantities import DURATION
from luthier.description import Algorithm, Description
from luthier.drive.checking import Checked, check
from luthier.drive.listener import Listener
from luthier.drive.preflight import Bill, bill, reaching
from luthier.drive.session import Session, parallel_slots
from luthier.run.rooms import Room
from luthier.store import open_store
from luthier.store.location import FOLDER
from luthier.trial import Outcome

__all__ = ["command"]

EXAMPLE = """
luthier check --param rate=.001:1.0:log --param layers=2,3,5 --num-runs 40 --metric accuracy -- \\
    python train.py --learning_rate :rate: --num_layers :layers:
"""


@click.command(cls=Example, context_settings={"allow_interspersed_args": False}, example=EXAMPLE)
@click.option(
    "--patience",
    type=DURATION,
    default=120.0,
    metavar="TIME",
    help="Vary each parameter only if that takes no longer (default: 2m).",
)
@as_json
@with_store
@search_options
def command(patience: float, place: Place, as_json: bool, **options: Any) -> int:
    """Runs a command once, and if it is quick a few times more, before a search is spent on it.

    It tells which metrics were found and where, how long a trial takes and how much memory, what the whole search
    will cost, which parameters seem to change nothing, and whether the same configuration and seed give the same
    result. Nothing of it counts as a trial. It takes the options of grid and random.
    """
    project = place.folder.parent if place.folder.name == FOLDER else Path.cwd()
    asked = describe(Algorithm("random"), project, options)
    for warning in asked.warnings:
        say(f"warning: {warning}")
    with Room() as room:
        slots = len(parallel_slots(asked.description.limits))
        checked = _run(asked.description, Path(room, FOLDER), patience)
        if checked.interrupted:
            return 130
        cost = (
            bill(checked.trials[0], asked.description.target(), slots, asked.description.stages)
            if checked.trials
            else None
        )
        if as_json:
            emit_json("check", _document(asked.description, checked, cost))
        elif cost is not None:
            _print(asked.description, checked, cost, slots)
        return 0 if checked.trials and checked.trials[0].result.outcome is Outcome.SUCCEEDED else 1


def _run(description: Description, folder: Path, patience: float) -> Checked:
    """Runs the pre-flight in a store of its own; Ctrl-C ends its trials, and then it."""
    store = open_store(folder)
    try:
        with Session(store, folder, notes_provenance=False) as session:
            runner = session.start_runner(description.limits)
            with interruptible(runner, "Stopping the check.") as interrupts:
                return check(description, session, Listener(), interrupts, patience_seconds=patience)
    finally:
        store.close()


def _print(description: Description, checked: Checked, cost: Bill, slots: int) -> None:
    first = checked.trials[0]
    configuration = first.claim.configuration
    emit(f"ran       {pairs(short(configuration.values(), configuration.texts()))}")
    emit(f"ended     {first.result.outcome}" + (f": {first.result.reason}" if first.result.reason else ""))
    if first.result.outcome is not Outcome.SUCCEEDED:
        for line in metrics.tail_of(f"{first.folder}/stderr.log", lines=12).splitlines():
            emit(f"          | {line}")
    peak = f", {size(cost.peak_bytes)} of memory" if cost.peak_bytes else ""
    emit(f"took      {duration(cost.trial_seconds)}{peak}")
    for name, value in sorted(first.metrics.items()):
        emit(f"metric    {name} = {number(value)}, from {first.sources.get(name, 'its output')}")
    for said in served_names(description, first):
        emit(f"objective {said}")
    if not first.metrics:
        emit("metric    none found; print a line such as 'accuracy: 0.91', or see --metric-pattern")
    if cost.search_seconds is not None and cost.trials is not None:
        emit(f"the bill  {many(cost.trials, 'trial')}, {slots} at a time: {_times(description, cost)}")
    else:
        emit("the bill  say how many trials with --num-runs, and it is reckoned here")
    said = _early(description, checked)
    if said:
        emit(f"stopping  {said}")
    _print_wiring(description, checked)


def _times(description: Description, cost: Bill) -> str:
    """What the search will take; of stages both what all trials' first ones will, and the whole schedule."""
    stages = description.stages
    whole = f"about {duration(cost.search_seconds)}"
    if stages is None or cost.first_seconds is None or cost.trials is None:
        return whole
    first = f"{stages.name(0)} alone about {duration(cost.first_seconds)}"
    if stages.kind == "folds":
        return f"{first}, all {len(stages.levels)} folds {whole}"
    counts = ", ".join(map(str, reaching(stages, cost.trials)))
    levels = ", ".join(stages.text(at) for at in range(len(stages.levels)))
    return (
        f"{first}, the whole schedule {whole} if time grows with {stages.parameter} and each rung starts over "
        f"({stages.parameter} {levels} for at least {counts} trials)"
    )


def _early(description: Description, checked: Checked) -> str:
    """What early stopping will be able to do."""
    objective, stages = description.objective, description.stages
    if objective is None or checked.trials[0].result.outcome is not Outcome.SUCCEEDED:
        return ""
    if stages is not None and stages.kind == "rungs":
        return f"between the rungs of {stages.parameter}: the best 1 in {stages.eta:g} go on"
    if stages is not None:
        return "after each fold, where a rule is chosen (tune does) and the others won't make it the best"
    if checked.points < 2:
        return f"not possible: {objective.metric} came once, without steps; report it step by step, or see --budget"
    if at_once := said_at_once(description, checked.trials[0]):
        return f"not as it is: {at_once}"
    possible = (
        f"possible: {objective.metric} came at {checked.points} steps, so poor trials can be ended early"
    )
    if description.stopping is None:
        return f"{possible} (tune does)"
    if description.stopping.rule == "none":
        return (
            f"{possible}: here by your conditions alone, with --early-stopping auto or tune by a rule as well"
        )
    return f"{possible} ({description.stopping.rule} will judge them)"


def _print_wiring(description: Description, checked: Checked) -> None:
    if not checked.wired:
        if checked.trials[0].result.outcome is Outcome.SUCCEEDED:
            emit("wiring    not looked at: a trial takes too long; allow it with --patience 1h")
        return
    for name in checked.unwired:
        emit(f"warning   {name} seems to change nothing: two far values reported the same")
    if not checked.unwired:
        count = len(description.space.parameters)
        which = "the parameter" if count == 1 else f"each of the {count} parameters"
        emit(f"wiring    {which} changes what is reported")
    for name in checked.unsteady:
        emit(
            f"warning   {name} differs between two runs with the same configuration and seed; seed it by LUTHIER_SEED"
        )
    if not checked.unsteady:
        emit("steady    the same configuration and seed gave the same metrics")


def _document(description: Description, checked: Checked, cost: Bill | None) -> dict[str, Any]:
    if not checked.trials or cost is None:
        return {"trials": 0}
    first = checked.trials[0]
    return {
        "trials": len(checked.trials),
        "values": first.claim.configuration.values(),
        "outcome": str(first.result.outcome),
        "reason": first.result.reason,
        "seconds": cost.trial_seconds,
        "cpu_seconds": cost.trial_cpu_seconds,
        "peak_bytes": cost.peak_bytes,
        "metrics": {
            name: {"value": value, "source": first.sources.get(name)} for name, value in first.metrics.items()
        },
        "objective": metrics.matching_name(description.objective.metric, first.metrics)
        if description.objective
        else None,
        "search_trials": cost.trials,
        "search_seconds": cost.search_seconds,
        "first_stage_seconds": cost.first_seconds,
        "steps": checked.points,
        "at_once": list(first.at_once),
        "wiring_checked": checked.wired,
        "unwired": list(checked.unwired),
        "unsteady": list(checked.unsteady),
    }
