"""How far a search in a Python program is: one line that is written over, on a terminal and in a notebook.

Where neither is looking (a log file, a pipe) a line is written at each tenth. It goes to standard error, like all that
is not a result.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from typing import Any, TextIO

from luthier.clock import Clock, SystemClock
from luthier.drive.listener import Ended, Listener
from luthier.store import ExperimentRecord
from luthier.trial import Outcome, Trial

__all__ = ["Progress", "progress_for"]

SHOWN_SECONDS = 0.1
WIDTH = 24


def progress_for(
    record: ExperimentRecord, *, best: float | None, show: bool, stream: TextIO | None = None
) -> Listener:
    """Returns what suits the place the program runs in. `best` is the best value of earlier drives."""
    out = stream or sys.stderr
    if not show or out is None:
        return Listener()
    return Progress(record, best, out, _notebook_display())


def _notebook_display() -> Any:
    """IPython's display in a notebook's kernel, else None. Loads nothing that is not loaded."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return importlib.import_module("IPython.display").display


class Progress(Listener):
    """Counts what ends and keeps one line current."""

    def __init__(
        self,
        record: ExperimentRecord,
        best: float | None,
        stream: TextIO,
        display: Any = None,
        clock: Clock | None = None,
    ) -> None:
        self._objective = record.description.objective
        self._target = record.target
        self._done = record.finished
        self._failed = 0
        self._best = best
        self._best_trial: int | None = None
        self._stream = stream
        self._clock = clock or SystemClock()
        self._began = self._shown = self._clock.elapsed()
        self._here = 0
        self._told = 0
        self._first_reason = ""
        self._handle = display(_Line(""), display_id=True) if display is not None else None
        self._is_live = self._handle is not None or stream.isatty()

    def ended(self, ended: Ended) -> None:
        """Counts a trial."""
        if not ended.is_final:
            return
        self._here += 1
        self._done += 1
        result = ended.result
        if result.outcome is Outcome.SUCCEEDED:
            self._note_best(ended)
        elif result.outcome is not Outcome.STOPPED:
            self._failed += 1
            if not self._first_reason:
                self._first_reason = f"trial {ended.claim.id.trial} {result.outcome}: {result.reason}"
                self.note(self._first_reason)

    def passed_over(self, trial: Trial, stage: str) -> None:
        """Counts it; to be stopped is no failure."""
        self._here += 1
        self._done += 1

    def _note_best(self, ended: Ended) -> None:
        value = ended.result.value
        if value is not None and value == value and ended.result.is_allowed:
            self.improved(ended.claim.id.trial, value)

    def improved(self, number: int, value: float) -> None:
        """Keeps the best value and the trial that reached it."""
        objective = self._objective
        if objective is not None and (self._best is None or objective.better(value, self._best)):
            self._best, self._best_trial = value, number

    def beat(self, record: ExperimentRecord) -> None:
        """Shows how it stands, ten times a second at most."""
        self._target = record.target
        if record.finished > self._done:  # these were not told one by one
            self._here += record.finished - self._done
            self._done = record.finished
            self._failed = record.finished - record.succeeded
        now = self._clock.elapsed()
        if self._is_live:
            if now - self._shown >= SHOWN_SECONDS:
                self._shown = now
                self._show(self.line(now))
        elif self._target and self._told < (tenth := self._done * 10 // self._target) < 10:
            self._told = tenth
            self._write(f"{self.line(now)}\n")

    def note(self, text: str) -> None:
        """Says something above the line."""
        if self._is_live and self._handle is None:
            self._write("\r\x1b[K")
        self._write(f"luthier: {text}\n")

    def close(self) -> None:
        """Shows the line a last time and leaves it there."""
        line = self.line(self._clock.elapsed())
        if self._is_live:
            self._show(line)
        if self._handle is None:
            self._write("\n" if self._is_live else f"{line}\n")

    def line(self, now: float) -> str:
        """`[########----] 60/100  best loss 0.0123 (trial 17)  2 failed  0:12 left`"""
        parts = []
        if self._target:
            full = min(WIDTH, self._done * WIDTH // self._target)
            parts.append(f"[{'#' * full}{'-' * (WIDTH - full)}] {self._done}/{self._target}")
        else:
            parts.append(f"{self._done} trials")
        if self._best is not None and self._objective is not None:
            by = f" (trial {self._best_trial})" if self._best_trial is not None else ""
            parts.append(f"best {self._objective.metric} {self._best:.6g}{by}")
        if self._failed:
            parts.append(f"{self._failed} failed")
        if self._here and self._target and self._done < self._target:
            left = (now - self._began) / self._here * (self._target - self._done)
            parts.append(f"{_clock_text(left)} left")
        elif self._here:
            parts.append(_clock_text(now - self._began))
        return "  ".join(parts)

    def _write(self, text: str) -> None:
        """Writes; nobody may be listening any more, and that is no reason to end a search."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()

    def _show(self, line: str) -> None:
        if self._handle is not None:
            self._handle.update(_Line(line))
        else:
            self._write(f"\r{line}\x1b[K")


class _Line:
    """A line as a notebook shows it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _clock_text(seconds: float) -> str:
    whole = int(seconds + 0.5)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
