"""`hyper_tune`: hyperopt's `fmin` on trials that are kept in the store which the environment names."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from luthier.compat.gradient_sdk.exceptions import ConfigError
from luthier.compat.hyperopt import fmin, tpe
from luthier.compat.hyperopt.mongoexp import MongoTrials
from luthier.errors import LuthierError

__all__ = ["MONGO", "get_mongo_conn_str", "hyper_tune"]

MONGO = ("MONGO_DB_HOST", "MONGO_DB_PORT", "EXPERIMENT_NAME")
COMPONENT = "Mongo connection"


def hyper_tune(
    train_model: Callable[..., Any],
    hparam_def: Any,
    algo: Callable[..., Any] = tpe.suggest,
    max_evals: int = 25,
    func: Callable[..., Any] = fmin,
    *,
    max_ecals: int | None = None,
) -> Any:
    """Tunes `train_model` over the space `hparam_def`; returns the best trial's values by label, choices as indices
    (`.params` are the values themselves).

    Workers of the same experiment evaluate its trials; while there is none, it evaluates them itself. `max_ecals` is how
    Gradient's page spells `max_evals`.

    **Raises** ConfigError where no store is configured or it can't be used.
    """
    trials = _trials()
    count = max_evals if max_ecals is None else max_ecals
    try:
        return func(train_model, space=hparam_def, trials=trials, algo=algo, max_evals=count)
    finally:
        trials.close()


def _trials() -> MongoTrials:
    name = os.environ.get("EXPERIMENT_NAME") or None
    url = f"mongo://localhost/{name or 'hyper_tune'}/jobs"
    if not os.environ.get("LUTHIER_STORE"):
        url = get_mongo_conn_str()
        _look_up(os.environ[MONGO[0]])
    try:
        return MongoTrials(url, exp_key=name)
    except (LuthierError, OSError) as error:
        where = os.environ.get("LUTHIER_STORE") or "the nearest .luthier folder"
        raise ConfigError(
            COMPONENT,
            f"the store in {where} can't be used: {error}; set another folder: export LUTHIER_STORE=FOLDER",
        ) from error


def _look_up(host: str) -> None:
    """**Raises** ConfigError for a host that there is not: whoever names it means trials that are kept elsewhere."""
    import socket

    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            COMPONENT,
            f"there is no host {host!r} ({error}), which MONGO_DB_HOST names; set the folder to keep the trials in: "
            "export LUTHIER_STORE=.luthier",
        ) from None


def get_mongo_conn_str() -> str:
    """`mongo://HOST:PORT/EXPERIMENT/jobs`, of the three variables.

    **Raises** ConfigError telling the variables' values and the line to write, where one is not set.
    """
    host, port, name = (os.environ.get(key) for key in MONGO)
    if host and port and name:
        return f"mongo://{host}:{port}/{name}/jobs"
    values = ", ".join(f"{key}: {os.environ.get(key) or None}" for key in ("LUTHIER_STORE", *MONGO))
    raise ConfigError(
        COMPONENT,
        f"no store is configured ({values}); set the folder to keep the trials in: export LUTHIER_STORE=.luthier, "
        f"or all of {', '.join(MONGO)}",
    )
