"""One search as a Python program holds it: made or opened, driven by `run` or by `ask` and `tell`, and read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from luthier.clock import SystemClock
from luthier.description import (
    Aggregate,
    Algorithm,
    Constraint,
    Description,
    Goal,
    Limits,
    Objective,
    Stopping,
)
from luthier.drive.callee import Callee, style_of
from luthier.errors import ConflictError, NotFound, TrialError, UsageError
from luthier.experiment.asking import Waiting, holder, lease_seconds, take_back
from luthier.experiment.functions import CODE, digest_of, title_of
from luthier.experiment.hearing import Hearing
from luthier.experiment.reading import Readable
from luthier.experiment.tried import Asked
from luthier.space import Configuration
from luthier.space.tree import Tree
from luthier.store import Claim, ExperimentRecord, Store, Verdict, open_store, store_folder
from luthier.store.memory import MemoryStore
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["Experiment", "counted", "opened", "worded"]


class Experiment(Readable):
    """One search: made by `create` or `open`, driven by `run`, or by `ask` and `tell`."""

    def __init__(self, store: Store, id: int, tree: Tree, folder: Path | None) -> None:
        super().__init__(store, id, tree)
        self._folder = folder
        self._clock = SystemClock()
        self.ended: str | None = None
        self._is_changed = False
        self._hearing: Hearing | None = None

    # ------------------------------------------------------------------ making

    @classmethod
    def create(
        cls,
        space: Any,
        *,
        metric: str | None = None,
        direction: Literal["minimize", "maximize"] = "minimize",
        aggregate: Aggregate = "last",
        trials: int | None = None,
        algorithm: str = "auto",
        settings: Mapping[str, Any] | None = None,
        seed: int | None = None,
        store: str | Path | None = None,
        name: str | None = None,
        tries: Sequence[Mapping[str, Any]] = (),
        function: Callable[..., Any] | None = None,
        limits: Limits | None = None,
        new: bool = False,
        also: Sequence[str] = (),
        constraints: Sequence[str] = (),
        early_stopping: str | None = None,
        stop_conditions: Sequence[str] = (),
        goal: Goal | None = None,
    ) -> Experiment:
        """Begins an experiment, or, in a `store`, goes on with the one that has this space, algorithm and objective.

        `tries` are configurations of your own that are run first, `function` is what it will be run with. With `new`,
        always another one is begun. `also` are further objectives, such as "minimize:latency", and `constraints` what
        metrics have to keep, such as "memory <= 4e9". `aggregate` is what is made of the points of the metric where they are
        all that was told: last, min, max or avg, as of folds. `early_stopping` is the rule that ends poor trials early ("auto" with
        the algorithm auto, else "none"), `stop_conditions` are your own, `goal` ends the search before its trials are used up.
        **Raises** UsageError and SpaceError for what can't be searched, with the place in it.
        """
        from luthier.search import searcher

        tree = Tree.of(space)
        for option, said in (("name", name), ("metric", metric), ("algorithm", algorithm)):
            worded(option, said)
        for option, texts in (("also", also), ("constraints", constraints)):
            for text in texts:
                worded(option, text)
        if direction not in ("minimize", "maximize"):
            raise UsageError(f"direction={direction!r} is neither 'minimize' nor 'maximize'")
        if aggregate not in get_args(Aggregate):
            raise UsageError(f"aggregate={aggregate!r} is none of {', '.join(get_args(Aggregate))}")
        counted("trials", trials, 1)
        chosen = Algorithm(algorithm, dict(settings or {}))
        searcher(chosen)
        own = _read_all(tree, tries)
        if algorithm == "grid":
            tree.space.finite_count()
        description = Description(
            project=os.getcwd(),
            space=tree.space,
            algorithm=chosen,
            objective=Objective(
                metric or ("loss" if direction == "minimize" else "score"), aggregate, direction
            ),
            trials=trials,
            seed=seed or 0,
            limits=limits or Limits(),
            name=name,
            function=None if function is None else title_of(function),
            labels=digest_of(function),
            also=tuple(map(Objective.of, also)),
            constraints=tuple(map(Constraint.of, constraints)),
            stopping=_stopping(algorithm, early_stopping, stop_conditions),
            goal=goal if goal and any(part is not None for part in goal) else None,
        )
        kept, folder = opened(store)
        before = {record.id: record.description.labels for record in kept.experiments()}
        record, _ = kept.open_experiment(description, fresh=new, any_seed=seed is None)
        made = cls(kept, record.id, tree, folder)
        known = before.get(record.id, {}).get(CODE)
        made._is_changed = bool(record.finished and known and known != description.labels.get(CODE))
        there = {t.configuration for t in kept.trials(record.id)} if tries else set()
        new_ones = [one for one in own if one not in there]
        if new_ones:
            kept.enqueue(record.id, new_ones, os.urandom(8).hex())
        return made

    @classmethod
    def open(cls, store: str | Path, id: int | None = None, *, space: Any = None) -> Experiment:
        """Opens an experiment of a store, by default the newest. Give its `space` where options are objects.

        **Raises** NotFound when there is none.
        """
        folder = store_folder(str(store), Path.cwd())
        if not (folder / "store.db").is_file():
            raise NotFound(f"there is no store in {folder}; name the folder that was given as store=…")
        kept = open_store(folder)
        numbers = [record.id for record in kept.experiments()]
        if not numbers:
            raise NotFound(f"there is no experiment in {folder} yet")
        record = kept.experiment(max(numbers) if id is None else id)
        tree = Tree.of(record.description.space if space is None else space)
        if tree.space != record.description.space:
            raise UsageError(
                f"experiment {record.id} searches another space; leave space= out, or give the one it began with"
            )
        return cls(kept, record.id, tree, folder)

    def close(self) -> None:
        """Lets go of the store's file. `with Experiment.open(…) as experiment:` does it at the end."""
        self._store.close()

    def __enter__(self) -> Experiment:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ------------------------------------------------------------------ driving

    def run(
        self,
        function: Callable[..., Any],
        trials: int | None = None,
        *,
        workers: int | None = None,
        progress: bool | None = None,
    ) -> Experiment:
        """Runs the function until so many trials are finished, and returns itself; `ended` says why it ended.

        `workers` are processes that run side by side (one a core by default); 0 calls the function in this process.
        Ctrl-C ends it in good order: what was finished stays, and calling `run` again goes on.
        **Raises** TrialError when the first trials all failed; UsageError when the function can't be called.
        """
        from luthier.drive.running import drive_function
        from luthier.view.progress import progress_for

        objective = self._record.description.objective
        assert objective is not None
        by_name = style_of(function, self._tree)
        callee = Callee(function, self._tree, objective.metric, by_name, self._record.description.algorithm)
        self._amend(counted("trials", trials, 1), counted("workers", workers, 0))
        record = self._record
        if record.target is None:
            raise UsageError("this space has no end; say how many trials are to be run, such as trials=100")
        best = self._first()
        take_back(self._store, self._folder, self.id)
        shown = progress_for(record, best=None if best is None else best.value, show=progress is not False)
        listener = Waiting(shown, self._store, self._folder)
        if self._is_changed:
            listener.note(_changed(record))
        try:
            ending = drive_function(
                self._store,
                self._folder,
                self.id,
                callee,
                here=workers == 0,
                listener=listener,
                tell=_say_ctrl_c,
            )
        finally:
            listener.close()
        self.ended = ending.why.value
        if self.ended == "all failed":
            raise TrialError(self._first_failure(ending.record.finished))
        return self

    def _amend(self, trials: int | None, workers: int | None) -> None:
        """Changes how many trials are wanted and how many run side by side."""
        what = self._record.description
        limits = replace(what.limits, parallel=workers) if workers else what.limits
        changed = replace(what, trials=trials or what.trials, limits=limits, seed=self._record.seed)
        if changed != what:
            self._store.open_experiment(changed)

    def _first_failure(self, count: int) -> str:
        failed = next(t for t in self._store.trials(self.id) if t.final and t.configuration)
        assert failed.final is not None
        many = "trial failed" if count == 1 else f"{count} trials all failed"
        return (
            f"the first {many}, so no more were run; trial {failed.number} ({failed.configuration}) "
            f"{failed.final.outcome}: {failed.final.reason}. Mend the function and run it again"
        )

    def ask(self) -> Asked | None:
        """Takes the next trial to run it yourself; None when nothing is left to try.

        It is yours while this program lives, for an hour after its last report. Trials of programs that are gone are given
        out again.
        """
        from luthier.drive.planning import ask

        take_back(self._store, self._folder, self.id)
        worker, lease = holder(self._folder), lease_seconds(self._folder)
        claims: list[Claim] = ask(self._store, self.id, 1, worker, lease, self._clock)
        if not claims:
            return None
        (claim,) = claims
        params = self._tree.fill(claim.configuration)
        return Asked(claim.id.trial, params, claim.configuration.values(), claim.seed, claim.id.attempt)

    def report(self, asked: Asked, step: float, **metrics: float) -> str | None:
        """Keeps points of a trial that was asked for. Returns why it is to end early, where a stopping rule or a condition
        says so, and from then on; None while it may go on. Then end it and `tell` what it reached, or `stop` it.

        **Holds** the points are durable on return, and so is the decision.
        """
        return self._heard.keep(self._id(asked), step, metrics)

    @property
    def _heard(self) -> Hearing:
        """What keeps what asked trials report and decides about them; made when the first one does."""
        if self._hearing is None:
            self._hearing = Hearing(self._store, self._record, self._folder, self._clock)
        return self._hearing

    def tell(self, asked: Asked, value: Any = None, *, failed: str | None = None) -> None:
        """Says how an asked trial ended: with its value, a dict of metrics, or as failed. One that ended where `report`
        said so was stopped; one that went on and reported more is as good as any other.

        **Raises** UsageError for what is no number; ConflictError when the trial is no longer this program's.
        """
        from luthier.metrics.report import number_of

        objective = self._record.description.objective
        assert objective is not None
        metrics = dict(value) if isinstance(value, Mapping) else {}
        number = number_of(metrics.pop(objective.metric, None) if metrics else value)
        result = Result(Outcome.FAILED, failed or "")
        if failed is None:
            if number is None:
                raise UsageError(
                    f"trial {asked.number}: {value!r} is no number; tell the {objective.metric}, or failed='why'"
                )
            result = Result(Outcome.SUCCEEDED, "", float(number))
        numbers = {name: number_of(one) for name, one in metrics.items()}
        if any(one is not None for one in numbers.values()):
            kept = {name: float(one) for name, one in numbers.items() if one is not None}
            self._heard.keep(self._id(asked), 0, kept, is_over=True)
        self._end(asked, result)

    def stop(self, asked: Asked, reason: str = "", *, value: float | None = None) -> None:
        """Says that an asked trial was ended before its time: it is never the best, and the search learns from the objective
        it has reported, or from `value`. Without a `reason` it is what `report` said.

        **Raises** UsageError when there is nothing to learn from; ConflictError when the trial is no longer this program's.
        """
        objective = self._record.description.objective
        assert objective is not None
        if value is None:
            value = self._heard.objective_value(self._id(asked))
        if value is None:
            raise UsageError(
                f"trial {asked.number} has reported no {objective.metric}; report it, say value=…, or give the trial back"
            )
        self._end(asked, Result(Outcome.STOPPED, reason, float(value)))

    def _end(self, asked: Asked, result: Result) -> None:
        if self._heard.end(self._id(asked), result) is Verdict.STALE:
            raise ConflictError(f"trial {asked.number} is no longer yours: its lease ran out or it has ended")

    def _id(self, asked: Asked) -> AttemptId:
        return AttemptId(self.id, asked.number, asked.attempt)

    def give_back(self, asked: Asked) -> None:
        """Puts an asked trial that can't be finished here back into the queue: the next to ask is given it."""
        self._heard.end(self._id(asked), Result(Outcome.INTERRUPTED, "its program gave it back"), again=True)

    def enqueue(self, *params: Mapping[str, Any]) -> list[int]:
        """Adds configurations of your own, to be run before the algorithm's; returns their numbers."""
        made = _read_all(self._tree, params)
        return self._store.enqueue(self.id, made, os.urandom(8).hex())


