"""Whether the winner is real: Welch's test against another computation of it, and every verdict in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from luthier.clock import FakeClock
from luthier.description import Algorithm, Command, Description, Objective
from luthier.drive.confirming import confirmation
from luthier.space import Configuration
from luthier.space.grammar import parse_params
from luthier.store import ExperimentRecord
from luthier.store.memory import MemoryStore
from luthier.trial import Outcome, Proposal, Result
from luthier.view.confirmation import Confirmation, Found, confirmed, welch

SPACE = parse_params(["x=0:9:linear:int"])
samples = st.lists(st.integers(-1000, 1000), min_size=2, max_size=8)


@given(samples, samples)
def test_welch_agrees_with_another_computation(a: list[int], b: list[int]) -> None:
    if np.var(a) == np.var(b) == 0:
        assert welch(a, b) == (0.0 if a[0] > b[0] else 0.5 if a[0] == b[0] else 1.0)
    else:
        figures = [figure for each in (a, b) for figure in (np.mean(each), np.std(each, ddof=1), len(each))]
        other = stats.ttest_ind_from_stats(*figures, equal_var=False, alternative="greater").pvalue
        assert welch(a, b) == pytest.approx(other, rel=1e-9)


def search(store: MemoryStore, values: Sequence[float], direction: str) -> ExperimentRecord:
    """A finished search in which trial k reached the k-th of these values."""
    what = Description(
        project="/p",
        space=SPACE,
        algorithm=Algorithm("grid"),
        command=Command(("train", ":x:"), "/p"),
        objective=Objective("score", direction=direction),  # type: ignore[arg-type]
        seed=3,
    )
    record, _ = store.open_experiment(what)
    run(store, record, [Configuration({"x": i}) for i in range(len(values))], values)
    return store.experiment(record.id)


def run(
    store: MemoryStore,
    record: ExperimentRecord,
    configurations: Sequence[Configuration],
    values: Sequence[float | None],
) -> None:
    """Runs these as the experiment's next proposals; None fails."""
    nonce = f"r{store.revision()}"
    reserved = store.reserve(record.id, len(values), "w", nonce)
    made = [(r.number, Proposal(c, "test", r.ordinal)) for r, c in zip(reserved, configurations, strict=True)]
    store.propose(record.id, nonce, made)
    for value in values:
        (claim,) = store.claim(record.id, 1, "w", f"c{store.revision()}")
        outcome = Outcome.FAILED if value is None else Outcome.SUCCEEDED
        store.finish(claim.id, Result(outcome, "", value))


def verdict(rounds: Sequence[Sequence[float | None]], direction: str = "maximize") -> Confirmation:
    """The verdict after these rounds of three leaders, whose search had found 0.94, 0.93 and 0.92 (or their
    opposites)."""
    sign = 1 if direction == "maximize" else -1
    store = MemoryStore(FakeClock())
    record = search(store, [sign * value for value in (0.5, 0.94, 0.92, 0.93)], direction)
    leaders = [store.trial(record.id, number) for number in (2, 4, 3)]
    fresh, _ = store.open_experiment(confirmation(record, leaders, len(rounds)))
    for values in rounds:
        turned = [None if value is None else sign * value for value in values]
        run(store, fresh, [t.configuration for t in leaders if t.configuration], turned)
    return confirmed(fresh, store.trials(fresh.id))


AHEAD = [(0.931, 0.901, 0.881), (0.929, 0.899, 0.879), (0.930, 0.903, 0.880)]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_winner_that_beats_all_is_confirmed(direction: str) -> None:
    said = verdict(AHEAD, direction)
    assert (said.found, said.best) == (Found.CONFIRMED, 2)
    assert [row.trial for row in said.rows] == [2, 4, 3]
    assert said.p == pytest.approx(welch([0.931, 0.929, 0.93], [0.901, 0.899, 0.903]))
    mine = said.rows[0]
    sign = 1 if direction == "maximize" else -1
    assert mine.mean == pytest.approx(sign * 0.93) and mine.deviation == pytest.approx(0.001)
    assert mine.low is not None and mine.high is not None
    assert (mine.high - mine.low) / 2 == pytest.approx(4.302653 * 0.001 / 3**0.5)
    shown = "0.9300 ± 0.0025" if direction == "maximize" else "-0.9300 ± 0.0025"
    assert f"confirmed: 1.2 is the best: {shown} over 3 fresh runs, the next, 1.4," in said.text
    assert said.text.endswith("was luck by 0.0100")


def test_runs_that_are_all_equal_have_no_deviation() -> None:
    said = verdict([(0.1, 0.1 - 1e-3, 0.0)] * 3)
    assert said.rows[0].deviation == 0 and said.rows[0].low == said.rows[0].high == 0.1
    assert (said.found, said.p) == (Found.CONFIRMED, 0.0)


def test_a_winner_that_falls_behind_is_not_confirmed() -> None:
    said = verdict([(b, a, c) for a, b, c in AHEAD])
    assert (said.found, said.best) == (Found.NOT_CONFIRMED, 4)
    assert said.p == pytest.approx(2 * welch([0.931, 0.929, 0.93], [0.901, 0.899, 0.903]))
    assert said.text.startswith("not confirmed: 1.4 did better than 1.2: 0.93")
    assert "beyond chance" in said.text


def test_a_lead_within_chance_settles_nothing() -> None:
    said = verdict([(0.95, 0.92, 0.8), (0.90, 0.91, 0.7), (0.93, 0.94, 0.9)])
    assert (said.found, said.best) == (Found.UNSETTLED, 2)
    assert said.p is not None and said.p > 0.05
    assert "1.4 with" in said.text and "more runs may tell" in said.text


def test_a_value_that_holds_was_no_luck() -> None:
    said = verdict([(0.95, 0.90, 0.8), (0.96, 0.91, 0.8), (0.955, 0.905, 0.8)])
    assert said.text.endswith("The search's own 0.940 was no luck")


def test_a_leader_whose_fresh_runs_fail_is_left_out_and_named() -> None:
    said = verdict([(0.93, None, 0.88), (0.931, 0.9, 0.88), (0.929, None, 0.881)])
    assert said.found is Found.CONFIRMED
    assert said.text.endswith("; too few fresh runs: 1.4 (1 of 3 succeeded)")
    assert (said.rows[1].runs, said.rows[1].failed) == (3, 2)


def test_a_winner_without_two_runs_is_unknown() -> None:
    assert verdict([]).found is Found.UNKNOWN
    said = verdict([(0.93, 0.9, 0.8)])
    assert (said.found, said.best, said.p) == (Found.UNKNOWN, None, None)
    assert said.rows[0].mean == 0.93 and said.rows[0].low is None
    assert "1.2 (1 of 1 succeeded)" in said.text


def test_a_winner_with_nobody_to_compare_is_alone() -> None:
    said = verdict([(0.93, None, None), (0.95, None, None)])
    assert (said.found, said.best, said.p) == (Found.ALONE, 2, None)
    assert "there is nothing to compare it with" in said.text
