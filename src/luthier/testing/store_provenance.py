"""What a store promises of what trials ran with: who noted it, which attempts it holds for, how long it is kept."""

from __future__ import annotations

import pytest

from luthier.errors import NotFound
from luthier.testing.store_scene import StoreScene, ended
from luthier.trial import AttemptId

__all__ = ["ProvenancePromises"]


class ProvenancePromises(StoreScene):
    """Provenance, and results that are taken from other trials."""

    def test_what_attempts_ran_with_goes_by_who_began_them_and_when(self) -> None:
        e, other = self.open(), self.open()
        self.queue(e, 3)
        self.store.claim(e, 1, "w", "n1")
        assert self.store.provenance(AttemptId(e, 1, 1)) is None
        first = self.store.note_provenance(e, "w", "one ☃")
        assert (
            self.store.note_provenance(e, "w", "one ☃") == first != self.store.note_provenance(e, "v", "two")
        )
        self.clock.advance(10)
        self.store.note_provenance(e, "w", "three", since=self.clock.now())
        self.store.claim(e, 1, "w", "n2")
        self.store.claim(e, 1, "u", "n3")
        assert self.store.adopt(AttemptId(e, 1, 1), "w", "v")
        seen = [self.store.provenance(AttemptId(e, k, 1)) for k in (1, 2, 3, 9)]
        assert seen == ["one ☃", "three", None, None]
        self.store.note_provenance(e, "u", "four", since=self.clock.now() + 5)
        assert self.store.provenance(AttemptId(e, 3, 1)) == "four"
        assert [(sheet.worker, sheet.text) for sheet in self.store.sheets(e)] == [
            ("v", "two"),
            ("w", "one ☃"),
            ("w", "three"),
            ("u", "four"),
        ]
        assert self.store.sheets(e)[1].digest == first
        assert self.store.sheets(other) == self.store.sheets(99) == []
        with pytest.raises(NotFound):
            self.store.note_provenance(99, "w", "x")

    def test_provenance_goes_with_its_experiment_and_only_with_the_last(self) -> None:
        e, other = self.open(), self.open()
        digest = self.store.note_provenance(e, "w", "same")
        assert self.store.note_provenance(other, "w", "same") == digest
        self.store.remove(e)
        assert self.store.sheets(e) == []
        assert [sheet.text for sheet in self.store.sheets(other)] == ["same"]
        self.store.remove(other)
        assert self.store.note_provenance(self.open(), "w", "same") == digest

    def test_a_reuse_is_an_event_of_a_running_attempt(self) -> None:
        e = self.open()
        id = self.begin(e)
        before, revision = self.store.experiment(e), self.store.revision()
        self.store.note_reuse(id, AttemptId(7, 3, 2))
        assert self.store.experiment(e) == before
        self.store.finish(id, ended())
        self.store.note_reuse(id, AttemptId(7, 3, 3))
        (made,) = [event for event in self.store.events(revision) if event.kind == "reused"]
        assert (made.experiment, made.trial, made.attempt) == (e, id.trial, id.attempt)
        assert dict(made.detail) == {"source": {"experiment": 7, "trial": 3, "attempt": 2}}
