"""States, rows and verdicts: what is derived from a record, and what it says."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import svm_search

from luthier.description import Algorithm, Command, Objective
from luthier.store import Sort, Wish
from luthier.trial import Outcome, Proposal, Result
from luthier.view.experiments import ExperimentState, experiment_row, experiment_rows, state_of
from luthier.view.trials import trial_detail, trial_page
from luthier.view.verdicts import Ties, best, command_line, why_none

RUN, PAUSE, STOP, KILL = Wish
STATES = {
    # wish, anybody works on it, trials running, all trials there
    (RUN, True, 1, False): "running",
    (RUN, True, 0, False): "running",
    (RUN, False, 1, False): "interrupted",
    (RUN, False, 0, False): "interrupted",
    (RUN, False, 0, True): "finished",
    (RUN, True, 0, True): "running",
    (PAUSE, True, 1, False): "paused",
    (PAUSE, False, 0, False): "paused",
    (PAUSE, False, 0, True): "finished",
    (STOP, True, 1, False): "stopping",
    (STOP, False, 1, False): "stopping",
    (STOP, False, 0, False): "stopped",
    (STOP, False, 0, True): "finished",
    (KILL, True, 0, False): "stopping",
    (KILL, False, 0, False): "stopped",
    (KILL, False, 0, True): "finished",
}


@pytest.fixture
def store(tmp_path: Path):
    made = svm_search.build(tmp_path, files=False)
    yield made
    made.close()


@pytest.mark.parametrize("case", STATES, ids=str)
def test_what_an_experiment_is_doing(case, store) -> None:
    wish, is_active, running, is_met = case
    record = store.experiment(1)._replace(wish=wish, running=running, finished=4 if is_met else 1)
    assert state_of(record, is_active) == STATES[case]


def test_every_combination_has_a_state(store) -> None:
    record = store.experiment(1)
    for wish, active, running, finished in itertools.product(Wish, (True, False), (0, 1), (0, 4)):
        changed = record._replace(wish=wish, running=running, finished=finished)
        assert state_of(changed, active) in ExperimentState
        assert state_of(changed._replace(target=None), active) is not ExperimentState.FINISHED


def test_what_ended_by_itself_is_not_paused(store) -> None:
    store.set_wish(1, Wish.PAUSE, "the first 3 trials all failed")
    record = store.experiment(1)._replace(target=9)
    row = experiment_row(store, record, lambda _: False)
    assert (row.state, row.wish_reason) == (ExperimentState.ENDED, "the first 3 trials all failed")
    going = experiment_row(store, record._replace(running=1), lambda _: True)
    assert going.state is ExperimentState.PAUSED, "what runs goes on"
    store.set_wish(1, Wish.RUN)
    store.set_wish(1, Wish.PAUSE, "paused by luthier pause")
    assert experiment_row(store, record, lambda _: False).state is ExperimentState.PAUSED


def test_a_row_has_the_counts_and_the_best(store) -> None:
    row = experiment_row(store, store.experiment(1), lambda _: False)
    assert (row.finished, row.succeeded, row.unsuccessful, row.target) == (4, 3, 1, 4)
    assert (row.best_trial, row.best_value, row.metric) == (2, 0.95, "accuracy")
    assert row.command == "python train.py :C: :gamma:"


def test_the_newest_experiment_comes_first(store) -> None:
    store.open_experiment(svm_search.description(), fresh=True)
    assert [row.id for row in experiment_rows(store, lambda _: False)] == [2, 1]


def test_minimizing_turns_the_best_around(tmp_path: Path) -> None:
    store = svm_search.build(
        tmp_path / "other", files=False, objective=Objective("accuracy", direction="minimize")
    )
    row = experiment_row(store, store.experiment(1), lambda _: False)
    assert (row.best_trial, row.best_value) == (1, 0.912345678)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_cover_every_trial_once(size, newest_first, store) -> None:
    seen, offset, record = [], 0, store.experiment(1)
    while True:
        page = trial_page(store, record, Sort(), size, offset, 0.0, newest_first=newest_first)
        seen += [row.number for row in page.rows]
        assert page.total == 4
        offset += size
        if not page.has_more:
            break
    assert seen == ([4, 3, 2, 1] if newest_first else [1, 2, 3, 4])


def test_a_page_without_limit_is_all(store) -> None:
    page = trial_page(store, store.experiment(1), Sort("value"), -1, 0, 0.0)
    assert [row.number for row in page.rows] == [2, 3, 1]
    assert (page.total, page.has_more) == (None, False)


def test_everything_about_a_trial(store) -> None:
    detail = trial_detail(store, 1, 2, 0.0)
    assert detail.row.texts == {"C": "1", "gamma": "0.1"}
    assert [(m.metric, m.count, m.last, m.avg) for m in detail.metrics] == [
        ("accuracy", 2, 0.95, pytest.approx(0.7125)),
        ("loss", 1, pytest.approx(0.05), pytest.approx(0.05)),
    ]
    assert (detail.proposed_by, detail.ordinal) == ("grid", 2)
    assert detail.attempts[0].command == ("python", "train.py", "1", "0.1")


def test_the_best_tells_its_ties_and_its_command(store) -> None:
    found = best(store, store.experiment(1), 1, 0.0)
    assert found is not None
    assert [row.number for row in found.rows] == [2]
    assert found.ties == Ties(others=(3,), differing=("C", "gamma"))
    assert found.command == "python train.py 1 0.1"


def test_ties_that_agree_in_the_rest_differ_only_in_some(tmp_path: Path) -> None:
    """Kaos's own page calls gamma 10 the best of a tie in which any gamma was as good."""
    store = svm_search.build(tmp_path / "other", until=0)
    for accuracy in (0.95, 0.95, 0.1, 0.2):
        svm_search.run_one(store, store.clock, tmp_path, 1, accuracy, False)
    found = best(store, store.experiment(1), 3, 0.0)
    assert found is not None
    assert str(found.ties) == "1 other, differing only in gamma"
    assert [row.number for row in found.rows] == [1, 2, 4]


