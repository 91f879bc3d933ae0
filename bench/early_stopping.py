"""Early stopping against running every trial to its end, over recorded learning curves and folds, beside Optuna's pruners.

    python bench/early_stopping.py [run|table|all] [--methods luthier-auto …] [--data vehicle …] [--seeds 20] [--jobs 2]

A search looks its losses up in a table that `bench/curves/record.py` made (ten data sets, two models trained for 50 epochs,
200 configurations each), in one that `bench/curves/tables.py` computes so that the curves cross, or in one of 5 folds. It
has 60 trials, 4 side by side, every epoch taking equally long. A method is who proposes and who stops: `luthier-auto` is
what `tune` does; those that begin with `random` all see the same configurations in the same order, so that what differs
between them is the rule alone.

What is printed of a method, set beside the same search with no stopping:

* **spent**: the epochs of its trials, of all that the search with no stopping took; the median over seeds;
* **reached**: the epochs it had spent when its best was within 1 % of the range of what the search with no stopping ended
  with, of all that one took; never is endless; the median over seeds. The search with no stopping itself gets there
  before its end, so its own figure is there too;
* **worse**: how many of all searches ended worse by more than 1 % of the range. Two searches that propose by results see
  other configurations once a trial is stopped, and would end apart by chance alone: for those the search with no
  stopping and the next seed is judged the same way, as `chance alone`.

The range of a table is from its best end to its worst, or to what guessing reaches where that is less.

Rows that are in `bench/early_stopping_results` are not run again. Exit code 1 where a bar is missed: `luthier-auto` reached
at most 40 %, `random-auto` worse in at most 1 of 20 of all searches, and over folds at least 50 % saved with a worse winner
in at most 5 % of the searches. On how many tables `random-auto` was worse in more than 1 of their 20 is a note, beside the
chance that so many would be if every table had the rate of all: 20 searches are too few to judge a table by.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import statistics
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.curves.play import Player, play
from bench.curves.players import Luthier, Optuna
from bench.curves.tables import CHECKED, CROSSING, DATA, TUNED, Table, crossing, folded, tables
from bench.quality.sources import code_digest
from luthier.search.threads import one_thread
from luthier.stopping.registry import stopping_rule

RESULTS = Path(__file__).with_name("early_stopping_results")
SOURCE = Path(__file__).parents[1] / "src" / "luthier"
TRIALS, WORKERS, CLOSE = 60, 4, 0.01
FOLD_TRIALS = 40

METHODS = {
    "luthier-none": ("auto", "none"),
    "luthier-auto": ("auto", "auto"),
    "random-none": ("random", "none"),
    "random-auto": ("random", "auto"),
    "random-asha": ("random", "asha"),
    "random-hyperband": ("random", "hyperband"),
    "random-median": ("random", "median"),
    "random-curve": ("random", "curve"),
    "random-optuna-median": ("random", "optuna MedianPruner"),
    "random-optuna-hyperband": ("random", "optuna HyperbandPruner"),
    "optuna-none": ("tpe", "optuna NopPruner"),
    "optuna-median": ("tpe", "optuna MedianPruner"),
    "optuna-hyperband": ("tpe", "optuna HyperbandPruner"),
}
FOLD_METHODS = {
    "folds-none": ("random", "none"),
    "folds-auto": ("random", "auto"),
    "folds-optuna-wilcoxon": ("random", "optuna WilcoxonPruner"),
    "folds-optuna-median": ("random", "optuna MedianPruner"),
}


LEARNED = ("mlp error", "sgd loss")
"""Searches that learn take seconds each: of the recorded tables they get these two of every data set."""


class Search(NamedTuple):
    """One search that is to be made, or was."""

    method: str
    table: str
    seed: int


@cache
def named() -> dict[str, tuple[str, Table]]:
    """All tables by their names, and the data set each is of."""
    found = {table.name: (data, table) for data in DATA for table in (*tables(data), *folded(data))}
    return found | {table.name: (CROSSING, table) for table in crossing()}


def listed(methods: Sequence[str], data: Sequence[str], seeds: int) -> Iterator[Search]:
    """What the figures are made of; 200 searches over folds, 10 of each table."""
    for seed in range(1, seeds + 1):
        for name, (source, table) in named().items():
            folds = table.aggregate == "avg"
            if source in data and not (folds and 2 * seed > seeds):
                for method in FOLD_METHODS if folds else METHODS:
                    if method in methods and plays(method, name):
                        yield Search(method, name, seed)


def plays(method: str, table: str) -> bool:
    """Whether a method is tried on a table."""
    learns = {**METHODS, **FOLD_METHODS}[method][0] != "random"
    return not learns or table.startswith(CROSSING) or table.endswith(LEARNED)


@cache
def digest(method: str) -> str:
    """Which code made a row: Luthier's rules, and where it proposes its search too. Optuna's rows go by its version."""
    proposes, stops = {**METHODS, **FOLD_METHODS}[method]
    if stops.startswith("optuna"):
        import optuna

        return str(optuna.__version__)
    made = hashlib.sha256()
    if stops != "none":
        for path in [*sorted((SOURCE / "stopping").glob("*.py")), SOURCE / "curves.py"]:
            made.update(_code(path).encode())
    return made.hexdigest()[:8] + (code_digest()[:8] if proposes == "auto" else "")


def _code(path: Path) -> str:
    """What a file does, however it is laid out and whatever its docstrings say."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def pruner(name: str, table: Table) -> Any:
    """Optuna's, with its own defaults; Hyperband is told what it can't know."""
    import optuna

    if name == "HyperbandPruner":
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=table.points)
    return getattr(optuna.pruners, name)()


