"""Which waiting trial goes on, and which never will."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from luthier.stopping import promotion

LEVELS = (1.0, 3.0, 9.0)


def test_the_best_third_goes_on_and_the_furthest_first() -> None:
    first = {n: [0.1 * n] for n in range(1, 7)}
    made = promotion(first, first, levels=LEVELS, eta=3, direction="minimize")
    assert (made.number, made.out) == (1, {})
    assert made.reason == "0.1 at 1 is rank 1 of 6; it goes on to 3"
    assert promotion(first, first, levels=LEVELS, eta=3).number == 6  # maximized
    second = {**first, 1: [0.1, 0.05], 2: [0.2, 0.3], 3: [0.3, 0.4]}
    made = promotion(second, set(second), levels=LEVELS, eta=3, direction="minimize")
    assert (made.number, made.reason) == (1, "0.05 at 3 is rank 1 of 3; it goes on to 9")


def test_nobody_goes_on_while_too_few_have_come() -> None:
    made = promotion({1: [0.1], 2: [0.2]}, {1, 2}, levels=LEVELS, eta=3, direction="minimize")
    assert made.number is None
    assert made.out == {}


def test_when_no_more_will_come_one_goes_on_and_the_others_are_out() -> None:
    made = promotion({1: [0.1], 2: [0.2]}, {1, 2}, levels=LEVELS, eta=3, direction="minimize", coming=0)
    assert made.number == 1
    assert made.out == {2: "0.2 at 1 is rank 2 of 2; the best one goes on"}


def test_a_trial_is_out_as_soon_as_its_rank_is_too_low_for_ever() -> None:
    finished = {n: [0.1 * n] for n in range(1, 6)}
    made = promotion(
        finished, finished, levels=LEVELS, eta=3, direction="minimize", coming=3, under_way={6: 0}
    )
    assert made.number == 1
    assert sorted(made.out) == [4, 5]
    made = promotion(finished, finished, levels=LEVELS, eta=3, direction="minimize", coming=None)
    assert made.out == {}


def test_who_is_not_waiting_counts_in_the_ranks_but_is_not_chosen() -> None:
    finished = {1: [0.1], 2: [0.2], 3: [0.3], 4: [0.4], 5: [0.5], 6: [0.6]}
    made = promotion(finished, {2, 3}, levels=LEVELS, eta=3, direction="minimize", under_way={1: 1})
    assert made.number == 2
    made = promotion(finished, {3}, levels=LEVELS, eta=3, direction="minimize", under_way={1: 1, 2: 1})
    assert made.number is None


def test_nan_is_the_worst_and_equals_go_by_number() -> None:
    finished = {1: [float("nan")], 2: [0.5], 3: [0.5], 4: [float("nan")]}
    made = promotion(finished, finished, levels=LEVELS, eta=2, coming=0)
    assert made.number == 2
    assert sorted(made.out) == [1, 4]
    assert made.out[1] == "nan at 1 is rank 3 of 4; the best 2 go on"


@given(st.integers(1, 30), st.integers(0, 10_000), st.sampled_from([2.0, 3.0, 4.0]))
def test_a_search_always_comes_to_its_end_with_a_complete_trial(trials: int, seed: int, eta: float) -> None:
    chance = Random(seed)
    finished: dict[int, list[float]] = {}
    waiting: set[int] = set()
    out: set[int] = set()
    under_way: dict[int, int] = {}
    proposed = 0
    for _ in range(10 * trials + 10):
        made = promotion(
            finished, waiting, levels=LEVELS, eta=eta, under_way=under_way, coming=trials - proposed
        )
        assert not set(made.out) & out and set(made.out) <= waiting and made.number not in made.out
        out |= set(made.out)
        waiting -= set(made.out)
        if made.number is not None:
            waiting.remove(made.number)
            under_way[made.number] = len(finished[made.number])
        elif proposed < trials and (chance.random() < 0.7 or not under_way):
            proposed += 1
            under_way[proposed] = 0
        elif under_way:
            number = chance.choice(sorted(under_way))
            del under_way[number]
            finished.setdefault(number, []).append(chance.random())
            if len(finished[number]) < len(LEVELS):
                waiting.add(number)
        else:
            break
    assert not waiting and not under_way
    assert proposed == trials
    assert any(len(values) == len(LEVELS) for values in finished.values())
    best = max(finished, key=lambda n: finished[n][0])
    assert len(finished[best]) > 1  # the best at a rung always goes on
