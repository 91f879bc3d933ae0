"""Domains: ends, frequencies, round trips, and the sentences that refuse one."""

import math
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from luthier.errors import SpaceError
from luthier.space import (
    Categorical,
    Constant,
    Domain,
    Float,
    Integer,
    LogNormal,
    Normal,
    Ordinal,
    Value,
    domain_from_dict,
)
from luthier.space.normal import probability, quantile
from luthier.space.scaling import SCALINGS

units = st.floats(0, 1)
EVEN = [(k + 0.5) / 20000 for k in range(20000)]


@st.composite
def finite(draw: st.DrawFn) -> Domain:
    scaling = draw(st.sampled_from(SCALINGS))
    if draw(st.booleans()):
        low = draw(st.integers(-1000 if scaling == "linear" else 1, 1000))
        high = low + draw(st.integers(1, 10**6))
        return Integer(low, high, scaling, draw(st.none() | st.integers(1, 50)))
    low_f = draw(st.integers(-999 if scaling == "linear" else 1, 999)) / 100
    return Float(low_f, low_f + draw(st.integers(1, 500)) / 10, scaling, draw(st.integers(1, 99)) / 100)


@st.composite
def continuous(draw: st.DrawFn) -> Domain:
    kind = draw(st.sampled_from([*SCALINGS, "normal", "lognormal"]))
    if kind == "normal":
        return Normal(draw(st.floats(-10, 10)), draw(st.floats(0.1, 10)))
    if kind == "lognormal":
        return LogNormal(draw(st.floats(-3, 3)), draw(st.floats(0.1, 3)))
    low = draw(st.floats(-1e6 if kind == "linear" else 1e-9, 1e6))
    high = low + draw(st.floats(1e-3, 1e6))
    assume(high > low * 1.001 or kind == "linear")
    return Float(low, high, kind)  # type: ignore[arg-type]


listed = st.lists(
    st.integers() | st.text() | st.booleans() | st.none(), min_size=1, max_size=9, unique_by=repr
)
choices = listed.map(Categorical.of) | listed.map(Ordinal.of)


@given(finite() | choices, st.data())
def test_a_finite_domain_is_undone_exactly(domain: Domain, data: st.DataObject) -> None:
    count = domain.count()
    assert count is not None
    index = data.draw(st.integers(0, count - 1))
    value = domain.at(index)
    assert domain.index_of(value.value) == index
    assert domain.contains(value.value)
    assert domain.from_unit(domain.to_unit(value.value)) == value
    assert domain.read(value) == value
    assert domain.read(value.text) == value
    for outside in (-1, count):
        with pytest.raises(IndexError):
            domain.at(outside)


@given(continuous(), st.floats(1e-6, 1 - 1e-6))
def test_a_continuous_domain_is_undone_closely(domain: Domain, u: float) -> None:
    value = domain.from_unit(u).value
    assert domain.contains(value)
    assert domain.to_unit(value) == pytest.approx(u, abs=1e-6)


@given(finite() | continuous(), units, units)
def test_a_greater_unit_never_gives_a_smaller_value(domain: Domain, a: float, b: float) -> None:
    small, large = sorted([a, b])
    assert domain.from_unit(small).value <= domain.from_unit(large).value


@given(finite() | continuous() | choices, units)
def test_every_unit_gives_a_value_of_the_domain(domain: Domain, u: float) -> None:
    assert domain.contains(domain.from_unit(u).value)


@given(finite() | continuous() | choices)
def test_a_domain_survives_json(domain: Domain) -> None:
    again = domain_from_dict(domain.to_dict())
    assert again == domain
    assert type(again) is type(domain)
    assert hash(again) == hash(domain)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("step", [None, 7])
def test_the_ends_of_integers_are_included(scaling: str, step: int | None) -> None:
    domain = Integer(2, 100, scaling, step)  # type: ignore[arg-type]
    assert (domain.from_unit(0.0).value, domain.from_unit(1.0).value) == (2, 100)


