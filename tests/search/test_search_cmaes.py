"""CMA-ES: the contract on numeric spaces, the equations against a plain transcription, convergence, steps, others' points."""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier import description as experiments
from luthier.clock import FakeClock
from luthier.drive.planning import top_up
from luthier.drive.replaying import proposed_trials, replay
from luthier.errors import SpaceError
from luthier.history import History
from luthier.search import Searcher
from luthier.search.cmaes import Cmaes
from luthier.search.evolution import Distribution, begin, population_of, rates, update
from luthier.space import Categorical, Condition, Float, Integer, Parameter, Space
from luthier.space.grammar import parse_params
from luthier.store.memory import MemoryStore
from luthier.testing.searcher import SearcherContract, finite_space, history_of
from luthier.trial import Observation, Outcome, Proposal, Result, Trial, TrialState

Objective = Callable[[dict[str, Any]], float | None]


def numeric_space() -> Space:
    return parse_params(["rate=1e-4:1:log", "layers=1:100:int", "width=8:512:log:int", "drop=0:.5:step=.1"])


def small_space() -> Space:
    return parse_params(["layers=1:9:int", "drop=0:.7:step=.1"])


class TestCmaes(SearcherContract):
    def make(self) -> Searcher:
        return Cmaes()

    def spaces(self) -> list[Space]:
        return [numeric_space(), small_space()]

    def test_a_finite_space_is_exhausted_without_repeats(self) -> None:
        made = self.propose(small_space(), range(1, 82))
        assert len({p.configuration for p in made}) == len(made) == 72
        assert not self.propose(small_space(), [73])

    def test_inactive_parameters_are_absent(self) -> None:
        """There are none: the contract's own conditional space is refused."""
        with pytest.raises(SpaceError, match="use tpe"):
            self.propose(finite_space(), [1])


def finished(number: int, proposal: Proposal, value: float | None) -> Trial:
    """A trial whose result came in the order of its number, as the record of a search one by one has it."""
    (trial,) = history_of([proposal.configuration]).trials
    result = Result(Outcome.FAILED, "no") if value is None else Result(Outcome.SUCCEEDED, "", value=value)
    return trial._replace(number=number, revision=number, proposal=proposal, result=result)


def search(
    space: Space, objective: Objective, n: int, seed: int = 0, before: Sequence[Trial] = (), **settings: Any
) -> tuple[Trial, ...]:
    trials = tuple(before)
    for k in range(1, n + 1):
        history = History(k, trials, maximize=False)
        for made in Cmaes(**settings).propose(space, history, seed, [k]):
            proposal = made._replace(seen=len(trials))
            trials = (
                *trials,
                finished(len(trials) + 1, proposal, objective(proposal.configuration.values())),
            )
    return trials


def values(trials: Sequence[Trial]) -> list[float]:
    return [t.result.value for t in trials if t.result and t.result.value is not None]


def floats(d: int) -> Space:
    return Space([Parameter(f"x{i}", Float(0, 1)) for i in range(d)])


# --- the equations ---


