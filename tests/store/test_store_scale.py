"""No hot statement looks at more rows than it needs: the plans SQLite makes, at any size."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from luthier.clock import FakeClock
from luthier.store import Sort, Store
from luthier.store.postgres import PostgresStore
from luthier.store.sqlite import SqliteStore
from luthier.store.statements import migrations, statements
from luthier.testing.fill import describe, fill, fill_server
from luthier.testing.postgres import running
from luthier.testing.store_scene import configuration, ended, fingerprint

Fills = Callable[[int, int], int]
Filled = Callable[[Path], tuple[Store, Fills]]

# What may be read whole: few rows (experiments, workers, what trials ran with), the partial indexes of what is held, and
# what `remove` sweeps.
MAY_SCAN = {
    "experiment_by_name": "experiment",
    "read_experiments": "experiment",
    "remove_heard": "heard",
    "remove_provenance": "provenance",
    "read_spent": "n VIRTUAL TABLE",  # the numbers that are asked for
    "read_summaries_of": "n VIRTUAL TABLE",  # the same
    "abandon": "trial USING INDEX trial_reserved",
    "holds_any": "trial USING INDEX trial_",
    "page_by_metric": "s",
    "read_workers": "worker",  # those of the last week
    "forget_workers": "worker",
    "copy_heard": "heard",
    "newest_numbers": "sqlite_sequence",  # a row for each table
}
PAGES_SORT = {
    "best_up",
    "newest_twin",
    "read_metric_names",
    "page_by_metric",
    "count_not_well",
    "repeated_claim",
    "read_provenance",  # a line for each time a worker drove
    "read_sheets",
    "read_workers",
    "copy_metrics",  # a name for each metric
    "copy_provenance",
    "read_spent",  # the trials of a page
    "read_summaries_of",  # the same
    "read_tallies",  # asked only where a worker doubts itself, or by a person
}


@pytest.fixture(scope="module")
def empty() -> sqlite3.Connection:
    with closing(sqlite3.connect(":memory:")) as db:
        for _, script in migrations("sqlite"):
            db.executescript(script)
        yield db


@pytest.mark.parametrize("name", statements("sqlite"))
def test_no_statement_reads_a_table_whole(empty: sqlite3.Connection, name: str) -> None:
    sql = statements("sqlite")[name]
    values = dict.fromkeys(re.findall(r":(\w+)", sql))
    plan = [row[3] for row in empty.execute("EXPLAIN QUERY PLAN " + sql, values)]
    scans = [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"]
    assert all(step.startswith(f"SCAN {MAY_SCAN.get(name, 'nothing')}") for step in scans), plan
    assert name in PAGES_SORT or not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("claim", "trial_queue"),
        ("held", "trial_running"),
        ("lapsed", "trial_running"),
        ("repeated_claim", "trial_running"),
        ("repeated_reservation", "trial_reserved"),
        ("take_over_reservations", "trial_reserved"),
        ("best_up", "trial_by_value"),
        ("best_down", "trial_by_value"),
        ("page_not_well", "trial_not_well"),
        ("page_running", "trial_running"),
        ("page_by_metric", "summary_by_metric"),
        ("changed_trials", "trial_by_revision"),
    ],
)
def test_hot_statements_use_their_index(empty: sqlite3.Connection, name: str, index: str) -> None:
    sql = statements("sqlite")[name]
    plan = empty.execute("EXPLAIN QUERY PLAN " + sql, dict.fromkeys(re.findall(r":(\w+)", sql))).fetchall()
    assert any(index in row[3] for row in plan), plan


def steps_of(store: SqliteStore, verb: object) -> int:
    """How many instructions SQLite's machine ran for a verb: a cost that no other process can disturb."""
    counted = [0]

    def tick() -> int:
        counted[0] += 1
        return 0

    assert store._db._db is not None
    store._db._db.set_progress_handler(tick, 1)
    verb()  # type: ignore[operator]
    store._db._db.set_progress_handler(None, 1)
    return counted[0]


