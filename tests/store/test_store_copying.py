"""Experiments that move between stores of both dialects arrive row for row, and go on there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from luthier.clock import FakeClock
from luthier.errors import ConflictError, NotFound, StoreError
from luthier.store.copying import copy_experiments
from luthier.store.postgres import PostgresStore
from luthier.store.sql_store import SqlStore
from luthier.store.sqlite import SqliteStore
from luthier.testing.postgres import running
from luthier.testing.store_scene import NAN, configuration, describe, ended, fingerprint, points
from luthier.trial import Outcome, Proposal

Make = Callable[[str], SqlStore]


@pytest.fixture(
    params=["sqlite to postgres", "postgres to sqlite", "sqlite to sqlite", "postgres to postgres"]
)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SqlStore, SqlStore]]:
    def make(kind: str, name: str) -> SqlStore:
        if kind == "sqlite":
            return SqliteStore(tmp_path / f"{name}.db", FakeClock())
        return PostgresStore(running().empty(f"copy_{name}"))

    one, _, other = str(request.param).split()
    with closing(make(one, "source")) as source, closing(make(other, "target")) as target:
        yield source, target


def fill(store: SqlStore, n: int = 5, project: str = "/p") -> int:
    """An experiment with every kind of row: results of all kinds, points, NaN, odd names, a reservation, a person's trial."""
    experiment = store.open_experiment(describe(n + 4, project=project), nonce=f"n {project}")[0].id
    reserved = store.reserve(experiment, n, "w", f"r {project}")
    seen = store.revision()
    pairs = [
        (r.number, Proposal(configuration(r.number), "random", r.ordinal, seen, 0.5, 0.1)) for r in reserved
    ]
    store.propose(experiment, f"r {project}", pairs)
    store.enqueue(experiment, [configuration(900)], f"e {project}")
    claims = store.claim(experiment, 4, "märz \0 1", f"c {project}")
    values = [0.25, NAN, float("inf"), None]
    for k, claim in enumerate(claims):
        store.note_command(claim.id, ["python", f"--rate={k}", "\udc80"])
        store.report(claim.id, 0, points(3.0, NAN, float("-inf"), 1.5, metric=f"loss {k % 2} \x1a"))
        outcome = Outcome.FAILED if values[k] is None else Outcome.SUCCEEDED
        result = ended(values[k], outcome)._replace(
            curve=((1.0, 3.0), (4.0, 1.5)), values=(0.5, float("inf"))
        )
        store.finish(claim.id, result, again=k == 1)
    store.note_provenance(experiment, "märz \0 1", json.dumps({"project": project}))
    store.reserve(experiment, 1, "lost", f"l {project}")
    return experiment


def rows(store: SqlStore) -> dict[str, object]:
    """All that can be read, but for who holds a reservation."""
    return {name: text for name, text in fingerprint(store).items() if not name.startswith("held")}


def test_an_empty_store_takes_everything_as_it_was(pair: tuple[SqlStore, SqlStore]) -> None:
    source, target = pair
    for project in ("/one", "/two"):
        fill(source, project=project)
    told: list[tuple[int, int]] = []
    copied = copy_experiments(source, target, [1, 2], lambda done, of: told.append((done, of)))
    assert [(one.source, one.target) for one in copied] == [(1, 1), (2, 2)] and told[-1] == (14, 14)
    assert (
        copied[0].rows["trials"] == 7 and copied[0].rows["points"] == 16 and copied[0].rows["attempts"] == 4
    )
    assert rows(target) == rows(source)


def test_one_that_is_there_takes_it_under_new_numbers_and_goes_on(pair: tuple[SqlStore, SqlStore]) -> None:
    source, target = pair
    fill(target, project="/mine")
    for project in ("/one", "/two"):
        fill(source, project=project)
    before = {name: text for name, text in rows(target).items() if name != "revision"}
    (copied,) = copy_experiments(source, target, [2])
    assert (copied.source, copied.target) == (2, 3)
    there, here = source.trials(2), target.trials(3)
    assert [(t.number, t.result, t.configuration) for t in here[:1]] == [
        (t.number, t.result, t.configuration) for t in there[:1]
    ]
    assert [repr(t.result) for t in here] == [repr(t.result) for t in there]
    assert {t.run_id for t in here}.isdisjoint(t.run_id for t in target.trials(1))
    shift = here[0].proposal.seen - there[0].proposal.seen  # type: ignore[operator, union-attr]
    assert shift == target.events(experiment=3)[0].revision - source.events(experiment=2)[0].revision > 0
    assert repr(target.points(3, 1)) == repr(source.points(2, 1))
    assert {k: v for k, v in rows(target).items() if k in before and k != "events"} == {
        k: v for k, v in before.items() if k != "events"
    }
    # Both go on: the orphaned reservation is proposed by the next, numbers are nobody's twice.
    (again,) = target.reserve(3, 1, "next", "next")
    assert again.number == 7
    target.propose(3, "next", [(7, Proposal(configuration(7), "random", again.ordinal))])
    claims = target.claim(3, 9, "next", "claims")
    assert (
        len(claims) == 4
        and len({claim.run_id for claim in claims} | {t.run_id for t in target.trials(1)}) == 10
    )
    assert target.open_experiment(describe(9, project="/two"))[0].id == 3


def test_what_can_not_be_copied_is_said_and_nothing_is(pair: tuple[SqlStore, SqlStore]) -> None:
    source, target = pair
    fill(source)
    with pytest.raises(NotFound, match="no experiment 7"):
        copy_experiments(source, target, [7])
    copy_experiments(source, target, [1])
    after = rows(target)
    with pytest.raises(ConflictError, match="is there already, as 1"):
        copy_experiments(source, target, [1])
    other = fill(source, project="/other")
    source.claim(other, 1, "w", "running")
    with pytest.raises(ConflictError, match="has running trials; end them first: luthier stop 2"):
        copy_experiments(source, target, [other])
    assert rows(target) == after


def test_what_does_not_arrive_as_it_was_is_undone(
    pair: tuple[SqlStore, SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    fill(source)
    number = target.database.number
    monkeypatch.setattr(target.database, "number", lambda value: number(1.0 if value == 0.25 else value))
    before = rows(target)
    with pytest.raises(StoreError, match="did not arrive as it was, so nothing was copied"):
        copy_experiments(source, target, [1])
    assert rows(target) == before and target.experiments() == []