class Plain:
    """The tutorial's figure 6, transcribed line by line with loops and a matrix square root."""

    def __init__(self, mean: list[float], sigma: float, lam: int) -> None:
        self.n, self.lam, self.m, self.sigma = len(mean), lam, np.array(mean), sigma
        self.C, self.ps, self.pc, self.g = np.eye(self.n), np.zeros(self.n), np.zeros(self.n), 0
        n, mu = self.n, lam // 2
        raw = [math.log((lam + 1) / 2) - math.log(i) for i in range(1, lam + 1)]
        self.mu = mu
        self.mueff = sum(raw[:mu]) ** 2 / sum(w * w for w in raw[:mu])
        minus = sum(raw[mu:]) ** 2 / sum(w * w for w in raw[mu:])
        self.c1 = 2 / ((n + 1.3) ** 2 + self.mueff)
        self.cmu = min(
            1 - self.c1,
            2 * (1 / 4 + self.mueff + 1 / self.mueff - 2) / ((n + 2) ** 2 + 2 * self.mueff / 2),
        )
        alpha = min(
            1 + self.c1 / self.cmu,
            1 + 2 * minus / (self.mueff + 2),
            (1 - self.c1 - self.cmu) / (n * self.cmu),
        )
        positive, negative = sum(w for w in raw if w > 0), -sum(w for w in raw if w < 0)
        self.w = [w / positive if w >= 0 else alpha * w / negative for w in raw]
        self.cs = (self.mueff + 2) / (n + self.mueff + 5)
        self.ds = 1 + 2 * max(0, math.sqrt((self.mueff - 1) / (n + 1)) - 1) + self.cs
        self.cc = (4 + self.mueff / n) / (n + 4 + 2 * self.mueff / n)
        self.chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))

    def tell(self, ranked: np.ndarray) -> None:
        n = self.n
        eigenvalues, B = np.linalg.eigh(self.C)
        root = B @ np.diag(eigenvalues**-0.5) @ B.T
        ys = [(x - self.m) / self.sigma for x in ranked]
        step = sum(self.w[i] * ys[i] for i in range(self.mu))
        self.m = self.m + self.sigma * step
        self.ps = (1 - self.cs) * self.ps + math.sqrt(self.cs * (2 - self.cs) * self.mueff) * root @ step
        norm = np.linalg.norm(self.ps)
        h = norm / math.sqrt(1 - (1 - self.cs) ** (2 * (self.g + 1))) < (1.4 + 2 / (n + 1)) * self.chi
        self.pc = (1 - self.cc) * self.pc + h * math.sqrt(self.cc * (2 - self.cc) * self.mueff) * step
        delta = (1 - h) * self.cc * (2 - self.cc)
        C = (1 + self.c1 * delta - self.c1 - self.cmu * sum(self.w)) * self.C
        C = C + self.c1 * np.outer(self.pc, self.pc)
        for w, y in zip(self.w, ys, strict=True):
            C = C + self.cmu * (w if w >= 0 else w * n / np.linalg.norm(root @ y) ** 2) * np.outer(y, y)
        self.C, self.g = C, self.g + 1
        self.sigma *= math.exp(self.cs / self.ds * (norm / self.chi - 1))


@pytest.mark.parametrize("d", [2, 5, 11])
def test_the_equations_are_the_tutorial_s(d: int) -> None:
    lam = population_of(d)
    generator = np.random.default_rng(d)
    plain, state = Plain([0.5] * d, 0.2, lam), begin(np.full(d, 0.5), 0.2, lam)
    for _ in range(25):
        X = generator.multivariate_normal(plain.m, plain.sigma**2 * plain.C, size=lam)
        losses = (np.arange(1, d + 1) * (X - 0.3) ** 2).sum(axis=1)
        plain.tell(X[np.argsort(losses)])
        state = update(state, X, np.argsort(losses), np.zeros(lam, dtype=bool), np.ones(d))
        np.testing.assert_allclose(state.mean, plain.m, rtol=1e-8)
        np.testing.assert_allclose(state.C, plain.C, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(state.path_sigma, plain.ps, rtol=1e-7, atol=1e-9)
        assert state.sigma == pytest.approx(plain.sigma, rel=1e-8)


@pytest.mark.parametrize("d", [1, 2, 10, 40])
def test_the_weights_are_as_the_tutorial_wants_them(d: int) -> None:
    r = rates(d, population_of(d))
    assert r.weights[: r.mu].sum() == pytest.approx(1.0)
    assert (np.diff(r.weights) < 0).all()
    assert 0 < r.c_1 + r.c_mu <= 1


def as_factors(state: Distribution) -> np.ndarray:
    return (state.axes * state.lengths**2) @ state.axes.T


def test_the_factors_are_those_of_c() -> None:
    trials = search(floats(3), lambda v: v["x0"] + 3 * (v["x1"] - v["x2"]) ** 2, 100)
    state = Cmaes().distribution(floats(3), History(trials=trials, maximize=False), 0)
    np.testing.assert_allclose(as_factors(state), state.C, rtol=1e-10, atol=1e-14)
    assert state.generation == 100 // population_of(3)


# --- the search ---


def test_it_converges_on_a_turned_ellipsoid() -> None:
    d = 10
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((d, d)))[0]
    best = np.linspace(0.3, 0.65, d)

    def loss(v: dict[str, Any]) -> float:
        z = turn @ (np.array([v[f"x{i}"] for i in range(d)]) - best)
        return float((10.0 ** (3 * np.arange(d) / (d - 1)) * z * z).sum())

    found = values(search(floats(d), loss, 2500, seed=2))
    assert min(found) < 1e-8
    assert min(found[:300]) > 1e-3  # it is no accident of an easy function


