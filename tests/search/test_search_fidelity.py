"""Trials that stand part of the way: the process that learns from them, checked by other arithmetic, and what a search
gains by it."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.history import History
from luthier.search.auto import Auto
from luthier.search.cmaes import Cmaes
from luthier.search.frame import frame_of
from luthier.search.gaussian import Bayesian, believed_draws
from luthier.search.gaussian.evidence import evidence_of
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.fit import objective
from luthier.search.gaussian.kernel import Kernel
from luthier.search.gaussian.model import Memory, believe
from luthier.search.gaussian.outputs import TRANSFORMS, Outputs
from luthier.search.gaussian.posterior import condition
from luthier.search.gaussian.priors import prior_for
from luthier.search.tpe import Tpe
from luthier.space import Configuration, Float, Parameter, Space
from luthier.trial import Outcome, Proposal, Result, Trial, TrialState

PLANE = Space([Parameter("x", Float(0.0, 1.0)), Parameter("y", Float(0.0, 1.0))])
LEARNERS = [Bayesian("ucb"), Bayesian("ei"), Auto(), Tpe(), Cmaes()]
IDS = ["ucb", "ei", "auto", "tpe", "cmaes"]


# ---------------------------------------------------------------------- the process


def some(n=20, seed=0):
    chance = np.random.default_rng(seed)
    X = np.hstack([chance.random((n, 2)), chance.integers(0, 3, (n, 1))]).astype(float)
    short = np.where(np.arange(n) % 3, chance.random(n), 0.0)
    return X, chance.normal(size=n), short


def drawn(kernel, seed, warp=False):
    prior = prior_for(kernel, warp=warp)
    vector = prior.centre + 0.5 * np.random.default_rng(seed).normal(size=len(prior.centre))
    return prior, vector


def test_the_covariance_is_that_of_a_function_and_a_discrepancy_that_fades():
    X, _, short = some()
    kernel = Kernel(2, (3,), is_partway=True)
    _, vector = drawn(kernel, 1)
    h = kernel.hyperparameters(vector)
    plain = Kernel(2, (3,))
    k = plain.covariance(X, X, plain.hyperparameters(vector[:-3]))
    fading = short ** np.exp(vector[-2])
    expected = k + np.exp(vector[-3]) * k * np.outer(fading, fading)
    points = kernel.points(X, h, short)
    assert kernel.matrices(points, points, h)[0] == pytest.approx(expected, rel=1e-10)
    ends = kernel.points(X, h)
    assert kernel.matrices(ends, points, h)[0] == pytest.approx(
        k, rel=1e-12
    )  # at the end nothing is left of it
    noise = np.exp(vector[-4]) + np.exp(vector[-1]) * short**2
    assert kernel.noise(h, short) == pytest.approx(noise)
    assert np.array_equal(h.to_vector(), vector)


@pytest.mark.parametrize("family", ["matern52", "squared exponential"])
@pytest.mark.parametrize("warp", [False, True])
def test_the_likelihood_s_gradient_against_finite_differences(family, warp):
    X, y, short = some(30)
    kernel = Kernel(2, (3,), family, is_partway=True)
    prior, vector = drawn(kernel, 2, warp)
    _, gradient = objective(kernel, prior, X, y, vector, short)
    step = 1e-5
    for k, unit in enumerate(np.eye(len(vector))):
        up, down = (objective(kernel, prior, X, y, vector + s * step * unit, short)[0] for s in (1, -1))
        assert gradient[k] == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-4), k


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 25), st.booleans())
def test_covariances_are_positive_definite(seed, n, at_one_place):
    X, _, short = some(n, seed)
    X = np.repeat(X[:1], n, axis=0) if at_one_place else X
    kernel = Kernel(2, (3,), is_partway=True)
    prior, _ = drawn(kernel, seed)
    vector = np.random.default_rng(seed).uniform(prior.low, prior.high)
    h = kernel.hyperparameters(vector)
    points = kernel.points(X, h, short)
    K, _ = kernel.matrices(points, points, h)
    assert np.allclose(K, K.T)
    assert np.linalg.eigvalsh(K).min() >= -1e-9 * K.max() * n


def test_what_is_imagined_and_predicted_is_at_the_end():
    X, y, short = some(12)
    kernel = Kernel(2, (3,), is_partway=True)
    _, vector = drawn(kernel, 3)
    h = kernel.hyperparameters(vector)
    posterior = condition(kernel, h, X, y, short)
    P, _, _ = some(3, 5)
    Q, _, _ = some(5, 6)
    worlds = posterior.imagined(P, np.random.default_rng(3).standard_normal((3, 4)))
    mean, variance = worlds.predict(Q)
    for w in range(4):
        again = condition(kernel, h, worlds.X, worlds.Y[:, w], np.concatenate([short, np.zeros(3)]))
        m, v = again.predict(Q)
        assert mean[:, w] == pytest.approx(m[:, 0], rel=1e-7, abs=1e-9)
        assert variance == pytest.approx(v, rel=1e-7, abs=1e-12)


def test_what_was_seen_on_the_way_is_believed_less_the_further_the_end_is():
    kernel = Kernel(2, (), is_partway=True)
    h = kernel.hyperparameters(prior_for(kernel).centre)
    X, y = np.array([[0.5, 0.5]]), np.array([-1.0])
    means, variances = zip(
        *(condition(kernel, h, X, y, np.array([t])).predict(X) for t in (0.0, 0.2, 1.0)), strict=True
    )
    assert means[0][0, 0] < means[1][0, 0] < means[2][0, 0] < 0
    assert variances[0][0] < variances[1][0] < variances[2][0] < np.exp(h.signal)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_other_losses_go_through_the_same_transform(transform):
    losses = np.random.default_rng(0).lognormal(size=30)
    outputs = Outputs.of(losses, transform)
    assert outputs.forward(losses) == pytest.approx(outputs.y, abs=1e-12)
    more = np.sort(np.concatenate([losses, [-5.0, 1e9], losses[:-1] / 2 + losses[1:] / 2]))
    made = outputs.forward(more)
    assert (np.diff(made) >= 0).all() and np.isfinite(made).all()


# ---------------------------------------------------------------------- searches


def trial(number, x, y, outcome, curve, state=TrialState.FINISHED):
    configuration = Configuration({"x": x, "y": y})
    result = Result(outcome, "", value=curve[-1][1] if curve else None, seconds=60.0, curve=tuple(curve))
    proposal = Proposal(configuration, by="bayesian", ordinal=number)
    return Trial(1, number, number, state, configuration, 1, number, proposal, result, 0.0, 0.0, 1.0, number)


def scene(n=24, seed=0):
    """A bowl around (0.3, 0.6) whose losses rise on the way; two in three trials were stopped at 1, one waits at 4."""
    chance = np.random.default_rng(seed)
    trials = []
    for number in range(1, n + 1):
        x, y = chance.random(2).tolist()
        final = (x - 0.3) ** 2 + (y - 0.6) ** 2
        whole = [(1.0, 0.3 * final), (4.0, 0.6 * final), (16.0, final)]
        if number % 3 == 0:
            trials.append(trial(number, x, y, Outcome.SUCCEEDED, whole))
        elif number == 4:
            trials.append(trial(number, x, y, Outcome.SUCCEEDED, whole[:2], TrialState.WAITING))
        else:
            trials.append(trial(number, x, y, Outcome.STOPPED, whole[:1]))
    return History(revision=n, trials=tuple(trials), maximize=False)


@pytest.mark.parametrize("searcher", LEARNERS, ids=IDS)
def test_every_searcher_goes_on_and_tries_nothing_twice(searcher):
    history = scene()
    made = searcher.propose(PLANE, history, 3, [30, 31, 32])
    assert len({p.configuration for p in made}) == 3
    assert not {p.configuration for p in made} & {t.configuration for t in history.trials}
    again = searcher.propose(
        PLANE, history._replace(trials=tuple(t._replace() for t in history.trials)), 3, [30, 31, 32]
    )
    assert [p.configuration for p in made] == [p.configuration for p in again]


@pytest.mark.parametrize("searcher", LEARNERS, ids=IDS)
def test_nothing_breaks_where_nothing_is_complete_or_a_number(searcher):
    history = scene()
    for trials in (
        [t for t in history.trials if t.result.outcome is Outcome.STOPPED],
        [t._replace(result=t.result._replace(curve=tuple((r, math.nan) for r, _ in t.result.curve), value=math.nan))
         if t.number % 2 else t for t in history.trials],
        [t._replace(result=t.result._replace(curve=((1.0, 1e308),), value=1e308)) for t in history.trials],
    ):  # fmt: skip
        assert len(searcher.propose(PLANE, history._replace(trials=tuple(trials)), 3, [30])) == 1


def test_the_belief_is_of_the_end():
    """Every stopped trial had a smaller loss than any complete one, and still the bowl is seen as it is."""
    history = scene(36)
    frame = frame_of(PLANE)
    evidence = evidence_of(frame, history)
    features = Features(frame)
    belief = believe(features, evidence, Memory.of(history), 0)
    assert belief is not None and evidence.partway is not None
    at = np.array([[0.3, 0.6], [0.9, 0.1]])
    mean, _ = belief.posterior.predict(features.of(at))
    losses, _ = belief.losses(mean[:, 0], np.zeros(2))
    assert losses[0] < 0.05 and losses[1] > 0.3
    complete = [t.result.value for t in history.complete if t.result]
    assert belief.outputs.back(np.array([belief.incumbent()]))[0] <= min(complete) + 1e-9
    assert evidence.failed.shape == (0, 2) and evidence.running.shape == (0, 2)


def test_draws_of_beliefs_are_of_the_scored():
    history = scene()
    made = believed_draws(PLANE, history, 16)
    assert made is not None
    assert made[0].shape == (len(history.scored),) and made[1].shape == (16, len(history.scored))


def test_with_several_objectives_a_stopped_trial_counts_as_ever():
    history = scene()
    several = history._replace(objectives=("minimize", "minimize"))
    plain = [t._replace(result=t.result._replace(curve=())) for t in history.trials]
    made = [
        Auto().propose(PLANE, several._replace(trials=tuple(t)), 3, [30])[0] for t in (history.trials, plain)
    ]
    assert made[0].configuration == made[1].configuration


# ---------------------------------------------------------------------- what it gains

EPOCHS, RUNGS, THIRD = 27, (1, 3, 9), 3
CUBE = Space([Parameter(f"x{j}", Float(0.0, 1.0)) for j in range(4)])


def curve_at(x, seed, number):
    """Losses that rise to the end, the worse the steeper, so that early ones are better than any last one."""
    chance = np.random.default_rng([seed, number])
    centre = np.random.default_rng(seed).uniform(0.2, 0.8, 4)
    final = float(np.array([3.0, 2.0, 1.0, 0.5]) @ (x - centre) ** 2)
    epochs = np.arange(1, EPOCHS + 1)
    curve = final - (0.3 + 0.4 * final) * (epochs**-0.6 - EPOCHS**-0.6)
    return curve + 0.01 * chance.normal(size=EPOCHS), final


class Simulated:
    """A search with four workers and a rule that lets a third go on at each rung; `how` is what the search is told of
    the trials that were stopped."""

    def __init__(self, how, seed):
        self.how, self.seed = how, seed
        self.searcher = Bayesian("ei")
        self.trials, self.curves = {}, {}
        self.at_rung = {r: [] for r in RUNGS}
        self.running = []
        self.best = math.inf

    def begin(self, now):
        number = len(self.trials) + 1
        history = History(len(self.trials), tuple(self.trials.values()), maximize=False)
        proposal = self.searcher.propose(CUBE, history, self.seed, [number])[0]
        x = np.array([proposal.configuration[f"x{j}"].value for j in range(4)])
        self.curves[number] = curve_at(x, self.seed, number)
        begun = trial(number, 0.0, 0.0, Outcome.LOST, ())
        self.trials[number] = begun._replace(
            state=TrialState.RUNNING,
            configuration=proposal.configuration,
            proposal=proposal,
            result=None,
        )
        heapq.heappush(self.running, (now + 1, number, 1))

    def is_stopped(self, epoch, value):
        if epoch not in self.at_rung:
            return False
        known = self.at_rung[epoch]
        known.append(value)
        return len(known) >= THIRD and sorted(known).index(value) + 1 > math.ceil(len(known) / THIRD)

    def end(self, number, epoch):
        curve, final = self.curves[number]
        steps = sorted({*(r for r in RUNGS if r < epoch), epoch})
        seen = (
            tuple((float(r), float(curve[r - 1])) for r in steps) if self.how == "at their fidelity" else ()
        )
        stopped = Outcome.KILLED if self.how == "dropped" else Outcome.STOPPED
        outcome = Outcome.SUCCEEDED if epoch == EPOCHS else stopped
        result = Result(outcome, "", value=float(curve[epoch - 1]), seconds=60.0, curve=seen)
        self.trials[number] = self.trials[number]._replace(state=TrialState.FINISHED, result=result)
        if epoch == EPOCHS:
            self.best = min(self.best, final)

    def run(self, epochs):
        """The best last loss, without its noise, that so many epochs buy."""
        for _ in range(4):
            self.begin(0)
        for _ in range(epochs):
            now, number, epoch = heapq.heappop(self.running)
            if self.is_stopped(epoch, float(self.curves[number][0][epoch - 1])) or epoch == EPOCHS:
                self.end(number, epoch)
                self.begin(now)
            else:
                heapq.heappush(self.running, (now + 1, number, epoch + 1))
        return self.best


def test_stopped_trials_at_their_fidelity_beat_dropping_them_and_taking_them_as_they_are():
    means = {
        how: float(np.mean([np.log10(Simulated(how, seed).run(400) + 1e-3) for seed in range(3)]))
        for how in ("at their fidelity", "dropped", "as they are")
    }
    assert means["at their fidelity"] < min(means["dropped"], means["as they are"]) - 0.5, means
