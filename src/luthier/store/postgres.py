"""The store on a PostgreSQL server: the verbs of `sql_store.py` on `postgres_connection.py`, each repeated by itself.

A lost connection, a deadlock or a server that starts again is nothing a caller sees, as long as it is over within the
store's patience: a nonce or a fence makes each verb answer the second time as it did the first. Verbs within `together` are
not repeated one by one; all of them fail with StoreUnavailable, and nothing of them is acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar
from uuid import uuid4

from luthier.clock import Clock, SystemClock
from luthier.description import Description
from luthier.store.contract import ExperimentRecord
from luthier.store.postgres_connection import PostgresConnection
from luthier.store.sql_store import SqlStore
from luthier.store.waiting import Ear, waited

__all__ = ["PostgresStore"]

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_SECONDS = 10.0
"""How long a server that does not answer is asked again: longer than it takes to start anew."""


def _repeated(
    verb: Callable[Concatenate[SqlStore, P], T],
) -> Callable[Concatenate[PostgresStore, P], T]:
    """`verb`, repeated while the server can't be reached."""

    def repeat(self: PostgresStore, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.connection.patiently(lambda: verb(self, *args, **kwargs))

    repeat.__name__, repeat.__doc__ = verb.__name__, verb.__doc__
    return repeat


class PostgresStore(SqlStore):
    """Keeps experiments in the database of a `postgresql://` URL, in a schema `luthier`. With `read_only`, the verbs that
    write raise StoreError.

    **Raises** StoreUnavailable when the server could not be reached for `patience_seconds`, else PATIENCE_SECONDS.
    """

    def __init__(
        self,
        url: str,
        clock: Clock | None = None,
        *,
        read_only: bool = False,
        patience_seconds: float | None = None,
    ) -> None:
        patience = PATIENCE_SECONDS if patience_seconds is None else patience_seconds
        self.connection = PostgresConnection(
            url, clock or SystemClock(), read_only=read_only, patience_seconds=patience
        )
        self._ear = Ear(self.connection.new_session)
        super().__init__(self.connection, self.connection.clock)

    def __repr__(self) -> str:
        return f"PostgresStore({self.connection.name!r})"

    def open_experiment(
        self,
        description: Description,
        *,
        fresh: bool = False,
        any_seed: bool = False,
        nonce: str | None = None,
    ) -> tuple[ExperimentRecord, bool]:
        """Finds or creates an experiment; a nonce of its own makes it one that may be repeated."""
        verb, nonce = super().open_experiment, nonce or uuid4().hex
        return self.connection.patiently(
            lambda: verb(description, fresh=fresh, any_seed=any_seed, nonce=nonce)
        )

    def wait(self, since: int, seconds: float) -> int:
        """The newest revision, as soon as the server says that there is one above `since`."""
        return waited(self.revision, since, seconds, self._ear.pause)

    def close(self) -> None:
        """Ends the sessions; may be repeated."""
        self._ear.close()
        super().close()

    set_wish = _repeated(SqlStore.set_wish)
    remove = _repeated(SqlStore.remove)
    reserve = _repeated(SqlStore.reserve)
    propose = _repeated(SqlStore.propose)
    abandon = _repeated(SqlStore.abandon)
    enqueue = _repeated(SqlStore.enqueue)
    claim = _repeated(SqlStore.claim)
    renew = _repeated(SqlStore.renew)
    adopt = _repeated(SqlStore.adopt)
    note_command = _repeated(SqlStore.note_command)
    note_decision = _repeated(SqlStore.note_decision)
    note_reuse = _repeated(SqlStore.note_reuse)
    note_provenance = _repeated(SqlStore.note_provenance)
    note_look = _repeated(SqlStore.note_look)
    report = _repeated(SqlStore.report)
    finish = _repeated(SqlStore.finish)
    cancel = _repeated(SqlStore.cancel)
    request_end = _repeated(SqlStore.request_end)
    promote = _repeated(SqlStore.promote)
    retry = _repeated(SqlStore.retry)
    experiment = _repeated(SqlStore.experiment)
    experiments = _repeated(SqlStore.experiments)
    trial = _repeated(SqlStore.trial)
    trials = _repeated(SqlStore.trials)
    changed_trials = _repeated(SqlStore.changed_trials)
    history = _repeated(SqlStore.history)
    attempts = _repeated(SqlStore.attempts)
    spent = _repeated(SqlStore.spent)
    holds_any = _repeated(SqlStore.holds_any)
    points = _repeated(SqlStore.points)
    points_from = _repeated(SqlStore.points_from)
    summaries = _repeated(SqlStore.summaries)
    summaries_of = _repeated(SqlStore.summaries_of)
    metric_names = _repeated(SqlStore.metric_names)
    unsuccessful = _repeated(SqlStore.unsuccessful)
    held = _repeated(SqlStore.held)
    lost = _repeated(SqlStore.lost)
    events = _repeated(SqlStore.events)
    decisions = _repeated(SqlStore.decisions)
    end_requests = _repeated(SqlStore.end_requests)
    looks = _repeated(SqlStore.looks)
    newest_wish = _repeated(SqlStore.newest_wish)
    provenance = _repeated(SqlStore.provenance)
    sheets = _repeated(SqlStore.sheets)
    revision = _repeated(SqlStore.revision)
    announce = _repeated(SqlStore.announce)
    workers = _repeated(SqlStore.workers)
    tallies = _repeated(SqlStore.tallies)
    keep_blob = _repeated(SqlStore.keep_blob)
    has_blob = _repeated(SqlStore.has_blob)
    blob = _repeated(SqlStore.blob)
