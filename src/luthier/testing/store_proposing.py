"""What a store promises about experiments, their budget and the numbers of their trials."""

from __future__ import annotations

import pytest

from luthier.errors import ConflictError, NotFound, UsageError
from luthier.space import Configuration
from luthier.store import Reservation, Wish
from luthier.testing.store_scene import StoreScene, configuration, describe, ended, fingerprint
from luthier.trial import Outcome, Proposal, TrialState, trial_seed

__all__ = ["ExperimentPromises", "ProposingPromises"]


class ExperimentPromises(StoreScene):
    """Finding, naming, steering and forgetting experiments."""

    def test_the_same_command_goes_on_with_the_same_experiment(self) -> None:
        first, created = self.store.open_experiment(describe(10))
        again, created_again = self.store.open_experiment(describe(10))
        assert (created, created_again) == (True, False)
        assert again == first
        assert first.description == describe(10)
        assert (first.target, first.wish, first.trials, first.finished) == (10, Wish.RUN, 0, 0)
        assert not first.is_met

    def test_budget_and_limits_may_change_from_call_to_call(self) -> None:
        first, _ = self.store.open_experiment(describe(10))
        more, created = self.store.open_experiment(describe(20))
        assert (more.id, more.target, created) == (first.id, 20, False)
        assert more.revision > first.revision
        assert self.store.experiment(first.id).description.trials == 20

    def test_another_search_or_another_seed_is_another_experiment(self) -> None:
        ids = [
            self.store.open_experiment(d)[0].id
            for d in (describe(), describe(seed=7), describe(project="/q"))
        ]
        assert len(set(ids)) == 3
        assert [record.id for record in self.store.experiments()] == ids

    def test_whoever_names_no_seed_goes_on_with_the_newest_twin(self) -> None:
        self.store.open_experiment(describe(seed=3))
        newest, _ = self.store.open_experiment(describe(seed=8))
        found, created = self.store.open_experiment(describe(seed=0), any_seed=True)
        assert (found.id, found.seed, created) == (newest.id, 8, False)
        assert found.description.seed == 8

    def test_a_fresh_experiment_takes_a_seed_no_twin_has_used(self) -> None:
        self.store.open_experiment(describe(seed=8))
        fresh, created = self.store.open_experiment(describe(seed=0), any_seed=True, fresh=True)
        assert (fresh.seed, fresh.description.seed, created) == (9, 9, True)
        named, created = self.store.open_experiment(describe(seed=8), fresh=True)
        assert (named.seed, created) == (8, True)

    def test_a_name_belongs_to_one_search(self) -> None:
        first, _ = self.store.open_experiment(describe(name="mine"))
        assert self.store.open_experiment(describe(name="mine"))[0].id == first.id
        with pytest.raises(UsageError, match=f"'mine' belongs to experiment {first.id}"):
            self.store.open_experiment(
                describe(name="mine", project="/p", seed=0).__class__.from_dict(
                    {**describe(name="mine").to_dict(), "objective": None}
                )
            )
        assert len(self.store.experiments()) == 1

    def test_a_name_finds_its_own_or_names_the_unnamed(self) -> None:
        unnamed, _ = self.store.open_experiment(describe())
        named, created = self.store.open_experiment(describe(name="a"))
        assert (named.id, created, named.description.name) == (unnamed.id, False, "a")
        other, created = self.store.open_experiment(describe(name="b"))
        assert created and other.id != named.id
        assert self.store.open_experiment(describe(name="a"))[0].id == named.id
        assert self.store.open_experiment(describe())[0].id == other.id

    def test_a_wish_is_kept_and_told_once(self) -> None:
        e = self.open()
        assert self.store.set_wish(e, Wish.PAUSE, "lunch")
        assert not self.store.set_wish(e, Wish.PAUSE, "lunch")
        assert self.store.experiment(e).wish is Wish.PAUSE
        assert [
            event.detail["wish"] for event in self.store.events(experiment=e) if event.kind == "wished"
        ] == ["pause"]
        assert self.store.newest_wish(99) is None
        assert self.store.set_wish(e, Wish.STOP, "enough")
        newest = self.store.newest_wish(e)
        assert newest is not None and dict(newest.detail) == {"wish": "stop", "reason": "enough"}

    @pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.STOP, Wish.KILL])
    def test_nothing_new_starts_against_a_wish(self, wish: Wish) -> None:
        e = self.open()
        self.queue(e, 2)
        self.store.set_wish(e, wish)
        assert self.reserve(e, 1)[1] == []
        assert self.claim(e) == []
        self.store.set_wish(e, Wish.RUN)
        assert len(self.reserve(e, 1)[1]) == len(self.claim(e)) == 1

    def test_an_experiment_with_running_trials_is_not_removed(self) -> None:
        e = self.open()
        id = self.begin(e)
        with pytest.raises(ConflictError, match="running"):
            self.store.remove(e)
        self.store.finish(id, ended())
        self.store.remove(e)
        with pytest.raises(NotFound, match=f"no experiment {e}"):
            self.store.experiment(e)

    def test_what_is_removed_leaves_nothing_and_nothing_of_it_is_used_again(self) -> None:
        kept, gone = self.open(), self.open()
        for e in (kept, gone):
            id = self.begin(e)
            self.store.report(id, 0, [])
            self.store.finish(id, ended())
        run_id, before = self.store.trial(gone, 1).run_id, self.store.revision()
        self.store.remove(gone)
        assert [record.id for record in self.store.experiments()] == [kept]
        assert [event.kind for event in self.store.events(experiment=gone)] == ["removed"]
        assert self.store.revision() > before
        assert self.store.trials(gone) == [] and self.store.attempts(gone, 1) == []
        new = self.open()
        assert new > gone
        assert self.store.trial(new, self.queue(new, 1)[0]).run_id > run_id

    def test_what_does_not_exist_is_not_found(self) -> None:
        store = self.store
        e = self.open()
        for call in (
            lambda: store.experiment(99),
            lambda: store.set_wish(99, Wish.STOP),
            lambda: store.remove(99),
            lambda: store.reserve(99, 1, "w", "n1"),
            lambda: store.propose(99, "n1", []),
            lambda: store.enqueue(99, [configuration(1)], "n2"),
            lambda: store.claim(99, 1, "w", "n3"),
            lambda: store.history(99),
            lambda: store.trial(e, 99),
            lambda: store.trial(99, 1),
            lambda: store.cancel(e, 99, Outcome.KILLED, ""),
            lambda: store.retry(e, 99),
        ):
            with pytest.raises(NotFound):
                call()