def _stopping(algorithm: str, rule: str | None, conditions: Sequence[str]) -> Stopping | None:
    """What ends trials early. **Raises** UsageError for a rule or a condition that can't be read."""
    from luthier.stopping import Conditions, stopping_rule

    if isinstance(conditions, str):
        raise UsageError(f"stop_conditions={conditions!r} is one text; give a list, such as [{conditions!r}]")
    if rule is not None and not isinstance(rule, str):
        raise UsageError(
            f"early_stopping={rule!r} is not a text; name a rule: 'auto', 'asha:eta=3', … or 'none'"
        )
    for text in conditions:
        worded("stop_conditions", text)
    default = "auto" if algorithm == "auto" else "none"
    stopping = Stopping.of(default if rule is None else rule, conditions)
    stopping_rule(stopping.rule, stopping.settings)
    Conditions.of(conditions)
    return stopping if stopping.rule != "none" or conditions else None


def _changed(record: ExperimentRecord) -> str:
    """The warning that the finished trials are those of another function, and what that means here."""
    known = f"warning: the function has changed since the {record.finished} finished trials of experiment {record.id}"
    if record.target is not None and record.finished >= record.target:
        return (
            f"{known}; none is left to run, so the new one is not called and the best trial is the old one's "
            "(new=True starts another experiment, more trials go on with the new one)"
        )
    return f"{known}; it goes on with the new one (new=True starts another experiment)"


