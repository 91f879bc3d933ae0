"""`fmin`: minimizes a function over a space, as hyperopt's users call it."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from luthier.compat.hyperopt import auto, saving
from luthier.compat.hyperopt.documents import (
    Document,
    checked,
    document,
    spec_from_misc,
    validate_loss_threshold,
    validate_timeout,
)
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.driving import FMinIter
from luthier.compat.hyperopt.exceptions import BadSearchSpace, InvalidAnnotatedParameter
from luthier.compat.hyperopt.pyll import Apply
from luthier.compat.hyperopt.space import space_eval
from luthier.compat.hyperopt.theirs import ours
from luthier.compat.hyperopt.trials import TrialsBook

__all__ = [
    "Best",
    "FMinIter",
    "Trials",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "generate_trials_to_calculate",
    "partial",
    "space_eval",
    "trials_from_docs",
]


class Best(dict[str, Any]):
    """What `fmin` returns: the best trial's values by label, choices as indices, equal to a plain dict. `params` are the
    same values as the objective got them, `loss` is its loss, `stop_reason` says why the search ended."""

    params: Mapping[str, Any]
    loss: float
    stop_reason: str


class Trials(TrialsBook):
    """The trials of a search. The same ones given to `fmin` again go on."""

    def fmin(
        self, fn: Callable[..., Any], space: Any, algo: Any = None, max_evals: int | None = None, **more: Any
    ) -> Any:
        """As the function `fmin`, with these trials; silent unless `verbose`."""
        more = {"verbose": False, **more, "allow_trials_fmin": False}
        return fmin(fn, space, algo=algo, max_evals=max_evals, trials=self, **more)


def trials_from_docs(docs: Iterable[Document], validate: bool = True, **kwargs: Any) -> Trials:
    """Trials made of documents."""
    trials = Trials(**kwargs)
    if validate:
        trials.insert_trial_docs(docs)
    else:
        trials._insert_trial_docs(list(docs))
    trials.refresh()
    return trials


def generate_trials_to_calculate(points: Sequence[Mapping[str, Any]]) -> Trials:
    """Trials that wait, one for each dict from labels to values; choices are given by their indices."""
    trials = Trials()
    trials.insert_trial_docs([document(tid, point) for tid, point in enumerate(points)])
    return trials


def fmin_pass_expr_memo_ctrl(f: Callable[..., Any]) -> Callable[..., Any]:
    """Marks an objective that takes the expression, the values by node and a `Ctrl`, and computes the point itself."""
    f.fmin_pass_expr_memo_ctrl = True  # type: ignore[attr-defined]
    return f


def partial(fn: Callable[..., Any], **kwargs: Any) -> Callable[..., Any]:
    """functools.partial that keeps the mark of `fmin_pass_expr_memo_ctrl`."""
    made = functools.partial(fn, **kwargs)
    if hasattr(fn, "fmin_pass_expr_memo_ctrl"):
        made.fmin_pass_expr_memo_ctrl = fn.fmin_pass_expr_memo_ctrl  # type: ignore[attr-defined]
    return made


def fmin(
    fn: Callable[..., Any],
    space: Any,
    algo: Callable[..., list[Document]] | None = None,
    max_evals: int | None = None,
    timeout: float | None = None,
    loss_threshold: float | None = None,
    trials: Any = None,
    rstate: Any = None,
    allow_trials_fmin: bool = True,
    pass_expr_memo_ctrl: bool | None = None,
    catch_eval_exceptions: bool = False,
    verbose: bool = True,
    return_argmin: bool = True,
    points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
    max_queue_len: int = 1,
    show_progressbar: Any = True,
    early_stop_fn: Callable[..., Any] | None = None,
    trials_save_file: Any = "",
    repeats: bool | None = None,
    workers: int | None = None,
) -> Any:
    """Minimizes `fn` over `space`; returns the best trial's values by label (`Best`), or with `return_argmin=False` the
    best point itself.

    `fn` takes a point of the space and returns its loss, or a dict with `status` and `loss`. Without `algo` Luthier's
    automatic choice searches. `max_evals` counts all of `trials`: the same call with the same trials goes on where it
    ended. `points_to_evaluate` are tried first and count in addition. A finite space ends when it was tried whole,
    unless `repeats`. `workers` evaluate side by side, in processes of their own; without, this one does. All else as hyperopt documents it; docs/hyperopt.md lists what differs.

    **Raises** what `fn` raises, unless `catch_eval_exceptions`; AllTrialsFailed; BadSearchSpace, ValueError.
    """
    algo = ours(algo)
    validate_timeout(timeout)
    validate_loss_threshold(loss_threshold)
    _check_workers(workers, trials)
    if isinstance(space, str) and space == "annotated":
        space, fn = _annotations(fn), _spread(fn)
    options = {
        "timeout": timeout,
        "loss_threshold": loss_threshold,
        "max_queue_len": max_queue_len,
        "verbose": verbose,
        "show_progressbar": show_progressbar,
        "early_stop_fn": early_stop_fn,
        "trials_save_file": trials_save_file,
    }
    if allow_trials_fmin and hasattr(trials, "fmin") and type(trials).fmin is not Trials.fmin:
        options |= {
            "pass_expr_memo_ctrl": pass_expr_memo_ctrl,
            "catch_eval_exceptions": catch_eval_exceptions,
        }
        options |= {"return_argmin": return_argmin, "rstate": rstate, "max_evals": max_evals}
        return trials.fmin(fn, space, algo=algo, **options)
    if trials is None:
        trials = _kept(trials_save_file)
    if workers:
        options["workers"] = workers
    domain = Domain(fn, space, pass_expr_memo_ctrl=pass_expr_memo_ctrl, repeats=_repeats(repeats))
    trials._space = domain.search
    if hasattr(trials, "offer"):  # others evaluate: they are told what
        trials.offer(domain)
    count = sys.maxsize if max_evals is None else max_evals
    count += _add_points(trials, domain, points_to_evaluate)
    search = FMinIter(algo or auto.suggest, domain, trials, _generator(rstate), max_evals=count, **options)
    search.catch_eval_exceptions = catch_eval_exceptions
    search.exhaust()
    if hasattr(trials, "conclude") and not search.is_cancelled:
        trials.conclude()
    return _best(trials, domain, return_argmin)


def _best(trials: Any, domain: Domain, return_argmin: bool) -> Any:
    if not return_argmin:
        return space_eval(domain.expr, trials.argmin) if len(trials) else None
    if not len(trials):
        failures = trials.failures
        caught = f" {len(failures)} failed, the last with {failures[-1][1]}." if failures else ""
        raise ValueError(f"There are no evaluation tasks, cannot return argmin of task losses.{caught}")
    best = Best(trials.argmin)
    best.params, best.loss = domain.search.real(best), trials.best_trial["result"]["loss"]
    best.stop_reason = trials.stop_reason
    return best


def _check_workers(workers: Any, trials: Any) -> None:
    """**Raises** ValueError for what is no number of them, or where the trials are evaluated by others anyhow."""
    if workers is None:
        return
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 0:
        raise ValueError(
            f"workers={workers!r} is not a whole number from 0; 0 and None evaluate in this process"
        )
    if workers and trials is not None and type(trials).fmin is not Trials.fmin:
        raise ValueError(f"{type(trials).__name__} has a way of its own to evaluate; leave workers out")
    if workers and hasattr(trials, "offer"):
        raise ValueError(
            "MongoTrials are evaluated by workers that are started beside fmin: luthier hyperopt-worker; leave workers out"
        )


def _kept(file: Any) -> Any:
    """The trials of a file, if there is one; else new ones."""
    if not file or not os.path.exists(file):
        return Trials()
    return saving.load(file, _trials_of_hyperopt)


def _trials_of_hyperopt(docs: list[Document], attachments: dict[str, Any]) -> Trials:
    trials = trials_from_docs(docs, validate=False, exp_key=docs[0]["exp_key"] if docs else None)
    trials.attachments = attachments
    return trials


def _repeats(wanted: bool | None) -> bool:
    """Whether configurations may be tried again; a program that can't be changed says so by the environment."""
    return os.environ.get("LUTHIER_REPEATS", "") not in ("", "0") if wanted is None else wanted


