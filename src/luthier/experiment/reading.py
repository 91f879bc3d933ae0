"""What a program can see of an experiment: the best trial, all trials, tables, curves and pictures.

`Experiment` adds the driving. Everything here only reads; pandas, Plotly and what makes PNGs are loaded when they are
asked for, and are named when they are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from luthier.errors import NotFound
from luthier.experiment.tried import Tried
from luthier.space.tree import Tree
from luthier.store import ExperimentRecord, Spent, Store
from luthier.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

    from luthier.view.curve_rows import Form
    from luthier.view.figures.picture import Picture
    from luthier.view.importance import Importance

__all__ = ["Readable"]


class Readable:
    """An experiment of a store, with the user's own space to show its configurations in."""

    def __init__(self, store: Store, id: int, tree: Tree) -> None:
        self._store = store
        self._tree = tree
        self.id = id

    @property
    def _record(self) -> ExperimentRecord:
        return self._store.experiment(self.id)

    @property
    def best(self) -> Tried:
        """The best trial that succeeded. **Raises** NotFound when there is none, as with several objectives, whose
        trade-offs are `front`."""
        found = self._first()
        if found is None:
            raise NotFound(self._why_none())
        return found

    def _first(self) -> Tried | None:
        """The best trial, None while there is none and where none alone can be."""
        from luthier.view.experiments import best_trials

        record = self._record
        found = [] if record.description.also else best_trials(self._store, record, 1)
        return self._tried(found[0]) if found else None

    def _why_none(self) -> str:
        """The sentence that says why no trial is the best."""
        from luthier.view.verdicts import why_none

        record = self._record
        if record.description.also:
            names = ", ".join(objective.metric for objective in record.description.objectives)
            return (
                f"experiment {self.id} has several objectives ({names}), so no trial alone is best; "
                "experiment.front has the best trade-offs"
            )
        if record.succeeded:
            return why_none(self._store, record)
        trials = self._store.trials(self.id)
        first = next((trial for trial in trials if trial.final is not None and trial.final.reason), None)
        why = f"; trial {first.number}: {first.final.reason}" if first and first.final else ""
        return f"no trial of experiment {self.id} has succeeded yet{why}"

    @property
    def front(self) -> list[Tried]:
        """The best trade-offs of several objectives: the trials that no other one beats in one objective without being
        worse in another, the best of the first objective first. Empty while there are none."""
        from luthier.view.front import front_places

        history = self._store.history(self.id)
        return [self._tried(history.scored[place]) for place in front_places(history).tolist()]

    @property
    def trials(self) -> list[Tried]:
        """All trials that have a configuration, by number."""
        return self._all_tried(self._store.trials(self.id))

    def trial(self, number: int) -> Tried:
        """One trial. **Raises** NotFound."""
        return self._tried(self._store.trial(self.id, number))

    def curves(self, metric: str) -> dict[int, list[tuple[float, float]]]:
        """The points (step, value) of a metric, by trial; trials that reported none are left out. Of trials that are run fold by
        fold the step is the fold, and where folds have steps of their own they follow one another.

        **Raises** NotFound, naming the metrics there are, when none did.
        """
        from luthier.view.curves import curve_of, laid_out

        read = {t.number: curve_of(self._store, t, metric) for t in self._store.trials(self.id)}
        _, laid = laid_out(read, self._record.description.stages)
        found = {
            n: list(zip(curve.steps, curve.values, strict=True)) for n, curve in laid.items() if len(curve)
        }
        if not found:
            known = ", ".join(self._store.metric_names(self.id)) or "none"
            raise NotFound(f"no trial of experiment {self.id} reported {metric!r}; the metrics are {known}")
        return found

    def to_pandas(self, curves: Form | None = None) -> pd.DataFrame:
        """One row a trial: number, outcome, value, parameters, metrics, times. With `curves` all learning curves instead,
        as `curves_frame` has them. **Raises** UsageError without pandas."""
        from luthier.view.tables import trials_frame

        if curves is not None:
            return self.curves_frame(form=curves)
        return trials_frame(self._store, self._record)

    def curves_frame(self, metric: str | None = None, form: Form = "long") -> pd.DataFrame:
        """The learning curves of one metric or all. `long`: one row a point: trial, metric, step, value, time. `wide`: one
        row a step: trial, step, and each metric as `metrics.NAME`. **Raises** UsageError without pandas."""
        from luthier.view.tables import curves_frame

        return curves_frame(self._store, self._record, metric, form)

    def importance(self) -> Importance:
        """How much each parameter matters to the objective, with intervals; `.why` where nothing can be said."""
        from luthier.view.importance import importance

        return importance(self._record.description.space, self._store.history(self.id))

    def plot(self, kind: str = "history", **options: Any) -> Picture:
        """A picture: `history`, `importance`, `parallel`, `slices`, `contour`, `curves`, `timeline`, and of several
        objectives `pareto` or `hypervolume`.

        A notebook shows it; `.save("x.png")`, also .svg and .html, keeps it; `.to_plotly()` makes a Plotly figure of it.
        The options are those of `view.figures.figure`.
        **Raises** UsageError for an unknown kind or option, naming those there are.
        """
        from luthier.view.figures import figure

        return figure(self._store, self._record, kind, **options)

    def _tried(self, trial: Trial) -> Tried:
        return self._all_tried([trial])[0]

    def _all_tried(self, trials: Sequence[Trial]) -> list[Tried]:
        from luthier.view.trials import spent_of

        spent = spent_of(self._store, self._record, trials)
        return [self._one_tried(trial, spent.get(trial.number)) for trial in trials]

    def _one_tried(self, trial: Trial, spent: Spent | None) -> Tried:
        from luthier.view.reached import reached

        ended, configuration = trial.final, trial.configuration
        assert configuration is not None, "the store gives trials that have one"
        return Tried(
            number=trial.number,
            params=self._tree.fill(configuration),
            values=configuration.values(),
            value=ended.value if ended else None,
            state=trial.state.value,
            outcome=ended.outcome.value if ended else None,
            reason=ended.reason if ended else "",
            seconds=(spent or ended).seconds if ended else None,
            seed=trial.seed,
            metrics=reached(self._store, self._record, trial),
        )

    def __len__(self) -> int:
        return self._record.finished

    def __repr__(self) -> str:
        record = self._record
        target = "" if record.target is None else f" of {record.target}"
        head = (
            f"experiment {self.id}: {record.finished}{target} trials finished, {record.succeeded} succeeded"
        )
        objective = record.description.objective
        if record.description.also:
            count = len(self.front)
            return f"{head}\n{count} best trade-off{'s' * (count != 1)}, in .front"
        best = self._first()
        if best is None or objective is None:
            return head
        lines = [head, f"best {objective.metric} {best.value:.6g} by trial {best.number}"]
        return "\n".join([*lines, *(f"  {name} = {value!r}" for name, value in best.values.items())])

    def _repr_html_(self) -> str:
        from luthier.view.summary import summary

        return summary(self._store, self._record)
