"""TPE: the contract, densities against plain sums and integrals, conditions, failures, running trials, odd objectives."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.history import History
from luthier.search import Searcher
from luthier.search.frame import frame_of
from luthier.search.tpe import Tpe
from luthier.search.tpe.branches import branches, draw, score, sorted_from
from luthier.search.tpe.groups import groups_of
from luthier.search.tpe.kernels import parzen
from luthier.space import Categorical, Condition, Configuration, Float, Integer, Ordinal, Parameter, Space
from luthier.space.grammar import parse_params
from luthier.testing.searcher import SearcherContract, endless_space, finite_space, history_of
from luthier.trial import Observation, Outcome, Proposal, Result, Trial

Objective = Callable[[dict[str, Any]], float | None]


class TestTpe(SearcherContract):
    def make(self) -> Searcher:
        return Tpe()


def finished(number: int, proposal: Proposal, value: float | None) -> Trial:
    (trial,) = history_of([proposal.configuration]).trials
    result = Result(Outcome.FAILED, "no") if value is None else Result(Outcome.SUCCEEDED, "", value=value)
    return trial._replace(number=number, proposal=proposal, result=result)


def search(space: Space, objective: Objective, n: int, seed: int = 0, **settings: Any) -> tuple[Trial, ...]:
    """`n` trials, one after the other, of a search for the least value; None is a failure."""
    trials: tuple[Trial, ...] = ()
    for k in range(1, n + 1):
        for proposal in Tpe(**settings).propose(space, History(k, trials, maximize=False), seed, [k]):
            trials = (*trials, finished(k, proposal, objective(proposal.configuration.values())))
    return trials


def values(trials: Sequence[Trial]) -> list[float]:
    return [t.result.value for t in trials if t.result and t.result.value is not None]


def as_conditional() -> Space:
    return Space(
        [
            Parameter("kind", Categorical.of(["a", "b", "c"])),
            Parameter("rate", Float(0, 1), (Condition("kind", "in", ("a", "b")),)),
            Parameter("depth", Integer(1, 9), (Condition("kind", "in", ("a", "b")),)),
            Parameter("fine", Float(0, 1), (Condition("depth", ">=", (5,)),)),
            Parameter("other", Float(0, 1), (Condition("kind", "==", ("c",)),)),
        ]
    )


# --- densities ---


def test_a_density_is_the_sum_it_says() -> None:
    frame = frame_of(parse_params(["x=0:1", "y=0:1", "cell=gru,lstm,rnn"]))
    rows = frame.snap(np.random.default_rng(1).random((5, 3)))
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    density = parzen(frame, np.arange(3), rows, weights)
    at = frame.snap(np.random.default_rng(2).random((4, 3)))
    places = (at * 3).astype(np.int64)
    found = np.exp(density.log_kernels(at, places) + density.log_weights).sum(axis=1)

    def cut_normal(x: float, mu: float, s: float) -> float:
        inside = 0.5 * (math.erf((1 - mu) / s / math.sqrt(2)) - math.erf(-mu / s / math.sqrt(2)))
        return math.exp(-(((x - mu) / s) ** 2) / 2) / (s * math.sqrt(2 * math.pi) * inside)

    for i in range(4):
        total = 0.0
        for k in range(6):
            weight = [1, 2, 3, 4, 5, 3][k] / 18  # the prior weighs as much as the mean
            mu, s = (rows[k], density.widths[k]) if k < 5 else ([0.5, 0.5], [1.0, 1.0])
            own = k < 5 and places[i, 2] == int(rows[k][2] * 3)
            category = 1 / 3 if k == 5 else (own + 1 / 18) / (1 + 1 / 6)
            total += weight * cut_normal(at[i, 0], mu[0], s[0]) * cut_normal(at[i, 1], mu[1], s[1]) * category
        assert found[i] == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("params", [["x=0:1"], ["x=1:100:log"], ["x=0:1", "c=1,7,3"], ["x=0:1", "b=0:1:int"]])
def test_a_density_sums_to_one(params: list[str]) -> None:
    frame = frame_of(parse_params(params))
    rows = frame.snap(np.random.default_rng(3).random((9, frame.d)))
    density = parzen(frame, np.arange(frame.d), rows, np.ones(9))
    m = 4000
    tables = [table for table in frame.tables if table is not None] or [np.zeros(1)]
    total = 0.0
    for unit in tables[0]:
        grid = np.column_stack([(np.arange(m) + 0.5) / m, np.full(m, unit)])[:, : frame.d]
        places = np.zeros(grid.shape, dtype=np.int64)
        if frame.d > 1:
            places[:, 1] = frame.places(grid, 1)
        total += float(np.exp(density.log_kernels(grid, places) + density.log_weights).sum()) / m
    assert total == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("params", [["n=1:40:int"], ["n=1:64:log:int"], ["n=0:1:step=.05"]])
def test_on_steps_the_density_counts_nearly_one(params: list[str]) -> None:
    """Judged at the values that run, each standing for its cell; the least width keeps the sum near the integral."""
    frame = frame_of(parse_params(params))
    table = frame.tables[0]
    assert table is not None
    density = parzen(frame, np.arange(1), table[[3, 3, 4, 9, 11], None], np.ones(5))
    logs = density.log_kernels(table[:, None], np.zeros((len(table), 1), dtype=np.int64))
    edges = np.concatenate([[0.0], (table[1:] + table[:-1]) / 2, [1.0]])
    kernels = np.exp(logs).T @ np.diff(edges)
    assert np.all(np.abs(kernels - 1.0) < 0.12), kernels


def test_draws_follow_the_density() -> None:
    frame = frame_of(parse_params(["x=0:1", "c=a,b,d"]))
    rows = frame.snap(np.array([[0.1, 0.1], [0.12, 0.1], [0.8, 0.9]]))
    density = parzen(frame, np.arange(2), rows, np.array([1.0, 1.0, 4.0]))
    generator = np.random.default_rng(0)
    drawn = np.full((40_000, 2), np.nan)
    density.draw(drawn, density.choose(len(drawn), generator), generator)
    assert ((drawn >= 0) & (drawn <= 1)).all()
    grid = (np.arange(400) + 0.5) / 400
    for unit in (1 / 6, 3 / 6, 5 / 6):
        at = np.column_stack([grid, np.full(400, unit)])
        places = np.column_stack([np.zeros(400), np.full(400, int(unit * 3))]).astype(np.int64)
        expected = np.exp(density.log_kernels(at, places) + density.log_weights).sum(axis=1)
        here = drawn[np.abs(drawn[:, 1] - unit) < 0.01, 0]
        counted = np.histogram(here, bins=10, range=(0, 1))[0] / len(drawn)
        assert np.abs(counted - expected.reshape(10, 40).mean(axis=1) / 10).max() < 0.012


# --- conditions ---


def test_groups_are_what_exists_together() -> None:
    groups = groups_of(as_conditional())
    assert [g.columns.tolist() for g in groups] == [[0], [1, 2], [3], [4]]
    assert [g.context.tolist() for g in groups] == [[], [0], [0, 1, 2], [0]]
    assert [g.columns.tolist() for g in groups_of(parse_params(["x=0:1", "n=1:4:int"]))] == [[0, 1]]


def test_drawn_rows_are_what_can_run_and_scores_are_finite() -> None:
    space = as_conditional()
    frame = frame_of(space)
    rows = frame.snap(np.random.default_rng(4).random((60, frame.d)))
    made = branches(frame, rows, np.linspace(0, 1, 60), rows[:0], rows[:3], 0.1)
    drawn = draw(frame, made, 200, np.random.default_rng(5))
    np.testing.assert_array_equal(drawn, frame.snap(drawn))
    for row in drawn:
        space.validate(frame.decode(row))
    assert np.isfinite(score(frame, made, drawn)).all()


def test_each_branch_splits_its_own_trials() -> None:
    """A branch that is never good as a whole still tells its better trials from its worse ones."""
    space = as_conditional()
    frame = frame_of(space)
    rows = frame.snap(np.random.default_rng(6).random((200, frame.d)))
    is_c = ~np.isnan(rows[:, 4])
    losses = np.where(is_c, 10 + np.abs(np.nan_to_num(rows[:, 4]) - 0.7), np.nan_to_num(rows[:, 1]))
    made = branches(frame, rows, losses, rows[:0], rows[:0], 0.1)
    near, far = (frame.encode([space.configuration({"kind": "c", "other": other})]) for other in (0.7, 0.1))
    assert score(frame, made, near)[0] > score(frame, made, far)[0]


def test_a_conditional_space_is_searched() -> None:
    def loss(v: dict[str, Any]) -> float:
        if v["kind"] == "c":
            return 1.0 + v["other"]
        fine = abs(v["fine"] - 0.2) if "fine" in v else 0.5
        return abs(v["rate"] - 0.6) + fine + (0.3 if v["kind"] == "a" else 0.0)

    for seed in range(3):
        trials = search(as_conditional(), loss, 80, seed)
        assert min(values(trials)) < 0.12
        late = [t.configuration.values()["kind"] for t in trials[40:] if t.configuration]
        assert late.count("b") > 20


# --- the search ---


def test_it_learns() -> None:
    space = parse_params(["x=0:1", "y=0:1", "z=1e-4:1:log", "c=p,q,r"])

    def loss(v: dict[str, Any]) -> float:
        return (
            (v["x"] - 0.3) ** 2 + (v["y"] - 0.8) ** 2 + 0.05 * (math.log10(v["z"]) + 2) ** 2 + (v["c"] != "q")
        )

    for seed in range(3):
        found = values(search(space, loss, 60, seed))
        chance = [
            loss(space.decode(row[None, :])[0].values())
            for row in np.random.default_rng(seed).random((60, 4))
        ]
        assert min(found) < min(chance)
        assert np.median(found[30:]) < np.quantile(chance, 0.15)


def test_maximizing_is_minimizing_the_negative() -> None:
    space = parse_params(["x=0:1", "n=1:50:int"])
    least = search(space, lambda v: (v["x"] - 0.3) ** 2 + v["n"], 25)
    trials: tuple[Trial, ...] = ()
    for k in range(1, 26):
        (proposal,) = Tpe().propose(space, History(k, trials, maximize=True), 0, [k])
        v = proposal.configuration.values()
        trials = (*trials, finished(k, proposal, -((v["x"] - 0.3) ** 2 + v["n"])))
    assert [t.configuration for t in trials] == [t.configuration for t in least]


def test_scale_and_offset_of_the_objective_do_not_matter() -> None:
    space = parse_params(["x=0:1", "y=0:1"])
    one = search(space, lambda v: abs(v["x"] - 0.25) + v["y"], 20)
    other = search(space, lambda v: 2.0**40 * (abs(v["x"] - 0.25) + v["y"]), 20)
    assert [t.configuration for t in one] == [t.configuration for t in other]


ODD: dict[str, Objective] = {
    "nan": lambda v: math.nan,
    "some nan": lambda v: math.nan if v["x"] < 0.5 else abs(v["x"] - 0.8),
    "inf": lambda v: math.inf if v["x"] < 0.5 else -math.inf,
    "some -inf": lambda v: -math.inf if v["x"] < 0.1 else v["x"],
    "1e300": lambda v: 1.7e308 if v["x"] < 0.5 else -1.7e308,
    "tiny": lambda v: 5e-324 if v["x"] < 0.5 else 0.0,
    "constant": lambda v: 7.0,
    "failing": lambda v: None,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_objectives_are_ordinary(name: str) -> None:
    space = parse_params(["x=0:1", "n=1:9:int", "c=a,b"])
    trials = search(space, ODD[name], 30)
    assert len({t.configuration for t in trials}) == 30


def test_what_is_not_a_number_is_avoided() -> None:
    space = parse_params(["x=0:1", "n=1:9:int", "c=a,b"])
    avoided = 0
    for seed in range(5):
        trials = search(space, ODD["some nan"], 30, seed)
        avoided += sum(t.configuration.values()["x"] >= 0.5 for t in trials[10:] if t.configuration)
    assert avoided > 65  # of 100; chance gives 50


def test_no_repeats_and_the_end_of_a_finite_space() -> None:
    space = parse_params(["a=1:20:int", "b=1:15:int"])
    trials = search(space, lambda v: abs(v["a"] - 7) + abs(v["b"] - 4), 150)
    assert len({t.configuration for t in trials}) == 150
    small = finite_space()
    trials = search(small, lambda v: v["layers"], 80)
    assert len(trials) == len({t.configuration for t in trials}) == 72


def test_one_configuration_and_none_left() -> None:
    space = Space([Parameter("x", Categorical.of(["only"]))])
    assert len(search(space, lambda v: 1.0, 5)) == 1


HALVES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "half": lambda v: bool(v["x"] > 0.5),
    "corner": lambda v: bool(v["x"] > 0.65 and v["y"] > 0.65),
}


@pytest.mark.parametrize(("name", "most"), [("half", 0.1), ("corner", 0.05)])
def test_it_stays_away_from_failures(name: str, most: float) -> None:
    space = parse_params(["x=0:1", "y=0:1", "z=0:1"])
    fails = HALVES[name]
    shares = []
    for seed in range(3):
        trials = search(
            space, lambda v: None if fails(v) else (v["y"] - 0.5) ** 2 + (v["x"] - 0.4) ** 2, 100, seed
        )
        shares.append(sum(t.result.value is None for t in trials[50:] if t.result) / 50)
    assert np.mean(shares) < most


def test_next_to_the_best_most_proposals_do_not_fail() -> None:
    space = parse_params(["x=0:1", "y=0:1", "z=0:1"])
    trials = search(space, lambda v: None if v["x"] > 0.5 else (v["y"] - 0.4) ** 2 + 1 - v["x"], 100)
    assert sum(t.result.value is None for t in trials[50:] if t.result) < 20
    assert min(values(trials)) < 0.53


def test_running_trials_are_kept_away_from() -> None:
    """Side by side proposals differ more than if each were made as though it were alone."""
    space = parse_params(["x=0:1", "y=0:1"])
    apart, alone = [], []
    for seed in range(6):
        history = History(
            trials=search(space, lambda v: (v["x"] - 0.4) ** 2 + (v["y"] - 0.4) ** 2, 40, seed),
            maximize=False,
        )
        together = Tpe().propose(space, history, seed, range(41, 49))
        single = [Tpe().propose(space, history, seed, [n])[0] for n in range(41, 49)]
        for gathered, made in ((apart, together), (alone, single)):
            X = space.encode([p.configuration for p in made])
            gathered.append(np.sort(np.linalg.norm(X[:, None] - X[None, :], axis=2), axis=1)[:, 1].mean())
    assert np.mean(apart) > 1.1 * np.mean(alone)


def test_earlier_results_replace_the_beginning() -> None:
    space = parse_params(["x=0:1", "y=0:1"])
    rows = np.random.default_rng(8).random((40, 2))
    earlier = tuple(
        Observation(c, (c.values()["x"] - 0.2) ** 2 + (c.values()["y"] - 0.7) ** 2)
        for c in space.decode(rows)
    )
    history = History(maximize=False, earlier=earlier)
    made = [p.configuration.values() for s in range(10) for p in Tpe().propose(space, history, s, [1])]
    assert np.mean([(v["x"] - 0.2) ** 2 + (v["y"] - 0.7) ** 2 for v in made]) < 0.05


def test_what_was_forgotten_is_computed_again() -> None:
    """Proposals from a history read step by step and from one that is new, object by object, are the same."""
    space = endless_space()
    trials = search(space, lambda v: v["rate"] + v["layers"], 30)
    copied = tuple(t._replace() for t in trials)
    for n in (12, 20, 29):
        (again,) = Tpe().propose(space, History(n, copied[:n], maximize=False), 0, [n + 1])
        assert again.configuration == trials[n].configuration


def test_a_proposal_says_what_it_rests_on() -> None:
    trials = search(parse_params(["x=0:1"]), lambda v: v["x"], 41)
    assert trials[-1].proposal is not None
    assert trials[-1].proposal.note == {"good": 4}


@given(st.data(), st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]) | st.floats(-1, 1), max_size=40))
def test_an_order_from_a_near_one_is_the_order(data: st.DataObject, drawn: list[float]) -> None:
    losses = np.array(drawn)
    near = np.array(data.draw(st.permutations(range(len(drawn)))), dtype=np.int64)
    np.testing.assert_array_equal(sorted_from(losses, near), np.argsort(losses, kind="stable"))


def test_with_repeats_a_finite_space_goes_on() -> None:
    for space in (parse_params(["r=1,2,3"]), parse_params(["r=1"])):
        trials = search(space, lambda v: v["r"], 25, repeats=True)
        assert len(trials) == 25
        assert values(trials).count(1) > 8, "the best is what it repeats"
    assert len(search(parse_params(["r=1,2,3"]), lambda v: v["r"], 25)) == 3


def test_settings_say_how_it_searches() -> None:
    space = parse_params(["x=0:1"])
    begun = [t.proposal.note for t in search(space, lambda v: v["x"], 20, startup=12) if t.proposal]
    assert begun[:12] == [{"beginning": True}] * 12 and all("good" in note for note in begun[12:])
    (last,) = (t.proposal for t in search(space, lambda v: v["x"], 41, share=0.5)[-1:])
    assert last is not None and last.note == {"good": 20}
    one = search(space, lambda v: v["x"], 12, candidates=1)
    assert one[:8] != search(space, lambda v: v["x"], 12)[:8]


def test_ten_thousand_results_make_no_more_kernels() -> None:
    space = Space([Parameter("x", Float(0, 1)), Parameter("k", Ordinal.of(["s", "m", "l"]))])
    frame = frame_of(space)
    rows = frame.snap(np.random.default_rng(0).random((10_000, 2)))
    (made,) = branches(frame, rows, np.arange(10_000.0), rows[:50], rows[:7], 0.1)
    assert len(made.good.own.centres) <= 101
    assert len(made.bad.own.centres) <= 501
    np.testing.assert_array_equal(
        made.bad.own.centres[-8:-1], rows[:7, [0, 1]]
    )  # those that run are all there
    assert isinstance(frame.decode(rows[0]), Configuration)