def test_linear_integers_are_equally_likely() -> None:
    counts = Counter(Integer(1, 4).from_unit(u).value for u in EVEN)
    assert counts == {1: 5000, 2: 5000, 3: 5000, 4: 5000}


def test_log_integers_follow_their_cells() -> None:
    counts = Counter(Integer(1, 8, "log").from_unit(u).value for u in EVEN)
    for k in range(1, 9):
        assert counts[k] / len(EVEN) == pytest.approx(
            math.log((k + 0.5) / (k - 0.5)) / math.log(17), abs=2e-4
        )
    mirrored = Counter(Integer(1, 8, "reverse_log").from_unit(u).value for u in EVEN)
    assert all(abs(mirrored[9 - k] - counts[k]) <= 1 for k in counts)


@pytest.mark.parametrize(
    ("scaling", "middle"), [("linear", 0.5005), ("log", 0.0316228), ("reverse_log", 0.9693772)]
)
def test_half_of_the_draws_are_below_the_middle_of_the_scale(scaling: str, middle: float) -> None:
    domain = Float(0.001, 1.0, scaling)  # type: ignore[arg-type]
    below = sum(domain.from_unit(u).value < middle for u in EVEN)
    assert below / len(EVEN) == pytest.approx(0.5, abs=1e-3)


def test_steps_do_not_drift() -> None:
    domain = Float(0.1, 0.3, step=0.1)
    assert [domain.at(i).text for i in range(domain.count() or 0)] == ["0.1", "0.2", "0.3"]
    assert Float(0, 1, step=0.3).count() == 4
    assert Float(0, 1e6, step=1e-6).at(10**12).value == 1e6
    assert [Integer(3, 6, step=2).at(i).value for i in range(2)] == [3, 5]


def test_steps_that_never_end_exactly_at_the_top() -> None:
    domain = Float(0.0, 1.0, step=0.3)
    assert domain.from_unit(1.0).value == 0.9
    assert not domain.contains(1.0)


@given(st.floats(2**-53, 1 - 2**-53))
def test_the_normal_quantile_is_scipy_s(p: float) -> None:
    assert quantile(p) == pytest.approx(float(stats.norm.ppf(p)), rel=1e-12, abs=1e-14)
    assert probability(quantile(p)) == pytest.approx(p, rel=1e-12)


def test_distributions_by_quantile() -> None:
    assert Normal(5, 2).from_unit(0.5).value == 5.0
    assert LogNormal(0, 1).from_unit(0.5).value == pytest.approx(1.0)
    assert Normal(0, 1, 0.1).from_unit(0.62).text == "0.3"
    assert Normal(0, 1, 0.1).from_unit(0.62).value == 0.3
    assert Normal(64, 16, 8, "int").from_unit(0.5).value == 64
    assert type(Normal(64, 16, type="int").from_unit(0.3).value) is int
    assert math.isfinite(Normal(0, 1).from_unit(0.0).value)
    assert math.isfinite(Normal(0, 1).from_unit(1.0).value)


@given(
    st.floats(0.01, 0.99), st.sampled_from([Normal(0, 2, 0.5), LogNormal(1, 1, 0.25), Normal(3, 9, 2, "int")])
)
def test_stepped_distributions_are_undone_exactly(u: float, domain: Domain) -> None:
    value = domain.from_unit(u)
    assert domain.from_unit(domain.to_unit(value.value)) == value


def test_users_write_values() -> None:
    assert Float(0.001, 1, "log").read("1e-2") == Value(0.01, "1e-2")
    assert Integer(1, 9).read("007") == Value(7, "007")
    assert Integer(1, 9).read(3.0) == Value(3)
    assert Categorical((Value(1e-6, "1e-6"), Value("x"))).read(1e-6).text == "1e-6"
    assert Categorical((Value(0.5, ".50"),)).read("0.5").text == ".50"
    assert Categorical.of(["1", 1]).read("1").value == "1"


