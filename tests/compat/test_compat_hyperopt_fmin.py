"""fmin and Trials: how a search ends, goes on, fails and is kept."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from luthier.compat.hyperopt import (
    JOB_STATE_ERROR,
    STATUS_FAIL,
    STATUS_OK,
    Trials,
    anneal,
    atpe,
    auto,
    fmin,
    fmin_pass_expr_memo_ctrl,
    generate_trials_to_calculate,
    hp,
    mix,
    no_progress_loss,
    pyll,
    rand,
    space_eval,
    tpe,
    trials_from_docs,
)
from luthier.compat.hyperopt.exceptions import (
    AllTrialsFailed,
    BadSearchSpace,
    InvalidAnnotatedParameter,
    InvalidLoss,
    InvalidResultStatus,
)
from luthier.errors import UsageError

X = hp.uniform("x", -5, 5)
SEARCHES = [rand.suggest, tpe.suggest, anneal.suggest, auto.suggest, atpe.suggest]


def bowl(x: float) -> float:
    return (x - 3) ** 2


def drawn(trials: Trials) -> list[Any]:
    return [doc["misc"]["vals"] for doc in trials.trials]


# --- what it finds -----------------------------------------------------------------------------------------------


def test_the_program_of_hyperopts_page() -> None:
    def objective(args: Any) -> Any:
        case, val = args
        return val if case == "case 1" else val**2

    space = hp.choice("a", [("case 1", 1 + hp.lognormal("c1", 0, 1)), ("case 2", hp.uniform("c2", -10, 10))])
    best = fmin(objective, space, algo=tpe.suggest, max_evals=100, rstate=0)
    assert sorted(best) == ["a", "c2"] and best["a"] == 1 and abs(best["c2"]) < 0.5
    assert space_eval(space, best) == ("case 2", best["c2"])
    assert best.params == {"a": ("case 2", best["c2"]), "c2": best["c2"]}
    assert best.loss == best["c2"] ** 2
    assert (
        fmin(objective, space, algo=tpe.suggest, max_evals=100, rstate=0, return_argmin=False)[0] == "case 2"
    )


@pytest.mark.parametrize("algo", [None, *SEARCHES])
def test_every_search_finds_the_bottom_of_a_bowl(algo: Any) -> None:
    assert abs(fmin(bowl, X, algo=algo, max_evals=60, rstate=0)["x"] - 3) < 0.4


def test_options_of_tpe_and_mixtures_are_taken() -> None:
    algo = partial(
        mix.suggest,
        p_suggest=[
            (0.1, rand.suggest),
            (0.2, partial(anneal.suggest, avg_best_idx=3, shrink_coef=0.2)),
            (0.7, partial(tpe.suggest, n_startup_jobs=5, gamma=0.2, n_EI_candidates=50, prior_weight=0.5)),
        ],
    )
    trials = Trials()
    assert abs(fmin(bowl, X, algo=algo, max_evals=60, trials=trials, rstate=0)["x"] - 3) < 0.3
    assert {doc["misc"]["proposal"]["by"] for doc in trials.trials} >= {"random", "anneal", "tpe"}
    with pytest.raises(ValueError, match="sum to 1"):
        fmin(bowl, X, algo=partial(mix.suggest, p_suggest=[(0.5, rand.suggest)]), max_evals=1)


def theirs(name: str, function: str = "suggest") -> Any:
    """A function as hyperopt's own looks, which can't search here."""

    def made(new_ids: Any, domain: Any, trials: Any, seed: Any, **options: Any) -> Any:
        return domain.vh

    made.__module__, made.__name__ = f"hyperopt.{name}", function
    return made


@pytest.mark.parametrize(
    ("algo", "same"),
    [
        (theirs("tpe"), tpe.suggest),
        (theirs("rand"), rand.suggest),
        (partial(theirs("tpe"), n_startup_jobs=5, gamma=0.2), partial(tpe.suggest, n_startup_jobs=5, gamma=0.2)),
        (
            partial(theirs("mix"), p_suggest=[(0.5, theirs("rand")), (0.5, partial(theirs("anneal"), shrink_coef=0.2))]),
            partial(mix.suggest, p_suggest=[(0.5, rand.suggest), (0.5, partial(anneal.suggest, shrink_coef=0.2))]),
        ),
    ],
)  # fmt: skip
def test_hyperopts_own_searches_stand_for_ours(algo: Any, same: Any) -> None:
    found = []
    for one in (algo, same):
        trials = Trials()
        fmin(bowl, X, algo=one, max_evals=12, trials=trials, rstate=0)
        found.append(drawn(trials))
    assert found[0] == found[1]


def test_hyperopts_own_search_without_a_counterpart_is_named() -> None:
    with pytest.raises(ValueError, match=r"hyperopt.criteria.guess is hyperopt's own and searches in"):
        fmin(bowl, X, algo=theirs("criteria", "guess"), max_evals=2)


# --- the same seed, no repeats -----------------------------------------------------------------------------------


@pytest.mark.parametrize("algo", SEARCHES)
def test_the_same_seed_gives_the_same_trials(algo: Any) -> None:
    def search(rstate: Any) -> list[Any]:
        trials = Trials()
        space = {"x": X, "c": hp.choice("c", ["a", hp.normal("n", 0, 1)]), "q": hp.quniform("q", 0, 5, 1)}
        fmin(lambda p: p["x"] ** 2, space, algo=algo, max_evals=15, trials=trials, rstate=rstate)
        return drawn(trials)

    np = pytest.importorskip("numpy")
    assert search(7) == search(7) == search(np.random.default_rng(7)) != search(8)
    assert search(np.random.RandomState(7)) == search(np.random.RandomState(7))


def test_the_seed_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "5")
    one, other = Trials(), Trials()
    for trials in (one, other):
        fmin(bowl, X, algo=rand.suggest, max_evals=3, trials=trials)
    assert drawn(one) == drawn(other)


@pytest.mark.parametrize("algo", SEARCHES)
def test_a_finite_space_is_tried_once_and_then_the_search_ends(
    algo: Any, caplog: pytest.LogCaptureFixture
) -> None:
    trials = Trials()
    space = {"c": hp.choice("c", ["a", "b", "c"]), "n": hp.randint("n", 2)}
    best = fmin(lambda p: p["n"], space, algo=algo, max_evals=60, trials=trials, rstate=0)
    assert len(trials) == 6 == len({str(vals) for vals in drawn(trials)})
    assert best.stop_reason == trials.stop_reason == "every configuration of the space was tried"
    assert "repeats=True" in caplog.text


@pytest.mark.parametrize("algo", SEARCHES)
def test_repeats_are_made_where_they_are_asked_for(algo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    space = hp.choice("c", ["a", "b"])
    trials = Trials()
    fmin(lambda p: 0.0, space, algo=algo, max_evals=6, trials=trials, rstate=0, repeats=True)
    assert len(trials) == 6
    monkeypatch.setenv("LUTHIER_REPEATS", "1")
    trials = Trials()
    fmin(lambda p: 0.0, space, algo=algo, max_evals=6, trials=trials, rstate=0)
    assert len(trials) == 6


def test_a_space_that_draws_noise_itself_may_repeat() -> None:
    np = pytest.importorskip("numpy")
    space = hp.choice("c", [1, 2]) + pyll.scope.normal(0, 1, rng=np.random.default_rng(0))
    trials = Trials()
    fmin(lambda p: p, space, algo=rand.suggest, max_evals=9, trials=trials, rstate=0)
    assert len(trials) == 9


# --- going on ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algo", SEARCHES)
def test_max_evals_counts_all_of_the_trials_and_a_search_goes_on(algo: Any) -> None:
    once, parts, calls = Trials(), Trials(), []
    fmin(bowl, X, algo=algo, max_evals=12, trials=once, rstate=1)
    for max_evals in (5, 5, 12):
        fmin(lambda x: calls.append(x) or bowl(x), X, algo=algo, max_evals=max_evals, trials=parts, rstate=1)
    assert len(calls) == 12
    assert len({str(v) for v in drawn(parts)}) == 12
    if algo not in (rand.suggest, anneal.suggest):  # which draw by the seed of each call
        assert drawn(parts) == drawn(once)


def test_ctrl_c_leaves_trials_that_go_on() -> None:
    trials, calls = Trials(), []

    def objective(x: float) -> float:
        calls.append(x)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return bowl(x)

    with pytest.raises(KeyboardInterrupt):
        fmin(objective, X, algo=tpe.suggest, max_evals=8, trials=trials, rstate=0)
    assert len(trials.trials) == 4 and len([loss for loss in trials.losses() if loss is not None]) == 3
    fmin(objective, X, algo=tpe.suggest, max_evals=8, trials=trials, rstate=0)
    assert len(trials) == 8 and len(calls) == 9
    assert calls[3] == calls[4], "the interrupted trial is evaluated again"
    assert None not in trials.losses()


def test_points_to_evaluate_come_first_and_in_addition() -> None:
    points = [{"x": 0.0, "c": 1}, {"x": 1.0, "c": 0}]
    space = {"x": X, "c": hp.choice("c", ["a", "b"])}
    got: list[Any] = []
    search = partial(
        fmin, lambda p: got.append(p) or 1.0, space, algo=tpe.suggest, max_evals=5, points_to_evaluate=points
    )
    search(rstate=0)
    assert len(got) == 7 and got[:2] == [{"x": 0.0, "c": "b"}, {"x": 1.0, "c": "a"}]
    trials = Trials()
    search(trials=trials, rstate=0)
    assert len(trials) == 7 and got[7:] == got[:7]
    search(trials=trials, rstate=0)
    assert len(got) == 14, "the same call has nothing left to do"
    with pytest.raises(BadSearchSpace, match=r"point 0 .* 'y'"):
        fmin(bowl, X, max_evals=1, points_to_evaluate=[{"y": 1}])


def test_a_point_outside_of_the_space_is_evaluated_and_told_to_no_search() -> None:
    trials = generate_trials_to_calculate([{"x": -100.0}])
    best = fmin(lambda x: x, X, algo=tpe.suggest, max_evals=20, trials=trials, rstate=0)
    assert best["x"] == -100.0 and len(trials) == 21
    assert min(loss for loss in trials.losses() if loss > -100) < -3, "the search goes where it can go"


def test_a_queue_longer_than_one_is_proposed_at_once_and_stopped_between() -> None:
    trials, seen = Trials(), []

    def algo(new_ids: Any, *rest: Any) -> Any:
        seen.append(len(new_ids))
        return rand.suggest(new_ids, *rest)

    fmin(bowl, X, algo=algo, max_evals=7, max_queue_len=3, trials=trials, rstate=0)
    assert seen == [3, 3, 1] and len(trials) == 7
    fmin(bowl, X, algo=algo, max_evals=30, max_queue_len=9, loss_threshold=1e9, trials=trials, rstate=0)
    assert len(trials) == 7, "the threshold was reached before"


# --- ending early ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"loss_threshold": 4.0}, "reached the threshold 4"),
        ({"timeout": 1e-9}, "timeout"),
        ({"early_stop_fn": no_progress_loss(10)}, "no progress for 10 trials"),
        ({"early_stop_fn": lambda trials, n=0: (n + 1 >= 12, [n + 1])}, "early stop function"),
    ],
)
def test_a_search_ends_early_and_says_why(options: dict[str, Any], reason: str) -> None:
    trials = Trials()
    fmin(bowl, X, algo=rand.suggest, max_evals=400, trials=trials, rstate=0, return_argmin=False, **options)
    assert len(trials) < 400
    assert reason in str(trials.stop_reason)


@pytest.mark.parametrize("failures", [0, 7, 19])
def test_a_first_loss_is_progress(failures: int) -> None:
    calls: list[float] = []

    def objective(x: float) -> Any:
        calls.append(x)
        return {"status": STATUS_FAIL} if len(calls) <= failures else 1.0

    fmin(objective, X, algo=rand.suggest, max_evals=100, rstate=0, early_stop_fn=no_progress_loss(20))
    assert len(calls) == failures + 20  # the first loss and nineteen that are no better


@pytest.mark.parametrize(
    "poor", [{"status": STATUS_FAIL, "why": "poor"}, {"status": STATUS_OK, "loss": float("nan")}]
)
@pytest.mark.parametrize(
    ("options", "count"), [({"early_stop_fn": no_progress_loss(8)}, 90), ({"loss_threshold": 4.05}, 20)]
)
def test_trials_without_a_loss_end_nothing_and_are_never_the_best(
    poor: Any, options: dict[str, Any], count: int
) -> None:
    trials, calls = Trials(), []

    def objective(x: float) -> Any:
        calls.append(x)
        return poor if len(calls) % 3 != 2 else {"status": STATUS_OK, "loss": 5 - len(calls) / 20}

    best = fmin(objective, X, algo=tpe.suggest, max_evals=90, trials=trials, rstate=0, **options)
    assert len(calls) == count
    assert best.loss == min(5 - n / 20 for n in range(2, count + 1, 3))


@pytest.mark.parametrize("value", [0, -1, True, "a"])
def test_a_timeout_or_threshold_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=f"None or a positive value. Given value: {value}"):
        fmin(bowl, X, max_evals=1, timeout=value)
    if value not in (0, -1) or value is True:
        with pytest.raises(ValueError, match=f"None or a numeric value. Given value: {value}"):
            fmin(bowl, X, max_evals=1, loss_threshold=value)


# --- what an objective may return, and how it fails --------------------------------------------------------------


def answers(value: Any) -> Callable[[Any], Any]:
    return lambda x: value


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (None, TypeError, "returned None"),
        ("0.3", TypeError, "'0.3'"),
        ({"loss": 1.0}, KeyError, "no 'status'"),
        ({"status": "fine", "loss": 1}, InvalidResultStatus, "'fine'.*ok"),
        ({"status": STATUS_OK}, InvalidLoss, "no loss"),
        ({"status": STATUS_OK, "loss": None}, InvalidLoss, "loss None"),
    ],
)
def test_what_an_objective_may_not_return(value: Any, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        fmin(answers(value), X, algo=rand.suggest, max_evals=1)


def test_numbers_of_every_kind_are_losses() -> None:
    np = pytest.importorskip("numpy")
    for value in (
        1,
        True,
        np.float32(1),
        np.array(1.0),
        np.array([1.0])[0],
        {"status": "ok", "loss": np.int64(1)},
    ):
        assert fmin(answers(value), X, algo=rand.suggest, max_evals=1).loss == 1.0


def test_an_exception_is_recorded_and_raised_or_caught() -> None:
    def objective(x: float) -> float:
        raise OSError("no disk")

    trials = Trials()
    with pytest.raises(OSError, match="no disk"):
        fmin(objective, X, algo=rand.suggest, max_evals=3, trials=trials)
    assert trials._dynamic_trials[0]["state"] == JOB_STATE_ERROR
    assert trials._dynamic_trials[0]["misc"]["error"] == ("<class 'OSError'>", "no disk")
    with pytest.raises(ValueError, match="no evaluation tasks.*3 failed.*OSError: no disk"):
        fmin(objective, X, algo=rand.suggest, max_evals=2, trials=trials, catch_eval_exceptions=True)
    assert len(trials) == 0 and len(trials.failures) == 3
    assert trials.failures[0] == (0, "OSError: no disk")


def test_when_all_trials_fail_it_is_said_with_the_last_ones_words() -> None:
    trials = Trials()
    with pytest.raises(AllTrialsFailed, match="none of 4 trials has a loss.*'too slow'"):
        fmin(
            answers({"status": STATUS_FAIL, "err": "too slow"}),
            X,
            algo=tpe.suggest,
            max_evals=4,
            trials=trials,
        )
    assert trials.failures[3] == (3, "status fail, {'err': 'too slow'}")
    with pytest.raises(ValueError, match="no evaluation tasks"):
        fmin(bowl, X, max_evals=0)


def test_attachments_and_what_else_an_objective_returns_are_kept() -> None:
    trials = Trials()
    answer = {"status": STATUS_OK, "loss": 1.0, "history": [1, 2], "attachments": {"model": b"weights"}}
    fmin(answers(answer), X, algo=rand.suggest, max_evals=2, trials=trials, rstate=0)
    assert trials.results[1] == {"status": "ok", "loss": 1.0, "history": [1, 2]}
    kept = trials.trial_attachments(trials.trials[1])
    assert kept["model"] == b"weights" and "other" not in kept and list(kept) == ["model"]


def test_an_objective_may_take_the_expression_and_its_trial() -> None:
    @fmin_pass_expr_memo_ctrl
    def objective(expr: Any, memo: Any, ctrl: Any) -> Any:
        ctrl.attachments["seen"] = ctrl.current_trial["tid"]
        ctrl.checkpoint({"status": "running"})
        return pyll.rec_eval(expr, memo=memo) ** 2

    trials = Trials()
    fmin(objective, X, algo=rand.suggest, max_evals=3, trials=trials, rstate=0)
    assert trials.trial_attachments(trials.trials[2])["seen"] == 2
    assert trials.losses() == [doc["misc"]["vals"]["x"][0] ** 2 for doc in trials.trials]


def test_annotations_are_a_space() -> None:
    def objective(x: hp.uniform("x", -1, 1), y: hp.choice("y", [3, 4])):
        return x + y

    # This file's annotations are texts; those of a user's program need not be.
    objective.__annotations__ = {"x": hp.uniform("x", -1, 1), "y": hp.choice("y", [3, 4])}
    assert fmin(objective, "annotated", algo=rand.suggest, max_evals=20, rstate=0).params["y"] == 3
    objective.__annotations__["y"] = float
    with pytest.raises(InvalidAnnotatedParameter, match="'y'"):
        fmin(objective, space="annotated", max_evals=1)


# --- trials ------------------------------------------------------------------------------------------------------


def test_trials_tell_values_indices_and_options() -> None:
    trials = Trials()
    space = {"c": hp.choice("c", [int, float]), "x": X}
    fmin(
        lambda p: 0.0 if p["c"] is float else 1.0,
        space,
        algo=rand.suggest,
        max_evals=9,
        trials=trials,
        rstate=0,
    )
    assert trials.argmin["c"] == 1
    assert trials.best_params["c"] is float
    again = pickle.loads(pickle.dumps(trials))
    assert again.best_params["c"] == "float", "a file knows the option by its name"
    assert again.argmin == trials.argmin and again.losses() == trials.losses()
    assert again.vals == trials.vals and trials.idxs["x"] == list(range(9))
    assert trials_from_docs(trials.trials).best_trial["tid"] == trials.best_trial["tid"]
    assert trials.statuses() == ["ok"] * 9 and trials.tids == list(range(9))


def test_trials_are_deleted_and_viewed() -> None:
    trials = Trials(exp_key="a")
    fmin(bowl, X, algo=rand.suggest, max_evals=3, trials=trials)
    assert len(trials.view("a")) == 3 and len(trials.view("b")) == 0
    trials.delete_all()
    assert len(trials) == 0
    fmin(bowl, X, algo=tpe.suggest, max_evals=4, trials=trials)
    assert trials.tids == [0, 1, 2, 3]


def test_the_average_best_error_weighs_what_may_be_the_best() -> None:
    trials = Trials()
    losses = iter([1.0, 1.1, 50.0])

    def objective(x: float) -> Any:
        loss = next(losses)
        return {"status": "ok", "loss": loss, "loss_variance": 0.25, "true_loss": loss * 10}

    fmin(objective, X, algo=rand.suggest, max_evals=3, trials=trials)
    assert 10 < trials.average_best_error() < 11


# --- the file ----------------------------------------------------------------------------------------------------


def test_trials_are_saved_after_each_and_a_killed_search_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "trials.pickle"
    program = textwrap.dedent(f"""
        import os, signal
        from luthier.compat.hyperopt import fmin, hp, tpe
        calls = []
        def objective(x):
            calls.append(x)
            if len(calls) == 6: os.kill(os.getpid(), signal.SIGKILL)
            return (x - 3) ** 2
        fmin(objective, hp.uniform("x", -5, 5), algo=tpe.suggest, max_evals=9, rstate=0, trials_save_file={str(file)!r})
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    calls: list[float] = []
    fmin(
        lambda x: calls.append(x) or bowl(x),
        X,
        algo=tpe.suggest,
        max_evals=9,
        rstate=0,
        trials_save_file=file,
    )
    assert len(calls) == 4
    assert os.listdir(tmp_path) == ["trials.pickle"]
    whole = Trials()
    fmin(bowl, X, algo=tpe.suggest, max_evals=9, rstate=0, trials=whole)
    assert drawn(pickle.loads(file.read_bytes())) == drawn(whole)