def test_a_claim_and_a_finish_cost_the_same_with_a_hundred_trials_and_with_many(fast: Path) -> None:
    costs = []
    for n in (100, 20_000):
        path = fast / f"{n}.db"
        e = fill(path, n, 2)
        with closing(SqliteStore(path, FakeClock())) as store:
            store.enqueue(e, [configuration(k) for k in range(5)], "q")
            claim = store.claim(e, 1, "w", "c0")[0]
            store.finish(claim.id, ended())
            got = []
            begin = steps_of(store, lambda: got.extend(store.claim(e, 1, "w", "c1")))  # noqa: B023
            end = steps_of(store, lambda: store.finish(got[0].id, ended(0.25)))  # noqa: B023
            best = steps_of(store, lambda: store.trials(e, Sort("value"), 20))  # noqa: B023
            again = steps_of(store, lambda: store.history(e)) and steps_of(store, lambda: store.history(e))  # noqa: B023
            costs.append((begin, end, best, again))
    few, many = costs
    assert all(b <= a * 1.2 + 20 for a, b in zip(few, many, strict=True)), costs


def filled_file(folder: Path) -> tuple[Store, Fills]:
    path = folder / "store.db"
    return SqliteStore(path, FakeClock()), partial(fill, path)


def filled_server(folder: Path) -> tuple[Store, Fills]:
    url = running().empty("filled")
    return PostgresStore(url), partial(fill_server, url)


def test_the_last_page_costs_what_the_first_one_does_however_many_there_are(fast: Path) -> None:
    path = fast / "store.db"
    e = fill(path, 20_000, 0)
    with closing(SqliteStore(path, FakeClock())) as store:
        pages = [
            steps_of(store, lambda: store.trials(e, limit=50, offset=offset))  # noqa: B023
            for offset in (0, 19_950)
        ]
        assert pages[1] < 2 * pages[0], pages


@pytest.mark.parametrize("filled", [filled_file, filled_server])
def test_a_page_far_away_is_right_also_where_numbers_are_missing_or_reserved(
    fast: Path, filled: Filled
) -> None:
    opened, fills = filled(fast)
    with closing(opened) as store:
        e = fills(3000, 0)

        def pages() -> list[int]:
            return [
                t.number for offset in range(0, 3100, 100) for t in store.trials(e, limit=100, offset=offset)
            ]

        store.enqueue(e, [configuration(1)], "q")
        assert pages() == list(range(1, 3002))
        store.open_experiment(describe(3010))
        reserved = store.reserve(e, 3, "w", "n")
        store.enqueue(e, [configuration(2)], "q2")
        with_gaps = [*range(1, 3002), 3005]
        assert [place.number for place in reserved] == [3002, 3003, 3004] and pages() == with_gaps
        assert (
            store.propose(e, "n", [], exhausted=True) == 0
        )  # their numbers lie below one in use: they stay missing
        assert pages() == with_gaps
        store.enqueue(e, [configuration(k) for k in range(3, 60)], "q3")
        assert pages() == [*range(1, 3002), *range(3005, 3063)][: len(pages())] and len(pages()) == 3059


@pytest.mark.parametrize("filled", [filled_file, filled_server])
def test_a_filled_store_is_as_the_verbs_would_have_left_it(fast: Path, filled: Filled) -> None:
    opened, fills = filled(fast)
    with closing(opened) as store:
        e = fills(60, 5)
        record, trials = store.experiment(e), store.trials(e)
        assert (record.finished, record.succeeded, len(trials)) == (60, 57, 60)
        assert record.revision == store.revision() == store.events()[-1].revision == 121
        for trial in trials[:10]:
            assert len(store.points(e, trial.number)) == 5
            for row in store.summaries(e, trial.number):
                values = [point.value for point in store.points(e, trial.number, row.metric)]
                assert (row.points, row.last, row.minimum, row.maximum) == (
                    len(values),
                    values[-1],
                    min(values),
                    max(values),
                )
                assert row.total == pytest.approx(sum(values))
        best = store.trials(e, Sort("value", smallest_first=True), 1)[0]
        assert best.result is not None
        assert best.result.value == min(
            t.result.value for t in trials if t.result and t.result.value is not None
        )
        assert fills(10, 0) == e + 1
        before = fingerprint(store)
        assert store.retry(e, 8) and len(store.claim(e, 5, "w", "n")) == 1
        assert fingerprint(store) != before
