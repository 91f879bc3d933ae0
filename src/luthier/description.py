"""What an experiment is: the one value every door makes and the engine runs.

A `Description` is frozen and complete: from it alone the same search can be run again elsewhere. It splits in two.
What the experiment *is* (project, command, space, algorithm, objective, seed) gives it its `identity`: typing the
same command again goes on with the same experiment. What it may *spend* (budget, slots, limits) can be changed from
one call to the next. No file is read and no time is known here.
"""

from __future__ import annotations

import json
from dataclasses import field
from math import isfinite
from typing import Any, Literal, NamedTuple, get_args

from luthier.digest import sha256
from luthier.environment import Environment
from luthier.errors import UsageError
from luthier.record import Record
from luthier.schedule import Goal, Stages, Stopping
from luthier.space import Configuration, Space
from luthier.trial import Observation

__all__ = [
    "DOOR",
    "IMPORTED",
    "IMPORTED_DIGEST",
    "IMPORTED_FROM",
    "NEEDS",
    "SHOWN_AS",
    "WITHOUT",
    "Aggregate",
    "Algorithm",
    "Command",
    "Constraint",
    "Description",
    "Direction",
    "Environment",
    "Goal",
    "Keeping",
    "Limits",
    "Objective",
    "Stages",
    "Stopping",
]

Aggregate = Literal["last", "min", "max", "avg"]
Direction = Literal["maximize", "minimize"]
FORMAT = 1
SPENT = (
    "trials", "limits", "name", "labels", "on_finish", "earlier", "seed", "format", "stopping", "goal", "bundles", "keeping",
)  # fmt: skip
"""What is no part of an experiment's identity."""

DOOR, NEEDS = "door", "needs"
"""The labels that say by which door an experiment came, and which tag a worker must have to work on it."""
SHOWN_AS = "shown-as"
"""The label that says what a person knows an experiment's command as, where that is not what is run."""
WITHOUT = "without-container"
"""The label that says why the trials of an experiment run without the container it asked for."""
IMPORTED, IMPORTED_FROM, IMPORTED_DIGEST = "imported", "imported-from", "imported-digest"
"""The labels of an experiment that was made elsewhere: of which kind, from where, and what names its content."""


class Objective(NamedTuple):
    """Which number is to be made large or small: a metric, how its points become one value, and which way."""

    metric: str
    aggregate: Aggregate = "last"
    direction: Direction = "maximize"

    def better(self, a: float, b: float) -> bool:
        """Whether `a` is strictly better than `b`."""
        return a > b if self.direction == "maximize" else a < b

    def key(self, value: float) -> float:
        """A number that sorts the best value first; NaN sorts last."""
        if value != value:
            return float("inf")
        return -value if self.direction == "maximize" else value

    @classmethod
    def of(cls, text: str) -> Objective:
        """Reads `minimize:latency` and `maximize:accuracy:max`. **Raises** UsageError for anything else."""
        way, colon, rest = text.partition(":")
        metric, aggregate = _measured(rest)
        if way not in get_args(Direction) or not colon or not metric:
            raise UsageError(
                f"{text!r} is no objective; write minimize:METRIC or maximize:METRIC, with :min, :max or :avg "
                "after it where not the last value counts"
            )
        return cls(metric, aggregate, "minimize" if way == "minimize" else "maximize")

    def __str__(self) -> str:
        how = "" if self.aggregate == "last" else f" ({self.aggregate})"
        return f"{self.direction} {self.metric}{how}"


def _measured(text: str) -> tuple[str, Aggregate]:
    """`loss:min` as a metric and how its points become one value; `last` where nothing is said."""
    metric, _, last = text.rpartition(":")
    match last:
        case "last" | "min" | "max" | "avg" if metric:
            return metric, last
    return text, "last"


class Constraint(NamedTuple):
    """What a metric may be at most, or at least, for its trial to be of use: `memory <= 4e9`."""

    metric: str
    bound: float
    side: Literal["<=", ">="] = "<="
    aggregate: Aggregate = "last"

    @classmethod
    def of(cls, text: str) -> Constraint:
        """Reads `memory <= 4e9` and `accuracy:max >= 0.9`. **Raises** UsageError for anything else."""
        for side in ("<=", ">="):
            left, sign, right = text.partition(side)
            metric, aggregate = _measured(left.strip())
            if sign and metric:
                try:
                    bound = float(right)
                except ValueError:
                    break
                if isfinite(bound):
                    return cls(metric, bound, "<=" if side == "<=" else ">=", aggregate)
        raise UsageError(
            f"{text!r} is no constraint; write METRIC <= NUMBER or METRIC >= NUMBER, in quotes, "
            "such as 'memory <= 4e9'"
        )

    def excess(self, value: float) -> float:
        """By how much a value breaks it; zero or less where it is met."""
        return value - self.bound if self.side == "<=" else self.bound - value

    def __str__(self) -> str:
        how = "" if self.aggregate == "last" else f" ({self.aggregate})"
        return f"{self.metric}{how} {self.side} {self.bound:g}"


