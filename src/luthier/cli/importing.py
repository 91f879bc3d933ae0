"""How `luthier import` brings trials in: a study of `job/foreign/` becomes a finished experiment, and is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from luthier.cli.options import Place
from luthier.cli.output import emit, emit_json, many, say
from luthier.cli.search import project_of
from luthier.curves import Curve
from luthier.description import IMPORTED, IMPORTED_DIGEST, IMPORTED_FROM, Algorithm, Description
from luthier.drive.importing import Brought, bring
from luthier.errors import UsageError
from luthier.job.native import OURS
from luthier.store import ExperimentRecord
from luthier.trial import Outcome, Point, Result

if TYPE_CHECKING:
    from luthier.job.foreign.fitting import Fitted
    from luthier.job.foreign.study import Study, Tried
    from luthier.space import Configuration

__all__ = ["bring_in"]


def bring_in(
    study: Study,
    source: str,
    place: Place,
    *,
    name: str | None,
    labels: dict[str, str],
    fresh: bool,
    as_json: bool,
) -> int:
    """Writes the experiment, says what became of the trials, and returns the exit code."""
    from luthier.job.foreign.fitting import fitted

    found = fitted(study)
    description = _described(study, found, source, place, name, labels)
    brought = [_brought(study, trial, configuration) for trial, configuration in found.trials]
    record, is_new = bring(place.folder, description, brought, fresh=fresh)
    if not is_new:
        say(
            f"{source} is experiment {record.id} already, trial for trial; to bring it in once more add --new"
        )
    else:
        for line in (*study.said, *found.said):
            say(line)
        _tell(place, record, brought)
    left_out = len(study.trials) - len(brought)
    document = {"experiment": record.id, "new": is_new, "trials": record.finished, "left_out": left_out}
    if as_json:
        emit_json("import", {**document, "source": source, "said": [*study.said, *found.said]})
    else:
        emit(str(record.id))
    return 0


def _described(
    study: Study, found: Fitted, source: str, place: Place, name: str | None, labels: dict[str, str]
) -> Description:
    """The experiment. Nothing could run it on: it has no command, and as many trials as were brought."""
    if name is not None and not name.strip():
        raise UsageError("--name is empty; give the experiment a name, or leave the option out")
    where = source if study.of == "csv" else f"{source}, study {study.name}"
    return Description(
        project=str(project_of(place)),
        space=found.space,
        # Whatever drew them: repeats, so that a finite space has room for trials that were made twice.
        algorithm=Algorithm("random", {"repeats": True}),
        objective=study.objectives[0],
        also=study.objectives[1:],
        constraints=study.constraints,
        trials=len(found.trials),
        name=name,
        labels={
            **_theirs(study),
            **labels,
            IMPORTED: study.of,
            IMPORTED_FROM: where,
            IMPORTED_DIGEST: study.digest(),
        },
    )


def _theirs(study: Study) -> dict[str, str]:
    """The study's own attributes; one that is called as a label of ours is told apart."""
    return {f"study.{key}" if key in OURS else key: text for key, text in study.labels.items()}


def _brought(study: Study, trial: Tried, configuration: Configuration) -> Brought:
    end = trial.ended if trial.ended is not None else trial.began
    points = [Point(m.metric, m.step, m.value, end if end is not None else 0.0) for m in trial.measured]
    took = None
    if trial.began is not None and trial.ended is not None:
        took = max(trial.ended - trial.began, 0.0)
    result = Result(trial.outcome, trial.reason, seconds=took)
    if trial.goals is not None and trial.outcome is not Outcome.FAILED:
        several = trial.goals if len(trial.goals) > 1 else None
        result = result._replace(value=trial.goals[0], values=several, constraints=trial.excesses)
        result = result._replace(curve=_curve(study, trial))
    notes = tuple(f"{key}: {text}" for key, text in trial.notes.items())
    return Brought(configuration, result, points, f"{study.of} {trial.name}", notes, trial.began, trial.ended)


def _curve(study: Study, trial: Tried) -> tuple[tuple[float, float], ...]:
    """The objective on its way, as a trial of ours keeps it: where it came in steps, or was ended early."""
    objective = study.objectives[0]
    steps = [m for m in trial.measured if m.metric == objective.metric]
    if len(study.objectives) > 1 or (len(steps) < 2 and trial.outcome is not Outcome.STOPPED):
        return ()
    curve = Curve(direction=objective.direction)
    for point in steps:
        curve.append(point.step, point.value)
    return curve.outline()


def _tell(place: Place, record: ExperimentRecord, brought: Sequence[Brought]) -> None:
    outcomes = [trial.result.outcome for trial in brought]
    counts = {outcome: outcomes.count(outcome) for outcome in Outcome}
    shown = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    say(
        f"Experiment {record.id}: {many(len(brought), 'trial')} of {record.description.labels[IMPORTED_FROM]} ({shown})"
    )
    say(f"See it with: {place.hint(f'show {record.id}')}")
    onward = place.hint(f"tune --from {record.id} --warm-start {record.id}")
    say(f"Search its space: {onward} --num-runs N -- COMMAND")
