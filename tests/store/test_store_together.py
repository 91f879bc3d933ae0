"""A part of a transaction that fails after it has written: nobody may keep half a verb, also where its error is caught."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import pytest

from luthier.clock import FakeClock
from luthier.errors import StoreError
from luthier.store.sqlite import SqliteStore
from luthier.testing.store_scene import configuration, describe
from luthier.trial import Proposal


def test_a_verb_that_breaks_after_it_wrote_spoils_what_it_was_together_with(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store.db", FakeClock())) as store:
        e = store.open_experiment(describe(3))[0].id
        store.reserve(e, 1, "w", "n1")
        before = (store.experiment(e), store.events())
        unwritable = Proposal(configuration(1), "random", note={"made by": object()})
        with pytest.raises(StoreError, match="all of it was undone"), store.together():
            store.enqueue(e, [configuration(2)], "n2")
            with suppress(TypeError):
                store.propose(e, "n1", [(1, unwritable)])
        assert (store.experiment(e), store.events()) == before
        with store.together():
            store.enqueue(e, [configuration(2)], "n3")
        assert store.experiment(e).trials == before[0].trials + 1
