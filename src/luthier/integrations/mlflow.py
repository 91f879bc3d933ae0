"""An experiment in MLflow: one run for the search, and in it a nested run for every finished trial.

    luthier.integrations.mlflow.log(experiment)                       # after the fact
    with luthier.integrations.mlflow.live(experiment):                # while it runs
        experiment.run(train, trials=100)

Parameters, the points of every metric with their steps and times, the objective, how the trial ended and why are there.
What was logged is known by its tags, so logging the same experiment again adds what is new and nothing twice. MLflow's own
client is used throughout: the run that a program has active is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any
from weakref import WeakKeyDictionary

from luthier.experiment import Experiment
from luthier.integrations._needed import needed
from luthier.trial import Outcome, Trial, TrialState

__all__ = ["live", "log"]

needed("mlflow", "MLflow", "mlflow")

from mlflow.entities import Metric, Param, RunTag  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

PARENT, NAME = "mlflow.parentRunId", "mlflow.runName"
EXPERIMENT, TRIAL = "luthier.experiment", "luthier.trial"
MOST_METRICS, MOST_PARAMS, LONGEST = 1000, 100, 6000
"""What MLflow takes in one request, and how long a parameter's value may be."""

_parents: WeakKeyDictionary[Experiment, str] = WeakKeyDictionary()
"""The runs of experiments in memory, whose numbers say nothing outside this process."""


def log(experiment: Experiment, *, name: str | None = None, tracking_uri: str | None = None) -> str:
    """Logs the trials that have finished since it was last called; returns the id of the search's run.

    `name` is MLflow's experiment, by default the search's own name, else `luthier`. The server is MLflow's own choice
    (`MLFLOW_TRACKING_URI`) unless `tracking_uri` names one.
    """
    client = MlflowClient(tracking_uri)
    record = experiment._store.experiment(experiment.id)
    place = _experiment_of(client, name or record.description.name or "luthier")
    parent = _parent_of(client, place, experiment)
    known = _logged(client, place, parent)
    for trial in experiment._store.trials(experiment.id):
        is_final = trial.state is TrialState.FINISHED and trial.result is not None
        if is_final and str(trial.number) not in known:
            _log_trial(client, place, parent, experiment, trial)
    _log_best(client, parent, experiment)
    return parent


@contextmanager
def live(
    experiment: Experiment, *, name: str | None = None, tracking_uri: str | None = None, seconds: float = 5.0
) -> Iterator[None]:
    """Logs every few `seconds` while the body runs, and once more when it ends, however it ends.

    **Raises** what MLflow raised last, when the body is over: a server that is away does not end the search.
    """
    over = Event()

    def follow() -> None:
        while not over.wait(seconds):
            try:
                log(experiment, name=name, tracking_uri=tracking_uri)
            except Exception:  # noqa: BLE001  tried again soon; the last attempt is made in the open
                continue

    thread = Thread(target=follow, name="luthier-mlflow", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        log(experiment, name=name, tracking_uri=tracking_uri)


def _experiment_of(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found is not None else client.create_experiment(name))


def _parent_of(client: Any, place: str, experiment: Experiment) -> str:
    """The run of the search: the one that was made before, else a new one."""
    if experiment in _parents:
        return _parents[experiment]
    folder: Path | None = experiment._folder
    mark = f"{folder.resolve()}#{experiment.id}" if folder is not None else ""
    found = []
    if mark:
        quoted = mark.replace("'", "\\'")
        found = client.search_runs([place], f"tags.`{EXPERIMENT}` = '{quoted}'", max_results=1)
    if found:
        parent = str(found[0].info.run_id)
    else:
        record = experiment._store.experiment(experiment.id)
        title = record.description.name or f"experiment {experiment.id}"
        tags = {NAME: title, EXPERIMENT: mark or str(experiment.id)}
        parent = str(client.create_run(place, tags=tags).info.run_id)
        about = {"algorithm": record.description.algorithm.name, "seed": str(record.seed)}
        client.log_batch(parent, params=[Param(key, value) for key, value in about.items()])
    _parents[experiment] = parent
    return parent


def _logged(client: Any, place: str, parent: str) -> set[str]:
    """The numbers of the trials that have a run."""
    numbers: set[str] = set()
    token = None
    while True:
        page = client.search_runs([place], f"tags.`{PARENT}` = '{parent}'", page_token=token)
        numbers.update(run.data.tags.get(TRIAL, "") for run in page if run.info.status != "RUNNING")
        token = page.token
        if not token:
            return numbers


def _log_trial(client: Any, place: str, parent: str, experiment: Experiment, trial: Trial) -> None:
    """One nested run. It is ended last, so that one that was cut short is made again."""
    result, configuration = trial.result, trial.configuration
    assert result is not None and configuration is not None, "finished trials have both"
    began = _milliseconds(trial.began or trial.created)
    ended = _milliseconds(trial.ended or trial.created)
    tags = {PARENT: parent, NAME: f"trial {trial.number}", TRIAL: str(trial.number)}
    run = client.create_run(place, start_time=began, tags=tags).info.run_id
    metrics = [
        Metric(_key(point.metric), point.value, _milliseconds(point.time), int(point.step))
        for point in experiment._store.points(experiment.id, trial.number, attempt=trial.attempt)
    ]
    objective = experiment._store.experiment(experiment.id).description.objective
    if objective is not None and result.value is not None:
        key = _key(objective.metric)
        if not any(metric.key == key for metric in metrics):
            metrics.append(Metric(key, result.value, ended, 0))
    params = [Param(_key(n), str(v)[:LONGEST]) for n, v in configuration.values().items()]
    for begin in range(0, len(metrics), MOST_METRICS):
        client.log_batch(run, metrics=metrics[begin : begin + MOST_METRICS])
    for begin in range(0, len(params), MOST_PARAMS):
        client.log_batch(run, params=params[begin : begin + MOST_PARAMS])
    why = [RunTag("luthier.outcome", result.outcome.value), RunTag("luthier.reason", result.reason[:LONGEST])]
    client.log_batch(run, tags=why)
    client.set_terminated(run, status=_status(result.outcome), end_time=ended)


def _log_best(client: Any, parent: str, experiment: Experiment) -> None:
    """The best value so far, as a metric of the search's run."""
    record = experiment._store.experiment(experiment.id)
    objective = record.description.objective
    best = experiment._first()
    if objective is None or best is None:
        return
    if best.value is not None:
        client.log_metric(parent, f"best_{_key(objective.metric)}", best.value, step=record.finished)
        client.set_tag(parent, "luthier.best_trial", str(best.number))
    if record.target is not None and record.finished >= record.target:
        client.set_terminated(parent)


def _status(outcome: Outcome) -> str:
    match outcome:
        case Outcome.SUCCEEDED:
            return "FINISHED"
        case Outcome.STOPPED | Outcome.KILLED | Outcome.INTERRUPTED:
            return "KILLED"  # MLflow's word for a run that was ended before its time; the tags say by what
        case _:
            return "FAILED"


def _key(name: str) -> str:
    """A name as MLflow takes it."""
    return re.sub(r"[^\w.\- :/]", "_", name)[:250]


def _milliseconds(time: float) -> int:
    return int(1000 * time)
