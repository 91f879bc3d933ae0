"""What every searcher that learns promises: pure, no repeats, away from failures, calm under any result."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

from luthier.history import History
from luthier.search.auto import Auto
from luthier.search.frame import frame_of
from luthier.search.gaussian import Bayesian, Taste, believed_draws, slices
from luthier.search.tpe import Tpe
from luthier.space import Categorical, Condition, Configuration, Float, Integer, Normal, Parameter, Space
from luthier.testing.searcher import SearcherContract
from luthier.trial import Observation, Outcome, Proposal, Result, Trial, TrialState

LEARNERS = [Bayesian("ucb"), Bayesian("ei"), Auto(), Tpe()]
IDS = ["ucb", "ei", "auto", "tpe"]
LINE = Space([Parameter("x", Float(0.0, 1.0))])
PLANE = Space([Parameter("x", Float(-5.0, 5.0)), Parameter("y", Float(-5.0, 5.0))])


class TestBayesian(SearcherContract):
    def make(self):
        return Bayesian()


class TestAuto(SearcherContract):
    def make(self):
        return Auto()

    def test_proposals_say_who_and_which(self):
        for space in self.spaces():
            made = self.propose(space, [4, 2, 9])
            assert [p.ordinal for p in made] == [4, 2, 9]
            assert {p.by for p in made} <= {"auto", "bayesian", "tpe"}


def ended(number: int, proposal: Proposal, value: float | None) -> Trial:
    outcome = Outcome.FAILED if value is None else Outcome.SUCCEEDED
    result = Result(outcome, "it ended", value=value, seconds=60.0)
    return Trial(
        1,
        number,
        number,
        TrialState.FINISHED,
        proposal.configuration,
        1,
        number,
        proposal,
        result,
        0.0,
        0.0,
        1.0,
        number,
    )


def begun(number: int, proposal: Proposal, state=TrialState.RUNNING, attempt=1) -> Trial:
    return Trial(
        1,
        number,
        number,
        state,
        proposal.configuration,
        attempt,
        number,
        proposal,
        None,
        0.0,
        0.0,
        None,
        number,
    )


def search(learner, space, objective, trials, seed=1, maximize=False, target=None) -> list[Trial]:
    """A serial search; `objective` takes the plain values and gives a number, or None for a failure."""
    made: list[Trial] = []
    for n in range(1, trials + 1):
        history = History(n - 1, tuple(made), maximize, target or trials)
        found = learner.propose(space, history, seed, [n])
        if not found:
            break
        made.append(ended(n, found[0], objective(found[0].configuration.values())))
    return made


def bowl(values) -> float:
    return (values["x"] - 1.0) ** 2 + (values["y"] + 2.0) ** 2


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_it_finds_the_bottom_of_a_bowl(learner):
    best = min(t.result.value for t in search(learner, PLANE, bowl, 40))
    assert best < (0.5 if isinstance(learner, Tpe) else 0.01)


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_spell_s_line_ends_near_its_top(learner):
    trials = search(learner, LINE, lambda v: -((v["x"] - 0.3) ** 2), 12, maximize=True)
    assert abs(max(trials, key=lambda t: t.result.value).configuration.values()["x"] - 0.3) < 0.05


MIXED = Space(
    [
        Parameter("rate", Float(1e-4, 1.0, "log")),
        Parameter("layers", Integer(1, 30)),
        Parameter("kind", Categorical.of(["a", "b", "c"])),
        Parameter("momentum", Float(0.0, 1.0), (Condition("kind", "in", ("a", "b")),)),
    ]
)


def mixed(values) -> float | None:
    if values["layers"] > 25:
        return None
    loss = (math.log10(values["rate"]) + 2) ** 2 + abs(values["layers"] - 7) * 0.1 + (values["kind"] != "b")
    return loss + (values.get("momentum", 0.5) - 0.9) ** 2


RECOMPUTE = """
import pickle, sys
learner, space, trials, places = pickle.loads(sys.stdin.buffer.read())
from luthier.history import History
for k in places:
    made = learner.propose(space, History(k, tuple(trials[:k]), False, len(trials)), 1, [k + 1])
    print(made[0].configuration.to_json())
