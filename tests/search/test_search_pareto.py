"""Fronts, hypervolumes and boxes against counting the cells of a grid: every corner of every region lies on it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from luthier.search.merit import breach, merits
from luthier.search.pareto import boxes, contributions, ends_of, front_of, hypervolume, ranks

PLACES = 5
REFERENCE = 0.9


@st.composite
def losses(draw, least=0, most=8):
    m = draw(st.integers(1, 4))
    n = draw(st.integers(least, most))
    return draw(arrays(np.int64, (n, m), elements=st.integers(0, PLACES))) / PLACES


def cells(Y):
    """The middles and volumes of the cells that the coordinates below the reference cut, and which are dominated."""
    m = Y.shape[1]
    cuts = [np.unique(np.concatenate([[-1.0], Y[:, j][Y[:, j] < REFERENCE], [REFERENCE]])) for j in range(m)]
    grid = np.meshgrid(*[(c[1:] + c[:-1]) / 2 for c in cuts], indexing="ij")
    sizes = np.meshgrid(*[np.diff(c) for c in cuts], indexing="ij")
    middles = np.stack(grid, axis=-1).reshape(-1, m)
    volumes = np.prod(np.stack(sizes, axis=-1).reshape(-1, m), axis=1)
    return middles, volumes, np.any(np.all(Y[None] <= middles[:, None], axis=2), axis=1)


def dominates(a, b):
    return bool((a <= b).all() and (a < b).any())


@given(losses())
def test_the_front_is_what_nothing_dominates(Y):
    want = [i for i, row in enumerate(Y) if not any(dominates(other, row) for other in Y)]
    assert front_of(Y).tolist() == want


def test_the_front_of_many_is_the_front_of_the_fronts_of_parts():
    Y = np.random.default_rng(0).random((2000, 3))
    parts = np.concatenate([k * 100 + front_of(Y[k * 100 : (k + 1) * 100]) for k in range(20)])
    assert front_of(Y).tolist() == sorted(parts[front_of(Y[parts])].tolist())


def test_what_is_not_a_number_stands_on_no_front():
    assert front_of(np.array([[np.nan, 0.0], [1.0, 1.0], [0.5, np.nan], [1.0, 0.0]])).tolist() == [3]


@given(losses())
def test_every_rank_is_the_front_of_what_earlier_ranks_left(Y):
    rank = ranks(Y)
    for level in np.unique(rank):
        left = np.flatnonzero(rank >= level)
        assert np.flatnonzero(rank == level).tolist() == left[front_of(Y[left])].tolist()


@given(losses())
def test_the_hypervolume_is_the_volume_of_the_dominated_cells(Y):
    _, volumes, dominated = cells(Y)
    assert hypervolume(Y, np.full(Y.shape[1], REFERENCE)) == pytest.approx(
        volumes[dominated].sum(), abs=1e-12
    )


@given(losses())
def test_boxes_hold_every_cell_that_is_not_dominated_once(Y):
    middles, _, dominated = cells(Y)
    low, high = boxes(Y, np.full(Y.shape[1], REFERENCE))
    holding = ((middles[:, None] > low) & (middles[:, None] < high)).all(axis=2).sum(axis=1)
    assert holding.tolist() == (~dominated).astype(int).tolist()


@pytest.mark.parametrize(("m", "n", "most"), [(2, 60, 61), (3, 40, 81)])
def test_boxes_are_few(m, n, most):
    Y = np.abs(np.random.default_rng(1).normal(size=(n, m)))
    Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    low, _ = boxes(Y, np.full(m, 1.1))
    assert len(low) <= most


@given(losses())
def test_a_contribution_is_what_the_front_loses_without_a_row(Y):
    reference = np.full(Y.shape[1], REFERENCE)
    front, gains = front_of(Y), contributions(Y, reference)
    whole = hypervolume(Y[front], reference)
    want = np.zeros(len(Y))
    for place in front.tolist():
        want[place] = whole - hypervolume(Y[front[front != place]], reference)
    assert gains == pytest.approx(want, abs=1e-12)


def test_five_columns_are_exact_too():
    Y = np.random.default_rng(2).random((6, 5))
    draws = np.random.default_rng(3).random((40_000, 5))
    share = np.mean([(Y <= draw).all(axis=1).any() for draw in draws])
    assert hypervolume(Y, np.ones(5)) == pytest.approx(share, abs=0.01)


def test_a_row_barely_better_and_far_worse_is_no_end_of_a_front():
    line = np.column_stack([np.linspace(0.1, 1.0, 10), np.linspace(1.0, 0.1, 10)])
    far = np.array([[0.0999, 300.0], [0.0998, 400.0]])
    low, high = ends_of(np.vstack([line, far]))
    assert high == pytest.approx([1.0, 1.0]) and low == pytest.approx([0.1, 0.1])


@given(losses(least=1))
def test_a_front_without_width_has_ends_all_the_same(Y):
    low, high = ends_of(Y)
    assert (high > low).all() and (low >= Y.min(axis=0)).all()


@given(losses(least=1), st.data())
def test_merits_put_what_is_allowed_first_and_no_row_before_what_dominates_it(Y, data):
    broken = data.draw(arrays(np.int64, (len(Y), 2), elements=st.integers(-2, 2))).astype(float)
    merit = merits(Y, broken)
    assert sorted(merit.tolist()) == [k / len(Y) for k in range(len(Y))]
    allowed = (broken <= 0).all(axis=1)
    for i, a in enumerate(Y):
        for j, b in enumerate(Y):
            if allowed[i] and not allowed[j]:
                assert merit[i] < merit[j]
            if allowed[i] and allowed[j] and dominates(a, b):
                assert merit[i] < merit[j]


def test_a_breach_that_is_not_a_number_is_the_worst():
    excesses = np.array([[1.0], [np.nan], [5.0], [-3.0]])
    assert np.argsort(breach(excesses)).tolist() == [3, 0, 2, 1]
