"""`cv_results_` where not every candidate has run all its folds.

scikit-learn lays its table out for whole candidates. So each stopped one is given the mean of its folds in the place of
those that were not run, and afterwards the table is put right: NaN in these places, deviations over the folds that were
run, ranks as said below. Pure but for the table that is changed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import inf, isnan
from typing import Any

import numpy as np

__all__ = ["filled", "put_right"]


def filled(folds: Sequence[Mapping[str, Any] | None]) -> list[Mapping[str, Any]]:
    """The folds of one candidate, with the mean of those that were run in the place of the others."""
    run = [fold for fold in folds if fold is not None]
    if len(run) == len(folds):
        return run
    mean = {key: _mean([fold[key] for fold in run]) for key in run[0]}
    return [mean if fold is None else fold for fold in folds]


def _mean(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, Mapping):
        return {name: _mean([value[name] for value in values]) for name in first}
    return sum(values) / len(values) if isinstance(first, (int, float, np.number)) else first


def put_right(results: dict[str, Any], candidates: Sequence[Sequence[Mapping[str, Any] | None]]) -> None:
    """Mends the table of all candidates' folds where some were not run. Where all were, nothing is touched."""
    run = np.array([[fold is not None for fold in folds] for folds in candidates])
    stopped = np.flatnonzero(~run.all(axis=1)).tolist()
    if not stopped:
        return
    splits = range(run.shape[1])
    for place in stopped:
        for time in ("fit_time", "score_time"):
            known = [fold[time] for fold in candidates[place] if fold is not None]
            _describe(results, time, place, np.array(known))
    for name in [key.removeprefix("split0_") for key in results if key.startswith("split0_")]:
        scores = np.array([results[f"split{split}_{name}"] for split in splits]).T
        scores[~run] = np.nan
        for split in splits:
            results[f"split{split}_{name}"] = scores[:, split]
        for place in stopped:
            _describe(results, name, place, scores[place][run[place]])
        if f"rank_{name}" in results:
            results[f"rank_{name}"] = _ranks(results[f"mean_{name}"], scores, run).astype(np.int32)


def _describe(results: dict[str, Any], name: str, place: int, known: Any) -> None:
    results[f"mean_{name}"][place] = known.mean()
    results[f"std_{name}"][place] = known.std()


def _ranks(means: Any, scores: Any, run: Any) -> Any:
    """Ranks from 1, equals the same, NaN last. A stopped candidate comes behind all whole ones that are better than it in
    the folds that it has, and never before the best whole one: its own mean may be that of easy folds."""
    whole = np.flatnonzero(run.all(axis=1) & ~np.isnan(means))
    keys: list[tuple[float, ...]] = []
    for place, mean in enumerate(means.tolist()):
        if isnan(mean):
            keys.append((inf,))
        elif run[place].all() or not len(whole):
            keys.append((-mean, 0.0))
        else:
            common = scores[np.ix_(whole, run[place])].mean(axis=1)
            better = means[whole][common > mean]
            keys.append((-min(better.tolist(), default=means[whole].max()), 1.0, -mean))
    ordered = sorted(keys)
    return np.array([bisect_left(ordered, key) + 1 for key in keys])
