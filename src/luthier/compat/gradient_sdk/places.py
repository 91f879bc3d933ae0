"""Where Gradient keeps data and models, and the cluster a task runs in, as its environment says."""

from __future__ import annotations

import os

__all__ = [
    "data_dir",
    "export_dir",
    "job_name",
    "model_dir",
    "ps_hosts",
    "task_index",
    "worker_hosts",
]


def data_dir() -> str:
    """The folder of the data: PS_JOBSPACE, else /storage."""
    return os.environ.get("PS_JOBSPACE", "/storage")


def model_dir(model_name: str | None = None) -> str:
    """The folder of a model, or of all: below PS_MODEL_PATH, else /storage/models/."""
    return os.path.join(os.environ.get("PS_MODEL_PATH", "/storage/models/"), model_name or "")


def export_dir(model_name: str | None = None) -> str:
    """The folder a model is exported to: its own."""
    return model_dir(model_name)


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
