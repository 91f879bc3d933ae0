"""Whether the winner is real: what the leaders of a search reach when they are run again with fresh seeds.

The winner of a search was chosen for its value, so that value flatters it; fresh runs don't. The winner was named
before they ran, so it is confirmed when its mean is better than that of every other leader by Welch's test, each at
5 %: to be better than all is to be better than each, so this needs no correction for their number. Another leader
that did better was picked by looking, so its chance of luck is multiplied by their number (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import mean, stdev, variance  # exact: equal values have no deviation

from luthier.store import ExperimentRecord
from luthier.trial import Trial, TrialState
from luthier.view.repeats import scores
from luthier.view.rounding import rounded

__all__ = ["Confirmation", "Found", "Fresh", "confirmed", "welch"]

_ALPHA = 0.05


class Found(StrEnum):
    """What the fresh runs say."""

    CONFIRMED = "confirmed"  # the winner is better than every other leader
    NOT_CONFIRMED = "not confirmed"  # another leader did better
    UNSETTLED = "unsettled"  # the winner is ahead, but not beyond chance
    ALONE = "alone"  # there was nothing to compare it with
    UNKNOWN = "unknown"  # there are not two runs of each yet


@dataclass(frozen=True, slots=True)
class Fresh:
    """One leader's fresh runs. `searched` is the value the search found; `low` and `high` hold the mean at 95 %, by its
    own runs alone; None without two runs that succeeded."""

    trial: int
    searched: float | None
    runs: int
    failed: int
    reached: tuple[float, ...]
    mean: float | None = None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """`0.938 ± 0.004`, half the interval after the sign."""
        if self.mean is None or self.low is None or self.high is None:
            return "unknown" if self.mean is None else rounded(self.mean, 0.0)
        half = (self.high - self.low) / 2
        return f"{rounded(self.mean, half)} ± {rounded(half, half)}"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The verdict on experiment `of`. `rows` are its leaders, the one it recommends first; `best` is the number of the
    trial whose fresh runs are best, `p` the chance that its lead is luck: the winner's over the nearest other leader,
    another one's over the winner."""

    of: int
    found: Found
    rows: tuple[Fresh, ...]
    best: int | None
    p: float | None
    text: str


def confirmed(record: ExperimentRecord, trials: Sequence[Trial]) -> Confirmation:
    """The verdict of a confirmation's trials so far."""
    settings, objective = record.description.algorithm.settings, record.description.objective
    maximize = objective is None or objective.direction == "maximize"
    leaders = list(zip(settings["trials"], settings["searched"], strict=True))
    runs: list[list[Trial]] = [[] for _ in leaders]
    for trial in trials:
        if trial.state is TrialState.FINISHED and trial.proposal and trial.proposal.ordinal is not None:
            runs[(trial.proposal.ordinal - 1) % len(leaders)].append(trial)
    rows = tuple(_fresh(number, value, mine) for (number, value), mine in zip(leaders, runs, strict=True))
    return _verdict(settings["of"], rows, maximize)


def _fresh(number: int, searched: float | None, trials: Sequence[Trial]) -> Fresh:
    values = tuple(value for _, value in scores(trials))
    n, failed = len(values), len(trials) - len(values)
    middle = mean(values) if n else None
    if middle is None or n < 2:
        return Fresh(number, searched, len(trials), failed, values, middle)
    from scipy.special import stdtrit

    deviation = stdev(values)
    half = float(stdtrit(n - 1, 0.975)) * deviation / sqrt(n)
    return Fresh(
        number, searched, len(trials), failed, values, middle, deviation, middle - half, middle + half
    )


def welch(a: Sequence[float], b: Sequence[float]) -> float:
    """The chance that means so far apart, `a` above `b`, come of samples with equal means: Welch's one-sided test.
    Both need two values.

    **Source** B. L. Welch, Biometrika 34 (1947), with Satterthwaite's degrees of freedom.
    """
    from scipy.special import stdtr

    lead = mean(a) - mean(b)
    parts = [variance(values) / len(values) for values in (a, b)]
    total = sum(parts)
    if total == 0:
        return 0.0 if lead > 0 else 0.5 if lead == 0 else 1.0
    shares = [part / total for part in parts]
    freedom = 1 / sum(share**2 / (len(values) - 1) for share, values in zip(shares, (a, b), strict=True))
    return float(stdtr(freedom, -lead / sqrt(total)))


def _verdict(of: int, rows: tuple[Fresh, ...], maximize: bool) -> Confirmation:
    winner, sign = rows[0], 1.0 if maximize else -1.0
    known = [row for row in rows if len(row.reached) > 1]
    note = _left_out(of, rows)
    if winner not in known:
        return Confirmation(of, Found.UNKNOWN, rows, None, None, f"not known{note}")
    note = _luck(winner, maximize) + note
    if len(known) == 1:
        text = (
            f"{of}.{winner.trial} reaches {winner} over {_runs(winner)}; there is nothing to compare it with"
        )
        return Confirmation(of, Found.ALONE, rows, winner.trial, None, text + note)
    best = max(known, key=lambda row: sign * (row.mean or 0.0))
    turned = {row.trial: [sign * value for value in row.reached] for row in known}
    chances = {row: welch(turned[best.trial], turned[row.trial]) for row in known if row is not best}
    if best is winner:
        rival = max(chances, key=lambda row: chances[row])
        p = chances[rival]
    else:  # this one was picked by looking, among so many
        rival, p = winner, min(chances[winner] * len(chances), 1.0)
    found, text = _words(of, winner, best, rival, p)
    return Confirmation(of, found, rows, best.trial, p, text + note)


def _words(of: int, winner: Fresh, best: Fresh, rival: Fresh, p: float) -> tuple[Found, str]:
    figures, odds = f"{best} over {_runs(best)}", "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    if best is not winner:
        luck = "beyond chance" if p < _ALPHA else "though that may be chance"
        return Found.NOT_CONFIRMED, (
            f"not confirmed: {of}.{best.trial} did better than {of}.{winner.trial}: {figures}, "
            f"{of}.{winner.trial} {winner} ({odds}, {luck})"
        )
    if p < _ALPHA:
        return Found.CONFIRMED, (
            f"confirmed: {of}.{best.trial} is the best: {figures}, the next, {of}.{rival.trial}, {rival} "
            f"({odds})"
        )
    return Found.UNSETTLED, (
        f"not settled: {of}.{best.trial} is ahead: {figures}, but {of}.{rival.trial} with {rival} can't be told from "
        f"it ({odds}); more runs may tell"
    )


def _luck(winner: Fresh, maximize: bool) -> str:
    """How much of the value that made it the winner was luck."""
    if winner.searched is None or winner.mean is None or winner.low is None or winner.high is None:
        return ""
    luck = winner.searched - winner.mean if maximize else winner.mean - winner.searched
    half = (winner.high - winner.low) / 2
    said = f". The search's own {rounded(winner.searched, half)} was "
    return said + (f"luck by {rounded(luck, half)}" if luck > 0 else "no luck")


def _runs(row: Fresh) -> str:
    return f"{len(row.reached)} fresh runs"


def _left_out(of: int, rows: Sequence[Fresh]) -> str:
    short = [row for row in rows if len(row.reached) < 2]
    if not short:
        return ""
    names = ", ".join(f"{of}.{row.trial} ({len(row.reached)} of {row.runs} succeeded)" for row in short)
    return f"; too few fresh runs: {names}"
