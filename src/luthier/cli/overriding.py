"""What options of the command line change in a search that a file describes: each its own part, and nothing else.

`PARTS` has every option of a search; a new one that is missing there fails a test, so that none is silently ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from luthier.cli.describe import check_measuring, check_objectives, labels_of, space_of
from luthier.cli.stages import stages_of
from luthier.cli.stopping import check_conditions, check_goal
from luthier.cli.warm_start import numbers
from luthier.description import (
    Algorithm,
    Command,
    Constraint,
    Description,
    Goal,
    Keeping,
    Objective,
    Stopping,
)
from luthier.errors import UsageError
from luthier.metrics import is_made_small
from luthier.space import Space

if TYPE_CHECKING:
    from luthier.job.reading import Job

__all__ = ["PARTS", "RUNNING", "changed_keys", "overridden"]

RUNNING = (
    "fresh", "detach", "dashboard", "check", "dry_run", "show_native", "quiet", "as_json", "place", "on", "ray_address", "ray_resources",
)  # fmt: skip
"""Options about how it is run this time, which are no part of a description."""

PARTS: dict[str, tuple[str, ...]] = {
    "params": ("parameters",),
    "json_params": ("parameters",),
    "params_file": ("parameters",),
    "metric": ("objective",),
    "metric_agg": ("objective",),
    "maximize": ("objective",),
    "also": ("objective",),
    "constraints": ("constraints",),
    "patterns": ("metrics",),
    "tensorboard_dir": ("metrics",),
    "num_runs": ("trials",),
    "parallel_runs": ("parallel",),
    "gpus_per_run": ("resources",),
    "cpus_per_run": ("resources",),
    "memory": ("resources",),
    "timeout": ("limits",),
    "idle_timeout": ("limits",),
    "grace": ("limits",),
    "max_attempts": ("limits",),
    "retry_failed": ("limits",),
    "on_driver_loss": ("limits",),
    "early_stopping": ("early_stopping",),
    "conditions": ("stop_conditions",),
    "target": ("goal",),
    "max_time": ("goal",),
    "no_progress": ("goal",),
    "budget": ("budget", "folds"),
    "folds": ("budget", "folds"),
    "as_args": ("command",),
    "from_env": ("command",),
    "seed": ("seed",),
    "name": ("name",),
    "labels": ("labels",),
    "on_finish": ("on_finish",),
    "algorithm": ("algorithm",),
    "acquisition": ("algorithm",),
    "kappa": ("algorithm",),
    "repeats": ("algorithm",),
    "warm_start": ("warm_start",),
    "tries": ("try",),
    "snapshot": ("snapshot",),
    "reuse": ("reuse",),
}
"""The keys of the file that each option changes."""

LIMITS = {
    "parallel_runs": "parallel",
    "gpus_per_run": "gpus",
    "cpus_per_run": "cpus",
    "memory": "memory_bytes",
    "timeout": "timeout_seconds",
    "idle_timeout": "idle_timeout_seconds",
    "grace": "grace_seconds",
    "max_attempts": "max_attempts",
    "retry_failed": "retry_failed",
    "on_driver_loss": "on_driver_loss",
}
COMMAND = {
    "patterns": "patterns",
    "tensorboard_dir": "tensorboard",
    "as_args": "as_args",
    "from_env": "from_environment",
}
GOAL = {"target": "value", "max_time": "seconds", "no_progress": "no_progress"}
PLAIN = {"num_runs": "trials", "seed": "seed", "name": "name", "on_finish": "on_finish"}


def changed_keys(given: Mapping[str, Any]) -> set[str]:
    """The keys of the file that what was given has changed."""
    return {key for option in given for key in PARTS[option]}


def overridden(job: Job, given: Mapping[str, Any]) -> Job:
    """The search of a file with what was given on the command line.

    **Raises** UsageError or SpaceError for an option that can't be read.
    """
    before = job.description
    assert before.command is not None
    if "name" in given and not given["name"].strip():
        raise UsageError("--name is empty; give the experiment a name, or leave the option out")
    command = before.command._replace(**_renamed(given, COMMAND))
    description = before._replace(
        **_renamed(given, PLAIN),
        space=_space(before.space, given),
        algorithm=_algorithm(before.algorithm, given),
        command=command,
        objective=_objective(before.objective, given),
        also=tuple(map(Objective.of, given["also"])) if "also" in given else before.also,
        constraints=tuple(map(Constraint.of, given["constraints"]))
        if "constraints" in given
        else before.constraints,
        limits=before.limits._replace(**_renamed(given, LIMITS)),
        labels={**before.labels, **labels_of(given.get("labels", ()))},
        keeping=_keeping(before.keeping, given),
        goal=(before.goal or Goal())._replace(**_renamed(given, GOAL))
        if given.keys() & GOAL.keys()
        else before.goal,
    )
    _check(description, given)
    description = _with_stages(description, command, given)
    stopping = _stopping(job, description, given)
    return replace(
        job, description=description._replace(stopping=stopping), seed_named=job.seed_named or "seed" in given
    )


def _check(description: Description, given: Mapping[str, Any]) -> None:
    """Refuses what a search that was typed as a whole would be refused for. What the file says was checked with it."""
    if given.keys() & COMMAND.keys():
        assert description.command is not None
        check_measuring(description.command)
    if given.keys() & {"metric", "also", "constraints"}:
        check_objectives(
            description.algorithm, description.objective, description.also, description.constraints
        )
    if given.keys() & GOAL.keys():
        check_goal(description.goal or Goal(), description.objective)


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {field: given[option] for option, field in names.items() if option in given}


def _space(space: Space, given: Mapping[str, Any]) -> Space:
    """The space with parameters replaced where they stand, and others after them."""
    if not given.keys() & {"params", "json_params", "params_file"}:
        return space
    new = space_of(given.get("params", ()), given.get("json_params", ()), given.get("params_file"))
    replaced = {parameter.name: parameter for parameter in (*space.parameters, *new.parameters)}
    return Space(list(replaced.values()))


def _keeping(keeping: Keeping, given: Mapping[str, Any]) -> Keeping:
    if "snapshot" in given:
        keeping = keeping._replace(snapshot="all" if given["snapshot"] else "none")
    return keeping._replace(reuse=given.get("reuse", keeping.reuse))


def _objective(objective: Objective | None, given: Mapping[str, Any]) -> Objective | None:
    if not given.keys() & {"metric", "metric_agg", "maximize"}:
        return objective
    if objective is None and "metric" not in given:
        raise UsageError("--maximize, --minimize and --metric-agg need a metric; add --metric NAME")
    made = objective or Objective(given["metric"])
    if "metric" in given and is_made_small(given["metric"]):
        made = made._replace(direction="minimize")
    if "maximize" in given:
        made = made._replace(direction="maximize" if given["maximize"] else "minimize")
    return made._replace(
        metric=given.get("metric", made.metric), aggregate=given.get("metric_agg", made.aggregate)
    )


def _algorithm(algorithm: Algorithm, given: Mapping[str, Any]) -> Algorithm:
    """The algorithm that is named; of the file's settings those that it takes too."""
    from luthier.job.sections import complete_bayesian
    from luthier.search import ALGORITHMS, searcher

    if not given.keys() & {"algorithm", "acquisition", "kappa", "repeats", "warm_start"}:
        return algorithm
    name = given.get("algorithm", algorithm.name)
    settings = {key: value for key, value in algorithm.settings.items() if key in ALGORITHMS[name]}
    settings |= {key: given[key] for key in ("acquisition", "kappa", "repeats") if key in given}
    if "warm_start" in given:
        settings["warm_start"] = numbers(given["warm_start"])
    if name == "bayesian":
        if settings.get("acquisition") == "ei" and "kappa" not in given:
            settings.pop("kappa", None)
        complete_bayesian(settings)
    made = Algorithm(name, settings)
    searcher(made)
    return made


def _with_stages(description: Description, command: Command, given: Mapping[str, Any]) -> Description:
    if not given.keys() & {"budget", "folds"}:
        return description
    options = {
        "budget": given.get("budget"),
        "folds": given.get("folds"),
        "metric": description.objective and description.objective.metric,
        "also": description.also,
        "constraints": description.constraints,
    }
    return description._replace(stages=stages_of(options, command, description.space))


def _stopping(job: Job, description: Description, given: Mapping[str, Any]) -> Stopping | None:
    """The rule and conditions; the usual rule where neither the file nor the command line names one."""
    from luthier.job.reading import usual_stopping
    from luthier.stopping import stopping_rule

    before = description.stopping or Stopping()
    conditions = given.get("conditions", before.conditions)
    if "early_stopping" in given:
        made = Stopping.of(given["early_stopping"], conditions)
        stopping_rule(made.rule, made.settings)
    elif job.usual_stopping:
        rule = usual_stopping(description.algorithm.name, description.objective, description.stages)
        made = Stopping(rule, {}, conditions)
    else:
        made = before._replace(conditions=conditions)
    check_conditions(conditions)
    return made if made.rule != "none" or conditions else None
