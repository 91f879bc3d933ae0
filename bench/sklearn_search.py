"""`LuthierSearchCV` against scikit-learn's `RandomizedSearchCV` and `HalvingRandomSearchCV` at equal numbers of fits.

    python bench/sklearn_search.py [--seeds 20] [--jobs 2] [--results FILE] [--only digits]
    python bench/sklearn_search.py --stopping random --seeds 20

Two problems: a support vector machine on the digits, and a pipeline on the breast cancer data whose classifier is chosen
together with the parameters that only it has. Every seed shuffles the folds anew; all three searches get the same folds,
the same space as scikit-learn writes it, and as many fits. Halving fits most candidates on a part of the data, so what
each search calls its best is scored once more by the same folds on all of it. Rows that are in the file are not run
again. Exit code 1 unless Luthier's mean is above both others', with p < 0.05 (Wilcoxon's signed ranks over the seeds).
All run every fold of every candidate.

With `--stopping ALGORITHM` instead: the digits with 5 folds and 30 candidates, with early stopping and without; how many
folds it saves and what that costs. With `random` both see the same candidates, so the winner should be the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from math import ceil
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # before numpy is loaded: each search has one core

CANDIDATES = 25
FOLDS = 3
METHODS = ("luthier", "random", "halving")
PROBLEMS = ("digits", "pipeline")
RESULTS = Path(__file__).with_name("sklearn_search.jsonl")


def digits() -> tuple[Any, Any, Any, Any, str]:
    """A support vector machine: two numbers on logarithmic scales and a kernel."""
    from scipy.stats import loguniform
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    X, y = load_digits(return_X_y=True)
    space = {
        "C": loguniform(1e-3, 1e3),
        "gamma": loguniform(1e-7, 1e1),
        "kernel": ["rbf", "poly", "sigmoid"],
    }
    return X, y, SVC(), space, "accuracy"


def pipeline() -> tuple[Any, Any, Any, Any, str]:
    """A scaler and one of four classifiers, each with parameters of its own."""
    from scipy.stats import loguniform, randint, uniform
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    from sklearn.svm import SVC

    X, y = load_breast_cancer(return_X_y=True)
    scalers = {"scale": [StandardScaler(), MinMaxScaler(), "passthrough"]}
    space = [
        {
            **scalers,
            "classify": [SVC()],
            "classify__C": loguniform(1e-3, 1e3),
            "classify__gamma": loguniform(1e-5, 1e1),
        },
        {
            **scalers,
            "classify": [KNeighborsClassifier()],
            "classify__n_neighbors": randint(1, 50),
            "classify__weights": ["uniform", "distance"],
            "classify__p": [1, 2],
        },
        {
            **scalers,
            "classify": [RandomForestClassifier(n_estimators=30, random_state=0)],
            "classify__max_depth": randint(1, 12),
            "classify__max_features": uniform(0.05, 0.9),
        },
        {
            **scalers,
            "classify": [LogisticRegression(max_iter=300)],
            "classify__C": loguniform(1e-4, 1e4),
        },
    ]
    return X, y, Pipeline([("scale", StandardScaler()), ("classify", SVC())]), space, "roc_auc"


def halving_of(candidates: int) -> tuple[int, int]:
    """With how many candidates halving by 3 begins, to evaluate at least so many in all; and how many those are."""
    begin = 1
    while True:
        left, total = begin, begin
        while left >= 3:
            left = ceil(left / 3)
            total += left
        if total >= candidates:
            return begin, total
        begin += 1


def searched(problem: str, method: str, seed: int) -> dict[str, Any]:
    """One search: the score of what it found, on all the data, and how many fits it took."""
    warnings.simplefilter("ignore")  # a solver that did not converge is a candidate like any other
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import (
        HalvingRandomSearchCV,
        RandomizedSearchCV,
        StratifiedKFold,
        cross_val_score,
    )

    from luthier.integrations import LuthierSearchCV

    X, y, estimator, space, scoring = {"digits": digits, "pipeline": pipeline}[problem]()
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    settings = {"cv": folds, "scoring": scoring, "random_state": seed, "refit": False}
    began = time.perf_counter()
    if method == "halving":
        search = HalvingRandomSearchCV(
            estimator, space, n_candidates=halving_of(CANDIDATES)[0], factor=3, **{**settings, "refit": True}
        ).fit(X, y)
        fits = sum(search.n_candidates_) * FOLDS
    else:
        made = LuthierSearchCV if method == "luthier" else RandomizedSearchCV
        if method == "luthier":
            settings["early_stopping"] = "none"
        search = made(estimator, space, n_iter=CANDIDATES, **settings).fit(X, y)
        fits = len(search.cv_results_["params"]) * FOLDS
    seconds = time.perf_counter() - began
    best = estimator.set_params(**search.best_params_)
    score = float(cross_val_score(best, X, y, cv=folds, scoring=scoring).mean())
    row = {"problem": problem, "method": method, "seed": seed, "score": score}
    return {**row, "fits": fits, "seconds": round(seconds, 2), "params": str(search.best_params_)}


def stopped(algorithm: str, seed: int) -> tuple[int, bool, float]:
    """Of 150 folds, how many early stopping ran; whether it found the same winner, and by how much its score is better."""
    from sklearn.model_selection import StratifiedKFold

    from luthier.integrations import LuthierSearchCV

    X, y, estimator, space, scoring = digits()
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    settings = {"n_iter": 30, "cv": folds, "scoring": scoring, "random_state": seed, "refit": False}
    settings["algorithm"] = algorithm
    early, full = (
        LuthierSearchCV(estimator, space, early_stopping=rule, **settings).fit(X, y)
        for rule in ("auto", "none")
    )
    gain = float(early.best_score_ - full.best_score_)
    return int(early.n_splits_run_.sum()), early.best_params_ == full.best_params_, gain


def stopping_table(algorithm: str, seeds: int, jobs: int) -> None:
    """One line for each seed, and one for all."""
    rows = []
    with ProcessPoolExecutor(jobs) as pool:
        for seed, row in enumerate(pool.map(stopped, [algorithm] * seeds, range(seeds))):
            rows.append(row)
            same = "  same winner" if row[1] else ""
            print(f"seed {seed:<3} {row[0]:>3} of 150 folds  score {row[2]:+.5f}{same}", flush=True)
    saved = 1 - sum(ran for ran, _, _ in rows) / (150 * seeds)
    same, worse = sum(is_same for _, is_same, _ in rows), sum(gain < 0 for _, _, gain in rows)
    print(
        f"{algorithm}: {saved:.0%} of the folds saved; of {seeds}, the same winner {same}, a worse one {worse}"
    )


def missing(
    rows: dict[tuple[str, str, int], Any], seeds: int, only: str | None
) -> list[tuple[str, str, int]]:
    """What has not been run, all methods of a seed together."""
    problems = [only] if only else PROBLEMS
    wanted = [(p, m, seed) for seed in range(seeds) for p in problems for m in METHODS]
    return [one for one in wanted if one not in rows]


def rows_of(path: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    """The rows of a file, by problem, method and seed."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {(r["problem"], r["method"], r["seed"]): r for r in map(json.loads, lines)}


