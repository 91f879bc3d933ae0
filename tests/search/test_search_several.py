"""Several objectives and constraints: the gain in hypervolume against sampling, and searches that are played to their end."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.description import Algorithm
from luthier.errors import SpaceError
from luthier.history import History
from luthier.search import searcher
from luthier.search.frame import Frame
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.kernel import Hyperparameters, Kernel
from luthier.search.gaussian.limits import Together, limit_of
from luthier.search.gaussian.posterior import condition
from luthier.search.gaussian.volume import Allowed, VolumeGain
from luthier.search.pareto import hypervolume
from luthier.space import Categorical, Condition, Float, Integer, Parameter, Space
from luthier.trial import Outcome, Result, Trial, TrialState

SQUARE = Space([Parameter("a", Float(0.0, 1.0)), Parameter("b", Float(0.0, 1.0))])
MIXED = Space(
    [
        Parameter("kind", Categorical.of(["x", "y", "z"])),
        Parameter("rate", Float(1e-3, 1.0, "log")),
        Parameter("depth", Integer(1, 6), (Condition("kind", "in", ("y",)),)),
    ]
)
LEARNERS = ["auto", "bayesian", "tpe"]


def processes(m, worlds=0, seed=0):
    """Posteriors over the unit square, one for each loss, and the losses they know. With `worlds`, two more results
    are imagined."""
    chance = np.random.default_rng(seed)
    X = chance.random((7, 2))
    made, known = [], []
    for _ in range(m):
        h = Hyperparameters(np.log([0.4, 0.7]), np.empty(0), 0.0, float(np.log(1e-6)))
        p = condition(Kernel(2), h, X, chance.normal(size=7))
        made.append(
            p.imagined(np.array([[0.2, 0.3], [0.9, 0.4]]), chance.normal(size=(2, worlds))) if worlds else p
        )
        known.append(made[-1].Y)
    fronts = [np.column_stack([Y[:, w] for Y in known]) for w in range(max(worlds, 1))]
    return made, fronts


@pytest.mark.parametrize(("m", "worlds"), [(1, 0), (2, 0), (3, 0), (2, 3)])
def test_the_gain_is_the_mean_improvement_of_the_hypervolume(m, worlds):
    posteriors, fronts = processes(m, worlds)
    reference = np.full(m, 1.5)
    gain = VolumeGain.of(posteriors, fronts, reference)
    X = np.array([[0.5, 0.5], [0.05, 0.9]])
    normals = np.random.default_rng(1).normal(size=(4000, m))
    for x, value in zip(X, gain.values(X), strict=True):
        won = []
        for w, front in enumerate(fronts):
            before = hypervolume(front, reference)
            parts = [p.predict(x[None]) for p in posteriors]
            means = np.array([mean[0, min(w, mean.shape[1] - 1)] for mean, _ in parts])
            spread = np.sqrt([variance[0] for _, variance in parts])
            drawn = means + spread * normals
            won += [hypervolume(np.vstack([front, y]), reference) - before for y in drawn[:2000]]
        error = np.std(won) / len(won) ** 0.5
        assert np.exp(value) == pytest.approx(np.mean(won), abs=5 * error)


@pytest.mark.parametrize("worlds", [0, 3])
@pytest.mark.parametrize("aimed", [False, True])
def test_the_gain_s_gradient_is_its_slope(worlds, aimed):
    posteriors, fronts = processes(3, worlds)
    chance = Together.of([limit(0), limit(1)])
    if aimed:
        gain = VolumeGain.aimed(posteriors, [front.min(axis=0) + 0.3 for front in fronts], chance)
    else:
        gain = VolumeGain.of(posteriors, fronts, np.full(3, 1.5), chance)
    X = np.random.default_rng(2).random((5, 2))
    value, slope = gain.gradient(X)
    assert value == pytest.approx(gain.values(X), rel=1e-9)
    for j in range(2):
        step = 1e-6 * np.eye(2)[j]
        want = (gain.values(X + step) - gain.values(X - step)) / 2e-6
        assert slope[:, j] == pytest.approx(want, rel=1e-3, abs=1e-3)


def test_the_gain_is_finite_where_there_is_hardly_any():
    posteriors, fronts = processes(2)
    gain = VolumeGain.of(posteriors, [fronts[0] - 30.0], np.array([-29.0, -29.0]))
    value, slope = gain.gradient(np.random.default_rng(3).random((20, 2)))
    assert np.isfinite(value).all() and np.isfinite(slope).all() and (value < -100).all()


def limit(seed):
    chance = np.random.default_rng(seed)
    rows = chance.random((30, 2))
    found, fit = limit_of(Features(Frame(SQUARE)), rows, 1e6 * (rows[:, seed] - 0.5), None)
    assert found is not None and fit is not None and fit[0] == 30
    return found


def test_a_limit_is_learned_on_any_scale():
    found = limit(0)
    inside, outside = np.exp(found.log_probability(np.array([[0.2, 0.5], [0.8, 0.5]])))
    assert inside > 0.95 and outside < 0.05


def test_a_constraint_that_was_never_broken_says_nothing():
    assert limit_of(Features(Frame(SQUARE)), np.random.rand(5, 2), np.full(5, -1.0), None) == (None, None)


def test_while_nothing_is_allowed_the_chance_to_be_is_climbed():
    posteriors, _ = processes(2)
    X = np.random.default_rng(4).random((3, 2))
    landscape = Allowed(tuple(posteriors), limit(0))
    assert landscape.values(X) == pytest.approx(limit(0).log_probability(X))
    assert landscape.lengths == pytest.approx(np.log([0.4, 0.7]))


def played(algorithm, space, f, trials, *, ways=("minimize", "minimize"), limits=0, workers=1, seed=1):
    """The history of a search of `f`, which returns values and excesses, or None to fail; the last `workers` - 1 trials
    are still running."""
    history = History(maximize=ways[0] == "maximize", target=trials, objectives=ways, constraints=limits)
    history = history._replace(objectives=ways if len(ways) > 1 else ())
    for number in range(1, trials + 1):
        made = searcher(Algorithm(algorithm)).propose(space, history, seed, [number])
        if not made:
            break
        trial = Trial(
            1,
            number,
            number,
            TrialState.RUNNING,
            made[0].configuration,
            1,
            number,
            made[0],
            None,
            0,
            0,
            None,
            number,
        )
        history = history._replace(trials=(*history.trials, trial), revision=2 * number)
        if number >= workers:
            history = ended(history, number - workers, f)
    return history


def ended(history, place, f):
    trial = history.trials[place]
    found = f(trial.configuration.values())
    result = Result(Outcome.FAILED, "it failed")
    if found is not None:
        values, excesses = found
        result = Result(Outcome.SUCCEEDED, "", values[0], values=values, constraints=excesses)
    done = trial._replace(state=TrialState.FINISHED, result=result, revision=2 * trial.number)
    return history._replace(trials=(*history.trials[:place], done, *history.trials[place + 1 :]))


def curve(values):
    """The front is where b = 0.3."""
    g = 1.0 + 5.0 * abs(values["b"] - 0.3)
    return (values["a"], g * (1.0 - (values["a"] / g) ** 0.5)), ()


def volume(history):
    return hypervolume(history.all_losses(), np.array([1.1, 1.1]))


def test_the_process_finds_more_of_a_front_than_random_search():
    found = [
        np.median([volume(played(name, SQUARE, curve, 30, seed=seed)) for seed in (1, 2, 3)])
        for name in ("bayesian", "random")
    ]
    assert found[0] > found[1] + 0.05
    assert found[0] > 0.75  # of 0.876


def test_tpe_finds_more_of_a_front_than_random_search():
    found = [
        np.mean([volume(played(name, SQUARE, curve, 60, seed=s)) for s in (1, 2, 3)])
        for name in ("tpe", "random")
    ]
    assert found[0] > found[1]


def test_what_is_maximized_is_made_large():
    def turned(values):
        (first, second), _ = curve(values)
        return (first, -second), ()

    one = played("bayesian", SQUARE, curve, 14)
    other = played("bayesian", SQUARE, turned, 14, ways=("minimize", "maximize"))
    shown = [[t.configuration.to_json() for t in history.trials] for history in (one, other)]
    assert shown[0] == shown[1]
    assert (one.all_losses() == other.all_losses()).all()


def uneasy(values):
    depth = values.get("depth", 3)
    if values["kind"] == "z":
        return None
    return (values["rate"] * depth, 1.0 / values["rate"] + depth), (values["rate"] - 0.5,)


@pytest.mark.parametrize("algorithm", LEARNERS)
def test_mixed_spaces_failures_constraints_and_workers_at_once(algorithm):
    history = played(algorithm, MIXED, uneasy, 30, limits=1, workers=4)
    configurations = [t.configuration for t in history.trials]
    for configuration in configurations:
        MIXED.validate(configuration)
    assert len(set(configurations)) == 30
    last = [t for t in history.trials[15:27] if t.result]
    assert sum(t.result.outcome is Outcome.FAILED for t in last) <= 5


@pytest.mark.parametrize("algorithm", LEARNERS)
def test_a_proposal_is_a_function_of_the_record(algorithm):
    history = played(algorithm, SQUARE, curve, 13, workers=3)
    engine = searcher(Algorithm(algorithm))
    one = engine.propose(SQUARE, history, 1, [14])
    played(algorithm, SQUARE, curve, 6, seed=9)  # what else was searched meanwhile
    again = engine.propose(
        SQUARE, history._replace(trials=tuple(t._replace() for t in history.trials)), 1, [14]
    )
    assert one == again
    both = engine.propose(SQUARE, history, 1, [14, 15])
    assert both[0] == one[0] and both[1].configuration != one[0].configuration


@pytest.mark.parametrize("algorithm", LEARNERS)
def test_a_finite_space_is_searched_to_its_end(algorithm):
    space = Space([Parameter("n", Integer(1, 4)), Parameter("c", Categorical.of(["p", "q", "r"]))])

    def f(values):
        return (float(values["n"]), -float(values["n"]) + (values["c"] == "q")), ()

    history = played(algorithm, space, f, 15)
    assert len(history.trials) == 12 == len({t.configuration for t in history.trials})


def test_one_objective_with_a_constraint_ends_at_the_border():
    def f(values):
        return (-values["a"] - values["b"],), ((values["a"] - 0.1) ** 2 + (values["b"] - 0.2) ** 2 - 0.3,)

    history = played("auto", SQUARE, f, 30, ways=("minimize",), limits=1)
    allowed = [t.result.value for t in history.trials if t.result.is_allowed]
    assert len(allowed) >= 8
    assert min(allowed) == pytest.approx(-0.3 - 0.6**0.5, abs=0.01)


def test_a_tiny_allowed_corner_is_found():
    def f(values):
        return (values["a"], 1.0 - values["b"]), (0.9 - values["a"], values["b"] - 0.1)

    history = played("bayesian", SQUARE, f, 25, limits=2)
    assert sum(t.result.is_allowed for t in history.trials) >= 6


@pytest.mark.parametrize("values", [(1.0, 2.0), (float("nan"), float("inf"))])
def test_results_that_say_nothing_are_survived(values):
    history = played("auto", SQUARE, lambda _: (values, (float("nan"),)), 14, limits=1)
    assert len({t.configuration for t in history.trials}) == 14


def test_four_objectives_take_directions():
    def f(values):
        a, b = values["a"], values["b"]
        return (a, b, abs(1 - a), abs(1 - b)), ()

    history = played("bayesian", SQUARE, f, 14, ways=("minimize",) * 4)
    assert len(history.trials[-1].proposal.note["predicted"]) == 4


def test_a_note_says_what_was_fitted_and_the_next_proposal_begins_there():
    history = played("bayesian", SQUARE, curve, 12)
    note = history.trials[-1].proposal.note
    assert len(note["objectives"]) == len(note["predicted"]) == len(note["transforms"]) == 2


def test_cmaes_says_that_it_follows_one_objective():
    with pytest.raises(SpaceError, match="one objective"):
        searcher(Algorithm("cmaes")).propose(SQUARE, History(objectives=("minimize",) * 2), 1, [1])