def test_after_convergence_it_begins_again_wider() -> None:
    space = floats(2)
    trials = search(space, lambda v: (v["x0"] - 0.3) ** 2 + (v["x1"] - 0.6) ** 2, 700)
    state = Cmaes().distribution(space, History(trials=trials, maximize=False), 0)
    assert state.population == 2 * population_of(2)


def test_steps_stay_alive() -> None:
    """The best step is far from where a rounded search would freeze: one step wide valleys are crossed."""
    space = Space(
        [Parameter("x", Float(0, 1)), Parameter("n", Integer(1, 10)), Parameter("k", Integer(0, 4))]
    )
    for seed in range(3):
        found = values(
            search(space, lambda v: 1e3 * (v["x"] - 0.4) ** 2 + abs(v["n"] - 8) + abs(v["k"] - 1), 300, seed)
        )
        assert min(found) < 0.05


def test_nothing_is_proposed_twice() -> None:
    trials = search(small_space(), lambda v: v["layers"] + v["drop"], 90)
    assert len({t.configuration for t in trials}) == len(trials) == 72


def test_it_begins_at_the_best_that_is_known() -> None:
    space = floats(3)
    known = {"x0": 0.9, "x1": 0.15, "x2": 0.8}
    rows = [space.configuration(known), *space.decode(np.random.default_rng(0).random((9, 3)))]
    before = [finished(k, Proposal(c, by="you"), 1.0 * k) for k, c in enumerate(rows, 1)]
    state = Cmaes().distribution(space, History(trials=tuple(before), maximize=False), 0)
    np.testing.assert_allclose(state.mean, [0.9, 0.15, 0.8])
    later = search(space, lambda v: v["x0"], 5, before=before)
    again = Cmaes().distribution(space, History(trials=later, maximize=False), 0)
    np.testing.assert_allclose(again.mean, [0.9, 0.15, 0.8])
    warm = History(maximize=False, earlier=(Observation(rows[0], 3.0), Observation(rows[1], 4.0)))
    np.testing.assert_allclose(Cmaes().distribution(space, warm, 0).mean, [0.9, 0.15, 0.8])


def test_a_far_point_of_others_does_not_tear_it_apart() -> None:
    d, lam = 4, population_of(4)
    state = begin(np.full(d, 0.5), 0.01, lam)
    X = 0.5 + 0.01 * np.random.default_rng(3).standard_normal((lam, d))
    X[0] = 1.0
    foreign = np.arange(lam) == 0
    drawn_in = update(state, X, np.arange(lam), foreign, np.ones(d))
    torn = update(state, X, np.arange(lam), np.zeros(lam, dtype=bool), np.ones(d))
    assert np.linalg.norm(drawn_in.mean - 0.5) < 0.06
    assert np.linalg.eigvalsh(drawn_in.C)[-1] < 5 < np.linalg.eigvalsh(torn.C)[-1]


def test_workers_side_by_side_lose_little() -> None:
    """Eight proposals at a time, of which none waits for the others."""
    space = floats(4)
    trials: tuple[Trial, ...] = ()
    for k in range(1, 800, 8):
        made = Cmaes().propose(space, History(k, trials, maximize=False), 0, range(k, k + 8))
        assert len({p.configuration for p in made}) == 8
        for proposal in made:
            v = proposal.configuration.values()
            loss = sum((i + 1) * (v[f"x{i}"] - 0.4) ** 2 for i in range(4))
            trials = (*trials, finished(len(trials) + 1, proposal._replace(seen=k - 1), loss))
    assert min(values(trials)) < 1e-9


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 8))
def test_a_straggler_rewrites_nothing(chance: Random, slots: int) -> None:
    """Workers end in any order, the first trial and a person's own very late: a generation that was complete once is
    the same distribution for the rest of the search."""
    space = floats(2)
    own = finished(1, Proposal(space.configuration({"x0": 0.9, "x1": 0.9}), by="you"), 7.0)
    trials = [own._replace(state=TrialState.RUNNING, result=None)]
    running, revision, known = [0], 1, dict[int, tuple[float, ...]]()
    while len(trials) < 40:
        history = History(revision, tuple(trials), maximize=False)
        state = Cmaes().distribution(space, history, 0)
        told = (*state.mean, state.sigma, *state.C.ravel(), *state.path_c)
        assert known.setdefault(state.generation, told) == told
        if len(running) <= slots:
            (made,) = Cmaes().propose(space, history, 0, [len(trials)])
            running.append(len(trials))
            new = finished(len(trials) + 1, made._replace(seen=revision), None)
            trials.append(
                new._replace(state=TrialState.RUNNING, result=None, revision=(revision := revision + 1))
            )
        else:
            late = 2 if len(trials) < 30 else 0
            place = running.pop(chance.randrange(late, len(running)))
            assert trials[place].configuration is not None
            v = trials[place].configuration.values()
            result = Result(Outcome.SUCCEEDED, "", value=(v["x0"] - 0.2) ** 2 + v["x1"])
            revision += 1
            trials[place] = trials[place]._replace(
                state=TrialState.FINISHED, result=result, revision=revision
            )
    assert len(known) >= 4


