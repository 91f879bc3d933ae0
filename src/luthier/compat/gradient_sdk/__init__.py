"""Paperspace Gradient's Python words: `from luthier.compat.gradient_sdk import hyper_tune, metrics`.

`gradient_sdk` and its later name `gradient_utils` are both met here. Where the trials are kept is said by `LUTHIER_STORE`, or
by the variables Gradient sets for its database (`MONGO_DB_HOST`, `MONGO_DB_PORT`, `EXPERIMENT_NAME`), which mean the nearest
store here. The paths and the cluster are read from the environment as there; metrics go to `luthier.report`. What tuning
needs is loaded when it is first used, so that a script which only reports metrics loads little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.compat.gradient_sdk import metrics
from luthier.compat.gradient_sdk.exceptions import ConfigError
from luthier.compat.gradient_sdk.metrics import MetricsLogger, add_metrics
from luthier.compat.gradient_sdk.multi_node import get_tf_config
from luthier.compat.gradient_sdk.places import (
    data_dir,
    export_dir,
    job_name,
    model_dir,
    ps_hosts,
    task_index,
    worker_hosts,
)

if TYPE_CHECKING:
    from luthier.compat.gradient_sdk.hyper_parameter import MONGO, get_mongo_conn_str, hyper_tune

__all__ = [
    "MONGO",
    "ConfigError",
    "MetricsLogger",
    "add_metrics",
    "data_dir",
    "export_dir",
    "get_mongo_conn_str",
    "get_tf_config",
    "hyper_tune",
    "job_name",
    "metrics",
    "model_dir",
    "ps_hosts",
    "task_index",
    "worker_hosts",
]


def __getattr__(name: str) -> object:
    """Loads what tuning needs when it is asked for (PEP 562)."""
    if name not in ("MONGO", "get_mongo_conn_str", "hyper_tune"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from luthier.compat.gradient_sdk import hyper_parameter

    globals()[name] = found = getattr(hyper_parameter, name)
    return found
