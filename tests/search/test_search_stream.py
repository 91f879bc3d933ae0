"""Random numbers by name, and seeded orders: fixed for ever, even, and bijective."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.search.permutation import permuted
from luthier.search.stream import bits, uniform


def test_the_numbers_never_change() -> None:
    """Written down once. If this fails, every recorded experiment would go on with other trials."""
    assert bits(0, "random", 1, "rate") == 11605641808889804702
    assert uniform(7, "random", 3, "layers") == 0.29786475354641795
    assert [permuted(5, 10, i) for i in range(10)] == [6, 4, 0, 7, 3, 5, 8, 9, 2, 1]
    assert [permuted(5, 10**12, i) for i in range(3)] == [816433027445, 896424970547, 939408152017]


def test_every_purpose_has_numbers_of_its_own() -> None:
    purposes = [
        (s, *p) for s in (-1, 0, 1, 2**80) for p in (("a", 1), ("a", "1"), ("a1",), (1, "a"), ("a", 1, 1), ())
    ]
    assert len({bits(*p) for p in purposes}) == len(purposes)


def test_uniform_numbers_are_uniform() -> None:
    drawn = sorted(uniform(1, "test", k) for k in range(10_000))
    assert 0 < drawn[0]
    assert drawn[-1] < 1
    distance = max(abs(u - (k + 0.5) / len(drawn)) for k, u in enumerate(drawn))
    assert distance < 1.95 / math.sqrt(len(drawn))  # Kolmogorov and Smirnov at one in a thousand


@pytest.mark.parametrize("count", [1, 2, 3, 16, 1000, 1024, 1025, 5000])
def test_an_order_holds_every_number_once(count: int) -> None:
    order = [permuted(9, count, place) for place in range(count)]
    assert sorted(order) == list(range(count))
    if count > 10:
        assert order != [permuted(10, count, place) for place in range(count)]


@given(st.integers(), st.integers(1, 10**60), st.data())
def test_a_place_of_a_huge_order_is_found_by_itself(seed: int, count: int, data: st.DataObject) -> None:
    a, b = (data.draw(st.integers(0, count - 1)) for _ in range(2))
    assert 0 <= permuted(seed, count, a) < count
    assert (permuted(seed, count, a) == permuted(seed, count, b)) is (a == b)


def test_a_place_outside_is_an_error() -> None:
    with pytest.raises(IndexError):
        permuted(0, 5, 5)


def test_every_number_is_equally_likely_in_every_place() -> None:
    for count in (4, 1030):
        first = [permuted(seed, count, 0) * 4 // count for seed in range(2000)]
        assert all(430 < first.count(quarter) < 570 for quarter in range(4))
