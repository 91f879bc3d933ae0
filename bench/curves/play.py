"""Plays a search over a table in event time: some workers, each an epoch at a time, and somebody who may stop a trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from bench.curves.tables import Table

__all__ = ["Played", "Player", "play"]


class Player(Protocol):
    """A search and what stops its trials."""

    def ask(self, trial: int) -> int | None:
        """Which configuration of the table a new trial has; None where there is none left."""

    def report(self, trial: int, point: int, loss: float) -> bool:
        """Takes the loss after `point` points (from 1) and says whether the trial is to be stopped."""

    def end(self, trial: int, stopped: bool) -> None:
        """The trial has ended."""


@dataclass
class Played:
    """What a search came to. `course` has (points spent in all, the trial, its row) of every trial that ran to its end."""

    spent: int = 0
    course: list[tuple[int, int, int]] = field(default_factory=list)
    stopped: dict[int, int] = field(default_factory=dict)


def play(table: Table, player: Player, trials: int, workers: int = 4) -> Played:
    """Runs `trials` trials, or as many as the player has; every point takes equally long."""
    made, running, asked = Played(), dict[int, list[int]](), 0
    while True:
        while len(running) < workers and asked < trials:
            row = player.ask(asked + 1)
            if row is None:
                trials = asked
                break
            asked += 1
            running[asked] = [row, 0]
        if not running:
            return made
        for trial, state in list(running.items()):
            row, point = state[0], state[1]
            state[1] += 1
            made.spent += 1
            stops = player.report(trial, point + 1, float(table.losses[row, point]))
            whole = point + 1 == table.points
            if whole:
                made.course.append((made.spent, trial, row))
            elif stops:
                made.stopped[trial] = point + 1
            if whole or stops:
                player.end(trial, stopped=stops and not whole)
                del running[trial]