def _generator(rstate: Any) -> Any:
    """NumPy's generator from whatever was given for one, else from $HYPEROPT_FMIN_SEED, else a new one."""
    if hasattr(rstate, "integers") or hasattr(rstate, "randint"):
        return rstate
    if rstate is None and os.environ.get("HYPEROPT_FMIN_SEED"):
        rstate = int(os.environ["HYPEROPT_FMIN_SEED"])
    import numpy as np

    return np.random.default_rng(rstate)


def _add_points(trials: Any, domain: Domain, points: Sequence[Mapping[str, Any]] | None) -> int:
    """Queues the points that are not among the trials yet. Returns by how much they raise the number of trials, counted
    as the trials were at the last refresh: hyperopt does not count those that wait when a search begins."""
    if points is None:
        return 0
    if not isinstance(points, (list, tuple)):
        raise TypeError("points_to_evaluate has to be a list of dicts from labels to values")
    known = [spec_from_misc(doc["misc"]) for doc in trials._dynamic_trials]
    fresh = []
    for place, point in enumerate(points):
        unknown = [label for label in point if label not in domain.params]
        if unknown:
            labels = ", ".join(domain.params)
            raise BadSearchSpace(
                f"point {place} of points_to_evaluate has the label {unknown[0]!r}, which the space has not; its labels "
                f"are {labels}"
            )
        needed = domain.search.needed(point)
        if needed not in known:
            fresh.append(needed)
    ids = trials.new_trial_ids(len(fresh))
    docs = [document(i, values, domain.params, trials._exp_key) for i, values in zip(ids, fresh, strict=True)]
    trials.insert_trial_docs([checked(doc, trials._exp_key) for doc in docs])
    return len(points) - len(fresh)


def _annotations(fn: Callable[..., Any]) -> dict[str, Any]:
    """The space that an objective's own annotations are."""
    space = {
        name: value for name, value in inspect.get_annotations(fn, eval_str=True).items() if name != "return"
    }
    for name, value in space.items():
        if not isinstance(value, Apply) and not hasattr(value, "pos_args"):
            raise InvalidAnnotatedParameter(
                f"the argument {name!r} is annotated with {value!r}; with space='annotated' every argument needs a "
                "hyperparameter, such as x: hp.uniform('x', -1, 1)"
            )
    return space


def _spread(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def called(point: Mapping[str, Any]) -> Any:
        return fn(**point)

    return called