class ProposingPromises(StoreScene):
    """Reserving within the budget, proposing, enqueueing."""

    def test_numbers_ordinals_and_seeds_are_handed_out_in_order(self) -> None:
        e = self.open(10)
        _, reserved = self.reserve(e, 3)
        assert [(r.number, r.ordinal) for r in reserved] == [(1, 1), (2, 2), (3, 3)]
        assert [r.seed for r in reserved] == [trial_seed(0, k) for k in (1, 2, 3)]
        assert len({r.run_id for r in reserved}) == 3
        record = self.store.experiment(e)
        assert (record.proposed, record.trials, record.reserved) == (3, 3, 3)

    def test_no_more_is_reserved_than_the_budget_holds(self) -> None:
        e = self.open(5)
        assert len(self.reserve(e, 3, "a")[1]) == 3
        assert len(self.reserve(e, 3, "b")[1]) == 2
        assert self.reserve(e, 3, "c")[1] == []
        assert self.reserve(e, 0, "c")[1] == self.reserve(e, -1, "c")[1] == []
        self.store.open_experiment(describe(6))
        assert [r.number for r in self.reserve(e, 3, "c")[1]] == [6]

    def test_without_a_budget_there_is_always_a_number(self) -> None:
        e = self.open(None)
        assert len(self.reserve(e, 100)[1]) == 100

    def test_while_a_thousand_numbers_are_taken_and_not_written_no_more_are_handed_out(self) -> None:
        """Else thousands of workers that begin at once take 32 each, and each call reads what all have."""
        e = self.open(5000)
        first = self.store.reserve(e, 900, "a", "a1")
        assert len(first) == 900 and len(self.reserve(e, 300, "b")[1]) == 300
        assert self.reserve(e, 10, "c")[1] == []
        assert self.store.reserve(e, 900, "a", "a1") == first
        assert len(self.reserve(e, 40, "a")[1]) == 40  # of its own
        assert self.store.experiment(e).reserved == 1200
        self.clock.advance(61.0)
        assert [r.number for r in self.reserve(e, 10, "c")[1]] == list(range(1, 11))
        nonce, left = self.reserve(e, 300, "b")
        assert self.propose(e, nonce, left) == 300
        assert len(self.reserve(e, 2000, "d")[1]) == 2000
        self.check_counters(e)

    def test_a_reservation_sent_twice_takes_once(self) -> None:
        e = self.open(10)
        nonce, reserved = self.reserve(e, 3)
        assert self.store.reserve(e, 3, "w", nonce) == reserved
        self.propose(e, nonce, reserved[:1])
        assert self.store.reserve(e, 3, "w", nonce) == reserved[1:]
        self.propose(e, nonce, reserved)
        assert self.store.reserve(e, 3, "w", nonce) == []
        assert self.store.experiment(e).trials == 3

    def test_a_proposal_is_kept_whole(self) -> None:
        e = self.open()
        nonce, (r,) = self.reserve(e, 1)
        why = Proposal(configuration(1), "tpe", r.ordinal, 17, 0.25, 0.125, 0.5, {"kernel": [1.5, "matern"]})
        assert self.store.propose(e, nonce, [(r.number, why)]) == 1
        trial = self.store.trial(e, r.number)
        assert trial.proposal == why
        assert (trial.state, trial.attempt, trial.run_id) == (TrialState.QUEUED, 0, r.run_id)
        assert trial.configuration == configuration(1)

    def test_a_proposal_counts_once_and_only_under_its_nonce(self) -> None:
        e = self.open()
        nonce, reserved = self.reserve(e, 2)
        assert self.propose(e, "another", reserved) == 0
        assert self.propose(e, nonce, reserved) == 2
        before = self.store.revision()
        assert self.propose(e, nonce, reserved) == 0
        assert self.store.revision() == before
        self.check_counters(e)

    def test_a_reservation_is_shown_only_by_its_number(self) -> None:
        e = self.open()
        _, (r,) = self.reserve(e, 1)
        assert self.store.trials(e) == [] and self.store.history(e).trials == ()
        trial = self.store.trial(e, r.number)
        assert (trial.state, trial.configuration) == (TrialState.RESERVED, None)

    def test_an_orphaned_reservation_is_taken_over(self) -> None:
        e = self.open(4)
        nonce, reserved = self.reserve(e, 3, "dead")
        self.clock.advance(60.0)
        assert [r.number for r in self.reserve(e, 2, "young")[1]] == [4]
        self.clock.advance(0.5)
        mine, taken = self.reserve(e, 2, "heir")
        assert taken == reserved[:2]
        assert self.propose(e, nonce, reserved) == 1
        assert self.propose(e, mine, taken) == 2
        self.check_counters(e)

    def test_another_boot_a_restart_and_a_burial_free_reservations_at_once(self) -> None:
        e = self.open(1)
        _, reserved = self.reserve(e, 1, "a")
        assert self.reserve(e, 1, "b")[1] == []
        self.clock.reboot("boot-2")
        if not self.boots:
            assert self.reserve(e, 1, "b")[1] == []
            self.clock.advance(60.5)
        assert self.reserve(e, 1, "b")[1] == reserved
        assert self.reserve(e, 1, "b")[1] == reserved
        assert self.store.holds_any("b")
        self.store.abandon("b")
        self.store.abandon("b")
        assert self.reserve(e, 1, "c")[1] == reserved
        assert not self.store.holds_any("b") and self.store.holds_any("c")

    def test_an_exhausted_space_lowers_the_target_once(self) -> None:
        e = self.open(10)
        nonce, reserved = self.reserve(e, 5)
        pairs = [(r.number, Proposal(configuration(r.number), "grid", r.ordinal)) for r in reserved[:2]]
        assert self.store.propose(e, nonce, pairs, exhausted=True) == 2
        record = self.store.experiment(e)
        assert (record.target, record.trials, record.proposed, record.reserved) == (2, 2, 2, 0)
        self.store.open_experiment(describe(10))
        self.store.open_experiment(describe(9))
        assert self.store.propose(e, nonce, pairs, exhausted=True) == 0
        assert self.store.experiment(e).target == 9
        assert self.reserve(e, 1)[1][0].ordinal == 3

    def test_an_exhausted_space_bounds_an_endless_search(self) -> None:
        e = self.open(None)
        nonce, _ = self.reserve(e, 5)
        self.store.propose(e, nonce, [], exhausted=True)
        assert self.store.experiment(e).target == 0

    def test_a_number_given_back_is_not_handed_out_under_later_ones(self) -> None:
        e = self.open(None)
        first, early = self.reserve(e, 2, "a")
        second, late = self.reserve(e, 2, "b")
        self.store.propose(e, first, [], exhausted=True)
        self.propose(e, second, late)
        numbers = self.store.enqueue(e, [configuration(9)], self.nonce())
        assert numbers == [5]
        self.store.open_experiment(describe(None))
        more = self.reserve(e, 2)[1]
        assert [(r.number, r.ordinal) for r in more] == [(6, 5), (7, 6)]
        assert isinstance(early[0], Reservation)

    def test_a_twin_of_what_was_written_since_is_refused_and_stays_reserved(self) -> None:
        e = self.open(4)
        nonce, (mine,) = self.reserve(e, 1, "a")
        seen = self.store.revision()
        self.store.enqueue(e, [configuration(7)], self.nonce())
        twin = [(mine.number, Proposal(configuration(7), "tpe", mine.ordinal, seen))]
        before = fingerprint(self.store)
        for _ in range(2):
            assert self.store.propose(e, nonce, twin, distinct=True) == 0
            assert self.store.propose(e, nonce, twin, exhausted=True, distinct=True) == 0
        assert fingerprint(self.store) == before
        assert self.store.reserve(e, 1, "a", nonce) == [mine]
        other = [(mine.number, Proposal(configuration(8), "tpe", mine.ordinal, seen))]
        assert self.store.propose(e, nonce, other, distinct=True) == 1
        assert self.store.propose(e, nonce, twin, distinct=True) == 0
        self.check_counters(e)

    def test_a_twin_is_written_where_it_was_seen_or_is_wanted(self) -> None:
        e = self.open(6)
        numbers = self.store.enqueue(e, [configuration(7)], self.nonce())
        seen = self.store.revision()
        id = self.claim(e)[0].id
        self.store.finish(id, ended())
        assert self.store.trial(e, numbers[0]).revision > seen  # changed since, but not written since
        nonce, (first, second) = self.reserve(e, 2)
        known = [(first.number, Proposal(configuration(7), "tpe", first.ordinal, seen))]
        assert self.store.propose(e, nonce, known, distinct=True) == 1
        wanted = [(second.number, Proposal(configuration(7), "tpe", second.ordinal, seen))]
        assert self.store.propose(e, nonce, wanted, distinct=True) == 0
        assert self.store.propose(e, nonce, wanted) == 1

    def test_twins_are_told_by_their_values_and_within_one_call_too(self) -> None:
        e = self.open(6)
        other = self.open(6)
        nonce, reserved = self.reserve(e, 3)
        seen = self.store.revision()
        self.store.enqueue(other, [Configuration({"rate": 1.0})], self.nonce())
        rates = [Configuration({"rate": 1.0}, {"rate": "1.00"}), Configuration({"rate": 1}), configuration(1)]
        made = [(r.number, Proposal(c, "tpe", r.ordinal, seen)) for r, c in zip(reserved, rates, strict=True)]
        assert self.store.propose(e, nonce, made, distinct=True) == 2
        assert [trial.number for trial in self.store.trials(e)] == [1, 3]
        assert self.store.reserve(e, 3, "w", nonce) == [reserved[1]]

    def test_events_tell_which_trials_were_written_and_every_target(self) -> None:
        e = self.open(3)
        self.queue(e, 2)
        self.store.enqueue(e, [configuration(8), configuration(9)], self.nonce())
        self.store.open_experiment(describe(20))
        nonce, reserved = self.reserve(e, 5)
        self.store.propose(e, nonce, [(5, Proposal(configuration(5), "grid", 3))], exhausted=True)
        kinds = [(event.kind, dict(event.detail)) for event in self.store.events(experiment=e)]
        assert kinds == [
            ("created", {"target": 3}),
            ("proposed", {"n": 2, "numbers": [1, 2]}),
            ("enqueued", {"first": 3, "n": 2, "target": 4}),
            ("amended", {"target": 20}),
            ("proposed", {"n": 1, "numbers": [5], "target": 5}),
        ]
        assert self.store.experiment(e).target == 5 and len(reserved) == 5

    def test_a_persons_configurations_run_first_and_raise_a_spent_target(self) -> None:
        e = self.open(2)
        self.queue(e, 2)
        numbers = self.store.enqueue(e, [configuration(100), configuration(200)], self.nonce())
        assert numbers == [3, 4]
        record = self.store.experiment(e)
        assert (record.target, record.trials, record.proposed, record.queued) == (4, 4, 2, 4)
        claims = self.claim(e, 4)
        assert [c.id.trial for c in self.claim(e, 4)] == []
        assert sorted(c.id.trial for c in claims) == [1, 2, 3, 4]
        assert self.store.trial(e, 3).proposal == Proposal(configuration(100), "you")
        assert {c.id.trial: c.ordinal for c in claims} == {1: 1, 2: 2, 3: None, 4: None}

    def test_enqueued_trials_are_claimed_before_the_algorithms(self) -> None:
        e = self.open(10)
        self.queue(e, 2)
        self.store.enqueue(e, [configuration(100)], self.nonce())
        assert [self.claim(e)[0].id.trial for _ in range(3)] == [3, 1, 2]

    def test_an_enqueue_sent_twice_adds_once(self) -> None:
        e, nonce = self.open(10), self.nonce()
        numbers = self.store.enqueue(e, [configuration(1), configuration(2)], nonce)
        self.store.finish(self.claim(e)[0].id, ended())
        assert self.store.enqueue(e, [configuration(1), configuration(2)], nonce) == numbers
        assert self.store.experiment(e).trials == 2
        assert self.store.enqueue(e, [], self.nonce()) == []