def test_descriptions_for_people() -> None:
    assert str(Float(0.001, 1, "log")) == "0.001 … 1 log"
    assert str(Integer(2, 100, step=2)) == "2 … 100 step 2 int"
    assert str(Normal(0, 1, 0.5)) == "normal(0, 1, q=0.5)"
    assert str(Categorical((Value(1e-6, "1e-6"), Value("a")))) == "1e-6, a"


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: Float(5, 3), "MIN 5 is not below MAX 3; write the smaller number first"),
    (lambda: Float(1, 1), "MIN 1 is not below MAX 1; write the smaller number first"),
    (lambda: Float(0, 1, "log"), "log needs a MIN above 0, not 0; raise MIN or write linear"),
    (
        lambda: Float(-1, 1, "reverse_log"),
        "reverse_log needs a MIN above 0, not -1; raise MIN or write linear",
    ),
    (
        lambda: Float(float("nan"), 1),
        "nan is not a finite number; write MIN, MAX and step as decimal numbers",
    ),
    (
        lambda: Float(0, float("inf")),
        "inf is not a finite number; write MIN, MAX and step as decimal numbers",
    ),
    (lambda: Float(0, True), "True is not a finite number; write MIN, MAX and step as decimal numbers"),
    (lambda: Float(0, 1, step=0), "the step 0 is not above 0; write a positive step"),
    (
        lambda: Float(0, 1, "lgo"),  # type: ignore[arg-type]
        "scaling 'lgo' is unknown; write one of linear, log, reverse_log (did you mean log?)",
    ),
    (lambda: Integer(0.5, 3), "MIN 0.5 is not an integer; write a whole number or the type float"),  # type: ignore[arg-type]
    (lambda: Categorical(()), "the list of values is empty; list at least one value"),
    (lambda: Categorical.of([1, 2, 1]), "the list holds 1 twice; list every value once"),
    (lambda: Categorical.of([1, 1.0]), "the list holds 1 and 1.0, one value; list every value once"),
    (
        lambda: Categorical.of([float("nan")]),
        "nan is not a finite number; write it as a string if it is a word",
    ),
    (lambda: Constant.of([1, 2]), "a constant holds one value; list several as a categorical parameter"),
    (lambda: Normal(0, 0), "the deviation 0 is not above 0; write a positive deviation"),
    (lambda: Normal(0, 1, -1), "the step -1 is not above 0; write a positive step"),
    (
        lambda: Normal(0, 1, 0.5, "int"),
        "the step 0.5 is not an integer; write a whole step or the type float",
    ),
    (
        lambda: LogNormal(1000, 1),
        "mean and deviation are those of the logarithm and too large; keep the values below 1e300",
    ),
    (lambda: Float(0, 1).read("2"), "2 is not in 0 … 1"),
    (lambda: Float(0, 1).read("x"), "x is not in 0 … 1"),
    (lambda: Float(0, 1, step=0.5).read(0.3), "0.3 is not on the steps of 0 … 1 step 0.5"),
    (lambda: Integer(0, 9).read("1.5"), "1.5 is not in 0 … 9 int"),
    (lambda: Integer(0, 9, step=2).read(3), "3 is not in 0 … 9 step 2 int"),
    (lambda: Categorical.of(["sgd", "adam"]).read("sdg"), "sdg is not one of sgd, adam (did you mean sgd?)"),
    (lambda: LogNormal(0, 1).read(-1), "-1 is not in lognormal(0, 1)"),
    (lambda: Normal(0, 1, 0.5).read("0.3"), "0.3 is not on the steps of normal(0, 1, q=0.5)"),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED, ids=[s for _, s in REFUSED])
def test_what_is_refused(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(SpaceError) as refused:
        make()
    assert str(refused.value) == sentence
