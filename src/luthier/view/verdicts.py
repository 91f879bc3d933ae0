"""Which trial is best, which are exactly as good, and the command line that runs it.

A best value reached by several configurations is no verdict on the parameters they differ in, so ties are always
told: "2 others, differing only in gamma".
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from luthier.run.environment import STAGE_VARIABLES, parameter_variable
from luthier.run.render import render
from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, Trial
from luthier.view.experiments import best_trials
from luthier.view.trials import TrialRow, spent_of, trial_row

__all__ = ["Best", "Ties", "best", "command_line", "why_none"]

_LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class Ties:
    """The other trials with the best value. `differing` names the parameters in which any of them differs from it;
    with `has_more` there are more than were looked at."""

    others: tuple[int, ...] = ()
    differing: tuple[str, ...] = ()
    is_partial: bool = False
    has_more: bool = False

    def __str__(self) -> str:
        """`2 others, differing only in gamma`; empty without ties."""
        if not self.others:
            return ""
        count = f"{len(self.others)}{' or more' * self.has_more} other{'s' * (len(self.others) > 1)}"
        if not self.differing:
            return f"{count}, with the same configuration"
        return f"{count}, differing{' only' * self.is_partial} in {_listed(self.differing)}"


@dataclass(frozen=True, slots=True)
class Best:
    """The best trials, best first, the ties of the first one and the command line that runs it, if one is known."""

    rows: tuple[TrialRow, ...]
    ties: Ties
    command: str | None
    directory: str | None


def best(store: Store, record: ExperimentRecord, top: int, now: float) -> Best | None:
    """The verdict on an experiment, None when no trial succeeded with a value."""
    trials = best_trials(store, record, max(top, _LOOKED_AT + 2))
    if not trials:
        return None
    command, spent = record.description.command, spent_of(store, record, trials[:top])
    return Best(
        rows=tuple(trial_row(trial, now, spent=spent.get(trial.number)) for trial in trials[:top]),
        ties=_ties(trials),
        command=command_line(store, record, trials[0].number),
        directory=command.directory if command else None,
    )


def _ties(trials: Sequence[Trial]) -> Ties:
    """The ties of the first of these trials, which are sorted by value."""
    _, group = next(groupby(trials, key=lambda trial: trial.result.value if trial.result else None))
    first, *others = group
    if not others:
        return Ties()
    mine = _texts(first)
    theirs = [_texts(other) for other in others]
    names = list(dict.fromkeys(name for texts in (mine, *theirs) for name in texts))
    differing = tuple(name for name in names if any(texts.get(name) != mine.get(name) for texts in theirs))
    shown = others[:_LOOKED_AT]
    return Ties(
        others=tuple(trial.number for trial in shown),
        differing=differing,
        is_partial=len(differing) < len(names),
        has_more=len(others) > len(shown),
    )


def _texts(trial: Trial) -> dict[str, str]:
    return trial.configuration.texts() if trial.configuration else {}


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def command_line(store: Store, record: ExperimentRecord, number: int) -> str | None:
    """The line that runs a trial again in a shell; None for a function, or before it has a configuration."""
    command, configuration = record.description.command, store.trial(record.id, number).configuration
    if command is None or configuration is None:
        return None
    texts = record.description.texts(configuration)
    words = render(command, texts, record.description.placeholders)
    line = words[-1] if command.shell else shlex.join(words)
    variables = _stage(record) | (
        {parameter_variable(name): text for name, text in texts.items()} if command.from_environment else {}
    )
    if not variables:
        return line
    given = " ".join(f"{name}={shlex.quote(text)}" for name, text in variables.items())
    return f"export {given}; {line}" if command.shell else f"{given} {line}"


def _stage(record: ExperimentRecord) -> dict[str, str]:
    """The last stage as the environment tells it, where the command has no place for it."""
    stages, command = record.description.stages, record.description.command
    if stages is None or command is None or (stages.parameter and not command.from_environment):
        return {}
    return {STAGE_VARIABLES[stages.kind]: stages.text(-1)}


def why_none(store: Store, record: ExperimentRecord, hint: Callable[[str], str] = "luthier {}".format) -> str:
    """The sentence that says why an experiment has no best trial, and what to do.

    `hint` makes the line to type of a command's words.
    """
    id, objective = record.id, record.description.objective
    if objective is None:
        return (
            f"experiment {id} has no objective, so none of its trials is best; "
            f"compare them with '{hint(f'show {id} --sort METRIC')}', or name one with --metric when you search"
        )
    if not record.finished:
        return f"no trial of experiment {id} has ended yet; watch them with: {hint(f'show {id}')}"
    if not record.succeeded:
        ended = store.unsuccessful(id)
        how = ", ".join(f"{n} {outcome.value}" for outcome, n in sorted(ended.items(), key=_commonest))
        left = ((record.waiting, "wait"), (record.running, "run"), (record.queued, "queued"))
        if set(ended) == {Outcome.STOPPED} and any(n for n, _ in left):
            still = ", ".join(f"{n} {_verb(word, n)}" for n, word in left if n)
            return (
                f"no trial of experiment {id} has come to its end yet ({how}; {still}); "
                f"watch them with: {hint(f'show {id}')}"
            )
        which = f"show {id}" if set(ended) == {Outcome.STOPPED} else f"show {id} --failed"
        return f"no trial of experiment {id} succeeded ({how}); see why with: {hint(which)}"
    limits = record.description.constraints
    if limits:
        kept = " and ".join(map(str, limits))
        return f"no trial of experiment {id} kept {kept}; see by how much with: {hint(f'metrics {id}')}"
    return f"no complete trial of experiment {id} reported {objective.metric} as a number; see: {hint(f'metrics {id}')}"


def _verb(word: str, count: int) -> str:
    """`waits` of one trial; `queued` stays."""
    return word + "s" * (count == 1 and word != "queued")


def _commonest(item: tuple[Outcome, int]) -> tuple[int, str]:
    return -item[1], item[0].value