class Command(NamedTuple):
    """The program to be tuned, with its placeholders in place.

    `words` is the command as words; with `shell` it is one string for `sh -c`. `as_args` appends every parameter
    without a placeholder as `--name=value`; `from_environment` says that the program reads `LUTHIER_PARAM_*` instead.
    `directory` is where it runs, absolute. `patterns` are the user's own regular expressions for metrics. `tensorboard` is
    the folder it writes event files to, where a user named it: with placeholders, and relative to `directory`.
    With `is_lenient` a `{{x}}` that is no parameter stays as it is written, as another system's files have it.
    """

    words: tuple[str, ...]
    directory: str
    shell: bool = False
    as_args: bool = False
    from_environment: bool = False
    patterns: tuple[str, ...] = ()
    tensorboard: str | None = None
    is_lenient: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what most commands don't have is left out where it is missing, as `Description.to_dict` tells."""
        kept = self._asdict()
        if self.tensorboard is None:
            del kept["tensorboard"]
        if not self.is_lenient:
            del kept["is_lenient"]
        return kept

    def __str__(self) -> str:
        import shlex

        return self.words[0] if self.shell else shlex.join(self.words)


class Algorithm(Record):
    """Which searcher proposes, with its settings: `grid`, `random`, `sobol`, …"""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


class Limits(NamedTuple):
    """What a trial may take, and what is done when it ends badly. None means no limit.

    **Units** seconds, bytes; `gpus` are slots a trial needs (fractions share one); `cpus` caps its threads.
    """

    parallel: int | None = None
    gpus: float = 0.0
    cpus: float | None = None
    memory_bytes: int | None = None
    timeout_seconds: float | None = None
    idle_timeout_seconds: float | None = None
    grace_seconds: float = 10.0
    max_attempts: int = 3
    retry_failed: int = 0
    on_driver_loss: Literal["continue", "stop"] = "continue"


class Keeping(NamedTuple):
    """What is kept of the code: all of it, nothing, or (`small`) what is not large; and whether a trial that is identical to
    a finished one takes its result instead of running (`reuse`)."""

    snapshot: Literal["small", "all", "none"] = "small"
    reuse: bool = False