def player(search: Search, table: Table) -> Player:
    proposes, stops = {**METHODS, **FOLD_METHODS}[search.method]
    if stops.startswith("optuna"):
        return Optuna(table, search.seed, pruner(stops.split()[1], table), proposes)
    rule = None if stops == "none" else stopping_rule(stops)
    return Luthier(table, search.seed, rule, proposes, target=trials_of(table))


def trials_of(table: Table) -> int:
    return FOLD_TRIALS if table.aggregate == "avg" else TRIALS


def searched(search: Search) -> dict[str, Any]:
    """The record of one search: what it spent, and its best with the points spent whenever that became better."""
    warnings.simplefilter("ignore")
    _, table = named()[search.table]
    made = play(table, player(search, table), trials_of(table), 1 if table.aggregate == "avg" else WORKERS)
    course: list[tuple[int, float]] = []
    for spent, _, row in made.course:
        loss = float(table.finals[row])
        if loss < (course[-1][1] if course else inf):
            course.append((spent, float(f"{loss:.6g}")))
    return {**search._asdict(), "code": digest(search.method), "spent": made.spent, "course": course}


def load(method: str) -> dict[Search, dict[str, Any]]:
    """The rows of a method that the present code made."""
    path = RESULTS / f"{method}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    kept = [r for r in rows if r["code"] == digest(method) and plays(method, r["table"])]
    return {Search(r["method"], r["table"], r["seed"]): r for r in kept}


