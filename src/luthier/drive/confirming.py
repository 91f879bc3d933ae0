"""Confirmations: the leaders of an experiment run again with fresh seeds, as an experiment of their own.

They neither count towards the search they confirm nor teach it anything. What is rerun stands in the settings, so the
same leaders are the same experiment: asked again it goes on, asked for more rounds it goes further. Its seed is
derived from the search's, and so no trial gets a seed that the search has used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from luthier.description import Algorithm, Description
from luthier.errors import UsageError
from luthier.search.replicates import Replicates
from luthier.search.stream import bits
from luthier.store import ExperimentRecord, Store
from luthier.trial import Trial

__all__ = ["confirmation", "confirmations", "fresh_runs", "open_confirmation"]


def confirmation(record: ExperimentRecord, leaders: Sequence[Trial], times: int) -> Description:
    """The experiment that runs these trials of another one `times` times each.

    **Raises** UsageError when there is nothing to run or to compare.
    """
    what = record.description
    if what.command is None:
        raise UsageError(
            f"experiment {record.id} has no command, so Luthier can't run its trials again; "
            "run the leaders in your own program, and tell it what they reached"
        )
    if what.objective is None:
        raise UsageError(f"experiment {record.id} has no objective, so none of its trials leads")
    kept = [trial for trial in leaders if trial.configuration is not None]
    if not kept:
        raise UsageError(
            f"experiment {record.id} has no trial with a value yet, so there is nothing to confirm"
        )
    settings = {
        "repeats": True,
        "of": record.id,
        "trials": [trial.number for trial in kept],
        "searched": [trial.result.value if trial.result else None for trial in kept],
        "configurations": [
            json.loads(trial.configuration.to_json()) for trial in kept if trial.configuration
        ],
    }
    return Description(
        project=what.project,
        space=what.space,
        algorithm=Algorithm(Replicates.name, settings),
        command=what.command,
        objective=what.objective,
        trials=times * len(kept),
        seed=bits(record.seed, "confirm", record.id) >> 1,
        limits=what.limits,
        name=_name(record.id),
    )


def open_confirmation(store: Store, description: Description) -> tuple[ExperimentRecord, bool]:
    """Finds the confirmation this describes, or creates it; tells which. Other leaders of the same search make another
    one of the same name."""
    named = [
        record
        for record in store.experiments()
        if (record.description.project, record.description.name) == (description.project, description.name)
    ]
    newest = max(named, key=lambda record: record.id, default=None)
    is_other = newest is not None and newest.identity != description.identity()
    return store.open_experiment(description, fresh=is_other)


def confirmations(store: Store, experiment: int) -> list[ExperimentRecord]:
    """The confirmations of an experiment so far, the oldest first. **Cost** one read of all experiments."""
    found = [
        record
        for record in store.experiments()
        if record.description.algorithm.name == Replicates.name
        and record.description.algorithm.settings.get("of") == experiment
    ]
    return sorted(found, key=lambda record: record.id)


def fresh_runs(store: Store, experiment: int) -> list[Trial]:
    """The trials of an experiment's confirmations."""
    return [trial for each in confirmations(store, experiment) for trial in store.trials(each.id)]


def _name(experiment: int) -> str:
    return f"confirm {experiment}"
