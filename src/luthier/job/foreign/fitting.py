"""The space that the trials of another tool were taken from, and each trial as a configuration of it.

Which parameters exist when is found in the trials (`space/observed.py`). A trial that has no value for a parameter it
should have (it failed before it was asked for) is left out and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from luthier.errors import SpaceError, UsageError
from luthier.job.foreign.study import Study, Tried, note_of
from luthier.space import Categorical, Condition, Configuration, Parameter, Space, Value
from luthier.space.observed import observed_condition
from luthier.trial import Outcome

__all__ = ["Fitted", "fitted"]

WHOLE = (Outcome.SUCCEEDED, Outcome.STOPPED)
"""Trials that ended so have asked for all of their parameters."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Fitted:
    """A study with its space. `said` tells what was found out, and what was left out and why."""

    space: Space
    trials: tuple[tuple[Tried, Configuration], ...]
    said: tuple[str, ...]


def fitted(study: Study) -> Fitted:
    """Finds the space and the configurations.

    **Raises** UsageError where there is no parameter, or no trial that could be kept.
    """
    if not study.domains:
        raise UsageError(f"{study.name}: its trials have no parameters, so there is nothing to learn from")
    study, found, said = _explained(study)
    space = Space([Parameter(name, study.domains[name], when) for name, when in found.items()])
    kept: list[tuple[Tried, Configuration]] = []
    left_out: dict[str, list[str]] = {}
    for trial in study.trials:
        inside = {name: _value(value) for name, value in trial.values.items() if name in found}
        try:
            configuration = space.configuration(inside)
        except SpaceError as reason:
            left_out.setdefault(str(reason).partition(";")[0], []).append(trial.name)
            continue
        rest = {name: _text(value) for name, value in trial.values.items() if name not in found}
        kept.append((replace(trial, notes={**trial.notes, **rest}) if rest else trial, configuration))
    if not kept:
        why = next(iter(left_out), "it has none")
        raise UsageError(f"{study.name}: no trial can be kept ({why})")
    said += [f"left out: {_named(names)}: {why}" for why, names in left_out.items()]
    return Fitted(space, tuple(kept), tuple(said))


def _explained(study: Study) -> tuple[Study, dict[str, tuple[Condition, ...]], list[str]]:
    """When each parameter exists, those that nothing explains left out; and the study that was understood so."""
    said: list[str] = []
    whens: dict[str, tuple[Condition, ...]] = {}
    for name in _parents_first(study):
        seen = [{n: _plain(value) for n, value in trial.values.items()} for trial in _whole(study)]
        found = observed_condition(name, study.domains, whens, seen)
        domain = study.domains[name]
        if found is None and study.of == "csv" and type(domain) is Categorical:
            study, found = _with_null(study, name, domain), ()
            said.append(f"{name}: an empty cell is a choice of its own, null")
        if found is None:
            said.append(
                f"parameter {name!r} comes and goes without a pattern: no part of the space, its values are kept as notes"
            )
        else:
            whens[name] = found
    if not whens:
        raise UsageError(f"{study.name}: no parameter is in all trials, so no space can be made of them")
    return study, whens, said


def _whole(study: Study) -> list[Tried]:
    """The trials that have asked for all their parameters."""
    return [trial for trial in study.trials if trial.outcome in WHOLE] or list(study.trials)


def _parents_first(study: Study) -> list[str]:
    """The parameters as they were met, but those that more trials have before the others: one that others hang on is
    there whenever they are."""
    whole = _whole(study)
    return sorted(study.domains, key=lambda name: -sum(name in trial.values for trial in whole))


def _with_null(study: Study, name: str, domain: Categorical) -> Study:
    """The study in which a column's empty cells are one of its choices."""
    domains = {**study.domains, name: Categorical((*domain.choices, Value(None)))}
    whole = {trial.name for trial in _whole(study)}
    trials = [
        replace(trial, values={**trial.values, name: Value(None)})
        if trial.name in whole and name not in trial.values
        else trial
        for trial in study.trials
    ]
    return replace(study, domains=domains, trials=tuple(trials))


def _plain(value: object) -> object:
    return value.value if isinstance(value, Value) else value


def _text(value: object) -> str:
    return value.text if isinstance(value, Value) else note_of(value)


def _value(value: object) -> object:
    """A text is one of the choices as it stands, never a number that is written like it."""
    return value if isinstance(value, Value) or not isinstance(value, str) else Value(value)


def _named(names: Sequence[str]) -> str:
    """`trial 3, trial 5 and 12 more`."""
    if len(names) <= SHOWN + 1:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
