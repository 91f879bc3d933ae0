"""Searches from a program: `client.hyper.new_grid_search({…}, command=…)` and what a `HyperSearch` can be asked."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from luthier.compat.spell.api.models import (
    FLOAT,
    INT,
    LINEAR,
    LOG,
    REVERSE_LOG,
    RangeSpec,
    ValueSpec,
    space_from,
)
from luthier.compat.spell.client.runs import Metric, Run, changing, number_of, reading
from luthier.compat.spell.client.starting import begun
from luthier.compat.spell.kept import Kept
from luthier.compat.spell.looking import find_search, kind_of, search_status, searches
from luthier.trial import Outcome

__all__ = [
    "FLOAT",
    "INT",
    "LINEAR",
    "LOG",
    "REVERSE_LOG",
    "HyperSearch",
    "HyperService",
    "RangeSpec",
    "ValueSpec",
]


class HyperSearch:
    """One search: its `id`, `type`, `status` and `runs`, which are read anew by `refresh`."""

    runs: list[Run]

    def __init__(self, folder: Path, id: int) -> None:
        self._folder = folder
        self.id = id
        self.refresh()

    def refresh(self) -> None:
        """Reads anew which runs there are and how they stand. **Raises** NotFound when it is gone."""
        with reading(self._folder) as store:
            record = find_search(store, self.id)
            numbers = [trial.run_id for trial in store.trials(self.id)]
            self.status = search_status(record)
            self.type = kind_of(record)
            self.description = record.description.labels.get("description")
        self.runs = [Run(self._folder, number) for number in numbers]

    def stop(self) -> None:
        """Stops it: running runs end with their outputs kept, those that have not begun are killed."""
        self._end(Outcome.STOPPED)

    def kill(self) -> None:
        """Kills all its runs that have not ended; what they wrote is thrown away."""
        self._end(Outcome.KILLED)

    def _end(self, outcome: Outcome) -> None:
        from luthier.compat.spell.ending import end_search

        with changing(self._folder) as store:
            end_search(store, self._folder, find_search(store, self.id), outcome)
        self.refresh()

    def metrics(
        self, metric_name: str, follow: bool = False, start: int | None = None
    ) -> dict[int, Iterator[Metric]]:
        """By the run's number, the values of a metric as (timestamp, index, value)."""
        return {run.id: run.metrics(metric_name, follow, start) for run in self.runs}

    def metric_names(self) -> list[str]:
        """The metrics that its runs have sent."""
        with reading(self._folder) as store:
            return sorted(store.metric_names(self.id))

    def __repr__(self) -> str:
        return f"HyperSearch(id={self.id}, type={self.type!r}, status={self.status!r}, runs={len(self.runs)})"


class HyperService:
    """Searches of a store. The words for scalings and types stand here as constants, the specs as well."""

    LINEAR, LOG, REVERSE_LOG = LINEAR, LOG, REVERSE_LOG
    INT, FLOAT = INT, FLOAT
    ValueSpec, RangeSpec = ValueSpec, RangeSpec

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_grid_search(self, params: Mapping[str, Any], command: Any, **options: Any) -> HyperSearch:
        """Begins a run for every combination of the values, the first parameter slowest.

        **Raises** SpellError for what can't be searched or run; then nothing was begun.
        """
        return self._new("grid", params, command, options, ranges=False)

    def new_random_search(
        self, params: Mapping[str, Any], num_runs: int, command: Any, **options: Any
    ) -> HyperSearch:
        """Begins runs with values drawn at random. **Raises** as `new_grid_search`."""
        return self._new("random", params, command, {**options, "num_runs": num_runs})

    def new_bayesian_search(
        self,
        params: Mapping[str, Any],
        num_runs: int,
        parallel_runs: int,
        metric: str,
        metric_agg: str,
        command: Any,
        **options: Any,
    ) -> HyperSearch:
        """Begins a search that learns from its runs and makes the metric as large as can be; or, with `minimize=True`, which
        is ours, as small. **Raises** as `new_grid_search`."""
        more = {
            "num_runs": num_runs,
            "parallel_runs": parallel_runs,
            "metric": metric,
            "metric_agg": metric_agg,
        }
        return self._new("bayesian", params, command, {**options, **more}, lists=False)

    def _new(
        self,
        kind: str,
        params: Mapping[str, Any],
        command: Any,
        options: Mapping[str, Any],
        *,
        lists: bool = True,
        ranges: bool = True,
    ) -> HyperSearch:
        space = space_from(params, lists=lists, ranges=ranges)
        return HyperSearch(self._folder, begun(kind, space, self._folder, command, options).record.id)

    def get(self, search_id: int) -> HyperSearch:
        """A search by its number. **Raises** NotFound; SpellError for what is no number."""
        return HyperSearch(self._folder, number_of(search_id))

    def list(self) -> builtins.list[HyperSearch]:
        """The searches that were not archived, the oldest first."""
        hidden = Kept(self._folder).archived("searches")
        with reading(self._folder) as store:
            numbers = [record.id for record in searches(store) if record.id not in hidden]
        return [HyperSearch(self._folder, number) for number in numbers]

    def archive(self, search_id: int) -> None:
        """Hides a search from `list`. **Raises** NotFound."""
        number = number_of(search_id)
        with reading(self._folder) as store:
            find_search(store, number)
        Kept(self._folder).archive("searches", number)
