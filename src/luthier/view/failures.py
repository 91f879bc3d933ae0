"""Where failures live, in words: `62 % of failures: batch_size ≥ 512 and width ≥ 1024 (there 8 of 9 fail; …)`.

Of all regions that one or two conditions describe, the one is told that splits the trials into two groups whose
failure rates differ most. Many regions are looked at, so one stands out by chance alone; nothing is said unless the
split would be rare even then. Only failures that the configuration may have caused count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma
from typing import TYPE_CHECKING

from luthier.space import Configuration, Space
from luthier.space.value import identity
from luthier.store import ExperimentRecord, Sort, Store
from luthier.trial import Outcome, Trial

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Places = NDArray[np.intp]
    Mask = NDArray[np.bool_]

__all__ = ["failures_of", "fisher", "where_failures_live"]

_FEWEST = 3
"""Fewer failures have no place."""
_ALPHA = 0.05
"""How often failures without structure may seem to have one, over all regions together."""
_LIFT = 1.5
"""A region is told when trials fail there so many times as often as elsewhere."""
_LOOKED_AT = 1000
_CONDITIONS = 400
"""About so many conditions are tried, over all parameters."""
_CUTS = 16


def failures_of(store: Store, record: ExperimentRecord) -> str | None:
    """Where the failures of an experiment live, among its newest 1000 trials. **Cost** nothing while few failed."""
    if record.finished - record.succeeded < _FEWEST:
        return None
    if sum(n for how, n in store.unsuccessful(record.id).items() if how.blames_configuration) < _FEWEST:
        return None
    written = record.trials - record.reserved
    trials = store.trials(record.id, Sort(), _LOOKED_AT, max(written - _LOOKED_AT, 0))
    return where_failures_live(record.description.space, trials)


def where_failures_live(space: Space, trials: Sequence[Trial]) -> str | None:
    """The sentence, or None when failures are few or live everywhere.

    **Cost** for c conditions (at most about 400) and n trials, two products of c × n matrices: about 0.1 s for 1000 trials.
    """
    judged = [(trial.configuration, failed) for trial in trials if (failed := _failed(trial)) is not None]
    known = [(configuration, failed) for configuration, failed in judged if configuration is not None]
    failures = sum(failed for _, failed in known)
    if failures < _FEWEST or failures == len(known):
        return None
    search = _Search(space, [configuration for configuration, _ in known], [failed for _, failed in known])
    return search.sentence()


def _failed(trial: Trial) -> bool | None:
    """Whether the configuration may have failed; None where the trial tells nothing of it."""
    if trial.result is None:
        return None
    if trial.result.outcome in (Outcome.SUCCEEDED, Outcome.STOPPED):
        return False
    return True if trial.result.outcome.blames_configuration else None


def fisher(inside: int, size: int, failures: int, total: int) -> float:
    """The chance that of `size` trials drawn from `total`, of which `failures` fail, at least `inside` fail.

    **Source** R. A. Fisher's exact test, one-sided: the upper tail of the hypergeometric distribution.
    """
    whole = _log_choose(total, size)
    tail = (
        exp(_log_choose(failures, k) + _log_choose(total - failures, size - k) - whole)
        for k in range(max(inside, size + failures - total), min(size, failures) + 1)
    )
    return min(sum(tail), 1.0)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


@dataclass(frozen=True, slots=True)
class _Condition:
    """`name ≥ values[place]`, `name ≤ values[place]` or `name = values[place]`; `values` are all that were observed."""

    name: str
    sign: str
    place: int


class _Column:
    """One parameter over all trials: its distinct values, sorted where they are numbers, how each is written, and for
    every trial the place of its value, -1 where the parameter is not active."""

    def __init__(self, name: str, configurations: Sequence[Configuration]) -> None:
        import numpy as np

        self.name = name
        chosen = [c[name] if name in c else None for c in configurations]  # noqa: SIM401 - it has no `get`
        keys = [None if value is None else identity(value.value) for value in chosen]
        found = {key: value for key, value in zip(keys, chosen, strict=True) if value is not None}
        self.is_scale = all(
            isinstance(v.value, (int, float)) and not isinstance(v.value, bool) for v in found.values()
        )
        if self.is_scale:
            found = dict(sorted(found.items(), key=lambda each: each[1].value))
        self.values = list(found.values())
        place = {key: i for i, key in enumerate(found)}
        self.places: Places = np.array([place.get(key, -1) for key in keys])

    def conditions(self, cuts: int) -> list[_Condition]:
        """The conditions to be tried: at most `cuts` thresholds in each direction, spread over what was observed."""
        count = len(self.values)
        if not self.is_scale:
            return [_Condition(self.name, "=", i) for i in range(count)] if count > 1 else []
        steps = min(cuts, count - 1)
        places = sorted({1 + i * (count - 1) // steps for i in range(steps)}) if steps > 0 else []
        upper = [_Condition(self.name, "≥", i) for i in places]
        return upper + [_Condition(self.name, "≤", i - 1) for i in places]

    def holds(self, condition: _Condition) -> Mask:
        """Where a condition holds. **Shapes** (n,)."""
        least = 0 if condition.sign == "≤" else condition.place
        most = len(self.values) if condition.sign == "≥" else condition.place
        mask: Mask = (self.places >= least) & (self.places <= most)
        return mask

    def written(self, condition: _Condition) -> str:
        """`width ≥ 1024`: a drawn threshold with as few digits as tell it from the next value outside."""
        value = self.values[condition.place]
        text = value.text
        if isinstance(value.value, float) and value.written is None and condition.sign != "=":
            beyond = condition.place + (1 if condition.sign == "≤" else -1)
            text = _shortest(value.value, self.values[beyond].value)
        return f"{self.name} {condition.sign} {text}"


def _shortest(value: float, beyond: float) -> str:
    """The shortest decimal from `value` on, short of `beyond`."""
    low, high = min(value, beyond), max(value, beyond)
    for digits in range(1, 17):
        text = f"{value:.{digits}g}"
        if low <= float(text) <= high and float(text) != beyond:
            return text
    return repr(value)


class _Search:
    """Looks for the region that tells most, for trials of which some failed. **Shapes** `failed` (n,)."""

    def __init__(self, space: Space, configurations: Sequence[Configuration], failed: Sequence[bool]) -> None:
        import numpy as np

        self.failed = np.array(failed)
        self.total, self.failures = len(failed), int(self.failed.sum())
        self.columns = {name: _Column(name, configurations) for name in space.dimensions}
        n = np.arange(self.total + 1, dtype=np.float64)
        self._n_log_n = n * np.log(np.maximum(n, 1.0))

    def sentence(self) -> str | None:
        """The most telling region in words, if it is beyond chance."""
        for region in self._regions():
            finest = self._finest(region)
            inside = self._holds(finest)
            size, k = int(inside.sum()), int((inside & self.failed).sum())
            where = " and ".join(self.columns[c.name].written(c) for c in finest)
            return (
                f"{100 * k / self.failures:.0f} % of failures: {where} (there {k} of {size} fail; "
                f"elsewhere {self.failures - k} of {self.total - size})"
            )
        return None

    def _regions(self) -> list[tuple[_Condition, ...]]:
        """The best single condition and the best pair, as far as they are beyond chance; the better first.

        A pair has to earn its second condition: every condition costs 2 ln c of twice the log-likelihood, which is
        what the best of c useless ones gains. **Source** D. Foster and E. George, Ann. Stat. 22 (1994), risk inflation.
        """
        import numpy as np

        cuts = min(_CUTS, max(2, _CONDITIONS // (2 * max(len(self.columns), 1))))
        conditions = [each for column in self.columns.values() for each in column.conditions(cuts)]
        if not conditions:
            return []
        holds = np.array([self.columns[each.name].holds(each) for each in conditions])
        A = holds.astype(np.float32)  # counts up to 2**24 are exact
        sizes = (A @ A.T).astype(np.intp)
        F = A[:, self.failed]
        fails = (F @ F.T).astype(np.intp)
        gain = self._gain(fails, sizes)
        cost = 2 * np.log(len(conditions))
        count = len(conditions)
        singles = np.where(np.eye(count, dtype=bool), gain - cost, -np.inf)
        pairs = np.where(np.triu(np.ones((count, count), dtype=bool), 1), gain - 2 * cost, -np.inf)
        found = []
        for scores, tried in ((singles, count), (pairs, count * (count - 1) // 2)):
            i, j = np.unravel_index(int(scores.argmax()), scores.shape)
            chance = fisher(int(fails[i, j]), int(sizes[i, j]), self.failures, self.total)
            if np.isfinite(scores[i, j]) and chance * tried <= _ALPHA / 2:
                region = (conditions[i],) if i == j else (conditions[i], conditions[j])
                found.append((float(scores[i, j]), region))
        return [region for _, region in sorted(found, key=lambda each: -each[0])]

    def _gain(self, k: Places, size: Places) -> NDArray[np.float64]:
        """Twice the gain in log-likelihood of two failure rates over one; -inf where trials don't fail more inside."""
        import numpy as np

        h, n = self._n_log_n, self.total
        rest, others = n - size, self.failures - k
        inner = h[k] + h[size - k] - h[size]
        outer = h[others] + h[rest - others] - h[rest]
        whole = h[self.failures] + h[n - self.failures] - h[n]
        is_worse = (k >= _FEWEST) & (rest > 0) & (k * rest > _LIFT * others * size)
        return np.where(is_worse, 2 * (inner + outer - whole), -np.inf)

    def _holds(self, region: tuple[_Condition, ...]) -> Mask:
        import numpy as np

        mask: Mask = np.ones(self.total, dtype=bool)
        for each in region:
            mask &= self.columns[each.name].holds(each)
        return mask

    def _finest(self, region: tuple[_Condition, ...]) -> tuple[_Condition, ...]:
        """The region with each threshold moved to the observed value that tells most. That there is a region was
        judged before, on thresholds fixed without looking at what failed."""
        conditions = list(region)
        for _ in range(2):
            for i, condition in enumerate(conditions):
                others = (*conditions[:i], *conditions[i + 1 :])
                conditions[i] = self._moved(condition, others)
        return tuple(conditions)

    def _moved(self, condition: _Condition, others: tuple[_Condition, ...]) -> _Condition:
        import numpy as np

        column = self.columns[condition.name]
        if condition.sign == "=":
            return condition
        around = self._holds(others) & (column.places >= 0)
        count = len(column.values)
        sizes = np.bincount(column.places[around], minlength=count)
        fails = np.bincount(column.places[around & self.failed], minlength=count)
        if condition.sign == "≥":
            sizes, fails = sizes[::-1].cumsum()[::-1], fails[::-1].cumsum()[::-1]
            tried = np.arange(1, count)
        else:
            sizes, fails = sizes.cumsum(), fails.cumsum()
            tried = np.arange(count - 1)
        gains = self._gain(fails[tried], sizes[tried])
        return _Condition(condition.name, condition.sign, int(tried[int(gains.argmax())]))