def test_a_parallel_search_with_stragglers_is_replayed() -> None:
    """The record gives back the order in which the results came."""
    clock, chance = FakeClock(), Random(4)
    store = MemoryStore(clock)
    description = experiments.Description(
        "/p",
        floats(2),
        experiments.Algorithm("cmaes"),
        objective=experiments.Objective("loss", direction="minimize"),
        trials=40,
        seed=5,
    )
    e = store.open_experiment(description)[0].id
    while store.experiment(e).finished < 40:
        if len(store.held(e)) < 5 and top_up(store, e, description, 1, "w", clock):
            store.claim(e, 1, "w", f"claim {store.experiment(e).revision}")
            continue
        first, *others = store.held(e)
        ended = chance.choice(others or [first])  # the first stays as long as it can
        clock.advance(1.0)
        number = ended.id.trial
        value = sum(store.trial(e, number).configuration.values().values())
        store.finish(ended.id, Result(Outcome.SUCCEEDED, "", value=value))
    ended_at = [t.revision for t in store.trials(e)]
    assert ended_at != sorted(ended_at)
    again = list(replay(store, e, proposed_trials(store, e)))
    assert len(again) == 40 and all(one.agrees for one in again)
    assert {one.trial.proposal.note["generation"] for one in again if one.trial.proposal} >= {0, 1, 2, 3, 4}


ODD: dict[str, Objective] = {
    "nan": lambda v: math.nan,
    "inf": lambda v: math.inf if v["x0"] < 0.5 else -math.inf,
    "1e300": lambda v: 1.7e308 if v["x0"] < 0.5 else -1.7e308,
    "constant": lambda v: 7.0,
    "failing": lambda v: None if v["x0"] < 0.6 else v["x1"],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_objectives_are_ordinary(name: str) -> None:
    trials = search(floats(2), ODD[name], 120)
    assert len({t.configuration for t in trials}) == 120
    if name == "failing":
        assert sum(t.result.value is None for t in trials[60:] if t.result) < 20


def test_what_was_forgotten_is_computed_again() -> None:
    space = numeric_space()
    trials = search(space, lambda v: v["rate"] + v["layers"], 60)
    copied = tuple(t._replace() for t in trials)
    for n in (3, 20, 59):
        (again,) = Cmaes().propose(space, History(n, copied[:n], maximize=False), 0, [n + 1])
        assert again.configuration == trials[n].configuration


REFUSED = [
    (
        Space([Parameter("x", Float(0, 1)), Parameter("cell", Categorical.of(["gru", "lstm"]))]),
        "cmaes searches numbers, and parameter 'cell' is the list gru, lstm; use tpe",
    ),
    (
        Space([Parameter("n", Integer(1, 4)), Parameter("x", Float(0, 1), (Condition("n", ">=", (3,)),))]),
        "cmaes can't search parameter 'x', which exists only when n >= 3; use tpe",
    ),
]


@pytest.mark.parametrize(("space", "sentence"), REFUSED, ids=["category", "condition"])
def test_what_it_can_t_search(space: Space, sentence: str) -> None:
    with pytest.raises(SpaceError) as refused:
        Cmaes().propose(space, History(), 0, [1])
    assert str(refused.value) == sentence
