"""`LuthierSearchCV`: scikit-learn's cross-validated search, whose candidates are chosen by what was learned so far.

It takes the place of `RandomizedSearchCV`: the same arguments, the same attributes afterwards. What may be tried is read
in `_sklearn_space.py`, the loop is in `_sklearn_search.py`; here the fit of a search is laid out as scikit-learn's
documentation describes it, on top of its own base class for the rest.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any, ClassVar

from luthier.errors import UsageError
from luthier.experiment import Experiment
from luthier.integrations._needed import needed

needed("sklearn", "scikit-learn", "sklearn")

import numpy as np  # noqa: E402
from joblib import hash as hash_of  # noqa: E402
from sklearn.base import _fit_context, clone, is_classifier  # noqa: E402
from sklearn.model_selection import check_cv  # noqa: E402
from sklearn.model_selection._search import BaseSearchCV  # noqa: E402
from sklearn.model_selection._validation import (  # noqa: E402
    _fit_and_score,
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils import check_random_state, indexable  # noqa: E402
from sklearn.utils._param_validation import Interval  # noqa: E402
from sklearn.utils.parallel import Parallel, delayed  # noqa: E402
from sklearn.utils.validation import _check_method_params  # noqa: E402

from luthier.integrations._sklearn_results import filled, put_right  # noqa: E402
from luthier.integrations._sklearn_search import Candidate, CandidateSearch, Fitted, earlier  # noqa: E402
from luthier.integrations._sklearn_space import SearchSpace, space_of, written  # noqa: E402

__all__ = ["LuthierSearchCV"]


class LuthierSearchCV(BaseSearchCV):  # type: ignore[misc]
    """Searches the parameters of an estimator by cross-validation, learning from every candidate.

    `param_distributions` is a dict from parameters to what they may be, or a list of such dicts: lists, distributions of
    SciPy, `luthier.loguniform(…)` and its kin; a dict among a list's items is a branch with parameters of its own.
    `n_iter` candidates are tried, fewer where the space has no more. A candidate is not fitted to its other folds once it is
    unlikely to become the best: a paired test over the folds that it shares with the best one says so. `early_stopping`
    is that rule ("auto"), "folds:chance=0.01" for a more careful one, or "none". `algorithm` is any that Luthier has;
    `random_state` repeats a search with `n_jobs=1` (side by side, results come in an order of their own). With
    `store=FOLDER` the search is durable: the same fit on the same data goes on where the last one was. All else is as in
    scikit-learn's RandomizedSearchCV.

    With several metrics, the one that `refit` names is searched for; the first, where `refit` is a function or False.

    After `fit`: `cv_results_`, `best_estimator_`, `best_params_`, `best_score_`, `best_index_`, …, as scikit-learn has
    them, and `experiment_`, the search as Luthier's own experiment (it is not pickled with the estimator).
    `n_splits_run_` says how many folds of each candidate were run. The scores of the others are NaN, and do not count in
    the means; a stopped candidate ranks behind all whole ones that are better in the folds that it has, and is never refitted.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{key: kinds for key, kinds in BaseSearchCV._parameter_constraints.items() if key != "pre_dispatch"},
        "param_distributions": [dict, list],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "algorithm": [str],
        "early_stopping": [str],
        "store": "no_validation",
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 30,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        algorithm: str = "auto",
        early_stopping: str = "auto",
        store: Any = None,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.random_state = random_state
        self.algorithm = algorithm
        self.early_stopping = early_stopping
        self.store = store

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> LuthierSearchCV:
        """Searches, and fits the best candidate to all the data unless `refit` is False.

        `params` go to the estimator's `fit`, the splitter and the scorer, as in scikit-learn's searches.
        **Raises** SpaceError for what can't be searched; ValueError when every fit failed.
        """
        if getattr(self, "_skl_callbacks", None):
            warnings.warn("LuthierSearchCV does not call callbacks yet", UserWarning, stacklevel=2)
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(_check_method_params(X, params=params))
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self.n_splits_ = cv.get_n_splits(X, y, **routed.splitter.split)
        splits = list(cv.split(X, y, **routed.splitter.split))
        if len(splits) != self.n_splits_:
            raise ValueError(
                f"cv.split makes {len(splits)} splits and cv.get_n_splits says {self.n_splits_}; they must agree"
            )
        space = space_of(self.param_distributions, self.estimator.get_params(deep=True))
        fitting = {"fit_params": routed.estimator.fit, "score_params": routed.scorer.score}
        metric = self._metric(scorers)
        self.experiment_ = self._begin(space, metric, (X, y, splits, fitting))
        search = CandidateSearch(
            self.experiment_, space.params, self.n_splits_, metric, self._objective_of, self._earlier(space)
        )
        self._search(search, partial(self._task, clone(self.estimator), X, y, splits, fitting, scorers))
        self._keep_results(search.candidates, scorers, refit_metric)
        if self.refit:
            self._refit(X, y, routed.estimator.fit)
        return self

    def _metric(self, scorers: Any) -> str:
        """What the record calls the score that is searched for."""
        if isinstance(self.refit, str):
            return f"test_{self.refit}"
        if hasattr(scorers, "_scorers"):
            return f"test_{next(iter(scorers._scorers))}"
        return "score" if callable(self.scoring) and self.refit is not True else "test_score"

    def _rule(self) -> str:
        """The stopping rule as the experiment takes it."""
        if self.early_stopping != "auto":
            return self.early_stopping
        return f"folds:folds={self.n_splits_}" if self.n_splits_ > 1 else "none"

    def _begin(self, space: SearchSpace, metric: str, data: Any) -> Experiment:
        """The experiment of this fit. In a store, it is known by everything that its scores follow from."""
        count = space.tree.space.count()
        if count is not None and count < self.n_iter:
            warnings.warn(
                f"the space has {count} candidates, fewer than n_iter={self.n_iter}; all of them are tried",
                UserWarning,
                stacklevel=3,
            )
        seed, name = None, None
        if self.random_state is not None or self.store is None:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        if self.store is not None:
            try:
                known_by = (
                    written(self.param_distributions),
                    self.algorithm,
                    self.estimator,
                    self.scoring,
                    metric,
                )
                digest = hash_of((*data, *known_by, self.error_score, self.return_train_score))
            except Exception as error:
                raise UsageError(
                    f"a search is kept under a digest of its data and estimator, which could not be made ({error}); "
                    "leave store= out, or use an estimator and a scoring that can be pickled"
                ) from error
            name = f"{type(self.estimator).__name__}-{digest[:16]}"
        return Experiment.create(
            space.tree,
            metric=metric,
            direction="maximize",
            aggregate="avg",
            trials=self.n_iter,
            algorithm=self.algorithm,
            early_stopping=self._rule(),
            seed=seed,
            store=self.store,
            name=name,
        )

    def _earlier(self, space: SearchSpace) -> list[Candidate]:
        """The candidates that an earlier call on the same store has finished."""
        if self.store is None:
            return []
        return earlier(self.experiment_, space.params, self.n_splits_, self.error_score)

    def _search(self, search: CandidateSearch, task: Callable[[int, int, dict[str, Any]], Any]) -> None:
        """Runs it on joblib's workers, those of the active backend."""
        if self.verbose > 0:
            sys.stdout.write(f"Fitting {self.n_splits_} folds for each of {self.n_iter} candidates\n")
        try:
            as_they_come = Parallel(
                n_jobs=self.n_jobs, batch_size=1, pre_dispatch="n_jobs", return_as="generator_unordered"
            )
        except ValueError:  # a backend that gives results only all together
            with Parallel(
                n_jobs=self.n_jobs
            ) as workers:  # else they would be started anew for each candidate
                search.run_in_turn(workers, task)
        else:
            search.run(as_they_come, task)

    def _task(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        splits: Any,
        fitting: dict[str, Any],
        scorers: Any,
        place: int,
        split: int,
        params: dict[str, Any],
    ) -> Any:
        """One fold of one candidate, as a task of joblib."""
        train, test = splits[split]
        return delayed(_fitted)(
            place,
            split,
            clone(estimator),
            X,
            y,
            train=train,
            test=test,
            parameters=params,
            scorer=scorers,
            return_train_score=self.return_train_score,
            return_n_test_samples=True,
            return_times=True,
            error_score=self.error_score,
            verbose=self.verbose,
            split_progress=(split, self.n_splits_),
            candidate_progress=(place, self.n_iter),
            **fitting,
        )

    def _objective_of(self, measured: dict[str, Any]) -> float:
        """The score of one fold that is searched for."""
        scores = measured["test_scores"]
        if not isinstance(scores, dict):
            return float(scores)
        self._check_refit_for_multimetric(scores)
        return float(scores[self.refit if isinstance(self.refit, str) else next(iter(scores))])

    def _keep_results(self, candidates: list[Candidate], scorers: Any, refit_metric: Any) -> None:
        """Sets the attributes that say what was found."""
        done = [candidate for candidate in candidates if candidate.is_done]
        out = [fold for candidate in done for fold in candidate.run]
        if not out:
            raise ValueError("no fits were performed: the splitter made no splits, or the space is empty")
        _warn_or_raise_about_fit_failures(out, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(out, self.error_score)
        whole = [fold for candidate in done for fold in filled(candidate.folds)]
        results = self._format_results([candidate.params for candidate in done], self.n_splits_, whole)
        put_right(results, [candidate.folds for candidate in done])
        self.n_splits_run_ = np.array([len(candidate.run) for candidate in done])
        self.multimetric_ = isinstance(out[0]["test_scores"], dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(out[0]["test_scores"])
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        self.cv_results_ = results

    def _refit(self, X: Any, y: Any, fit_params: dict[str, Any]) -> None:
        # The parameters are cloned as well, because they may be estimators that would be fitted in place.
        self.best_estimator_ = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        began = time.time()
        if y is None:
            self.best_estimator_.fit(X, **fit_params)
        else:
            self.best_estimator_.fit(X, y, **fit_params)
        self.refit_time_ = time.time() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def __getstate__(self) -> dict[str, Any]:
        """The search without its experiment, whose store can't be pickled and has its own way to last."""
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("experiment_", None)
        return state


def _fitted(place: int, split: int, *arguments: Any, **settings: Any) -> Fitted:
    """One fold fitted and scored, in a worker."""
    return place, split, _fit_and_score(*arguments, **settings)