def lines_of(rows: dict[tuple[str, str, int], dict[str, Any]], problem: str) -> Iterator[tuple[str, bool]]:
    """The table of one problem: a line for each method, and whether Luthier is better."""
    from scipy.stats import wilcoxon

    seeds = sorted({s for p, _, s in rows if p == problem and all((p, m, s) in rows for m in METHODS)})
    scores = {m: [rows[problem, m, s]["score"] for s in seeds] for m in METHODS}
    mean = {m: sum(scores[m]) / len(seeds) for m in METHODS}
    for method in METHODS:
        own = [rows[problem, method, s] for s in seeds]
        fits, seconds = own[0]["fits"], sum(r["seconds"] for r in own) / len(own)
        line = f"{problem:<10} {method:<8} mean {mean[method]:.5f}  {fits} fits {seconds:6.1f} s"
        if method == "luthier":
            yield f"{line}   {len(seeds)} seeds", True
            continue
        pairs = list(zip(scores["luthier"], scores[method], strict=True))
        wins, losses = sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)
        p = float(wilcoxon(*zip(*pairs, strict=True)).pvalue) if wins or losses else 1.0
        good = mean["luthier"] > mean[method] and p < 0.05
        text = f"{line}   Luthier wins {wins}, ties {len(seeds) - wins - losses}, loses {losses}; p = {p:.2g}"
        yield f"{text} {'ok' if good else 'MISSED'}", good


def main() -> int:
    """Runs what is missing and prints the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--seeds", type=int, default=20)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--results", type=Path, default=RESULTS)
    options.add_argument("--only", choices=PROBLEMS)
    options.add_argument("--stopping", metavar="ALGORITHM")
    given = options.parse_args()
    if given.stopping:
        stopping_table(given.stopping, given.seeds, given.jobs)
        return 0
    rows = rows_of(given.results)
    todo = missing(rows, given.seeds, given.only)
    with ProcessPoolExecutor(given.jobs) as pool, given.results.open("a", encoding="utf-8") as file:
        running = [pool.submit(searched, *one) for one in todo]
        for done in as_completed(running):
            row = done.result()
            rows[row["problem"], row["method"], row["seed"]] = row
            file.write(json.dumps(row) + "\n")
            file.flush()
    good = True
    for problem in [given.only] if given.only else PROBLEMS:
        for line, is_good in lines_of(rows, problem):
            print(line)
            good &= is_good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
