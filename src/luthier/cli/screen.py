"""A search on a terminal: the lines of `live.py`, and below them a panel of what is going on now.

`telling.py` loads this only where standard error is a terminal, and the panel loads rich only once there is something to
draw. What is drawn is `panel.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from luthier.cli.live import Lines
from luthier.cli.output import duration, number, wrapped
from luthier.cli.running import RunningTrial
from luthier.cli.sparks import bars_for
from luthier.drive.listener import Ended
from luthier.store import Claim, ExperimentRecord
from luthier.trial import AttemptId, Point

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

__all__ = ["Panel"]

ROWS = 8
"""As many running trials are shown one by one."""


class Panel(Lines):
    """Lines above, and below them a panel of what is going on now."""

    def __init__(self, slots: int, *, check: bool, quiet: bool, rows: int = 0, stream: TextIO) -> None:
        super().__init__(slots, check=check, quiet=quiet, rows=rows, stream=stream)
        self._live: Live | None = None
        self._running: dict[AttemptId, RunningTrial] = {}
        self._bars = bars_for(stream)
        self._began = self._clock.elapsed()
        self._drawn = 0.0
        self._new = 0  # trials begun since the record was read
        self._others = 0  # running ones of other workers

    def began(self, claim: Claim) -> None:
        """Shows a trial among the running ones."""
        super().began(claim)
        self._new += 1
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
            self._live.console.print(
                wrapped(text, self._stream), markup=False, highlight=False, soft_wrap=True
            )

    def beat(self, record: ExperimentRecord) -> None:
        """Draws the panel anew, four times a second at most."""
        super().beat(record)
        self._others = max(0, record.running - (len(self._running) - self._new))
        self._new = 0
        now = self._clock.elapsed()
        if now - self._drawn < 0.25:
            return
        self._drawn = now
        if self._live is None:
            if now - self._began < 0.5:
                return  # a search that is over at once needs no panel
            from rich.console import Console
            from rich.live import Live

            from luthier.cli.panel import Drawn

            console = Console(file=self._stream)
            self._live = Live(Drawn(self._picture), console=console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.refresh()

    def _picture(self) -> Table:
        from luthier.cli.panel import Head, picture

        record = self.record
        assert record is not None, "the panel is drawn once the drive has begun"
        what = record.description
        best = ""
        if self._best:
            best = f"best {what.objective.metric if what.objective else ''} {number(self._best[0])} by {self._best[1]}"
        head = Head(
            record.id,
            what.algorithm.name,
            self._done,
            record.target,
            len(self._running) + self._others,
            self._left(record),
            best,
        )
        now, width = self._clock.elapsed(), self._live.console.width if self._live else 80
        shown = list(self._running.values())[:ROWS]
        rows = [trial.cells(now, width, self._bars) for trial in shown]
        return picture(head, rows, len(self._running) - len(rows))

    def _left(self, record: ExperimentRecord) -> str:
        if record.target is None or not self.ended_here:
            return ""
        typical = self._seconds / self.ended_here
        left = max(0, record.target - self._done)
        return f"about {duration(typical * left / max(1, self.slots))} left"

    def close(self) -> None:
        """Takes the panel away."""
        if self._live is not None:
            self._live.stop()
            self._live = None