"""


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_killed_at_any_trial_it_goes_on_the_same(learner):
    """Every proposal of 100 is recomputed by a process that has seen nothing, the last ones first."""
    trials = search(learner, MIXED, mixed, 100)
    assert len(trials) == 100
    places = list(reversed(range(100)))
    done = subprocess.run(
        [sys.executable, "-c", RECOMPUTE],
        input=pickle.dumps((learner, MIXED, trials, places)),
        capture_output=True,
        check=True,
    )
    again = done.stdout.decode().splitlines()
    assert again == [trials[k].configuration.to_json() for k in places]


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_proposals_are_always_inside_and_never_repeated(learner):
    trials = search(learner, MIXED, mixed, 60, seed=3)
    for trial in trials:
        MIXED.validate(trial.configuration)
    assert len({t.configuration for t in trials}) == 60


def failures(learner, objective) -> float:
    """How many of trials 51 to 150 fail, on average over three seeds."""
    counts = []
    for seed in (1, 2, 3):
        trials = search(learner, PLANE, objective, 150, seed=seed)
        counts.append(sum(t.result.value is None for t in trials[50:]))
    return sum(counts) / len(counts)


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
@pytest.mark.parametrize("border", [0.0, -1.0], ids=["bottom inside", "bottom on the border"])
def test_half_of_the_space_failing_is_left_alone(learner, border):
    if isinstance(learner, Tpe) and border:
        pytest.skip("TPE's densities know a border less sharply: 17 % fail there")
    assert failures(learner, lambda v: None if v["x"] + v["y"] > border else bowl(v)) < 15


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_a_failing_corner_is_left_alone(learner):
    """The corner holds 12 % of the space; the bowl's bottom lies a twentieth of the space's width beside it."""
    fails = failures(
        learner, lambda v: None if v["x"] > 1.5 and v["y"] > 1.57 else bowl({**v, "y": v["y"] - 3})
    )
    assert fails < 5


@pytest.mark.parametrize("learner", LEARNERS[:3], ids=IDS[:3])
def test_where_hardly_anything_works_what_works_is_found(learner):
    """Three parameters of which a twenty-fifth works: 100 random draws find 4."""
    cube = Space([Parameter(n, Float(0.0, 1.0)) for n in "abc"])
    trials = search(
        learner,
        cube,
        lambda v: sum(v.values()) if max(abs(u - 0.7) for u in v.values()) < 0.17 else None,
        100,
    )
    assert sum(t.result.value is not None for t in trials) > 40


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
@pytest.mark.parametrize(
    "domain",
    [Normal(0.0, 3.0, 1.0), Integer(1, 10_000), Float(0.0, 1.0, step=0.0001)],
    ids=["normal", "integer", "step"],
)
def test_values_on_a_fine_lattice_are_not_tried_twice(learner, domain):
    space = Space([Parameter("x", domain)])
    trials = search(learner, space, lambda v: abs(v["x"] - 0.3), 14)
    assert len({t.configuration for t in trials}) == len(trials) == 14


@pytest.mark.parametrize(
    "learner",
    [Bayesian(repeats=True), Auto(repeats=True), Tpe(repeats=True)],
    ids=["bayesian", "auto", "tpe"],
)
def test_with_repeats_a_small_space_goes_on(learner):
    space = Space([Parameter("x", Integer(1, 3))])
    assert len(search(learner, space, lambda v: v["x"], 12)) == 12
    assert len(search(learner, space, lambda v: 1.0, 12)) == 12
    assert len(search(learner, space, lambda v: None, 12)) == 12


def test_short_trials_get_a_model_again_when_it_is_affordable():
    """Proposals that took too long for a while make the search think less, not for ever."""

    def history(seconds: float, cost: float) -> History:
        trials = search(Auto(), PLANE, bowl, 30)
        slow = [
            t._replace(proposal=t.proposal._replace(seconds=cost), result=t.result._replace(seconds=seconds))
            for t in trials
        ]
        return History(30, tuple(slow), False, 100)

    def arms(seen: History) -> set[str]:
        return {Auto().propose(PLANE, seen, 1, [n])[0].by for n in range(31, 60)}

    assert "light" not in Auto().propose(PLANE, history(60.0, 2.0), 1, [31])[0].note
    slow = [Auto().propose(PLANE, history(0.01, 2.0), 1, [n])[0] for n in range(31, 60)]
    assert any(p.note.get("light") for p in slow) and any(
        p.by == "bayesian" and "light" not in p.note for p in slow
    )
    assert arms(history(0.01, 0.02)) == {"bayesian", "tpe"}


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_a_space_of_300_gives_150_different_ones(learner):
    space = Space(
        [
            Parameter("a", Integer(1, 10)),
            Parameter("b", Integer(1, 6)),
            Parameter("c", Categorical.of(list("vwxyz"))),
        ]
    )
    trials = search(learner, space, lambda v: abs(v["a"] - 4) + abs(v["b"] - 2) + (v["c"] != "x"), 150)
    assert len({t.configuration for t in trials}) == 150


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_a_finite_space_is_enumerated_to_its_end(learner):
    space = Space([Parameter("a", Integer(1, 5)), Parameter("b", Categorical.of(["x", "y", "z"]))])
    trials = search(learner, space, lambda v: v["a"] + (v["b"] == "y"), 40)
    assert len(trials) == 15
    assert len({t.configuration for t in trials}) == 15


STRANGE = {
    "NaN": lambda v: math.nan,
    "some NaN": lambda v: math.nan if v["x"] > 0 else bowl(v),
    "infinite": lambda v: math.inf if v["x"] > 1 else -math.inf if v["x"] < -4 else bowl(v),
    "huge": lambda v: 1e300 * bowl(v) if v["y"] > 0 else bowl(v),
    "both huge": lambda v: math.copysign(1.7e308, v["x"]),
    "constant": lambda v: 1.0,
    "nearly constant": lambda v: 1.0 + 1e-16 * (v["x"] > 0),
    "tiny": lambda v: 1e-320 * bowl(v),
    "all fail": lambda v: None,
}


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
@pytest.mark.parametrize("objective", STRANGE.values(), ids=STRANGE.keys())
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.filterwarnings("error")
def test_strange_results_are_ordinary_input(learner, objective, maximize):
    trials = search(learner, PLANE, objective, 25, maximize=maximize)
    assert len({t.configuration for t in trials}) == 25
    for trial in trials:
        mean, deviation = trial.proposal.mean, trial.proposal.deviation
        assert mean is None or math.isfinite(mean)
        assert deviation is None or (math.isfinite(deviation) and deviation >= 0)
        json.dumps(trial.proposal.note, allow_nan=False)


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_abandoned_trials_change_nothing(learner):
    trials = search(learner, PLANE, bowl, 20)
    left = [
        begun(
            21 + k, Proposal(PLANE.configuration({"x": 1.0 + 0.05 * k, "y": -2.0}), "ei"), TrialState.QUEUED
        )
        for k in range(4)
    ]
    alone = learner.propose(PLANE, History(20, tuple(trials), False, 100), 1, [25])
    beside = learner.propose(PLANE, History(24, (*trials, *left), False, 100), 1, [25])
    assert alone[0].configuration == beside[0].configuration


@pytest.mark.parametrize("learner", LEARNERS[:3], ids=IDS[:3])
def test_running_trials_keep_others_away(learner):
    """Eight workers at once: nothing alike side by side, though one point promises most."""
    trials = search(learner, PLANE, bowl, 20)
    running: list[Trial] = []
    for n in range(21, 29):
        made = learner.propose(PLANE, History(n, (*trials, *running), False, 100), 1, [n])
        running.append(begun(n, made[0]))
    rows = frame_of(PLANE).encode([t.configuration for t in running])
    gaps = np.abs(rows[:, None] - rows[None]).max(axis=2) + np.eye(8)
    assert gaps.min() > 1e-3


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_a_batch_counts_its_own_as_running(learner):
    trials = search(learner, PLANE, bowl, 12)
    made = learner.propose(PLANE, History(12, tuple(trials), False, 100), 1, range(13, 21))
    assert [p.ordinal for p in made] == list(range(13, 21))
    assert len({p.configuration for p in made}) == 8


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_a_warm_start_begins_with_what_was_best_elsewhere(learner):
    earlier = tuple(
        Observation(t.configuration, t.result.value, f"7.{t.number}")
        for t in search(learner, PLANE, bowl, 30, seed=9)
    )
    trials: list[Trial] = []
    for n in range(1, 7):
        made = learner.propose(PLANE, History(n, tuple(trials), False, 50, earlier), 1, [n])
        trials.append(ended(n, made[0], bowl(made[0].configuration.values())))
    assert min(t.result.value for t in trials) <= min(o.value for o in earlier) + 0.5
    cold = search(learner, PLANE, bowl, 6)
    assert min(t.result.value for t in trials) < min(t.result.value for t in cold)


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
@pytest.mark.parametrize("scale", [1.0, 100.0], ids=["same quantity", "another scale"])
def test_a_warm_start_does_not_hold_a_search_back(learner, scale):
    """After 20 trials it is no worse than without, also where the other experiment measured on another scale."""
    earlier = tuple(
        Observation(t.configuration, scale * t.result.value + 3 * (scale - 1), f"7.{t.number}")
        for t in search(learner, PLANE, bowl, 30, seed=9)
    )
    warm: list[Trial] = []
    for n in range(1, 21):
        made = learner.propose(PLANE, History(n, tuple(warm), False, 50, earlier), 1, [n])
        warm.append(ended(n, made[0], bowl(made[0].configuration.values())))
    cold = search(learner, PLANE, bowl, 20, target=50)
    enough = 1.0 if isinstance(learner, Tpe) else 0.05
    assert min(t.result.value for t in warm) < max(2 * min(t.result.value for t in cold), enough)


def test_draws_of_what_is_believed_are_near_the_values_where_nothing_is_noisy():
    trials = search(Bayesian("ei"), PLANE, bowl, 25)
    history = History(25, tuple(trials), False, 50)
    middle, drawn = believed_draws(PLANE, history, 200)
    spread = np.std(history.values())
    assert np.abs(middle - history.values()).max() < 0.1 * spread
    assert np.abs(drawn - history.values()).max() < 0.5 * spread


def test_predictions_of_a_noisy_objective_hold_what_comes():
    """A prediction is of the result, noise and all: of the last 40 of 60 most fall inside their 95 % band."""
    chance = np.random.default_rng(3)
    trials = search(Bayesian("ei"), PLANE, lambda v: bowl(v) + 3.0 * chance.standard_normal(), 60)
    inside = [
        abs(t.result.value - t.proposal.mean) <= 2.0 * t.proposal.deviation
        for t in trials[20:]
        if t.proposal.mean is not None
    ]
    assert sum(inside) > 0.8 * len(inside)


@pytest.mark.parametrize("learner", LEARNERS, ids=IDS)
def test_a_person_s_first_trial_stands_for_the_centre(learner):
    own = begun(1, Proposal(LINE.configuration({"x": 0.9}), "you"))._replace(proposal=None)
    made = learner.propose(LINE, History(1, (own,), False, 20), 1, [1])
    assert made[0].configuration != Configuration.of([("x", LINE["x"].domain.from_unit(0.5))])


def test_slices_go_through_the_configuration():
    trials = search(Bayesian("ei"), MIXED, mixed, 25)
    history = History(25, tuple(trials), False, 50)
    configuration = trials[-1].configuration
    found = {s.parameter: s for s in slices(MIXED, history, configuration, Taste())}
    assert set(found) == set(configuration)
    for one in found.values():
        assert (one.low <= one.mean + 1e-9).all() and (one.mean <= one.high + 1e-9).all()
        assert one.promise.min() >= 0 and one.promise.max() <= 1
        assert len(one.texts) == len(one.units) == len(one.mean)
    assert found["kind"].texts == ("a", "b", "c")
