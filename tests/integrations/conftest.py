"""The libraries, loaded when a test asks for one; their own warnings at import are theirs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest


def library(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"{name} is not installed")


@pytest.fixture(scope="session")
def lightning() -> Any:
    return library("lightning.pytorch")


@pytest.fixture(scope="session")
def xgboost() -> Any:
    return library("xgboost")


@pytest.fixture(scope="session")
def lightgbm() -> Any:
    return library("lightgbm")


@pytest.fixture(scope="session")
def transformers() -> Any:
    library("torch")
    library("accelerate")
    return library("transformers")


@pytest.fixture(scope="session")
def mlflow() -> Any:
    return library("mlflow")


@pytest.fixture
def optuna() -> Iterator[Any]:
    found = library("optuna")
    before = found.logging.get_verbosity()
    found.logging.set_verbosity(found.logging.WARNING)
    yield found
    found.logging.set_verbosity(before)


@pytest.fixture(scope="session")
def tune() -> Any:
    return library("ray.tune")