def test_a_file_of_the_real_hyperopt_goes_on_here(tmp_path: Path) -> None:
    pytest.importorskip("hyperopt", reason="hyperopt is not installed: make bench installs it")
    file = tmp_path / "trials.pickle"
    program = (
        "from hyperopt import fmin, hp, rand; fmin(abs, hp.uniform('x', -5, 5), algo=rand.suggest, max_evals=6, "
        f"trials_save_file={str(file)!r}, show_progressbar=False)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    calls: list[float] = []
    fmin(lambda x: calls.append(x) or bowl(x), X, algo=tpe.suggest, max_evals=10, trials_save_file=str(file))
    assert len(calls) == 4


def test_a_file_that_holds_no_trials_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "trials.pickle"
    file.write_bytes(b"nonsense")
    with pytest.raises(UsageError, match="can't be read"):
        fmin(bowl, X, max_evals=1, trials_save_file=file)
    file.write_bytes(pickle.dumps([1]))
    with pytest.raises(UsageError, match="holds a list"):
        fmin(bowl, X, max_evals=1, trials_save_file=file)


# --- cost --------------------------------------------------------------------------------------------------------


def test_importing_it_loads_no_numpy() -> None:
    code = "import sys, luthier.compat.hyperopt; sys.exit('numpy' in sys.modules or 'rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_trial_that_ended_is_read_once_however_many_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.compat.hyperopt.record import Record

    read: list[int] = []
    learn = Record._learn
    monkeypatch.setattr(
        Record, "_learn", lambda self, place, doc: read.append(place) or learn(self, place, doc)
    )
    fmin(bowl, X, algo=rand.suggest, max_evals=50, rstate=0)
    assert len(read) == 49


def test_after_many_trials_that_last_no_time_the_automatic_choice_costs_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("luthier.compat.hyperopt.auto.MANY", 30)
    trials = Trials()
    fmin(bowl, X, max_evals=60, trials=trials, rstate=0)
    by = [doc["misc"]["proposal"]["by"] for doc in trials.trials]
    assert "bayesian" in by[:31] and set(by[31:]) == {"tpe"}
