"""What `luthier explain` gathers and draws: the belief a proposal was made with, axes, charts of characters, SVG."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.clock import FakeClock
from luthier.description import Algorithm, Description, Objective
from luthier.drive.planning import top_up
from luthier.errors import NotFound, UsageError
from luthier.search.gaussian import Slice
from luthier.space import Categorical, Condition, Configuration, Float, Integer, Normal, Parameter, Space
from luthier.space.domains import Domain
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.trial import Outcome, Result
from luthier.view.explaining import Along, Dot, rationale, standing, steps
from luthier.view.explanation import explained
from luthier.view.pictures import PLOT, PROMISE, framed, scatter, sheet, slice_picture
from luthier.view.predictions import Prediction
from luthier.view.scales import nice, range_of, ticks_along, written
from luthier.view.text_chart import ASCII, UNICODE, Marks, chart

SVG = "{http://www.w3.org/2000/svg}"
LADDER = Space([Parameter("n", Integer(0, 40)), Parameter("fixed", Integer(3, 4))])
MIXED = Space(
    [
        Parameter("x", Float(0.0, 1.0)),
        Parameter("kind", Categorical.of(["a", "b"])),
        Parameter("only_b", Float(0.0, 1.0), (Condition("kind", "==", ("b",)),)),
    ]
)


def searched(
    space: Space, worth: Callable[[Configuration], float | None], trials: int, algorithm: str = "bayesian"
) -> Store:
    """Experiment 1, a search that ran one trial after another; None fails."""
    clock = FakeClock()
    store = MemoryStore(clock)
    goal = Objective("score")
    what = Description("/p", space, Algorithm(algorithm), objective=goal, trials=trials, seed=5)
    record, _ = store.open_experiment(what)
    what = record.description._replace(seed=record.seed)
    for _ in range(trials):
        top_up(store, 1, what, 1, "w", clock)
        (claim,) = store.claim(1, 1, "w", f"c{clock.now()}", 60.0)
        clock.advance(1.0)
        value = worth(claim.configuration)
        outcome = Outcome.FAILED if value is None else Outcome.SUCCEEDED
        store.finish(claim.id, Result(outcome, "it ended", value))
    return store


def hill(configuration: Configuration) -> float:
    return -((configuration["n"].value - 27) ** 2) / 100 + configuration["fixed"].value


@pytest.fixture(scope="module")
def ladder() -> Store:
    return searched(LADDER, hill, 14)


# ---------------------------------------------------------------------- what is gathered


def test_the_picture_of_a_proposal_passes_through_what_it_predicted(ladder: Store) -> None:
    """Recomputed from the record, the belief at the place is the mean that was written then."""
    looked_at = 0
    for trial in ladder.trials(1):
        why = trial.proposal
        assert why is not None and why.ordinal is not None
        if why.mean is None:
            continue
        found = rationale(ladder, ladder.experiment(1), trial.number)
        assert found.is_then and found.results == trial.number - 1
        for along in found.along:
            assert along.mean == pytest.approx(why.mean, rel=1e-6)
            assert len(along.dots) == trial.number - 1
            looked_at += 1
    assert looked_at >= 10


def test_the_most_influential_parameter_comes_first(ladder: Store) -> None:
    found = standing(ladder, ladder.experiment(1)).along
    assert [along.parameter for along in found] == ["n", "fixed"]
    assert found[0].influence > found[1].influence > 0


def test_steps_show_what_each_proposal_saw(ladder: Store) -> None:
    whole = list(steps(ladder, ladder.experiment(1), "n"))
    assert [step.trial.number for step in whole] == list(range(1, 15))
    assert [step.results for step in whole] == list(range(14))
    assert whole[0].along.belief is None and whole[-1].along.belief is not None
    few = list(steps(ladder, ladder.experiment(1), "n", most=5))
    assert len(few) == 5 and (few[0].trial.number, few[-1].trial.number) == (1, 14)


def test_nearness_falls_with_the_other_parameters_alone() -> None:
    store = searched(MIXED, lambda c: c["x"].value if c["kind"].value == "a" else None, 12, "random")
    found = rationale(store, store.experiment(1), 1)
    at = store.trial(1, 1).configuration
    assert at is not None and not found.is_then
    (along,) = (one for one in found.along if one.parameter == "x")
    assert sorted(dot.trial for dot in along.dots) == list(range(1, 13))
    for dot in along.dots:
        other = store.trial(1, dot.trial).configuration
        assert other is not None and dot.place == pytest.approx(other["x"].value)
        apart = float(other["kind"].value != at["kind"].value)
        if "only_b" in other and "only_b" in at:
            apart += (other["only_b"].value - at["only_b"].value) ** 2
        else:
            apart += float(("only_b" in other) != ("only_b" in at))
        assert dot.nearness == pytest.approx(math.exp(-12 * apart / 2))
        assert (dot.state == "failed") is (other["kind"].value == "b")
        assert (dot.value is None) is (dot.state == "failed")


def test_who_proposed_it_is_said_honestly(ladder: Store) -> None:
    record = ladder.experiment(1)
    assert rationale(ladder, record, 1).reason.startswith("it is the centre of the space: nothing was known")
    assert "evenly spread" in rationale(ladder, record, 2).reason
    assert "mean and 2 deviations" in rationale(ladder, record, 14).reason
    for algorithm, words in (
        ("random", "at random"),
        ("sobol", "evenly spread sequence"),
        ("tpe", "best results lie"),
    ):
        store = searched(LADDER, hill, 10, algorithm)
        found = rationale(store, store.experiment(1), 10)
        assert words in found.reason and not found.is_then
        assert (found.results is None) is (algorithm != "tpe")


def test_who_chose_for_auto_is_said_with_it() -> None:
    store = searched(LADDER, hill, 9, "auto")
    found = rationale(store, store.experiment(1), 9)
    assert found.trial.proposal is not None and found.trial.proposal.by in ("bayesian", "tpe")
    assert f"auto ({found.trial.proposal.by}) from 8 results" in str(
        explained(store, store.experiment(1), 9).facts()
    )


def test_a_person_s_own_trial_is_explained_as_of_now(ladder: Store) -> None:
    store = searched(LADDER, hill, 6)
    (number,) = store.enqueue(1, [Configuration({"n": 1, "fixed": 3})], "mine")
    found = rationale(store, store.experiment(1), number)
    assert "a person asked for it" in found.reason and found.results is None and not found.is_then
    assert all(along.belief is not None for along in found.along)
    assert any(dot.state == "expected" and dot.trial == number for dot in found.along[0].dots)


def test_names_are_checked(ladder: Store) -> None:
    record = ladder.experiment(1)
    with pytest.raises(UsageError, match="no parameter 'm'"):
        rationale(ladder, record, 1, ["m"])
    store = searched(MIXED, lambda c: c["x"].value, 12, "random")
    number = next(t.number for t in store.trials(1) if t.configuration and "only_b" not in t.configuration)
    with pytest.raises(UsageError, match="does not exist in trial"):
        rationale(store, store.experiment(1), number, ["only_b"])
    with pytest.raises(NotFound):
        rationale(ladder, record, 99)


# ---------------------------------------------------------------------- axes


@given(st.floats(-1e200, 1e200), st.floats(1e-6, 1e6), st.integers(2, 9))
def test_ticks_are_round_few_and_inside(low: float, width: float, most: int) -> None:
    width = max(width, abs(low) * 1e-6)
    found = nice(low, low + width, most)
    assert 1 <= len(found) <= most and found == sorted(set(found))
    slack = 1e-6 * width + 1e-9 * abs(low)
    assert all(low - slack <= value <= low + width + slack for value in found)


def test_ticks_of_a_plain_range() -> None:
    assert nice(0.0, 1.0, 6) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice(-13.0, 27.0, 5) == [-10.0, 0.0, 10.0, 20.0]
    assert [written(v) for v in (0.0, 1e-5, 0.00025, 0.001, 12.5, 1e6)] == [
        "0",
        "1e-5",
        "2.5e-4",
        "0.001",
        "12.5",
        "1e6",
    ]


DOMAINS: list[Domain] = [
    Float(0.0, 0.8),
    Float(1e-5, 1.0, "log"),
    Float(0.1, 0.3, "log"),
    Float(1e-4, 1.0, "reverse_log"),
    Float(0.05, 0.95, step=0.05),
    Integer(2, 100),
    Integer(1, 4096, "log"),
    Integer(3, 301, step=7),
    Normal(0.0, 1.0),
    Categorical.of(["relu", "tanh", "gelu"]),
]


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_a_tick_stands_where_its_value_does(domain: Domain) -> None:
    ticks = ticks_along(domain)
    assert 2 <= len(ticks) <= 8
    assert [tick.place for tick in ticks] == sorted({tick.place for tick in ticks})
    for place, text in ticks:
        assert 0.0 <= place <= 1.0
        there = domain.from_unit(place).value
        assert (
            there == text
            if isinstance(there, str)
            else there == pytest.approx(float(text), rel=1e-5, abs=1e-9)
        )


def test_a_logarithmic_axis_shows_powers_of_ten() -> None:
    assert [tick.text for tick in ticks_along(Float(1e-5, 1.0, "log"))] == [
        "1e-5",
        "1e-4",
        "0.001",
        "0.01",
        "0.1",
        "1",
    ]


wild = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(wild, wild, wild), min_size=1, max_size=9), st.lists(wild, max_size=9))
def test_an_axis_always_reaches_somewhere(
    curve: list[tuple[float, float, float]], values: list[float]
) -> None:
    mean, low, high = (np.array(column) for column in zip(*curve, strict=True))
    begin, end = range_of(mean, low, high, values)
    assert math.isfinite(end - begin) and begin < end


def test_what_diverged_does_not_squeeze_the_rest() -> None:
    flat = np.array([0.2, 0.4])
    begin, end = range_of(flat, flat - 0.1, flat + 0.1, [0.1, 0.2, 0.3, 0.4, 0.5, 1e300, math.nan])
    assert -1 < begin < 0.1 and 0.5 < end < 2


# ---------------------------------------------------------------------- drawings


def drawn(
    domain: Domain,
    mean: list[float],
    chosen: float,
    dots: tuple[Dot, ...] = (),
    spread: float = 0.1,
    name: str = "p",
) -> Along:
    """A view with a made-up belief."""
    is_category = domain.kind == "categorical"
    units = (
        np.array([(i + 0.5) / len(mean) for i in range(len(mean))])
        if is_category
        else np.linspace(0, 1, len(mean))
    )
    curve = np.array(mean)
    texts = tuple(domain.from_unit(float(u)).text for u in units)
    promise = np.linspace(0, 1, len(mean))
    with np.errstate(all="ignore"):
        belief = Slice(
            name, units, texts, curve, curve - spread, curve + spread, promise, chosen, is_category
        )
    return Along(name, domain, is_category, chosen, "it", belief, dots)


dots = st.lists(
    st.builds(
        Dot,
        st.integers(1, 99),
        st.floats(0, 1),
        st.none() | wild,
        st.sampled_from(["observed", "failed", "expected"]),
        st.floats(0, 1),
    ),
    max_size=6,
)


@given(
    st.lists(wild, min_size=2, max_size=12),
    st.floats(0, 1),
    dots,
    st.integers(0, 130),
    st.sampled_from([UNICODE, ASCII]),
)
def test_no_line_is_wider_than_the_terminal(
    mean: list[float], chosen: float, seen: list[Dot], width: int, marks: Marks
) -> None:
    words = Categorical.of([f"{'long ' * 9}{i}" for i in range(len(mean))])
    for domain in (Float(1e-5, 1.0, "log"), words):
        lines = chart(drawn(domain, mean, chosen, tuple(seen), name="name " * 40), width, marks)
        assert lines and max(map(len, lines)) <= max(width, 30)
        assert marks is UNICODE or all(line.replace("…", "").isascii() for line in lines)


def test_a_chart_points_at_the_place() -> None:
    lines = chart(drawn(Float(0.0, 1.0), [0.0, 1.0], 0.75), 60, UNICODE)
    left = lines[1].index("│") + 2
    wide = 60 - left
    assert lines[10].index("▲") == left + int(0.75 * wide)
    assert next(line for line in lines if "◆" in line).index("◆") == left + int(0.75 * wide)
    full = [line.rstrip()[-1] for line in lines[-2:]]
    assert full == ["█", "█"], "the last place promises most"


def test_colours_touch_no_character() -> None:
    view = drawn(Float(0.0, 1.0), [0.0, 1.0, 0.5], 0.25, (Dot(1, 0.5, 0.4, "observed", 1.0),))
    painted = chart(view, 70, UNICODE, lambda text, part: f"<{part}>{text}<>")
    plain = chart(view, 70, UNICODE)
    parts = ("title", "band", "mean", "near", "chosen", "promise", "axis")
    assert all(any(f"<{part}>" in line for line in painted) for part in parts)
    for part in parts:
        painted = [line.replace(f"<{part}>", "").replace("<>", "") for line in painted]
    assert painted == plain


def circles(picture: str, kind: str) -> list[ET.Element]:
    """The circles of one class in a picture that is parsed as XML."""
    return [c for c in ET.fromstring(picture).iter(f"{SVG}circle") if c.get("class") == kind]


def test_the_chosen_point_and_the_results_are_drawn_at_their_places() -> None:
    seen = (
        Dot(3, 0.2, 0.5, "observed", 1.0),
        Dot(4, 0.6, None, "failed", 0.2),
        Dot(5, 0.9, None, "expected", 0.2),
    )
    picture = framed(
        slice_picture(drawn(Float(0.0, 1.0), [0.0, 1.0], 0.25, seen), "score", "proposed", (0.0, 1.0))
    )
    (chosen,) = circles(picture, "next")
    assert float(chosen.get("cx", "")) == pytest.approx(PLOT.left + 0.25 * PLOT.width, abs=0.01)
    assert float(chosen.get("cy", "")) == pytest.approx(PLOT.bottom - 0.25 * PLOT.height, abs=0.01)
    (dot,) = circles(picture, "dot")
    assert float(dot.get("cx", "")) == pytest.approx(PLOT.left + 0.2 * PLOT.width, abs=0.01)
    assert float(dot.get("cy", "")) == pytest.approx(PLOT.bottom - 0.5 * PLOT.height, abs=0.01)
    (ring,) = circles(picture, "expected")
    assert float(ring.get("cx", "")) == pytest.approx(PLOT.left + 0.9 * PLOT.width, abs=0.01)
    assert "trial 4: failed" in picture and PROMISE.top > PLOT.bottom


@given(st.lists(wild, min_size=2, max_size=9), st.floats(0, 1), dots, st.text(max_size=20))
def test_any_belief_makes_xml_without_nan(
    mean: list[float], chosen: float, seen: list[Dot], name: str
) -> None:
    for domain in (Float(0.0, 1.0), Categorical.of([str(i) for i in range(len(mean))])):
        view = drawn(domain, mean, chosen, tuple(seen), name=name)
        picture = sheet([slice_picture(view, name, "here")], name)
        for element in ET.fromstring(picture).iter():
            for key in ("d", "cx", "cy", "x", "y", "height"):
                assert "nan" not in element.get(key, "") and "inf" not in element.get(key, "")


def test_honest_predictions_lie_on_the_diagonal() -> None:
    rows = [
        Prediction(1, 1.0, 0.1, 1.0, 0.0),
        Prediction(2, 2.0, 0.1, 3.0, 10.0),
        Prediction(3, 4.0, 0.1, 4.0, 0.0),
    ]
    picture = framed(scatter(rows, "score"))
    on, (off,) = circles(picture, "at"), circles(picture, "outside")
    low, high = ((float(c.get("cx", "")), float(c.get("cy", ""))) for c in on)
    slope = (low[1] - high[1]) / (high[0] - low[0])
    for x, y in (low, high):
        assert y == pytest.approx(low[1] - slope * (x - low[0]), abs=0.02)
    assert float(off.get("cy", "")) < low[1] - slope * (float(off.get("cx", "")) - low[0])


def test_the_same_record_makes_the_same_picture(ladder: Store) -> None:
    one, other = (explained(ladder, ladder.experiment(1), 14).sheet() for _ in range(2))
    assert one == other
    assert "http" not in one.replace("http://www.w3.org/2000/svg", "")
