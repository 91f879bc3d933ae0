"""One search as a Python program holds it: made or opened, driven by `run` or by `ask` and `tell`, and read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from luthier.clock import SystemClock
from luthier.drive.callee import Callee, style_of
from luthier.errors import ConflictError, NotFound, TrialError, UsageError
from luthier.experiment.asking import Waiting, holder, lease_seconds, take_back
from luthier.experiment.describing import Wanted, counted, described, read_all
from luthier.experiment.functions import CODE
from luthier.experiment.hearing import Hearing
from luthier.experiment.placing import placed
from luthier.experiment.reading import Readable
from luthier.experiment.tried import Asked
from luthier.space.tree import Tree
from luthier.store import Claim, ExperimentRecord, Store, Verdict, open_store, store_folder
from luthier.store.location import is_store
from luthier.store.memory import MemoryStore
from luthier.trial import AttemptId, Outcome, Result

if TYPE_CHECKING:
    from luthier.drive.ends import Ending
    from luthier.drive.on_ray import OnRay

__all__ = ["Experiment", "opened"]


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
        store: str | Path | None = None,
        tries: Sequence[Mapping[str, Any]] = (),
        new: bool = False,
        **wanted: Unpack[Wanted],
    ) -> Experiment:
        """Begins an experiment, or, in a `store`, goes on with the one that has this space, algorithm and objective.

        `tries` are configurations of your own that are run first. With `new`, always another one is begun. What else may be
        asked for is in `Wanted`: metric, direction, trials, algorithm, …
        **Raises** UsageError and SpaceError for what can't be searched, with the place in it.
        """
        tree = Tree.of(space)
        description = described(tree.space, wanted)
        own = read_all(tree, tries)
        kept, folder = opened(store)
        before = {record.id: record.description.labels for record in kept.experiments()}
        any_seed = wanted.get("seed") is None
        record, _ = kept.open_experiment(description, fresh=new, any_seed=any_seed)
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
        if not is_store(folder):
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
        on: Literal["local", "ray"] | None = None,
        ray_address: str | None = None,
        ray_resources: Mapping[str, float] | None = None,
    ) -> Experiment:
        """Runs the function until so many trials are finished, and returns itself; `ended` says why it ended.

        `workers` are processes that run side by side (one a core by default); 0 calls the function in this process. With
        `on="ray"` they are on a Ray cluster, as many as fit by default: the one at `ray_address`, else the one that RAY_ADDRESS or
        RAY_HEAD_SERVICE_HOST names, else one started for this call; each also takes these custom `ray_resources`.
        Ctrl-C ends it in good order: what was finished stays, and calling `run` again goes on.
        **Raises** TrialError when the first trials all failed; UsageError when the function can't be called.
        """
        callee, where = self._callee(function), placed(on, workers, ray_address, ray_resources)
        self._amend(counted("trials", trials, 1), counted("workers", workers, 0))
        record = self._record
        if record.target is None:
            raise UsageError("this space has no end; say how many trials are to be run, such as trials=100")
        take_back(self._store, self._folder, self.id)
        ending = self._drive(record, callee, where, here=workers == 0, shows=progress is not False)
        self.ended = ending.why.value
        if self.ended == "all failed":
            raise TrialError(self._first_failure(ending.failed))
        return self

    def _drive(
        self, record: ExperimentRecord, callee: Callee, on: OnRay | None, *, here: bool, shows: bool
    ) -> Ending:
        """Drives to the end, and says on the way how it goes."""
        from luthier.drive.running import drive_function

        listener = self._listener(record, shows=shows)
        try:
            return drive_function(
                self._store,
                self._folder,
                self.id,
                callee,
                here=here,
                listener=listener,
                tell=_say_ctrl_c,
                on=on,
            )
        finally:
            listener.close()

    def _callee(self, function: Callable[..., Any]) -> Callee:
        """What calls the function. **Raises** UsageError when it can't take these parameters."""
        what = self._record.description
        assert what.objective is not None, "a search of a function has an objective"
        by_name = style_of(function, self._tree)
        return Callee(function, self._tree, what.objective.metric, by_name, what.algorithm)

    def _listener(self, record: ExperimentRecord, *, shows: bool) -> Waiting:
        """Who tells how it goes, and at once of a function that is not the one it was."""
        from luthier.view.progress import progress_for

        best = self._first()
        shown = progress_for(record, best=None if best is None else best.value, show=shows)
        listener = Waiting(shown, self._store, self._folder)
        if self._is_changed:
            listener.note(_changed(record))
        return listener

    def _amend(self, trials: int | None, workers: int | None) -> None:
        """Changes how many trials are wanted and how many run side by side."""
        what = self._record.description
        limits = what.limits._replace(parallel=workers) if workers else what.limits
        changed = what._replace(trials=trials or what.trials, limits=limits, seed=self._record.seed)
        if changed != what:
            self._store.open_experiment(changed)

    def _first_failure(self, count: int) -> str:
        failed = next(
            t for t in self._store.trials(self.id) if t.final and t.final.outcome.blames_configuration
        )
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
        made = read_all(self._tree, params)
        return self._store.enqueue(self.id, made, os.urandom(8).hex())


def _changed(record: ExperimentRecord) -> str:
    """The warning that the finished trials are those of another function, and what that means here."""
    known = f"warning: the function has changed since the {record.finished} finished trials of experiment {record.id}"
    if record.target is not None and record.finished >= record.target:
        return (
            f"{known}; none is left to run, so the new one is not called and the best trial is the old one's "
            "(new=True starts another experiment, more trials go on with the new one)"
        )
    return f"{known}; it goes on with the new one (new=True starts another experiment)"


def _say_ctrl_c(count: int) -> None:
    words = "Stopping: running trials go back to the queue. Press Ctrl-C again to kill them."
    sys.stderr.write(f"\nluthier: {words if count == 1 else 'Killing them.'}\n")


def opened(store: str | Path | None) -> tuple[Store, Path | None]:
    """The store that was asked for and its folder; one in memory where none was."""
    if store is None:
        return MemoryStore(), None
    folder = store_folder(str(store), Path.cwd())
    return open_store(folder), folder