class Description(Record):
    """One experiment, whole. It tunes a `command` or a Python function, whose name is `function`. `trials` is the target
    number of finished trials (None: as many as the space has); `earlier` is what a warm start found elsewhere, taken over
    once, when the experiment begins. `also` are the objectives beside the first; a trial has to meet the `constraints`
    before it counts as good. `bundles` are the snapshots it runs, digests by what they are: `code`, `data`."""

    project: str
    space: Space
    algorithm: Algorithm
    command: Command | None = None
    objective: Objective | None = None
    trials: int | None = None
    seed: int = 0
    limits: Limits = Limits()
    name: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    on_finish: str | None = None
    earlier: tuple[Observation, ...] = ()
    function: str | None = None
    also: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    stopping: Stopping | None = None
    stages: Stages | None = None
    goal: Goal | None = None
    environment: Environment | None = None
    bundles: dict[str, str] = field(default_factory=dict)
    keeping: Keeping = Keeping()

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives, the first one first."""
        return (self.objective, *self.also) if self.objective else ()

    @property
    def in_folds(self) -> bool:
        """Whether a trial runs fold by fold, and is worth the mean of its folds."""
        return self.stages is not None and self.stages.kind == "folds"

    def identity(self) -> str:
        """A digest of what the experiment is. Budget, limits, stopping rules, name and labels are left out; so is what a warm start
        knew, which stays as it was at the beginning, and the seed, which the store compares by itself, because a
        user who names none goes on with the newest twin."""
        what = self.to_dict()
        for spent in SPENT:
            what.pop(spent, None)
        canonical = json.dumps(what, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def target(self) -> int | None:
        """How many trials there will be: the budget, or the size of a finite space where that is smaller and no
        point is to be repeated. None when neither bounds it."""
        repeats = bool(self.algorithm.settings.get("repeats", False))
        count = None if repeats else self.space.count()
        known = [n for n in (self.trials, count) if n is not None]
        return min(known) if known else None

    @property
    def placeholders(self) -> tuple[str, ...]:
        """What may stand in the command between colons: the parameters, and that of the stages."""
        names = tuple(self.space.names)
        return (*names, self.stages.parameter) if self.stages and self.stages.parameter else names

    def texts(self, configuration: Configuration, stage: int = -1) -> dict[str, str]:
        """What the placeholders become in a stage, by default the last one."""
        texts = dict(configuration.texts())
        if self.stages and self.stages.parameter:
            texts[self.stages.parameter] = self.stages.text(stage)
        return texts

    def values(self, configuration: Configuration, stage: int = -1) -> dict[str, Any]:
        """The same as values."""
        values = dict(configuration.values())
        if self.stages and self.stages.parameter:
            values[self.stages.parameter] = self.stages.value(stage)
        return values

    def to_dict(self) -> dict[str, Any]:
        """The description as plain JSON values; `from_dict` reads it back. What most experiments don't have is left out
        where it is missing, so that they keep the identities they had before there was any."""
        rare: dict[str, Any] = {"function": self.function} if self.function is not None else {}
        if self.also:
            rare["also"] = [objective._asdict() for objective in self.also]
        if self.constraints:
            rare["constraints"] = [constraint._asdict() for constraint in self.constraints]
        for name in ("stopping", "stages", "goal"):
            if (part := getattr(self, name)) is not None:
                rare[name] = part._asdict()
        if self.environment is not None:
            rare["environment"] = self.environment.to_dict()
        if self.bundles:
            rare["bundles"] = self.bundles
        if self.keeping != Keeping():
            rare["keeping"] = self.keeping._asdict()
        return {
            **rare,
            "format": FORMAT,
            "project": self.project,
            "space": self.space.to_list(),
            "algorithm": self.algorithm._asdict(),
            "command": self.command.to_dict() if self.command else None,
            "objective": self.objective._asdict() if self.objective else None,
            "trials": self.trials,
            "seed": self.seed,
            "limits": self.limits._asdict(),
            "name": self.name,
            "labels": self.labels,
            "on_finish": self.on_finish,
            "earlier": [
                {
                    "configuration": json.loads(known.configuration.to_json()),
                    "value": known.value,
                    "source": known.source,
                }
                for known in self.earlier
            ],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Description:
        """Reads what `to_dict` wrote.

        **Raises** UsageError when it was written by a newer Luthier.
        """
        if data.get("format") != FORMAT:
            raise UsageError(
                f"this experiment's description has format {data.get('format')!r}, this Luthier reads {FORMAT}; "
                "upgrade Luthier to open it"
            )
        command = data["command"]
        if command:
            command = Command(
                **{**command, "words": tuple(command["words"]), "patterns": tuple(command["patterns"])}
            )
        objective = data["objective"]
        return cls(
            project=data["project"],
            space=Space.from_list(data["space"]),
            algorithm=Algorithm(**data["algorithm"]),
            command=command,
            objective=Objective(**objective) if objective else None,
            trials=data["trials"],
            seed=data["seed"],
            limits=Limits(**data["limits"]),
            name=data["name"],
            labels=data["labels"],
            on_finish=data["on_finish"],
            earlier=tuple(map(_observation, data.get("earlier", ()))),
            also=tuple(Objective(**one) for one in data.get("also", ())),
            constraints=tuple(Constraint(**one) for one in data.get("constraints", ())),
            function=data.get("function"),
            stopping=Stopping.from_dict(data.get("stopping")),
            stages=Stages.from_dict(data.get("stages")),
            goal=Goal(**data["goal"]) if data.get("goal") else None,
            environment=Environment.from_dict(data.get("environment")),
            bundles=data.get("bundles", {}),
            keeping=Keeping(**data.get("keeping", {})),
        )

    def amended(self, other: Description) -> Description:
        """This experiment with the budget, limits, stopping rules, labels, snapshots and hooks of `other`."""
        return self._replace(
            trials=other.trials,
            limits=other.limits,
            labels={**self.labels, **other.labels},
            on_finish=other.on_finish,
            stopping=other.stopping,
            goal=other.goal,
            bundles=other.bundles,
            keeping=other.keeping,
        )


def _observation(data: dict[str, Any]) -> Observation:
    kept = data["configuration"]
    return Observation(Configuration(kept["values"], kept.get("texts")), data["value"], data["source"])