@pytest.mark.parametrize(
    ("ties", "text"),
    [
        (Ties(), ""),
        (Ties((2,)), "1 other, with the same configuration"),
        (Ties((2, 3), ("gamma",), is_partial=True), "2 others, differing only in gamma"),
        (Ties((2, 3), ("C", "gamma", "kernel")), "2 others, differing in C, gamma and kernel"),
        (Ties((2, 3), ("C",), is_partial=True, has_more=True), "2 or more others, differing only in C"),
    ],
)
def test_ties_in_words(ties, text) -> None:
    assert str(ties) == text


@pytest.mark.parametrize(
    ("settings", "words", "line"),
    [
        ({}, ("python", "a b.py", ":C:", "g={{gamma}}"), "python 'a b.py' 1 g=.010"),
        ({"as_args": True}, ("python", "$x", ":C:"), "python '$x' 1 --gamma=.010"),
        ({"shell": True}, ("python a.py :C: {{gamma}} | tee log",), "python a.py 1 .010 | tee log"),
        ({"from_environment": True}, ("a.sh",), "LUTHIER_PARAM_C=1 LUTHIER_PARAM_GAMMA=.010 a.sh"),
        (
            {"from_environment": True, "shell": True},
            ("a | b",),
            "export LUTHIER_PARAM_C=1 LUTHIER_PARAM_GAMMA=.010; a | b",
        ),
    ],
)
def test_the_command_line_can_be_pasted(settings, words, line, tmp_path: Path) -> None:
    store = svm_search.build(tmp_path, until=0, command=Command(words, "/project", **settings))
    assert command_line(store, store.experiment(1), 1) == line


def test_a_function_has_no_command_line(tmp_path: Path) -> None:
    store = svm_search.build(tmp_path, until=0, command=None)
    assert command_line(store, store.experiment(1), 1) is None


def test_why_there_is_no_best(tmp_path: Path) -> None:
    store = svm_search.build(tmp_path / "a", until=0)
    assert "no trial of experiment 1 has ended yet" in why_none(store, store.experiment(1))
    svm_search.run_one(store, store.clock, tmp_path, 1, None, False)
    store.cancel(1, 2, Outcome.KILLED, "killed")
    store.cancel(1, 3, Outcome.KILLED, "killed")
    assert "no trial of experiment 1 succeeded (2 killed, 1 failed)" in why_none(store, store.experiment(1))
    bare = svm_search.build(tmp_path / "b", until=0, objective=None)
    assert "has no objective" in why_none(bare, bare.experiment(1))


def test_a_value_that_is_no_number_is_not_best(tmp_path: Path) -> None:
    store = svm_search.build(tmp_path, until=0)
    (claim,) = store.claim(1, 1, "w", "n")
    store.finish(claim.id, Result(Outcome.SUCCEEDED, "", float("nan")))
    assert best(store, store.experiment(1), 1, 0.0) is None
    assert "reported accuracy as a number" in why_none(store, store.experiment(1))


@pytest.mark.parametrize(("trials", "has_more"), [(101, False), (102, True), (103, True)])
def test_a_hundred_ties_are_listed_and_no_more(trials, has_more, tmp_path: Path) -> None:
    random = Algorithm("random", {"repeats": True})
    store = svm_search.build(tmp_path, until=0, algorithm=random, trials=trials)
    reserved = store.reserve(1, trials, "w1", "n2")
    configuration = svm_search.SPACE.at(0)
    store.propose(1, "n2", [(r.number, Proposal(configuration, "random", r.ordinal)) for r in reserved])
    for claim in store.claim(1, trials, "w", "n"):
        store.finish(claim.id, Result(Outcome.SUCCEEDED, "", 1.0))
    found = best(store, store.experiment(1), 1, 0.0)
    assert found is not None
    assert found.ties.has_more is has_more
    assert len(found.ties.others) == 100


def test_a_trial_between_two_stages_has_not_ended_whoever_asks(tmp_path: Path) -> None:
    from luthier.view.exports import trial_rows
    from luthier.view.tables import trials_frame

    store = svm_search.build(tmp_path / "waits", files=False, until=0)
    (claim,) = store.claim(1, 1, "w", "n")
    store.finish(claim.id, Result(Outcome.SUCCEEDED, "it exited with code 0", 0.5, seconds=2.0), pause=True)
    record = store.experiment(1)
    row = trial_page(store, record, Sort(), 9, 0, 0.0).rows[0]
    assert (row.state, row.outcome, row.reason, row.value, row.seconds) == ("waiting", None, None, 0.5, 2.0)
    exported = next(iter(trial_rows(store, record)))
    assert [exported[key] for key in ("state", "outcome", "reason", "value")] == ["waiting", None, None, 0.5]
    framed = trials_frame(store, record).iloc[0]
    assert (
        framed["state"] == "waiting" and framed[["outcome", "reason"]].isna().all() and framed["value"] == 0.5
    )
    assert experiment_row(store, record, lambda _: False).waiting == 1
    store.close()