def _read_all(tree: Tree, given: Sequence[Mapping[str, Any]]) -> list[Configuration]:
    """Configurations that a person wrote. **Raises** UsageError, SpaceError naming what does not fit."""
    if isinstance(given, Mapping) or not all(isinstance(one, Mapping) for one in given):
        raise UsageError("configurations of your own are a list of dicts, such as [{'rate': 0.1}]")
    return [tree.read(one) for one in given]


def counted(option: str, number: Any, least: int) -> int | None:
    """A whole number from `least`, or None. **Raises** UsageError naming the option."""
    if number is None or (isinstance(number, int) and not isinstance(number, bool) and number >= least):
        return number
    raise UsageError(f"{option}={number!r} is not a whole number from {least}")


def worded(option: str, text: Any) -> None:
    """Refuses what is neither None nor a text that can be shown. **Raises** UsageError naming the option."""
    if text is not None and not (isinstance(text, str) and text.strip() and text.isprintable()):
        raise UsageError(f"{option}={text!r} is not a text")


def _say_ctrl_c(count: int) -> None:
    words = "Stopping: running trials go back to the queue. Press Ctrl-C again to kill them."
    sys.stderr.write(f"\nluthier: {words if count == 1 else 'Killing them.'}\n")


def opened(store: str | Path | None) -> tuple[Store, Path | None]:
    """The store that was asked for and its folder; one in memory where none was."""
    if store is None:
        return MemoryStore(), None
    folder = store_folder(str(store), Path.cwd())
    return open_store(folder), folder
