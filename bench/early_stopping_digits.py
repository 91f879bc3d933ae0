"""Early stopping on real training: a neural network on the digits, epoch by epoch, run by the engine itself.

    python bench/early_stopping_digits.py [--seeds 20] [--jobs 1]

`luthier.minimize` with `early_stopping="auto"` and with none, and Optuna's TPE with no pruner, its median pruner and
Hyperband: 40 trials of 30 epochs, one after the other, the log loss on rows kept aside. Printed are the epochs that were
trained, those after which a search was within 1 % of the range of what the same search without stopping ended with
(never: endless), both as shares of all epochs and as medians over the seeds, and how many searches ended worse by more
than that. Rows that are in `bench/early_stopping_results/digits.jsonl` are not run again. Exit code 1 where Luthier's
epochs until there are more than 40 %.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "early_stopping_results" / "digits.jsonl"
TRIALS, EPOCHS, CLOSE = 40, 30, 0.01
METHODS = ("luthier-none", "luthier-auto", "optuna-none", "optuna-median", "optuna-hyperband")


@cache
def data() -> tuple[Any, Any, Any, Any]:
    """Rows to train on and rows to judge by."""
    import numpy as np
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(X))
    X, y = X[order] / 16.0, y[order]
    return X[:1000], y[:1000], X[1000:], y[1000:]


def train(
    report: Callable[[int, float], None], rate: float, alpha: float, width: int, batch: int, solver: str
) -> float:
    """Trains a network for all epochs, reports the loss after each and returns the last."""
    import numpy as np
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier

    X, y, X_judge, y_judge = data()
    model = MLPClassifier(
        (width,), learning_rate_init=rate, alpha=alpha, batch_size=batch, solver=solver, random_state=1
    )
    loss = math.nan
    chance = np.random.default_rng(1)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for epoch in range(1, EPOCHS + 1):
            try:
                order = chance.permutation(len(X))
                model.partial_fit(X[order], y[order], classes=range(10))
                loss = float(log_loss(y_judge, model.predict_proba(X_judge), labels=range(10)))
            except ValueError:  # weights that are no numbers
                loss = math.nan
            report(epoch, loss)
    return loss


def by_luthier(rate: float, alpha: float, width: int, batch: int, solver: str) -> float:
    import luthier

    return train(lambda epoch, loss: luthier.report(step=epoch, loss=loss), rate, alpha, width, batch, solver)


def luthier_search(rule: str, seed: int) -> list[tuple[int, float | None]]:
    """Of each trial the epochs it was trained, and its loss where it came to its end."""
    import luthier

    space = {
        "rate": luthier.loguniform(1e-5, 1.0),
        "alpha": luthier.loguniform(1e-6, 10.0),
        "width": luthier.integers(2, 96, log=True),
        "batch": luthier.integers(16, 128, log=True),
        "solver": luthier.choice(["adam", "sgd"]),
    }
    made = luthier.minimize(
        by_luthier,
        space,
        trials=TRIALS,
        metric="loss",
        seed=seed,
        workers=0,
        early_stopping=rule,
        progress=False,
    )
    curves = made.curves("loss")
    found = []
    for trial in made.trials:
        whole = trial.outcome == "succeeded" and trial.value is not None and math.isfinite(trial.value)
        found.append((len(curves[trial.number]), trial.value if whole else None))
    return found


def optuna_search(name: str, seed: int) -> list[tuple[int, float | None]]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruners = {
        "none": optuna.pruners.NopPruner,
        "median": optuna.pruners.MedianPruner,
        "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS),
    }
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruners[name]())
    found: list[tuple[int, float | None]] = []

    def objective(trial: Any) -> float:
        epochs = 0

        def report(epoch: int, loss: float) -> None:
            nonlocal epochs
            epochs = epoch
            trial.report(loss, epoch)
            if trial.should_prune():
                found.append((epochs, None))
                raise optuna.TrialPruned

        loss = train(
            report,
            trial.suggest_float("rate", 1e-5, 1.0, log=True),
            trial.suggest_float("alpha", 1e-6, 10.0, log=True),
            trial.suggest_int("width", 2, 96, log=True),
            trial.suggest_int("batch", 16, 128, log=True),
            trial.suggest_categorical("solver", ["adam", "sgd"]),
        )
        found.append((epochs, loss if math.isfinite(loss) else None))
        return loss

    study.optimize(objective, n_trials=TRIALS)
    return found


def searched(method: str, seed: int) -> dict[str, Any]:
    """The record of one search."""
    who, rule = method.split("-")
    found = luthier_search(rule, seed) if who == "luthier" else optuna_search(rule, seed)
    return {"method": method, "seed": seed, "trials": found}


def course(row: dict[str, Any]) -> list[tuple[int, float]]:
    """The epochs spent and the best loss whenever that became better."""
    made: list[tuple[int, float]] = []
    spent = 0
    for epochs, loss in row["trials"]:
        spent += epochs
        if loss is not None and (not made or loss < made[-1][1]):
            made.append((spent, loss))
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    rows = {(r["method"], r["seed"]): r for r in map(json.loads, lines)}
    seeds = range(1, given.seeds + 1)
    with ProcessPoolExecutor(given.jobs) as pool, RESULTS.open("a", encoding="utf-8") as file:
        todo = [pool.submit(searched, m, s) for s in seeds for m in METHODS if (m, s) not in rows]
        for done, future in enumerate(as_completed(todo), start=1):
            row = future.result()
            rows[row["method"], row["seed"]] = row
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
            file.flush()
            print(f"{done} of {len(todo)} searches", file=sys.stderr, flush=True)
    ends = [
        loss for r in rows.values() if "none" in r["method"] for _, loss in r["trials"] if loss is not None
    ]
    slack = CLOSE * (min(max(ends), math.log(10)) - min(ends))
    print(f"{TRIALS} trials of {EPOCHS} epochs, {given.seeds} seeds; 1 % of the range is {slack:.4f}")
    good = True
    for method in METHODS:
        spent, reached, worse = [], [], 0
        for seed in seeds:
            full, own = rows[f"{method.split('-')[0]}-none", seed], rows[method, seed]
            whole, wanted = TRIALS * EPOCHS, course(full)[-1][1] + slack
            spent.append(sum(epochs for epochs, _ in own["trials"]) / whole)
            reached.append(next((at for at, loss in course(own) if loss <= wanted), math.inf) / whole)
            worse += course(own)[-1][1] > wanted
        middle = statistics.median(reached)
        print(
            f"{method:<18} spent {statistics.median(spent):6.1%}   reached {middle:6.1%}   worse {worse:2} of {len(seeds)}"
        )
        good &= method != "luthier-auto" or middle <= 0.4
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
