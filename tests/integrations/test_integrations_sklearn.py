"""LuthierSearchCV as a search of scikit-learn's: what it takes, what it leaves behind, how it fails and goes on."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.stats as st
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits, make_regression
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, PredefinedSplit, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import estimator_checks_generator

import luthier
from luthier.errors import SpaceError, UsageError
from luthier.integrations import LuthierSearchCV

X, y = (part[:300] for part in load_digits(return_X_y=True))


class Shaky(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fails, or interrupts, where it is told to; else its score is 1 - (x - 0.3)²."""

    interrupts_at: float | None = None

    def __init__(self, x: float = 0.5, bad_above: float = 2.0) -> None:
        self.x = x
        self.bad_above = bad_above

    def fit(self, X: Any, y: Any) -> Shaky:
        if Shaky.interrupts_at is not None and self.x > Shaky.interrupts_at:
            raise KeyboardInterrupt
        if self.x > self.bad_above:
            raise ValueError(f"x is {self.x}")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])

    def score(self, X: Any, y: Any) -> float:
        return 1 - (self.x - 0.3) ** 2


def test_a_pipeline_is_searched_and_the_best_is_fitted_again() -> None:
    search = LuthierSearchCV(
        make_pipeline(StandardScaler(), SVC()),
        {"svc__C": st.loguniform(1e-3, 1e3), "svc__gamma": luthier.loguniform(1e-6, 10)},
        n_iter=10,
        cv=3,
        random_state=0,
    ).fit(X, y)
    assert search.best_score_ == max(search.cv_results_["mean_test_score"]) > 0.85
    assert search.best_estimator_.get_params()["svc__C"] == search.best_params_["svc__C"]
    assert search.score(X, y) == (search.predict(X) == y).mean() > 0.95
    assert search.decision_function(X).shape == (300, 10) and list(search.classes_) == list(range(10))
    assert search.experiment_.best.value == search.best_score_ and len(search.experiment_) == 10


def test_the_same_random_state_gives_the_same_search() -> None:
    """`auto` may take cheaper proposals on a busy machine, so another algorithm stands for all here."""
    space = {"C": luthier.loguniform(1e-3, 1e3), "kernel": ["rbf", "linear"]}
    search = LuthierSearchCV(SVC(), space, n_iter=8, cv=2, algorithm="bayesian", random_state=0).fit(X, y)
    again = clone(search).fit(X, y)
    assert again.cv_results_["params"] == search.cv_results_["params"]
    other = clone(search).set_params(random_state=1).fit(X, y)
    assert other.cv_results_["params"] != search.cv_results_["params"]


def test_the_results_have_scikit_learns_columns() -> None:
    space = {"C": [0.1, 1.0, 10.0], "kernel": ["rbf", "linear"]}
    settings: dict[str, Any] = {"n_iter": 5, "cv": 3, "random_state": 0, "return_train_score": True}
    ours, theirs = (
        one(SVC(), space, **settings).fit(X, y).cv_results_ for one in (LuthierSearchCV, RandomizedSearchCV)
    )
    assert set(ours) == set(theirs)
    for name, column in theirs.items():
        assert type(ours[name]) is type(column)
        if isinstance(column, np.ndarray):
            assert (ours[name].dtype, ours[name].shape) == (column.dtype, column.shape), name
    folds = np.array([ours[f"split{k}_test_score"] for k in range(3)])
    assert np.allclose(np.nanmean(folds, axis=0), ours["mean_test_score"])


