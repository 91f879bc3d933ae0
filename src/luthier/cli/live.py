"""What a person sees while a search runs: a line for each trial that ended. On a terminal `screen.py` adds a live panel.

Everything here goes to standard error: standard output is for the result. `telling.py` chooses between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from luthier import metrics
from luthier.cli.output import duration, ending, number, one_line, pairs, short, wrapped
from luthier.clock import SystemClock
from luthier.drive.listener import Ended, Listener
from luthier.store import Claim, ExperimentRecord
from luthier.trial import Outcome, Result, Trial

__all__ = ["FirstRows", "Lines"]


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
        self._fold: Ended | None = None  # the first one, while it is not known whether the others differ
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
        """Keeps the first trials, to show them together. What looks at them is loaded while the first one runs."""
        self._beginning.add(claim)
        if self._check:
            import luthier.cli.checking  # noqa: F401

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
        if ended.waits and "fold" not in self._warned:
            self._compare_folds(ended)
        if self._check and len(self._first) < 4:
            self._first.append(ended)
            self._examine(ended)

    def passed_over(self, trial: Trial, stage: str) -> None:
        """Says that a trial ends at the stage it has finished."""
        self._done += 1
        if not self.quiet and trial.result is not None:
            said = f"{trial.result.outcome} at {stage}: {trial.result.reason}"
            self.say(f"{trial.name:<8}  {said}  {_line_of(trial)}  {self._progress()}")

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
        print(wrapped(text, self._stream), file=self._stream, flush=True)

    def _show_beginning(self) -> None:
        if self.record is not None:
            for line in self._beginning.lines(self.record.description.space.names):
                self.say(line)

    def show_tail(self, ended: Ended) -> None:
        """Shows the end of what a failed trial printed."""
        for name in ("stderr.log", "stdout.log"):
            text = metrics.tail_of(f"{ended.folder}/{name}", lines=12)
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
            parts.append(self._reached(result) + self._where(ended))
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

    def _where(self, ended: Ended) -> str:
        """After which stage that was: ` at epochs=9`, or of how many folds it is the mean."""
        stages = self.record.description.stages if self.record else None
        folds = ended.result.curve[-1][0] if ended.result.curve else 1.0
        if stages is not None and stages.kind == "folds" and folds > 1:
            return f", mean of {folds:g} folds"
        return f" at {ended.waits}" if ended.waits else ""

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

    def _compare_folds(self, ended: Ended) -> None:
        """Looks at the first two folds that are seen of one trial."""
        first, self._fold = self._fold, self._fold or ended
        if self.record is None or first is None or first.claim.id.trial != ended.claim.id.trial:
            return
        from luthier.cli.checking import same_folds

        self._warned.add("fold")
        for said in same_folds(self.record.description, first, ended):
            self.say(f"  warning: {said}")

    def _examine(self, ended: Ended) -> None:
        from luthier.cli.checking import check_lines, unwired

        succeeded = ended.result.outcome is Outcome.SUCCEEDED
        if len(self._first) == 1 and self.record is not None and succeeded and not self.quiet:
            for line in check_lines(ended, self.record, self.slots):
                self.say(line)
        for name in unwired(self._first):
            if name not in self._warned:
                self._warned.add(name)
                self.say(
                    f"  warning: two trials that differ only in {name} reported the same; is {name} used by the command?"
                )


def _line_of(of: Claim | Trial) -> str:
    configuration = of.configuration
    if configuration is None:
        return ""
    return pairs(short(configuration.values(), configuration.texts()))
