"""Training jobs: the experiments of a workspace, as kaos sees them.

A job is one experiment; what kaos has to remember of it stands in the experiment's labels, all of which begin with
`kaos-`. A model is a trial that succeeded, of this job or of an earlier one that had the same code, data and
hyperparameters: a combination that was trained is not trained again, and the job names whose it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from luthier.cli.doors.kaos.start import file_name
from luthier.cli.doors.kaos.words import KaosError
from luthier.cli.doors.kaos.workspaces import Inputs
from luthier.cli.options import Id, Place
from luthier.run.folders import AttemptFolder, Folders
from luthier.space import Configuration
from luthier.space.value import identity
from luthier.store import ExperimentRecord, Store, Wish
from luthier.trial import Outcome, Trial, TrialState

__all__ = ["Job", "Model", "job_of", "jobs_of", "key_of", "pick"]

HYPER = "kaos-hyper"


class Model(NamedTuple):
    """A model that was trained: its trial, the labels of its job, its files."""

    trial: Trial
    labels: dict[str, str]
    files: AttemptFolder

    @property
    def short(self) -> str:
        """Six hex digits, another for each of a store's first 16 million trials: an odd factor is a permutation."""
        return f"{self.trial.run_id * 0x9E3779B1 % 2**24:06x}"

    @property
    def id(self) -> str:
        """`e23a2_9fd9d_3fbf2:776614`."""
        hashes = [self.labels[name].rpartition(":")[2] for name in ("kaos-code", "kaos-data")]
        return f"{'_'.join([*hashes, *filter(None, [self.labels.get(HYPER)])])}:{self.short}"

    @property
    def texts(self) -> dict[str, str]:
        """Its hyperparameters as they were written."""
        assert self.trial.configuration is not None
        return self.trial.configuration.texts()

    @property
    def file_name(self) -> str:
        """The name of the JSON file of its hyperparameters."""
        return file_name(self.texts)

    def metrics(self) -> dict[str, Any]:
        """What it wrote to metrics/metrics.json; nothing where it wrote none that can be read."""
        try:
            with open(f"{self.files.outputs}/metrics/metrics.json", encoding="utf-8-sig") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


class Job(NamedTuple):
    """A job: its experiment, whether somebody drives it, and whether trials go on although nobody does."""

    record: ExperimentRecord
    is_active: bool
    is_left: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """What kaos noted with it."""
        return self.record.description.labels

    @property
    def id(self) -> str:
        """32 hex digits."""
        return self.labels["kaos-job"]

    @property
    def is_hyperopt(self) -> bool:
        """Whether it has hyperparameters."""
        return HYPER in self.labels

    @property
    def kept(self) -> list[tuple[int, int]]:
        """The trials of earlier jobs that were not run again, by experiment and number."""
        words = self.labels.get("kaos-kept", "").split()
        return [(int(a), int(b)) for a, _, b in (word.partition(".") for word in words)]

    @property
    def is_interrupted(self) -> bool:
        """Whether whoever drove it was killed, so that it goes on when it is submitted again."""
        is_met = self.record.is_met and not self.record.running
        return not is_met and not self.is_active and self.record.wish is Wish.RUN

    @property
    def state(self) -> str:
        """kaos's word for how it stands."""
        record = self.record
        if record.is_met and not record.running:
            return "JOB_SUCCESS" if record.succeeded == record.finished else "JOB_FAILURE"
        if record.wish in (Wish.STOP, Wish.KILL):
            return "JOB_KILLED"
        if self.is_active or self.is_left:
            return "JOB_RUNNING" if record.running or record.finished else "JOB_STARTING"
        gave_up = record.wish is Wish.PAUSE and record.finished > record.succeeded
        return "JOB_FAILURE" if gave_up else "JOB_KILLED"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        has_ended = self.state in ("JOB_SUCCESS", "JOB_FAILURE", "JOB_KILLED")
        return has_ended and not (self.is_active and self.record.running)

    def seconds(self, store: Store, now: float) -> float:
        """From its submission to the end of its last trial, or until now."""
        if not self.is_over:
            return now - self.record.created
        ends = [t.ended for t in store.trials(self.record.id) if t.ended is not None]
        return max(ends, default=self.record.created) - self.record.created

    def models(self, store: Store, folder: Path) -> list[Model]:
        """The models there are, in the order of the combinations; those of earlier jobs among them."""
        folders, space = Folders(folder), self.record.description.space
        own = {t.number: (t, self.labels) for t in store.trials(self.record.id)}
        earlier = _found(store, self.kept)
        found = [(t, labels) for t, labels in [*own.values(), *earlier] if _is_model(t)]
        order = {key_of(space.at(i)): i for i in range(space.finite_count())}
        found.sort(key=lambda pair: order.get(key_of(_configuration(pair[0])), len(order)))
        return [Model(t, labels, folders.attempt(t.experiment, t.number, t.attempt)) for t, labels in found]

    def unsuccessful(self, store: Store) -> list[Trial]:
        """Its trials that ended otherwise."""
        return [
            t for t in store.trials(self.record.id) if t.state is TrialState.FINISHED and not _is_model(t)
        ]


def _is_model(trial: Trial) -> bool:
    return trial.result is not None and trial.result.outcome is Outcome.SUCCEEDED


def _configuration(trial: Trial) -> Configuration:
    assert trial.configuration is not None, "the store gives those that have one"
    return trial.configuration


def _found(store: Store, kept: Iterable[tuple[int, int]]) -> list[tuple[Trial, dict[str, str]]]:
    """Earlier jobs' trials, each with its job's labels; without those that were removed since."""
    from luthier.errors import NotFound

    labels: dict[int, dict[str, str]] = {}
    found = []
    for experiment, number in kept:
        try:
            if experiment not in labels:
                labels[experiment] = store.experiment(experiment).description.labels
            found.append((store.trial(experiment, number), labels[experiment]))
        except NotFound:
            continue
    return found


def key_of(configuration: Configuration) -> str:
    """A text that equal combinations share, whatever the order of their names."""
    values = configuration.values()
    return json.dumps({name: identity(values[name]) for name in sorted(values)})


def jobs_of(place: Place, store: Store, workspace: Inputs) -> Iterator[Job]:
    """The jobs of a workspace, the newest first."""
    is_active = place.activity(store)
    for record in sorted(store.experiments(), key=lambda record: -record.id):
        if record.description.labels.get("kaos-workspace-id") == workspace.id:
            driven = is_active(record.id)
            record = store.experiment(record.id)  # a driver that has just left has written all it knew before
            yield Job(
                record, driven, bool(record.running) and not driven and place.runs_on(store, Id(record.id))
            )


def pick(jobs: list[Job], job_id: str | None, ind: int | None) -> Job:
    """The job that is meant. **Raises** KaosError where there is none, or nothing says which."""
    if job_id is not None and ind is not None:
        import click

        raise click.UsageError("Illegal usage: job_id is mutually exclusive with ind")
    if job_id is not None:
        return job_of(jobs, job_id)
    if ind is None:
        raise KaosError("Missing either job_id or ind as arguments...")
    if not -len(jobs) <= ind < len(jobs):
        raise KaosError(f"Index {ind} does not exist... Run `kaos train list` again")
    return jobs[ind]


def job_of(jobs: list[Job], job_id: str) -> Job:
    """The job of this identifier, or of the only one that begins so."""
    found = [job for job in jobs if len(job_id) >= 4 and job.id.startswith(job_id)]
    if len(found) != 1:
        raise KaosError(f"There is no job with id: {job_id}")
    return found[0]