class Folded(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Its score in a fold is x, less what the fold takes from everybody."""

    takes = (0.0, 0.3, 0.1, 0.2, 0.4)

    def __init__(self, x: float = 0.5) -> None:
        self.x = x

    def fit(self, X: Any, y: Any) -> Folded:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])

    def score(self, X: Any, y: Any) -> float:
        return self.x - self.takes[int(X[0, 0])]


NUMBERED = np.repeat(np.arange(5.0), 10)[:, None]
BY_NUMBER: dict[str, Any] = {"cv": PredefinedSplit(NUMBERED[:, 0].astype(int)), "random_state": 0}
HALVES = np.tile([0, 1], 25)


def of_folds(**settings: Any) -> LuthierSearchCV:
    given = {"n_iter": 15, **BY_NUMBER, **settings}
    return LuthierSearchCV(Folded(), {"x": luthier.uniform(0, 1)}, **given).fit(NUMBERED, HALVES)


def assert_laid_out(search: LuthierSearchCV, name: str = "score") -> None:
    """What the table says of candidates that were stopped, and of those that were not."""
    table = search.cv_results_
    scores = np.array([table[f"split{k}_test_{name}"] for k in range(5)]).T
    whole = search.n_splits_run_ == 5
    assert list((~np.isnan(scores)).sum(axis=1)) == list(search.n_splits_run_) and 0 < whole.sum() < len(
        whole
    )
    assert np.allclose(np.nanmean(scores, axis=1), table[f"mean_test_{name}"])
    assert np.allclose(np.nanstd(scores, axis=1), table[f"std_test_{name}"])
    assert np.isfinite(table["mean_fit_time"]).all() and np.isfinite(table["std_score_time"]).all()
    ranks, means = table[f"rank_test_{name}"], table[f"mean_test_{name}"]
    assert ranks.dtype == np.int32 and ranks.min() == 1 and whole[ranks == 1].all()
    for loser in np.flatnonzero(~whole):
        ran = ~np.isnan(scores[loser])
        for winner in np.flatnonzero(whole):
            if scores[winner][ran].mean() > means[loser]:
                assert ranks[winner] < ranks[loser]
    ordered = means[whole][np.argsort(ranks[whole])]
    assert list(ordered) == sorted(means[whole], reverse=True)


def test_a_poor_candidate_is_not_fitted_to_all_folds() -> None:
    """The first fold is easy for everybody, so that the mean of who was stopped after it looks good."""
    search = of_folds()
    assert_laid_out(search)
    assert search.n_splits_run_.min() == 1 and search.n_splits_run_[search.best_index_] == 5
    assert search.best_score_ == pytest.approx(search.best_params_["x"] - 0.2)
    assert search.best_params_["x"] == max(params["x"] for params in search.cv_results_["params"])
    trials = search.experiment_.trials
    stopped = [trial.outcome == "stopped" for trial in trials]
    assert stopped == [ran < 5 for ran in search.n_splits_run_]
    assert [trial.value for trial in trials] == pytest.approx(list(search.cv_results_["mean_test_score"]))
    assert all(" of 5 folds" in trial.reason for trial in trials if trial.outcome == "stopped")
    first = search.experiment_._store.trial(search.experiment_.id, 1 + stopped.index(True)).result
    assert first is not None and first.curve[-1][0] == search.n_splits_run_[stopped.index(True)]


def test_none_runs_all_folds_and_a_bad_rule_is_refused() -> None:
    search = of_folds(early_stopping="none")
    assert list(search.n_splits_run_) == [5] * 15
    assert all(trial.outcome == "succeeded" for trial in search.experiment_.trials)
    careful = of_folds(early_stopping="folds:chance=1e-9", n_iter=8)
    assert_laid_out(careful)
    with pytest.raises(UsageError, match="no stopping rule 'fold' .did you mean folds"):
        of_folds(early_stopping="fold")
    once = LuthierSearchCV(Folded(), {"x": [0.1, 0.2]}, n_iter=2, cv=[(np.arange(10), np.arange(10))])
    assert list(once.fit(NUMBERED, HALVES).n_splits_run_) == [1, 1]


@pytest.mark.parametrize("refit", ["low", "high"])
def test_of_several_metrics_the_one_of_refit_decides_who_is_stopped(refit: str) -> None:
    def scored(model: Any, X: Any, y: Any) -> dict[str, float]:
        score = model.score(X, y)
        return {"high": score, "low": -score}

    search = of_folds(scoring=scored, refit=refit, return_train_score=False)
    assert_laid_out(search, refit)
    xs = [params["x"] for params in search.cv_results_["params"]]
    assert search.best_params_["x"] == (max(xs) if refit == "high" else min(xs))
    other = {"high": "low", "low": "high"}[refit]
    ranks = search.cv_results_[f"rank_test_{other}"]
    assert (search.n_splits_run_[ranks == 1] == 5).all()
    assert np.isnan(search.cv_results_[f"split4_test_{other}"]).sum() == (search.n_splits_run_ < 5).sum()


@pytest.mark.parametrize("refit", [False, lambda table: int(np.argmax(table["mean_test_a"]))])
def test_without_a_name_the_first_of_several_metrics_decides(refit: Any) -> None:
    def scored(model: Any, X: Any, y: Any) -> dict[str, float]:
        return {"a": model.score(X, y), "b": -model.score(X, y)}

    scorers = {name: (lambda m, X, y, name=name: scored(m, X, y)[name]) for name in "ab"}
    for scoring in (scored, scorers):
        search = of_folds(scoring=scoring, refit=refit)
        assert_laid_out(search, "a")
        assert search.experiment_.best.values["x"] == max(p["x"] for p in search.cv_results_["params"])


def side_by_side(backend: str) -> None:
    with joblib.parallel_config(backend=backend):
        search = of_folds(n_jobs=2, n_iter=20)
    outcomes = [trial.outcome for trial in search.experiment_.trials]
    assert len(outcomes) == 20 and set(outcomes) <= {"succeeded", "stopped"}
    assert sorted(outcome == "stopped" for outcome in outcomes) == sorted(search.n_splits_run_ < 5)
    assert search.n_splits_run_[search.best_index_] == 5


def test_candidates_side_by_side_are_stopped_too() -> None:
    side_by_side("threading")


def test_candidates_in_forked_processes_too() -> None:
    """In a program of its own: what joblib forks from one with many threads, as this one has, may wait for ever."""
    place = Path(__file__)
    words = f"import sys; sys.path.insert(0, {str(place.parent)!r}); import {place.stem} as tests; tests.side_by_side('multiprocessing')"
    subprocess.run([sys.executable, "-c", words], check=True, timeout=100)


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_candidate_that_fails_in_a_fold_is_a_failure_and_never_stopped() -> None:
    class Broken(Folded):
        def fit(self, X: Any, y: Any) -> Broken:
            if self.x < 0.3:
                raise ValueError("too small")
            super().fit(X, y)
            return self

    with pytest.warns(FitFailedWarning):
        search = LuthierSearchCV(Broken(), {"x": luthier.uniform(0, 1)}, n_iter=15, **BY_NUMBER)
        search.fit(NUMBERED, HALVES)
    outcomes = np.array([trial.outcome for trial in search.experiment_.trials])
    failed = np.array([params["x"] < 0.3 for params in search.cv_results_["params"]])
    assert failed.any() and list(outcomes == "failed") == list(failed)
    assert (search.n_splits_run_[failed] == 5).all()
    ranks = search.cv_results_["rank_test_score"]
    assert ranks[failed].min() > ranks[~failed].max()


def test_a_list_of_dicts_is_a_choice_of_spaces() -> None:
    space = [
        {"clf": [SVC()], "clf__C": st.loguniform(1e-2, 1e2), "scale": [StandardScaler(), "passthrough"]},
        {"clf": [KNeighborsClassifier()], "clf__n_neighbors": st.randint(1, 10)},
    ]
    pipeline = Pipeline([("scale", MinMaxScaler()), ("clf", SVC())])
    search = LuthierSearchCV(pipeline, space, n_iter=12, cv=3, random_state=0).fit(X, y)
    results = search.cv_results_
    masked = np.ma.getmaskarray(results["param_clf__C"])
    assert 0 < masked.sum() < 12 and list(masked) == [
        isinstance(p["clf"], KNeighborsClassifier) for p in results["params"]
    ]
    assert all(("clf__C" in p) != ("clf__n_neighbors" in p) for p in results["params"])


def test_a_dict_among_options_is_a_branch_or_a_value() -> None:
    space = {
        "clf": [
            {"clf": SVC(), "clf__C": luthier.uniform(1, 2), "clf__class_weight": [None, {0: 1, 1: 2}]},
            {"clf": KNeighborsClassifier(), "clf__n_neighbors": range(3, 6)},
        ]
    }
    search = LuthierSearchCV(Pipeline([("clf", SVC())]), space, n_iter=10, cv=3, random_state=0).fit(X, y)
    kinds = {type(p["clf"]).__name__: set(p) for p in search.cv_results_["params"]}
    assert kinds == {
        "SVC": {"clf", "clf__C", "clf__class_weight"},
        "KNeighborsClassifier": {"clf", "clf__n_neighbors"},
    }
    weights = [p["clf__class_weight"] for p in search.cv_results_["params"] if "clf__class_weight" in p]
    assert all(weight in (None, {0: 1, 1: 2}) for weight in weights)


@pytest.mark.parametrize(
    ("frozen", "low", "high", "kind"),
    [
        (st.uniform(2, 3), 2, 5, float),
        (st.loguniform(1e-3, 10), 1e-3, 10, float),
        (st.randint(3, 9), 3, 8, int),
        (st.expon(scale=2), 0, 20, float),
        (st.beta(2, 3), 0, 1, float),
        (st.poisson(4), 0, 20, int),
        (st.norm(5, 1), -5, 15, float),
        (st.lognorm(s=0.5, scale=3), 0.05, 100, float),
        (st.gamma(2, loc=1), 1, 20, float),
    ],
)
def test_distributions_of_scipy_keep_their_values_and_their_middle(
    frozen: Any, low: float, high: float, kind: type
) -> None:
    from luthier.integrations._sklearn_space import space_of

    space = space_of({"x": frozen}, {"x"})
    values = [
        space.params(space.tree.fill(space.tree.space.from_unit({"x": u})))["x"]
        for u in np.linspace(0.001, 0.999, 99).tolist()
    ]
    assert all(type(value) is kind and low <= value <= high for value in values)
    assert values == sorted(values) and len(set(values)) > 5
    assert values[49] == pytest.approx(frozen.median(), abs=1 if kind is int else 0.01)


def test_what_can_only_draw_is_searched_by_what_it_drew() -> None:
    from luthier.integrations._sklearn_space import space_of

    class Cubes:
        def rvs(self, random_state: Any = None) -> float:
            return float(random_state.uniform(0, 2) ** 3)

    class Words:
        def rvs(self, random_state: Any = None) -> str:
            return str(random_state.choice(["a", "b"]))

    space = space_of({"x": Cubes(), "w": Words()}, {"x", "w"})
    made = [
        space.params(space.tree.fill(space.tree.space.from_unit({"x": u, "w": u}))) for u in (0.01, 0.5, 0.99)
    ]
    assert made[0]["x"] < 0.1 and 0.5 < made[1]["x"] < 2 and made[2]["x"] > 6
    assert {one["w"] for one in made} == {"a", "b"}


def test_a_bad_space_is_refused_by_name() -> None:
    with pytest.raises(SpaceError, match="'C'.*empty"):
        LuthierSearchCV(SVC(), {"C": []}).fit(X, y)
    with pytest.raises(SpaceError, match="'C'.*list"):
        LuthierSearchCV(SVC(), {"C": {"low": 1}}).fit(X, y)
    with sklearn.config_context(skip_parameter_validation=False), pytest.raises(ValueError, match="n_iter"):
        LuthierSearchCV(SVC(), {"C": [1]}, n_iter=0).fit(X, y)
    with pytest.raises(ValueError, match="Invalid parameter"):
        LuthierSearchCV(SVC(), {"nope": [1, 2]}, n_iter=1).fit(X, y)


def test_several_metrics_and_a_refit_by_name_or_function() -> None:
    several: dict[str, Any] = {
        "scoring": ["accuracy", "neg_log_loss"],
        "n_iter": 5,
        "cv": 2,
        "random_state": 0,
    }
    model, space = KNeighborsClassifier(), {"n_neighbors": range(1, 40)}
    named = LuthierSearchCV(model, space, refit="neg_log_loss", **several).fit(X, y)
    worst = LuthierSearchCV(
        model, space, refit=lambda results: int(np.argmax(results["rank_test_accuracy"])), **several
    ).fit(X, y)
    unfitted = LuthierSearchCV(model, space, refit=False, **several).fit(X, y)
    assert named.best_score_ == max(named.cv_results_["mean_test_neg_log_loss"])
    assert named.experiment_.best.value == pytest.approx(named.best_score_)
    assert named.multimetric_ and set(named.scorer_) == {"accuracy", "neg_log_loss"}
    assert worst.best_index_ == np.argmax(worst.cv_results_["rank_test_accuracy"])
    assert not hasattr(worst, "best_score_")
    assert not hasattr(unfitted, "best_params_") and not hasattr(unfitted, "best_estimator_")
    with pytest.raises(ValueError, match="refit"):
        LuthierSearchCV(SVC(), {"C": [1, 2]}, scoring=["accuracy"], cv=3).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_failing_fits_are_failures_and_the_search_goes_on() -> None:
    space = {"x": luthier.uniform(0, 1)}
    search = LuthierSearchCV(Shaky(bad_above=0.6), space, n_iter=12, cv=3, random_state=0).fit(X, y)
    failed = np.isnan(search.cv_results_["mean_test_score"])
    assert 0 < failed.sum() < 12 and not failed[search.best_index_]
    outcomes = [trial.outcome for trial in search.experiment_.trials]
    assert [outcome == "failed" for outcome in outcomes] == list(failed)
    reason = next(t.reason for t in search.experiment_.trials if t.outcome == "failed")
    assert reason.startswith("a fit failed: ValueError: x is 0.")
    scored = clone(search).set_params(error_score=-7).fit(X, y)
    assert min(scored.cv_results_["mean_test_score"]) == -7
    assert "failed" in {trial.outcome for trial in scored.experiment_.trials}
    with pytest.raises(ValueError, match="x is 0."):
        clone(search).set_params(error_score="raise").fit(X, y)
    with pytest.raises(ValueError, match="fits failed"):
        LuthierSearchCV(Shaky(bad_above=-1), space, n_iter=3, cv=3).fit(X, y)


SIDE_BY_SIDE = """\
import sys, joblib, luthier
from sklearn.datasets import load_digits
from sklearn.svm import SVC
from luthier.integrations.sklearn import LuthierSearchCV
X, y = (part[:300] for part in load_digits(return_X_y=True))
search = LuthierSearchCV(SVC(), {"C": luthier.loguniform(1e-3, 1e3)}, n_iter=7, cv=3, n_jobs=2)
with joblib.parallel_config(backend=sys.argv[1]):
    search.fit(X, y)
outcomes = {trial.outcome for trial in search.experiment_.trials}
print(len(search.cv_results_["params"]), len(search.experiment_), *outcomes, search.best_score_ > 0.9)
"""


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_workers_side_by_side_make_the_same_number(backend: str) -> None:
    """joblib's multiprocessing gives results in a list only, and so takes the other way through the loop. It forks, which is no
    thing to do in a process with as many threads as this one has."""
    words = [sys.executable, "-c", SIDE_BY_SIDE, backend]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout == "7 7 succeeded True\n", done.stderr


def test_an_error_in_the_search_itself_is_raised_from_workers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr(luthier.Experiment, "ask", broken)
    with joblib.parallel_config(backend="threading"), pytest.raises(RuntimeError, match="no more"):
        LuthierSearchCV(SVC(), {"C": [1, 2]}, n_iter=2, cv=3, n_jobs=2).fit(X, y)


def test_a_small_space_is_walked_once_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="3 candidates, fewer than n_iter=30"):
        search = LuthierSearchCV(SVC(), {"C": [1, 10, 100]}, cv=3).fit(X, y)
    assert sorted(p["C"] for p in search.cv_results_["params"]) == [1, 10, 100]


def test_a_store_goes_on_after_an_interruption_and_runs_nothing_twice(tmp_path: Path) -> None:
    space = {"x": luthier.uniform(0, 1)}
    settings: dict[str, Any] = {"n_iter": 8, "cv": 3, "random_state": 3, "return_train_score": True}
    settings["algorithm"] = "bayesian"  # which proposes the same however slow the machine is
    whole = LuthierSearchCV(Shaky(), space, **settings).fit(X, y)
    kept = LuthierSearchCV(Shaky(), space, store=tmp_path, **settings)
    xs = [p["x"] for p in whole.cv_results_["params"]]
    record = next(i for i in range(2, 8) if xs[i] > max(xs[:i]))  # where it is interrupted
    Shaky.interrupts_at = max(xs[:record])
    try:
        with pytest.raises(KeyboardInterrupt):
            kept.fit(X, y)
    finally:
        Shaky.interrupts_at = None
    kept.fit(X, y)
    assert [p["x"] for p in kept.cv_results_["params"]] == xs
    for name in ("mean_test_score", "split2_train_score", "rank_test_score"):
        assert np.allclose(kept.cv_results_[name], whole.cv_results_[name], equal_nan=True)
    assert min(whole.n_splits_run_) < 3 and list(kept.n_splits_run_) == list(whole.n_splits_run_)
    Shaky.interrupts_at = -1
    try:
        again = clone(kept).set_params(refit=False).fit(X, y)  # everything is known already
    finally:
        Shaky.interrupts_at = None
    assert again.best_params_ == kept.best_params_
    fewer = clone(kept).fit(X[:150], y[:150])
    other = clone(kept).set_params(param_distributions={"x": st.expon(scale=0.1)}).fit(X, y)
    another = clone(kept).set_params(param_distributions={"x": st.expon(scale=0.2)}).fit(X, y)
    assert len({search.experiment_.id for search in (kept, fewer, other, another)}) == 4


KILLED = """
import os, sys
import numpy as np
from sklearn.base import BaseEstimator
import luthier
from luthier.integrations import LuthierSearchCV

class Mortal(BaseEstimator):
    def __init__(self, x=0.0):
        self.x = x
    def fit(self, X, y=None):
        if self.x > float(sys.argv[1]):
            os._exit(9)
        return self
    def score(self, X, y=None):
        return -self.x

space = {"x": luthier.uniform(0, 1)}
search = LuthierSearchCV(Mortal(), space, n_iter=6, cv=2, random_state=0, algorithm="random", store="kept")
search.fit(np.zeros((10, 1)))
print(sorted(len(p) for p in search.cv_results_["params"]), len(search.experiment_))
"""


def test_a_killed_process_leaves_its_candidate_to_the_next(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(KILLED, encoding="utf-8")
    killed, ended = (
        subprocess.run([sys.executable, program, above], cwd=tmp_path, capture_output=True, text=True)
        for above in ("0.5", "2")
    )
    assert killed.returncode == 9, killed.stderr
    assert ended.stdout.split("] ")[1].strip() == "6" and ended.stdout.count("1") == 6


def test_groups_and_weights_reach_the_splitter_and_the_fit() -> None:
    X, y = make_regression(60, 4, noise=5, random_state=0)
    groups = np.repeat(np.arange(6), 10)
    search = LuthierSearchCV(Ridge(), {"alpha": luthier.loguniform(0.01, 100)}, n_iter=5, cv=GroupKFold(3))
    search.fit(X, y, groups=groups, sample_weight=np.ones(60))
    assert search.n_splits_ == 3
    with pytest.raises(ValueError, match="groups"):
        search.fit(X, y)


def test_it_can_be_pickled_and_is_no_heavier_for_its_experiment() -> None:
    search = LuthierSearchCV(SVC(), {"C": [1, 10]}, n_iter=2, cv=3).fit(X, y)
    read = pickle.loads(pickle.dumps(search))
    assert (read.predict(X) == search.predict(X)).all() and not hasattr(read, "experiment_")


QUICK = (
    "check_dict_unchanged",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_dont_overwrite_attributes",
    "check_estimator_cloneable",
    "check_estimator_get_tags_default_keys",
    "check_estimator_repr",
    "check_estimators_dtypes",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_estimators_unfitted",
    "check_fit_check_is_fitted",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_n_features_in",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_positive_only_tag_during_fit",
    "check_set_params",
    "check_valid_tag_types",
)


@pytest.mark.parametrize(
    ("model", "space", "names"),
    [
        pytest.param(LogisticRegression(), {"C": [0.1, 1.0]}, QUICK, id="quick"),
        pytest.param(LogisticRegression(), {"C": [0.1, 1.0]}, (), marks=pytest.mark.nightly, id="classifier"),
        pytest.param(Ridge(), {"alpha": [0.1, 1.0]}, (), marks=pytest.mark.nightly, id="regressor"),
    ],
)
def test_it_passes_scikit_learns_own_checks(model: Any, space: Any, names: tuple[str, ...]) -> None:
    """All but the two that scikit-learn expects its own searches to fail; every night all, else the quick ones."""
    search = LuthierSearchCV(model, space, n_iter=2, cv=2, error_score="raise", random_state=0)
    expected = {
        "check_supervised_y_2d": "a warning is not caught",
        "check_requires_y_none": "it does not fail gracefully",
    }
    done = set()
    for estimator, check in estimator_checks_generator(search, expected_failed_checks=expected, mark="skip"):
        name = getattr(check, "func", check).__name__
        if names and name not in names:
            continue
        done.add(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                check(estimator)
            except Exception as error:
                if type(error).__name__ != "SkipTest":
                    raise
    assert len(done) > 10
