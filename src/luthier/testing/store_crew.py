"""Promises about workers, and about contents that travel with the record."""

from __future__ import annotations

from luthier.store import Tally, Verdict, Wish, WorkerRecord
from luthier.testing.store_scene import StoreScene, ended
from luthier.trial import Outcome, Result

__all__ = ["CrewPromises"]


class CrewPromises(StoreScene):
    """Who works here, and how it went."""

    def test_a_worker_is_known_by_what_it_said_last(self) -> None:
        worker = WorkerRecord(
            "a-1-x", "a", 1, 5.0, slots=2, cpus=8, memory_bytes=2**40, tags=("K80", "Märkte")
        )
        self.store.announce(worker)
        self.clock.advance(30)
        self.store.announce(WorkerRecord("b-2-y", "b", 2, 6.0))
        self.clock.advance(30)
        self.store.announce(worker._replace(state="working", experiment=3, note="x" * 500))
        first, second = self.store.workers()
        assert first == worker._replace(seen=first.seen, state="working", experiment=3, note="x" * 500)
        assert (second.name, second.state, second.tags) == ("b-2-y", "idle", ())
        assert abs(first.seen - second.seen - 30) < 1

    def test_a_person_asks_whoever_holds_an_attempt_to_end_it(self) -> None:
        e = self.open()
        id = self.begin(e)
        before = self.store.experiment(e).revision
        assert self.store.request_end(id, Wish.STOP, "enough")
        assert self.store.request_end(id, Wish.STOP, "enough")  # asked twice, it is one request
        assert self.store.request_end(id, Wish.KILL, "at once")
        asked = self.store.end_requests(e)
        assert [(r.trial, r.attempt, r.detail) for r in asked] == [
            (id.trial, id.attempt, {"wish": "stop", "reason": "enough"}),
            (id.trial, id.attempt, {"wish": "kill", "reason": "at once"}),
        ]
        assert (
            self.store.experiment(e).revision == asked[-1].revision > before
        )  # who watches the experiment hears of it
        assert self.store.end_requests(e, asked[0].revision) == asked[1:]
        assert self.store.finish(id, ended()) is Verdict.ACCEPTED
        assert not self.store.request_end(id, Wish.KILL, "too late")
        assert not self.store.request_end(id._replace(trial=99), Wish.KILL, "nobody")
        assert self.store.end_requests(e) == asked and self.store.end_requests(99) == []

    def test_what_the_dead_and_the_silent_hold_is_found_among_all(self) -> None:
        e = self.open(6)
        early, (gone, late) = self.begin(e, "silent"), (self.begin(e, "dead"), self.begin(e, "also silent"))
        self.store.renew([gone], "dead", 90.0)
        self.store.renew([late], "also silent", 90.0)
        mine = self.begin(e, "w")
        assert self.store.held(e, []) == []
        assert [held.id for held in self.store.held(e, ["dead", "unknown"])] == [gone]
        self.clock.advance(61.0)
        self.store.renew([mine], "w")
        assert [(held.id, held.worker, held.lapsed) for held in self.store.held(e, [])] == [
            (early, "silent", True)
        ]
        both = self.store.held(e, ["dead"])
        assert [(held.id, held.lapsed) for held in both] == [(early, True), (gone, False)]
        self.clock.advance(30.0)
        lapsed = self.store.held(e, [])
        assert [held.id for held in lapsed] == [early, gone, late]
        assert lapsed == [held for held in self.store.held(e) if held.lapsed]
        self.store.finish(early, ended())
        assert [held.id for held in self.store.held(e, [])] == [gone, late]

    def test_a_worker_is_forgotten_after_a_week_of_silence(self) -> None:
        self.store.announce(WorkerRecord("old", "a", 1, 0.0))
        self.clock.advance(6 * 86400)
        self.store.announce(WorkerRecord("new", "a", 2, 0.0))
        assert [worker.name for worker in self.store.workers()] == ["new", "old"]
        self.clock.advance(2 * 86400)
        self.store.announce(WorkerRecord("newest", "a", 3, 0.0))
        assert [worker.name for worker in self.store.workers()] == ["newest", "new"]

    def test_tallies_tell_how_it_went_for_each_worker(self) -> None:
        experiment = self.open()
        self.queue(experiment, 6)
        claims = self.claim(experiment, 4, "a") + self.claim(experiment, 2, "b")
        ends = [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.OUT_OF_MEMORY, Outcome.STOPPED, Outcome.SUCCEEDED]
        for claim, outcome in zip(claims, ends, strict=False):
            self.store.finish(claim.id, Result(outcome, "", 1.0))
        assert self.store.tallies(experiment) == {"a": Tally(1, 2, 0), "b": Tally(1, 0, 1)}
        assert self.store.tallies(experiment + 1) == {}

    def test_a_content_is_kept_once_byte_for_byte(self) -> None:
        content = bytes(range(256)) * 1000
        assert not self.store.has_blob("objects/ab") and self.store.blob("objects/ab") is None
        for _ in range(2):
            self.store.keep_blob("objects/ab", content)
        self.store.keep_blob("objects/ab", b"another")
        assert self.store.has_blob("objects/ab") and self.store.blob("objects/ab") == content
        self.store.keep_blob("empty", b"")
        assert self.store.blob("empty") == b""
