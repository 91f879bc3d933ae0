"""Luthier inside the libraries people train with. Each is a module of its own and loads its library when it is imported.

    sklearn       LuthierSearchCV, a scikit-learn search
    keras lightning xgboost lightgbm transformers     a callback that reports every metric of a training
    mlflow        an experiment's trials as MLflow runs
    optuna        a sampler for Optuna's studies
    ray           a searcher for Ray Tune

Nothing is loaded here: `LuthierSearchCV` is found when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luthier.integrations.sklearn import LuthierSearchCV

__all__ = ["LuthierSearchCV"]


def __getattr__(name: str) -> object:
    """Finds a public name where it lives."""
    if name == "LuthierSearchCV":
        from luthier.integrations.sklearn import LuthierSearchCV

        return LuthierSearchCV
    raise AttributeError(f"module 'luthier.integrations' has no attribute {name!r}")
