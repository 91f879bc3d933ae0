"""What a person sees while a search runs: a line for each trial that ended, and, on a terminal, a live panel below.

Everything here goes to standard error: standard output is for the result. The panel is drawn by rich, imported only
when standard error is a terminal that can show it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from luthier import metrics
from luthier.cli.output import duration, ending, number, one_line, pairs, short
from luthier.cli.running import RunningTrial
from luthier.cli.sparks import bars_for
from luthier.clock import SystemClock
from luthier.drive.listener import Ended, Listener
from luthier.drive.preflight import bill, unwired
from luthier.store import Claim, ExperimentRecord
from luthier.trial import AttemptId, Outcome, Point, Result, Trial

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from luthier.description import Description

__all__ = ["FirstRows", "Lines", "Panel", "listener_for", "served_names"]


def listener_for(
    slots: int, *, check: bool, quiet: bool, rows: int = 0, stream: TextIO | None = None
) -> Lines:
    """Returns what suits the place standard error goes to. The first `rows` trials are shown as they begin."""
    out = stream or sys.stderr
    kind = Panel if out.isatty() and not quiet else Lines
    return kind(slots, check=check, quiet=quiet, rows=0 if quiet else rows, stream=out)


class FirstRows:
    """The first trials of a search as rows of a table, made when several of them have begun."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._begun: list[Claim] = []
        self._widths: list[int] = []

    def add(self, claim: Claim) -> None:
        """Takes a trial that began, while rows are wanted."""
        if self._wanted:
            self._wanted -= 1
            self._begun.append(claim)

    def lines(self, names: Sequence[str]) -> list[str]:
        """The rows of the trials taken since the last call, under their heads the first time."""
        if not self._begun:
            return []
        rows = []
        for claim in self._begun:
            shown = short(claim.configuration.values(), claim.configuration.texts())
            rows.append(
                [
                    *(one_line(shown.get(name, "-")) for name in names),
                    f"{claim.id.experiment}.{claim.id.trial}",
                ]
            )
        if not self._widths:
            rows.insert(0, [*names, "Trial"])
            self._widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        self._begun.clear()
        lines = [zip(row, self._widths, strict=True) for row in rows]
        return ["  ".join(cell.ljust(width) for cell, width in row).rstrip() for row in lines]


