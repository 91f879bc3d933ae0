"""Paperspace Gradient's SDK, as far as tuning goes: `from luthier.compat.gradient_sdk import hyper_tune`.

Where the trials are kept is said by `LUTHIER_STORE`, or by the variables Gradient sets for its database
(`MONGO_DB_HOST`, `MONGO_DB_PORT`, `EXPERIMENT_NAME`), which mean the nearest store here. The paths and the cluster are
read from the environment as in the SDK.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

from luthier.compat.hyperopt import fmin, tpe
from luthier.compat.hyperopt.mongoexp import MongoTrials
from luthier.errors import LuthierError, UsageError

__all__ = [
    "ConfigError",
    "data_dir",
    "export_dir",
    "get_mongo_conn_str",
    "get_tf_config",
    "hyper_tune",
    "job_name",
    "model_dir",
    "ps_hosts",
    "task_index",
    "worker_hosts",
]

MONGO = ("MONGO_DB_HOST", "MONGO_DB_PORT", "EXPERIMENT_NAME")
COMPONENT = "Mongo connection"


class ConfigError(UsageError):
    """Says what of the environment is not set or can't be used; `component` is what needs it."""

    def __init__(self, component: str, message: str) -> None:
        super().__init__(component, message)
        self.component = component
        self.message = message

    def __str__(self) -> str:
        return f"For component - {self.component} - received error message: {self.message}"


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
    try:
        return MongoTrials(url, exp_key=name)
    except (LuthierError, OSError) as error:
        where = os.environ.get("LUTHIER_STORE") or "the nearest .luthier folder"
        raise ConfigError(
            COMPONENT,
            f"the store in {where} can't be used: {error}; set another folder: export LUTHIER_STORE=FOLDER",
        ) from error


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


# --- where Gradient keeps data and models ------------------------------------------------------------------------


def data_dir() -> str:
    """The folder of the data: PS_JOBSPACE, else /storage."""
    return os.environ.get("PS_JOBSPACE", "/storage")


def model_dir(model_name: str | None = None) -> str:
    """The folder of a model, or of all: below PS_MODEL_PATH, else /storage/models/."""
    return os.path.join(os.environ.get("PS_MODEL_PATH", "/storage/models/"), model_name or "")


def export_dir(model_name: str | None = None) -> str:
    """The folder a model is exported to: its own."""
    return model_dir(model_name)


# --- the cluster that a task runs in -----------------------------------------------------------------------------


def worker_hosts() -> str | None:
    """The workers of a distributed job, joined by commas."""
    return os.environ.get("WORKER_HOSTS")


def ps_hosts() -> str | None:
    """The parameter servers of a distributed job, joined by commas."""
    return os.environ.get("PS_HOSTS")


def task_index() -> str | None:
    """This task's place among those of its kind, as text."""
    return os.environ.get("INDEX")


def job_name() -> str | None:
    """The kind of this task: worker, ps, master."""
    return os.environ.get("TYPE")


def get_tf_config() -> None:
    """Sets TF_CONFIG, which TensorFlow reads, from PS_CONFIG, which is JSON in base64.

    **Raises** ConfigError where PS_CONFIG is not set or something else.
    """
    try:
        os.environ["TF_CONFIG"] = json.dumps(json.loads(urlsafe_b64decode(os.environ["PS_CONFIG"])))
    except KeyError:
        raise ConfigError(
            "TF Config", "PS_CONFIG is not set; set it to the cluster as JSON in base64"
        ) from None
    except ValueError as error:
        raise ConfigError("TF Config", f"PS_CONFIG is no JSON in base64: {error}") from error
