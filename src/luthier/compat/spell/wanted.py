"""The options that `spell hyper`, `spell run` and the Python API share, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from luthier.description import Aggregate
from luthier.space import Space

__all__ = ["Wanted"]


@dataclass(frozen=True)
class Wanted:
    """One search or run as it was asked for. `kind` is grid, random, bayesian or run. **Units** `timeout` minutes."""

    kind: str
    space: Space
    words: Sequence[str]
    num_runs: int | None = None
    parallel_runs: int | None = None
    metric: str | None = None
    metric_agg: Aggregate = "last"
    minimize: bool | None = None
    seed: int | None = None
    machine_type: str | None = None
    mounts: Sequence[str] = ()
    pip: Sequence[str] = ()
    pip_req: str | None = None
    conda_file: str | None = None
    apt: Sequence[str] = ()
    deps_from_env: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    docker_image: str | None = None
    commit_ref: str | None = None
    github_url: str | None = None
    github_ref: str | None = None
    description: str | None = None
    project: str | None = None
    labels: Sequence[str] = ()
    tensorboard_dir: str | None = None
    timeout: float | None = None
    stop_conditions: Sequence[str] = ()
