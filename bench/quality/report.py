"""Writes `docs/benchmarks.md` and its pictures from the results that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from bench.quality import drawing, results, scoring
from bench.quality.problem import FAMILIES, Problem
from bench.quality.problems import all_problems
from bench.quality.sources import code_digest
from bench.quality.table import (
    Asked,
    Everything,
    Standing,
    against_both,
    beside,
    complete,
    judged,
    special,
    standing,
)

__all__ = ["write_report"]

REPLAYED = {
    "8acb22e335de": "25 searches of the held-out half (seed 3, every third problem) were played again by 5ef03e007ffa, "
    "from which it differs by a guard against overflow: all 25 had the same best score after every trial, and the same "
    "failures."
}
"""What was found when later code played searches of these results again, by its digest."""

DOCS = Path(__file__).parents[2] / "docs"

OPENING = """# How good the proposals are

Written by `python -m bench.quality report`; do not edit. `make bench-quality` makes the searches and prints the tables.

Every optimizer searches the same problems, with the same number of trials, the same noise and the same lengths of
trials for the same seed. Problems are of eight families: the functions of the COCO platform (bbob, bbob-mixint, and
noise of bbob-noisy's kinds), tables of real training (NAS-Bench-201, FCNet, HPOBench), real training with scikit-learn
on small data sets, and functions of our own. Which half a problem belongs to is the parity of a digest of its name:
one half was used for tuning Luthier, the other was held out.

**Regret** is 1 at what random search usually has after a tenth of the budget and 0 at the least loss known, cut to
[0, 1]. **Area** is its mean over all trials. **Ranks** are within a problem and seed, with 95 % intervals by
bootstrap over problems. The score of a noisy problem is the true loss of the configuration that was observed best.
p is of Wilcoxon's signed-rank test over the problems' means. Costs are of asking and telling one trial, on a busy
machine; `bench/cost.py` measures them alone.

A table ranks who searched all of its problems with all of the seeds. The other peers are slow and have fewer seeds, or
only the problems of the fewest trials; they stand under "Against each peer", over the problems and seeds that both have
("ours, its" are the means over those problems).
`python -m bench.quality table --half held-out --code last` prints the same; with `--seeds 2` it ranks who has two seeds.
"""


def write_report(asked: Asked) -> None:
    """Writes everything; a half without results of the focus is left out."""
    pictures = DOCS / "benchmarks"
    pictures.mkdir(parents=True, exist_ok=True)
    focus = asked.focus or asked.peers[0]
    parts = [OPENING, setting(asked)]
    for half in ("held-out", "tune"):
        problems = [p for p in all_problems().values() if p.half == half]
        found = judged(problems, asked)
        found = {peer: searches for peer, searches in found.items() if searches}
        if focus in found:
            parts.append(section(half, problems, found, focus, pictures))
    (DOCS / "benchmarks.md").write_text("\n".join(parts), encoding="utf-8")
    print(f"wrote {DOCS / 'benchmarks.md'}")
    if focus.startswith("luthier:") and not results.load(focus):
        print("the code of Luthier changed since these results: `run --record` makes them anew")


def setting(asked: Asked) -> str:
    """Which versions, and how a peer is told what it has no words for."""
    versions = {}
    for name in asked.peers:
        for record in results.load(name, code=asked.code).values():
            versions[name] = (
                record["version"] if not name.startswith("luthier:") else f"code {record['code']}"
            )
    told = "; ".join(f"{name}: {version}" for name, version in versions.items())
    return (
        f"Versions: {told}.{present(versions.values())}\n\n"
        "Failed trials are told as each peer's pages have it (Optuna and Hyperopt: as failed; Nevergrad: an infinite "
        "loss; Ax: as abandoned; HEBO: as not a number) or, where there is no word for it, as the worst loss so far "
        "(scikit-optimize, cma). Conditions are told to those who know them (Luthier, Optuna, Hyperopt, and Ax where a "
        "parameter depends on one value); the others search the flat space, where inactive parameters change nothing. "
        "cma takes part where all parameters are numbers. HEBO takes no numpy after 1.24, which most of the other peers "
        "need, and so searched from an environment of its own (`make bench-hebo`); the losses are the same there.\n"
    )


def present(versions: Iterable[str]) -> str:
    """What is known of the code as it is now, where these results are of an earlier one."""
    now = code_digest()
    if f"code {now}" in versions:
        return ""
    return f" The code that proposes is now {now}. {REPLAYED.get(now, 'It was not played against these results.')}"


def section(half: str, problems: Sequence[Problem], found: Everything, focus: str, pictures: Path) -> str:
    """One half: pictures, tables, comparisons, losses."""
    panels: dict[str, dict[str, np.ndarray]] = {}
    ranks: dict[str, dict[str, tuple[float, float, float]]] = {}
    tables = []
    for family in ("all", *FAMILIES):
        these = [p for p in problems if family in (p.family, "all")]
        full = scoring.ranked(found, {p.name for p in these}, focus)
        rows = standing(full, these)
        if rows:
            panels[family] = mean_curves(full, these)
            ranks[family] = {row.peer: row.area_rank for row in rows}
            count = len({name for name, _ in complete(full, these)})
            tables.append(f"### {family.capitalize()}: {count} problems\n\n" + markdown(rows))
    colours = drawing.colours_of([peer for peer in found if any(peer in row for row in ranks.values())])
    (pictures / f"regret-{half}.svg").write_text(drawing.curves(panels, colours), encoding="utf-8")
    (pictures / f"ranks-{half}.svg").write_text(drawing.intervals(ranks, colours), encoding="utf-8")
    title = {"held-out": "The held-out half", "tune": "The half used for tuning"}[half]
    return "\n".join(
        [
            f"## {title}\n",
            f"![Mean regret over the budget, by family](benchmarks/regret-{half}.svg)\n",
            f"![Mean rank of the area, with 95 % intervals](benchmarks/ranks-{half}.svg)\n",
            *tables,
            "### Against each peer\n",
            against(found, focus),
            *(f"- {told}" for told in special(problems, found)),
            "",
            "### Losses\n",
            losses(found, focus),
        ]
    )


def mean_curves(found: Everything, problems: Sequence[Problem]) -> dict[str, np.ndarray]:
    """The mean regret of each peer at every hundredth of the budget, over the units that all have."""
    units = complete(found, problems)
    shares = np.linspace(0.01, 1.0, 100)
    return {
        peer: np.mean([[searches[u].at(s) for s in shares] for u in units], axis=0)
        for peer, searches in found.items()
        if units and all(u in searches for u in units)
    }


def markdown(rows: Sequence[Standing]) -> str:
    """The standings as a table."""
    lines = [
        "| | regret at 25 % | 50 % | 100 % | area | rank at the end | rank of the area | p50 ms | p95 ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ranks = (f"{mean:.2f} ({low:.2f}–{high:.2f})" for mean, low, high in (row.rank, row.area_rank))
        at = " | ".join(f"{regret:.3f}" for regret in (*row.regret, row.area))
        lines.append(
            f"| {row.peer} | {at} | {' | '.join(ranks)} | {row.p50 * 1e3:.1f} | {row.p95 * 1e3:.1f} |"
        )
    return "\n".join(lines) + "\n"


def against(found: Everything, focus: str) -> str:
    """Wins, ties and losses by area and at the end, over what both have."""
    pair = "better / equal / worse | p | ours, its"
    lines = [
        f"| {focus} against | problems × seeds | area: {pair} | end: {pair} | its p50 ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for peer in beside(found, focus):
        area, end = against_both(found, focus, peer)
        cost = np.median([search.p50 for search in found[peer].values()])
        lines.append(f"| {peer} | {area.over()} | {counted(area)} | {counted(end)} | {cost * 1e3:.1f} |")
    return "\n".join(lines) + "\n"


def counted(found: scoring.Comparison) -> str:
    """A comparison as three cells."""
    mine, its = found.means
    return f"{found.better} / {found.equal} / {found.worse} | {found.p:.2g} | {mine:.3f}, {its:.3f}"


def losses(found: Everything, focus: str) -> str:
    """The problems where a peer's area is less than ours, the worst first."""
    lines = [
        f"- to {peer}: {', '.join(against_both(found, focus, peer)[0].lost) or 'none'}"
        for peer in beside(found, focus)
    ]
    return "\n".join(lines) + "\n"