class Lines(Listener):
    """One plain line for each thing that happened."""

    def __init__(self, slots: int, *, check: bool, quiet: bool, rows: int = 0, stream: TextIO) -> None:
        self._clock = SystemClock()
        self.slots = slots
        self.quiet = quiet
        self._stream = stream
        self._check = check
        self._beginning = FirstRows(rows)
        self._first: list[Ended] = []
        self._warned: set[str] = set()
        self._best: tuple[float, str] | None = None
        self._done = 0
        self._seconds = 0.0
        self.ended_here = 0
        self.record: ExperimentRecord | None = None
        self.failed: Ended | None = None

    def begin_from(self, best: Trial | None) -> None:
        """Takes the best trial of earlier drives into account."""
        if best is not None and best.result is not None and best.result.value is not None:
            self._best = (best.result.value, best.name)

    # ------------------------------------------------------------------ what the drive says

    def opened(self, record: ExperimentRecord, adopted: int) -> None:
        """Notes how far an earlier drive had come."""
        self.record = record
        self._done = record.finished
        if adopted:
            trials = "1 trial that was" if adopted == 1 else f"{adopted} trials that were"
            self.say(f"Adopted {trials} still running; nothing was started twice.")

    def began(self, claim: Claim) -> None:
        """Keeps the first trials, to show them together."""
        self._beginning.add(claim)

    def ended(self, ended: Ended) -> None:
        """Says how a trial ended, and what the first ones tell about the command."""
        self._show_beginning()
        if ended.is_final:
            self._done += 1
        self.ended_here += 1
        self._seconds += ended.result.seconds or 0.0
        self._note_best(ended)
        if not self.quiet or ended.result.outcome.blames_configuration:
            self.say(self._line(ended))
        if ended.result.outcome.blames_configuration and self.failed is None:
            self.failed = ended
            self.show_tail(ended)
        if self._check and len(self._first) < 4:
            self._first.append(ended)
            self._examine(ended)

    def beat(self, record: ExperimentRecord) -> None:
        """Notes how the target stands: it may be changed while the search runs."""
        self._show_beginning()
        self.record = record
        self._done = max(self._done, record.finished)  # who waits in vain is finished without having run

    def note(self, text: str) -> None:
        """Says it."""
        self.say(text)

    # ------------------------------------------------------------------ words

    def say(self, text: str) -> None:
        """Writes one line."""
        print(text, file=self._stream, flush=True)

    def _show_beginning(self) -> None:
        if self.record is not None:
            for line in self._beginning.lines(self.record.description.space.names):
                self.say(line)

    def show_tail(self, ended: Ended) -> None:
        """Shows the end of what a failed trial printed."""
        for name in ("stderr.log", "stdout.log"):
            text = metrics.tail_of(ended.folder / name, lines=12)
            if text.strip():
                self.say(f"  the end of its {name}:")
                for line in text.rstrip().splitlines():
                    self.say(f"  | {line}")
                return
        self.say("  it printed nothing")

    def _line(self, ended: Ended) -> str:
        result, claim = ended.result, ended.claim
        name = f"{claim.id.experiment}.{claim.id.trial}"
        parts = [f"{name:<8}"]
        if result.outcome is Outcome.SUCCEEDED:
            parts.append(self._reached(result) + (f" at {ended.waits}" if ended.waits else ""))
        else:
            parts.append(ending(result.outcome, result.reason))
            if ended.again:
                parts.append("(back to the queue)")
        parts.append(_line_of(claim))
        if result.seconds is not None:
            parts.append(duration(result.seconds))
        return "  ".join(parts) + f"  {self._progress()}"

    def _reached(self, result: Result) -> str:
        """What a success reached, and whether it is of no use."""
        objectives = self.record.description.objectives if self.record else ()
        values = result.values if result.values is not None else (result.value,)
        said = ", ".join(f"{o.metric} {number(v)}" for o, v in zip(objectives, values, strict=False))
        broken = "" if result.is_allowed else ", breaks a constraint"
        return f"{said or 'succeeded'}{broken}"

    def _progress(self) -> str:
        target = self.record.target if self.record else None
        count = f"{self._done}/{target}" if target is not None else str(self._done)
        best = f", best {number(self._best[0])} by {self._best[1]}" if self._best else ""
        return f"[{count}{best}]"

    def _note_best(self, ended: Ended) -> None:
        what = self.record.description if self.record else None
        objective = what.objective if what else None
        value = ended.result.value
        if (
            what is None
            or objective is None
            or what.also  # of several objectives no trial alone is best
            or not ended.result.is_allowed
            or value is None
            or value != value
            or ended.result.outcome is not Outcome.SUCCEEDED
            or ended.waits
        ):
            return
        if self._best is None or objective.better(value, self._best[0]):
            self._best = (value, f"{ended.claim.id.experiment}.{ended.claim.id.trial}")

    def close(self) -> None:
        """Ends what is drawn; plain lines need nothing."""

    # ------------------------------------------------------------------ the check

    def _examine(self, ended: Ended) -> None:
        if len(self._first) == 1 and self.record is not None and ended.result.outcome is Outcome.SUCCEEDED:
            for line in check_lines(ended, self.record, self.slots):
                self.say(line)
        for name in unwired(self._first):
            if name not in self._warned:
                self._warned.add(name)
                self.say(
                    f"  warning: two trials that differ only in {name} reported the same; is {name} used by the command?"
                )


def _line_of(claim: Claim) -> str:
    configuration = claim.configuration
    return pairs(short(configuration.values(), configuration.texts()))