def run(wanted: Sequence[Search], jobs: int) -> None:
    """Makes the searches and keeps each as soon as it is made; what other code made is dropped."""
    RESULTS.mkdir(exist_ok=True)
    for method in {search.method for search in wanted}:
        kept = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in load(method).values())
        (RESULTS / f"{method}.jsonl").write_text(kept, encoding="utf-8")
    with ProcessPoolExecutor(jobs, initializer=one_thread().__enter__) as pool:
        futures = [pool.submit(searched, search) for search in wanted]
        for done, future in enumerate(as_completed(futures), start=1):
            row = future.result()
            with (RESULTS / f"{row['method']}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
            if done % max(1, len(wanted) // 20) == 0:
                print(f"{done} of {len(wanted)} searches", file=sys.stderr, flush=True)


class Judged(NamedTuple):
    """One search beside the one that stopped nothing, in shares of what that one spent."""

    spent: float
    reached: float
    worse: bool
    other: bool


def judged(row: dict[str, Any], full: dict[str, Any], table: Table) -> Judged:
    wanted = full["course"][-1][1] if full["course"] else inf
    slack = CLOSE * table.range
    best = row["course"][-1][1] if row["course"] else inf
    reached = next((spent for spent, loss in row["course"] if loss <= wanted + slack), inf)
    return Judged(row["spent"] / full["spent"], reached / full["spent"], best > wanted + slack, best > wanted)


def against(method: str) -> str:
    """The method that proposes the same and stops nothing."""
    first = method.split("-")[0]
    return f"{first}-none"


def compared(method: str, data: Sequence[str], shift: int = 0) -> dict[str, list[Judged]]:
    """The judged searches by table; with `shift` against another seed."""
    rows, full = load(method), load(against(method))
    made: dict[str, list[Judged]] = {}
    seeds = max((search.seed for search in full), default=0)
    for search, row in sorted(rows.items()):
        source, table = named()[search.table]
        other = full.get(Search(against(method), search.table, (search.seed + shift - 1) % max(seeds, 1) + 1))
        if other is not None and source in data:
            made.setdefault(search.table, []).append(judged(row, other, table))
    return made


def too_often(group: Sequence[Judged]) -> bool:
    """Whether more than one search in twenty ended worse."""
    return sum(one.worse for one in group) > max(1, len(group) // 20)


def chance_of(groups: Sequence[Sequence[Judged]]) -> float:
    """How likely at least so many tables are worse more than once in twenty, if all have the rate of all searches."""
    from scipy.stats import binom

    rate = statistics.mean(one.worse for group in groups for one in group)
    single = statistics.mean(binom.sf(max(1, len(group) // 20), len(group), rate) for group in groups)
    return float(binom.sf(sum(map(too_often, groups)) - 1, len(groups), single))


def middle(made: dict[str, list[Judged]]) -> float:
    """After which share of the epochs what no stopping ends with was reached, in the middle of all searches."""
    return statistics.median(one.reached for group in made.values() for one in group)


def line(name: str, made: dict[str, list[Judged]]) -> str:
    """The figures of a method over its tables."""
    every = [one for group in made.values() for one in group]
    many = sum(map(too_often, made.values()))
    spent, reached = (statistics.median(getattr(one, what) for one in every) for what in ("spent", "reached"))
    worse = sum(one.worse for one in every)
    return (
        f"{name:<26}{spent:7.1%}{reached:9.1%}   {worse:4} of {len(every)} = {worse / len(every):.1%}"
        f"; more than 1 of 20 in {many} of {len(made)} tables"
    )


def table_of(title: str, data: Sequence[str], methods: Sequence[str]) -> dict[str, dict[str, list[Judged]]]:
    """Prints the lines of some data sets."""
    found = {method: compared(method, data) for method in methods}
    found = {method: made for method, made in found.items() if made}
    if found:
        print(f"\n{title}\n{'':<26}{'spent':>7}{'reached':>9}   worse")
        for method, made in found.items():
            print(line(method, made))
            if method in ("luthier-none", "optuna-none"):
                print(line("  chance alone", compared(method, data, shift=1)))
    return found


def folds_line(method: str, made: dict[str, list[Judged]]) -> tuple[float, float]:
    """Prints what a method saved; returns that and how often another one won."""
    every = [one for group in made.values() for one in group]
    saved, other = (
        1 - statistics.mean(one.spent for one in every),
        statistics.mean(one.other for one in every),
    )
    worse = sum(one.worse for one in every)
    print(
        f"{method:<26}{saved:7.1%} of the folds saved; a worse one wins in {other:.1%} of {len(every)} searches, "
        f"by more than 1 % of the range in {worse}"
    )
    return saved, other


def bar(words: str, holds: bool) -> bool:
    print(f"{'ok    ' if holds else 'MISSED'} {words}")
    return holds


def table(data: Sequence[str]) -> int:
    """Prints all figures; 1 where a bar is missed."""
    named_sets = {
        "tuned on": TUNED,
        "looked at when they were done": CHECKED,
        "curves that cross": (CROSSING,),
    }
    for words, sets in named_sets.items():
        table_of(f"data sets the rules were {words}" if sets[0] != CROSSING else words, sets, list(METHODS))
    every = table_of("all", data, list(METHODS))
    print("\n5 folds, 40 candidates in the same order, one after the other")
    folds = {m: folds_line(m, made) for m in FOLD_METHODS if (made := compared(m, data))}
    good = True
    print()
    if "luthier-auto" in every:
        reached, own = (middle(every[name]) for name in ("luthier-auto", "luthier-none"))
        words = (
            f"what no stopping ends with is reached in {reached:.1%} of its epochs (40 %; itself {own:.1%})"
        )
        good &= bar(words, reached <= 0.4)
    if "random-auto" in every:
        groups = list(every["random-auto"].values())
        worse = statistics.mean(j.worse for group in groups for j in group)
        good &= bar(f"the same configurations end worse in {worse:.1%} of the searches (5 %)", worse <= 0.05)
        many = sum(too_often(group) for group in groups)
        print(
            f"note   and in more than 1 of 20 on {many} of {len(groups)} tables; at that rate so many or more are, "
            f"by chance alone, with a probability of {chance_of(groups):.2f}"
        )
    if "folds-auto" in folds:
        saved, other = folds["folds-auto"]
        good &= bar(f"{saved:.1%} of the folds saved (50 %)", saved >= 0.5)
        good &= bar(f"a worse one wins in {other:.1%} (5 %)", other <= 0.05)
    return 0 if good else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("run", "table", "all"), nargs="?", default="all")
    parser.add_argument("--methods", nargs="+", default=[*METHODS, *FOLD_METHODS])
    parser.add_argument("--data", nargs="+", default=[*DATA, CROSSING])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    if given.what != "table":
        there = {search for method in given.methods for search in load(method)}
        wanted = [s for s in listed(given.methods, given.data, given.seeds) if s not in there]
        run(wanted, given.jobs)
    return 0 if given.what == "run" else table(given.data)


if __name__ == "__main__":
    raise SystemExit(main())
