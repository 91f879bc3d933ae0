"""Partial results beside complete ones: worse than what they lost against, in the order of what is to be expected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.search.partway import HALVINGS, LEVELS, POINTS, partway_of, thinned_curve

NAN = float("nan")


def weighed(*curves, complete=()):
    """Curves as lists of (resource, loss); the places in `complete` went to their end."""
    resources, heights = (np.full((len(curves), POINTS), NAN) for _ in range(2))
    for k, curve in enumerate(curves):
        for j, (resource, height) in enumerate(curve):
            resources[k, j], heights[k, j] = resource, height
    reached = np.array([curve[-1][1] for curve in curves], dtype=float)
    partial = np.array([k not in complete for k in range(len(curves))])
    return partway_of(resources, heights, reached, partial)


def test_losses_that_rise_on_the_way_don_t_flatter_those_that_were_stopped():
    made = weighed(
        [(1, 0.1), (4, 0.5), (16, 1.0)],
        [(1, 0.2), (4, 0.6), (16, 1.2)],
        [(1, 0.3), (4, 0.7), (16, 1.4)],
        [(1, 0.4)],  # less than any loss at the end, and the last of all at its level
        [(1, 0.25)],
        [(1, 0.1), (4, 0.65)],
        complete=(0, 1, 2),
    )
    assert made.losses[:3].tolist() == [1.0, 1.2, 1.4]
    assert made.losses[3] > 1.4 and 1.2 < made.losses[4] < 1.4 and 1.2 < made.losses[5] < 1.4
    assert 1.4 < made.estimates[3] < 1.7  # the line through the three others meets 1.6 there
    assert made.short[:3].tolist() == [0, 0, 0]
    assert made.short[3] * HALVINGS == pytest.approx(4) and made.short[5] * HALVINGS == pytest.approx(2)


def test_what_nobody_was_ahead_of_is_at_most_as_good_as_the_best():
    made = weighed([(1, 0.5), (8, 0.2)], [(1, 0.6), (8, 0.3)], [(1, 0.1)], complete=(0, 1))
    assert 0.2 < made.losses[2] < 0.2000001
    assert made.estimates[2] < 0.2  # what a model may believe is another matter


def test_one_that_went_further_stands_for_the_end_where_nothing_is_complete():
    made = weighed([(1, 0.5), (4, 0.2)], [(1, 0.6)], [(1, 0.4)])
    assert made.losses[0] == 0.2 and made.short.tolist()[0] == 0
    assert made.losses[1] > made.losses[2] > 0.2


def test_places_between_points_are_on_the_line():
    made = weighed([(1, 1.0), (16, 0.0)], [(4, 0.4)], [(4, 0.6)], complete=(0,))
    assert made.at.tolist() == [0] and made.at_short * HALVINGS == pytest.approx(2)
    assert made.losses[1] < 0.0000001  # 0.4 at 4 is ahead of 0.5
    assert made.losses[2] > made.losses[1]


def test_a_trial_that_ended_early_by_itself_is_complete():
    made = weighed([(1, 0.5), (16, 0.1)], [(1, 0.6), (2, 0.3)], [(1, 0.9), (4, 0.4)], complete=(0, 1))
    assert made.short[1] == 0 and made.losses[1] == 0.3
    assert made.losses[2] > 0.3  # it lost to both at 4, where the second still has its last loss


def test_a_curve_that_begins_late_says_nothing_of_before():
    made = weighed([(27, 0.1), (81, 0.05)], [(27, 0.2), (81, 0.15)], [(3, 0.5)], [(3, 0.7)], complete=(0, 1))
    assert made.losses[3] > made.losses[2] > 0.15  # those that went on were better


def test_no_numbers():
    made = weighed(
        [(1, 0.5), (4, NAN)],
        [(1, 0.4), (4, 0.1)],
        [(1, 0.45)],
        [(1, NAN)],
        [(1, float("inf"))],
        complete=(0, 1),
    )
    assert np.isnan(made.losses[0]) and made.losses[1] == 0.1
    assert np.isfinite(made.losses[2:]).all() and np.isfinite(made.estimates[2:]).all()
    assert made.losses[2] < min(made.losses[3:])


losses = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, NAN, float("inf"), -float("inf")])
lengths = st.integers(1, 6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.lists(losses, min_size=1, max_size=6), st.booleans()), min_size=1, max_size=25))
def test_none_looks_better_than_the_complete_ones_it_lost_against(drawn):
    curves = [[(float(2**j), h) for j, h in enumerate(heights)] for heights, _ in drawn]
    complete = [k for k, (_, ended) in enumerate(drawn) if ended]
    made = weighed(*curves, complete=complete)
    partial = [k for k in range(len(drawn)) if k not in complete]
    assert np.isfinite(made.losses[partial]).all() and np.isfinite(made.estimates[partial]).all()
    assert ((made.short >= 0) & np.isfinite(made.short)).all()
    if not partial:
        return
    full = max((len(curves[k]) for k in complete), default=max(map(len, curves)))
    for k in partial:
        place = len(curves[k])
        if place >= full:
            continue
        mine = curves[k][-1][1]
        for other in complete:
            theirs = curves[other][min(place, len(curves[other])) - 1][1]
            final = curves[other][-1][1]
            if np.isfinite([mine, theirs, final]).all() and theirs < mine:
                assert made.losses[k] > final


def test_many_places_to_stop_at_are_a_few_levels():
    curves = [[(1, 1.0), (float(k), 0.5)] for k in range(2, 60)]
    made = weighed(*curves, [(1, 0.9), (100, 0.1)], complete=(58,))
    assert len(set(made.short.tolist())) <= LEVELS + 1
    assert (made.losses[:-1] > 0.1).all()


def test_long_curves_are_thinned_to_their_end():
    curve = tuple((float(k), 1.0 / k) for k in range(1, 100))
    thin = thinned_curve(curve)
    assert len(thin) == POINTS and thin[0] == curve[0] and thin[-1] == curve[-1]
    assert thinned_curve(curve[:3]) == curve[:3]