def check_lines(ended: Ended, record: ExperimentRecord, slots: int) -> list[str]:
    """The pre-flight in words: what one trial took, where its metrics were found, what the search will cost."""
    cost = bill(ended, record.target, slots, record.description.stages)
    took = f"check: one trial took {duration(cost.trial_seconds)}"
    if cost.peak_bytes:
        took += f" and {cost.peak_bytes / 1e6:.0f} MB"
    lines = []
    found = ", ".join(f"{name} ({source})" for name, source in sorted(ended.sources.items()))
    took += f"; metrics: {found}" if found else "; it reported no metric"
    lines.append(took)
    lines += [f"check: {said}" for said in served_names(record.description, ended)]
    if cost.search_seconds is not None and cost.trials and cost.trials > 1:
        lines.append(
            f"check: {cost.trials} trials on {slots} slot{'s' * (slots > 1)} will take about "
            f"{duration(cost.search_seconds)}"
        )
    return lines


def served_names(description: Description, ended: Ended) -> list[str]:
    """Which reported metric meets an objective, where it is called otherwise: `keras/val_acc is met by val_accuracy`."""
    names = {
        each.metric: metrics.matching_name(each.metric, ended.metrics) for each in description.objectives
    }
    return [f"{metric} is met by {name}" for metric, name in names.items() if name not in (None, metric)]


class Panel(Lines):
    """Lines above, and below them a panel of what is going on now."""

    def __init__(self, slots: int, *, check: bool, quiet: bool, rows: int = 0, stream: TextIO) -> None:
        super().__init__(slots, check=check, quiet=quiet, rows=rows, stream=stream)
        self._live: Live | None = None
        self._running: dict[AttemptId, RunningTrial] = {}
        self._bars = bars_for(stream)
        self._began = self._clock.elapsed()
        self._drawn = 0.0

    def began(self, claim: Claim) -> None:
        """Shows a trial among the running ones."""
        super().began(claim)
        self._running[claim.id] = RunningTrial(claim, self._clock.elapsed())

    def reported(self, id: AttemptId, points: Sequence[Point]) -> None:
        """Keeps the newest value of what it is watched for, and its course."""
        if id in self._running:
            objective = self.record.description.objective if self.record else None
            self._running[id].reported(points, objective.metric if objective else None)

    def ended(self, ended: Ended) -> None:
        """Takes it from the running ones and says how it ended."""
        self._running.pop(ended.claim.id, None)
        super().ended(ended)

    def say(self, text: str) -> None:
        """Writes one line above the panel."""
        if self._live is None:
            super().say(text)
        else:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def beat(self, record: ExperimentRecord) -> None:
        """Draws the panel anew, four times a second at most."""
        self._show_beginning()
        now = self._clock.elapsed()
        if now - self._drawn < 0.25:
            return
        self._drawn = now
        self.record = record
        if self._live is None:
            if now - self._began < 0.5:
                return  # a search that is over at once needs no panel
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._stream)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._picture(record, now), refresh=True)

    def _picture(self, record: ExperimentRecord, now: float) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        grid = Table.grid(padding=(0, 1))
        head = Table.grid(padding=(0, 1))
        target = record.target
        count = f"{record.finished} of {target}" if target is not None else f"{record.finished}"
        head.add_row(
            f"[bold]{record.id}[/bold] {record.description.algorithm.name}",
            ProgressBar(total=target or 1, completed=record.finished, width=24),
            count,
            f"{record.running} running",
            self._left(record),
        )
        grid.add_row(head)
        if self._best:
            objective = record.description.objective
            grid.add_row(
                f"best {objective.metric if objective else ''} {number(self._best[0])} by {self._best[1]}"
            )
        for trial in list(self._running.values())[:8]:
            from rich.markup import escape

            width = self._live.console.width if self._live else 80
            grid.add_row(escape(trial.line(now, width, self._bars)))
        if len(self._running) > 8:
            grid.add_row(f"  and {len(self._running) - 8} more")
        return grid

    def _left(self, record: ExperimentRecord) -> str:
        if record.target is None or not self.ended_here:
            return ""
        typical = self._seconds / self.ended_here
        left = max(0, record.target - record.finished)
        return f"about {duration(typical * left / max(1, self.slots))} left"

    def close(self) -> None:
        """Takes the panel away."""
        if self._live is not None:
            self._live.stop()
            self._live = None
