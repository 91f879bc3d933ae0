"""`luthier list`: the experiments of this project, the newest first."""

from __future__ import annotations

from dataclasses import asdict

import click

from luthier.cli.app import Example
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import age, emit, emit_json, number, say, table
from luthier.clock import SystemClock
from luthier.view.experiments import BY_A_PERSON, ExperimentRow, ExperimentState, experiment_rows

__all__ = ["command"]

_HEADS = (
    "ID",
    "NAME",
    "ALGORITHM",
    "STATE",
    "TRIALS",
    "FAILED",
    "STOPPED",
    "BEST",
    "OBJECTIVE",
    "AGE",
    "COMMAND",
)
_STOPPED = _HEADS.index("STOPPED")
_COLOURS = {
    ExperimentState.RUNNING: "green",
    ExperimentState.ASKED: "green",
    ExperimentState.STOPPING: "yellow",
    ExperimentState.PAUSED: "yellow",
    ExperimentState.INTERRUPTED: "yellow",
}


_WORKED_ON = (ExperimentState.RUNNING, ExperimentState.ASKED, ExperimentState.STOPPING)


@click.command("list", cls=Example, example="luthier list")
@click.option("--running", is_flag=True, help="Only those that somebody works on.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the N newest.")
@with_store
@as_json
def command(place: Place, as_json: bool, running: bool, limit: int | None) -> None:
    """Lists the experiments of this project, the newest first.

    TRIALS is finished/asked for; FAILED counts the finished ones that did not succeed and were not stopped early, which
    STOPPED counts where there are any. BEST has the best value of each objective.
    """
    if not place.is_made:
        rows = []
    else:
        with place.read() as store:
            rows = experiment_rows(store, place.activity(store))
    if running:
        rows = [row for row in rows if row.state in _WORKED_ON]
    rows = rows[:limit]
    if as_json:
        emit_json("list", {"experiments": [asdict(row) for row in rows]})
    elif not rows:
        say(
            f"no experiment{' is running' if running else ''} in {place.folder}; begin with: luthier help grid"
        )
    else:
        now = SystemClock().now()
        styles = [(_COLOURS[row.state],) if row.state in _COLOURS else () for row in rows]
        heads: tuple[str, ...] = _HEADS
        lines = [_line(row, now) for row in rows]
        if not any(row.stopped for row in rows):
            heads, *lines = (line[:_STOPPED] + line[_STOPPED + 1 :] for line in (heads, *lines))
        right = ("ID", "TRIALS", "FAILED", "STOPPED", "BEST", "AGE")
        emit(table(heads, lines, right=right, styles=styles))
        for row in rows:
            if row.wish_reason and not row.wish_reason.startswith(BY_A_PERSON):
                is_ended = row.state is ExperimentState.ENDED
                say(f"experiment {row.id} {'' if is_ended else 'is '}{row.state}: {row.wish_reason}")


def _line(row: ExperimentRow, now: float) -> tuple[str, ...]:
    asked = f"/{row.target}" if row.target is not None else ""
    aims = [f"{aim.direction} {aim.metric}{_how(aim.aggregate)}" for aim in row.objectives]
    return (
        str(row.id),
        row.name or "-",
        row.algorithm,
        row.state.value,
        f"{row.finished}{asked}",
        str(row.unsuccessful - row.stopped),
        str(row.stopped),
        ", ".join(number(aim.best_value) for aim in row.objectives) or "-",
        ", ".join(aims) or "-",
        age(now - row.created),
        row.command or "-",
    )


def _how(aggregate: str) -> str:
    return f" ({aggregate})" if aggregate != "last" else ""
