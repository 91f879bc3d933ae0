"""The columns: whatever happens to a record, a whole and all that changed since is the same as a fresh whole."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from web_scene import Scene, named

from luthier.clock import FakeClock
from luthier.store.memory import MemoryStore
from luthier.testing.store_scene import NAN, StoreScene, ended, points
from luthier.trial import AttemptId, Outcome
from luthier.web.columns import Columns

PARTS = ("columns", "parameters", "metrics", "objective")


class Memory(StoreScene):
    """A record in memory whose verbs are called by hand."""

    def __init__(self) -> None:
        from itertools import count

        self.clock = FakeClock()
        self._nonces = count(1)
        self.store = MemoryStore(self.clock)


def rows_of(document: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The rows of columns by number; what is null is left out, as columns that came later were not there before."""
    lists = {f"{part} {name}": cells for part in PARTS for name, cells in document[part].items()}
    assert {len(cells) for cells in lists.values()} == {document["n"]}
    return {
        number: {name: cells[place] for name, cells in lists.items() if cells[place] is not None}
        for place, number in enumerate(document["columns"]["number"])
    }


class Page:
    """What a page holds: a whole, and what changed since, applied by number."""

    def __init__(self) -> None:
        self.revision: int | None = None
        self.rows: dict[int, dict[str, Any]] = {}

    def ask(self, columns: Columns) -> None:
        """Asks for what changed since."""
        news = json.loads(columns.since(self.revision).body)
        self.rows = rows_of(news) if news["whole"] else self.rows | rows_of(news)
        self.revision = news["revision"]


VERBS = (
    "queue",
    "claim",
    "report",
    "nan",
    "other",
    "succeed",
    "fail",
    "again",
    "pause",
    "promote",
    "retry",
    "cancel",
    "reserve",
)


def act(scene: StoreScene, e: int, verb: str, pick: int) -> None:
    """One verb on the trial that is picked, where it applies."""
    running = [AttemptId(e, t.number, t.attempt) for t in scene.store.trials(e) if t.state == "running"]
    known = [t.number for t in scene.store.trials(e)]
    one = running[pick % len(running)] if running else None
    if verb == "queue":
        scene.queue(e, 1 + pick % 3)
    elif verb == "reserve":
        scene.reserve(e, 1)  # it is written later than greater numbers, or never
    elif verb == "claim":
        scene.claim(e, 1 + pick % 2)
    elif verb in ("report", "nan", "other") and one:
        first = len(scene.store.points(e, one.trial, attempt=one.attempt))
        value = NAN if verb == "nan" else pick / 7
        scene.store.report(
            one, first, points(value, metric="other" if verb == "other" else "loss", step=first)
        )
    elif verb == "succeed" and one:
        scene.store.finish(one, ended(pick / 3))
    elif verb == "fail" and one:
        scene.store.finish(one, ended(None, Outcome.FAILED))
    elif verb == "again" and one:
        scene.store.finish(one, ended(None, Outcome.INTERRUPTED), again=True)
    elif verb == "pause" and one:
        scene.store.finish(one, ended(pick / 3), pause=True)
    elif known and verb == "promote":
        scene.store.promote(e, known[pick % len(known)])
    elif known and verb == "retry":
        scene.store.retry(e, known[pick % len(known)])
    elif known and verb == "cancel":
        scene.store.cancel(e, known[pick % len(known)], Outcome.STOPPED, "by a rule")


@given(
    st.lists(st.tuples(st.sampled_from((*VERBS, "look", "ask", "ask late")), st.integers(0, 20)), max_size=60)
)
def test_a_whole_and_what_changed_is_a_fresh_whole(steps: list[tuple[str, int]]) -> None:
    """One page asks often, one seldom, one follows versions as a socket does; and the server is started again in between."""
    scene = Memory()
    e = scene.open(None)
    columns, often, seldom = Columns(e), Page(), Page()
    followed: tuple[Columns, int, dict[int, dict[str, Any]]] | None = None
    for verb, pick in [*steps, ("ask", 0), ("ask late", 0)]:
        if verb == "look":
            columns.refresh(scene.store)
            if pick % 5 == 0:
                columns = Columns(e)  # the server was started again
                columns.refresh(scene.store)
        elif verb in ("ask", "ask late"):
            columns.refresh(scene.store)
            (often if verb == "ask" else seldom).ask(columns)
            if followed is None or followed[0] is not columns:
                followed = (columns, columns.version, rows_of(columns.document()))
            else:
                news = columns.after(followed[1])
                followed = (columns, news.version, followed[2] | rows_of(json.loads(news.body)))
            fresh = Columns(e)
            fresh.refresh(scene.store)
            whole = rows_of(fresh.document())
            assert (
                (often if verb == "ask" else seldom).rows
                == whole
                == rows_of(columns.document())
                == followed[2]
            )
        else:
            act(scene, e, verb, pick)


def test_only_what_changed_is_read_and_sent(scene: Scene) -> None:
    e = scene.open(50)
    scene.queue(e, 50)
    columns = Columns(e)
    columns.refresh(scene.store)
    before = columns.revision
    [claim] = scene.claim(e)
    assert columns.refresh(scene.store) == [claim.id.trial]
    news = json.loads(columns.since(before + 1).body)
    assert news["n"] == 1 and not news["whole"] and news["columns"]["state"] == ["running"]
    assert columns.refresh(scene.store) == []
    scene.store.report(claim.id, 0, points(0.25))
    assert columns.refresh(scene.store) == [
        claim.id.trial
    ]  # points make no revision, and are seen all the same
    news = json.loads(columns.since(columns.revision).body)
    assert news["metrics"] == {"loss": [0.25]} and news["columns"]["steps"] == [1.0]


def test_numbers_are_whole_and_names_are_data(scene: Scene) -> None:
    name = "</script><script>alert(1)</script>\x00\u2028'\"&é"
    store = scene.store
    record, _ = store.open_experiment(named(name.replace("\x00", "")), fresh=True)
    e, name = record.id, name.replace("\x00", "")
    space = record.description.space
    store.enqueue(e, [space.configuration({name: 0.1 + 0.2, "choice": name})], "n")
    [claim] = scene.claim(e)
    store.report(claim.id, 0, points(float("inf"), float("-inf"), NAN, metric=name))
    store.finish(claim.id, ended(float("-inf"), reason=name))
    columns = Columns(e)
    columns.refresh(store)
    whole = json.loads(columns.since(None).body)
    assert whole["parameters"] == {name: [0.1 + 0.2], "choice": [name]}
    assert whole["metrics"] == {name: ["nan"]} and whole["objective"] == {name: ["-inf"]}
    assert whole["columns"]["reason"] == [name]


def test_a_revision_from_elsewhere_gives_all(scene: Scene) -> None:
    e = scene.open(3)
    scene.queue(e, 3)
    columns = Columns(e)
    columns.refresh(scene.store)
    assert json.loads(columns.since(columns.revision + 1000).body)["whole"]
