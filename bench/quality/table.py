"""The tables in text: every family and all of them, peer by peer, then the comparisons and the losses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.quality import peers, results, scoring
from bench.quality.levels import level_of
from bench.quality.problem import FAMILIES, Problem

__all__ = [
    "Asked",
    "Everything",
    "Judged",
    "Standing",
    "against_both",
    "beside",
    "complete",
    "judged",
    "shown",
    "special",
    "standing",
]


@dataclass(frozen=True)
class Asked:
    """Whom a table shows: the peers, the seeds from 1, whom they are compared with, whose code, each problem or not."""

    peers: Sequence[str]
    seeds: int
    focus: str | None = None
    code: str | None = None
    each: bool = False


@dataclass(frozen=True)
class Judged:
    """One search, judged."""

    regret: np.ndarray
    area: float
    p50: float
    p95: float
    failed: tuple[int, ...]
    repeats: int

    def at(self, share: float) -> float:
        """The regret after this share of the budget."""
        return float(self.regret[max(0, round(share * len(self.regret)) - 1)])


Unit = tuple[str, int]
Everything = dict[str, dict[Unit, Judged]]


def judged(problems: Iterable[Problem], asked: Asked) -> Everything:
    """Every search of these problems that there is, by peer and unit."""
    known = {p.name: p for p in problems}
    found: Everything = {}
    for peer in asked.peers:
        found[peer] = {}
        for (name, seed, budget), record in results.load(peer, code=asked.code).items():
            if name in known and 1 <= seed <= asked.seeds and budget == known[name].budget:
                found[peer][name, seed] = one(known[name], record)
    return found


def one(problem: Problem, record: dict[str, Any]) -> Judged:
    """A record with the levels of its problem."""
    best, ordinary = level_of(problem)
    scores = scoring.trace(record["steps"], record["trials"], problem.budget)
    regret = scoring.regrets(scores, best, ordinary)
    return Judged(
        regret,
        scoring.area(regret),
        record["p50"],
        record["p95"],
        tuple(record["failed"]),
        record["repeats"],
    )


def complete(found: Everything, problems: Sequence[Problem]) -> list[Unit]:
    """The units that every peer which can search the problem has searched."""
    units = sorted({unit for searches in found.values() for unit in searches})
    by_name = {p.name: p for p in problems}
    return [
        (name, seed)
        for name, seed in units
        if name in by_name
        and all((name, seed) in found[peer] for peer in found if peers.suits(peer, by_name[name]))
    ]


@dataclass(frozen=True)
class Standing:
    """How a peer stands among the others over some units."""

    peer: str
    regret: tuple[float, float, float]
    area: float
    rank: tuple[float, float, float]
    area_rank: tuple[float, float, float]
    p50: float
    p95: float
    units: int


def standing(found: Everything, problems: Sequence[Problem]) -> list[Standing]:
    """All peers over the units that are complete, the best mean rank of the final regret first."""
    units = complete(found, problems)
    names = [name for name, _ in units]
    last, areas = (
        scoring.ranks(
            np.array([[measure(found[peer].get(unit)) for peer in found] for unit in units]).reshape(
                -1, len(found)
            )
        )
        for measure in (lambda j: j.at(1.0) if j else np.nan, lambda j: j.area if j else np.nan)
    )
    rows = []
    for column, (peer, searches) in enumerate(found.items()):
        mine = [searches[unit] for unit in units if unit in searches]
        if mine:
            at = [float(np.mean([j.at(share) for j in mine])) for share in (0.25, 0.5, 1.0)]
            rows.append(
                Standing(
                    peer,
                    (at[0], at[1], at[2]),
                    float(np.mean([j.area for j in mine])),
                    scoring.interval(last[:, column], names),
                    scoring.interval(areas[:, column], names),
                    float(np.median([j.p50 for j in mine])),
                    float(np.median([j.p95 for j in mine])),
                    len(mine),
                )
            )
    return sorted(rows, key=lambda row: row.rank[0])


HEAD = f"{'peer':<20} {'25 %':>6} {'50 %':>6} {'100 %':>6} {'area':>6}   {'rank at end':<17} {'rank of area':<17} {'p50 ms':>8} {'p95 ms':>8}"


def line(row: Standing) -> str:
    """One peer."""
    final, areas = (f"{r[0]:.2f} ({r[1]:.2f}–{r[2]:.2f})" for r in (row.rank, row.area_rank))
    return (
        f"{row.peer:<20} {row.regret[0]:6.3f} {row.regret[1]:6.3f} {row.regret[2]:6.3f} {row.area:6.3f}   "
        f"{final:<17} {areas:<17} {row.p50 * 1e3:8.2f} {row.p95 * 1e3:8.2f}"
    )


def shown(problems: Sequence[Problem], asked: Asked) -> str:
    """The whole text."""
    found = {peer: searches for peer, searches in judged(problems, asked).items() if searches}
    lines = [f"without results, not shown: {', '.join(p for p in asked.peers if p not in found)}"]
    lines = lines if len(found) < len(asked.peers) else []
    focus = asked.focus or next((p for p in found if p.startswith("luthier:")), None)
    for family in (*FAMILIES, "all"):
        these = [p for p in problems if family in (p.family, "all")]
        full = scoring.ranked(found, {p.name for p in these}, focus)
        rows = standing(full, these)
        if rows:
            count = len({name for name, _ in complete(full, these)})
            lines += ["", f"{family}: {count} problems, {max(r.units for r in rows)} searches each", HEAD]
            lines += [line(row) for row in rows]
    if focus in found:
        lines += ["", *comparisons(found, focus), *special(problems, found)]
    elif any(p.startswith("luthier:") for p in asked.peers):
        lines += ["", "the code of Luthier changed since its last results; --code last shows those"]
    if asked.each:
        lines += ["", *each_problem(problems, found)]
    return "\n".join(lines)


def comparisons(found: Everything, focus: str) -> list[str]:
    """The focus against every other by area and by final regret, with what it loses."""
    lines = [f"{focus} against    problems × seeds, better/equal/worse problems, p (Wilcoxon over problems)"]
    for peer in beside(found, focus):
        by_area, by_end = against_both(found, focus, peer)
        lines.append(
            f"{peer:<20} {by_area.over():<8} area {by_area.better}/{by_area.equal}/{by_area.worse} p={by_area.p:.2g}"
            f"   end {by_end.better}/{by_end.equal}/{by_end.worse} p={by_end.p:.2g}"
        )
        lines.append(f"    loses area on: {', '.join(by_area.lost) or 'none'}")
        lines.append(f"    loses the end on: {', '.join(by_end.lost) or 'none'}")
    return lines


def beside(found: Everything, focus: str) -> list[str]:
    """The peers that have searched something the focus has."""
    return [
        peer for peer in found if peer != focus and not found[focus].keys().isdisjoint(found[peer].keys())
    ]


def against_both(found: Everything, focus: str, peer: str) -> tuple[scoring.Comparison, scoring.Comparison]:
    """The focus against a peer by area and by the final regret."""
    areas = ({unit: search.area for unit, search in found[who].items()} for who in (focus, peer))
    ends = ({unit: search.at(1.0) for unit, search in found[who].items()} for who in (focus, peer))
    return scoring.compared(*areas), scoring.compared(*ends)


def special(problems: Sequence[Problem], found: Everything) -> list[str]:
    """What is asked of failures and of parallel search besides, of every peer that searched all such problems."""
    lines = []
    for bar, where in (("half", "half of the space fails"), ("corner", "a corner of 12 % fails")):
        named = {p.name for p in problems if bar in p.tags}
        shares = {
            peer: [late_failures(j) for (name, _), j in searches.items() if name in named]
            for peer, searches in having(found, named).items()
        }
        told = ", ".join(f"{peer} {100 * float(np.mean(s)):.1f} %" for peer, s in shares.items() if s)
        if told:
            lines.append(f"failures in trials 50–150 where {where}: {told}")
    crowded = {p.name for p in problems if p.workers > 1}
    losses = {peer: parallel_loss(searches) for peer, searches in having(found, crowded).items()}
    told = ", ".join(
        f"{peer} {100 * mean:+.1f} % ({100 * low:+.1f} to {100 * high:+.1f})"
        for peer, (mean, low, high) in losses.items()
        if not np.isnan(mean)
    )
    if told:
        lines.append(
            f"area of four workers against one, with 95 % intervals over {len(crowded)} problems: {told}"
        )
    return lines


def having(found: Everything, names: set[str]) -> Everything:
    """The peers that searched all of these problems, with whatever seeds."""
    return {peer: searches for peer, searches in found.items() if names <= {name for name, _ in searches}}


def late_failures(search: Judged) -> float:
    """The share of failures in trials 50 to 150."""
    return sum(50 <= place <= 150 for place in search.failed) / 101


def parallel_loss(searches: dict[Unit, Judged]) -> tuple[float, float, float]:
    """How much larger the area is with several workers than with one, over the units that have both, and the 95 %
    interval by bootstrap over the problems. NaN where there are none."""
    both: dict[str, list[tuple[float, float]]] = {}
    for (name, seed), j in searches.items():
        if "@" in name and (alone := (name.partition("@")[0], seed)) in searches:
            both.setdefault(name, []).append((j.area, searches[alone].area))
    return scoring.growth(both)


def each_problem(problems: Sequence[Problem], found: Everything) -> list[str]:
    """The mean area and final regret of every problem."""
    lines = [f"{'problem':<28}" + "".join(f"{peer:>20}" for peer in found) + "   area / end"]
    for problem in sorted(problems, key=lambda p: (FAMILIES.index(p.family), p.name)):
        cells = []
        for searches in found.values():
            mine = [j for (name, _), j in searches.items() if name == problem.name]
            cells.append(
                f"{np.mean([j.area for j in mine]):9.3f} / {np.mean([j.at(1.0) for j in mine]):6.3f}  "
                if mine
                else "-"
            )
        lines.append(f"{problem.name:<28}" + "".join(f"{cell:>20}" for cell in cells))
    return lines
