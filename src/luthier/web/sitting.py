"""The record as the server holds it: one connection that follows the search, one that answers, and what is kept between.

Both connections are read-only. A thread notices commits (a number of SQLite's every 20 ms; a server calls), reads what
changed once for all pages, and calls the listeners. While nobody listens it sleeps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from luthier.clock import SystemClock
from luthier.errors import LuthierError, NotFound, StoreError
from luthier.store import Store, open_store
from luthier.store.stirring import stirring_of
from luthier.web.columns import Columns
from luthier.web.entries import Entries

__all__ = ["LARGE", "Sitting"]

LOOK_SECONDS = 0.02
REST_SECONDS, TIMES_ITS_COST, MOST_REST_SECONDS = 0.08, 5.0, 0.5
"""After a look at the record it rests, a few times as long as that took, so that a search that writes all the time is not
followed all the time."""
BEAT_SECONDS = 1.0
"""Who died says nothing, so that is looked for."""
LARGE = 5000
"""What has more trials is read before it is asked for, and shown in part until it is read."""
KEPT = 12
"""The columns of so many experiments are kept."""

_LOG = logging.getLogger(__name__)


class Sitting:
    """A record that is looked at. `answering` is for requests, of any thread; NotFound where there is no record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answering: Store = open_store(folder, read_only=True)
        self._following: Store = open_store(folder, read_only=True)
        self._entries = Entries(folder)
        self._columns: dict[int, Columns] = {}
        self._watched: dict[int, int] = {}
        self._listeners: list[Callable[[], None]] = []
        self._guard = Lock()
        self._is_wanted = Event()
        self._is_over = False
        self._listed: dict[str, dict[str, Any]] = {}
        self.rest_seconds = REST_SECONDS
        """How long it rests at least after a look: nobody is told more often."""
        self.listing: tuple[int, list[dict[str, Any]]] = (0, [])
        """All experiments as they were last seen, with a number that is another one after every change."""
        self._thread = Thread(target=self._follow, name="of the dashboard's reader", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ asking

    def columns(self, experiment: int) -> Columns:
        """The columns of an experiment, as they are now. **Raises** NotFound."""
        columns = self._known(experiment)
        try:
            columns.refresh(self.answering)
        except NotFound:
            self._forget(experiment)
            raise
        return columns

    def seen_columns(self, experiment: int) -> Columns | None:
        """The columns as the thread saw them last; None where it has not looked yet."""
        with self._guard:
            found = self._columns.get(experiment)
        return found if found is not None and found.revision else None

    def listed(self, experiment: int) -> dict[str, Any] | None:
        """An experiment as it was listed last."""
        return self._listed.get(str(experiment))

    def _known(self, experiment: int) -> Columns:
        with self._guard:
            columns = self._columns.pop(experiment, None)
            columns = Columns(experiment) if columns is None else columns  # an empty one is one
            self._columns[experiment] = columns  # the last one used is the last one
            spare = [one for one in self._columns if one not in self._watched]
            for one in spare[: max(0, len(self._columns) - KEPT)]:
                if one != experiment:
                    del self._columns[one]
            return columns

    def _forget(self, experiment: int) -> None:
        with self._guard:
            self._columns.pop(experiment, None)

    def entry(self, experiment: int) -> dict[str, Any]:
        """One experiment as the page lists it. **Raises** NotFound."""
        return self._entries.entry(self.answering, self.answering.experiment(experiment))

    def entries(self) -> list[dict[str, Any]]:
        """All of them."""
        return self._entries.all(self.answering)

    # ------------------------------------------------------------------ following

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Has a function called, from the thread, after every change; returns what ends that."""
        with self._guard:
            self._listeners.append(listener)
        self._is_wanted.set()

        def leave() -> None:
            with self._guard:
                self._listeners.remove(listener)
                if not self._listeners:
                    self._is_wanted.clear()

        return leave

    def watch(self, experiment: int) -> None:
        """Has the columns of an experiment kept up to date, until `unwatch` is called as often."""
        with self._guard:
            self._watched[experiment] = self._watched.get(experiment, 0) + 1

    def unwatch(self, experiment: int) -> None:
        """See `watch`."""
        with self._guard:
            left = self._watched.get(experiment, 1) - 1
            if left > 0:
                self._watched[experiment] = left
            else:
                self._watched.pop(experiment, None)

    def _follow(self) -> None:
        """The thread: waits for a change, reads it, tells of it."""
        stirred, revision = -1, 0
        counted, clock = stirring_of(self._following), SystemClock()
        self._warm()
        while not self._is_over:
            self._is_wanted.wait()
            try:
                until = clock.elapsed() + BEAT_SECONDS
                if counted is None:
                    revision = self._following.wait(revision, BEAT_SECONDS / 2)
                else:
                    while (now := counted()) == stirred and clock.elapsed() < until and not self._is_over:
                        time.sleep(LOOK_SECONDS)
                    stirred = now
                began = clock.elapsed()
                if not self._is_over and self._look():
                    self._tell()
                    cost = TIMES_ITS_COST * (clock.elapsed() - began)
                    time.sleep(min(max(self.rest_seconds, cost), MOST_REST_SECONDS))
            except StoreError as error:
                if not self._is_over:
                    _LOG.warning("the record can't be followed: %s", error)
                    time.sleep(BEAT_SECONDS)

    def _warm(self) -> None:
        """Reads the newest experiment where that takes long: it is nearly always the one that will be asked for. What a page
        asks first goes before."""
        with suppress(LuthierError):
            newest = max(self._following.experiments(), key=lambda record: record.id, default=None)
            if newest is None or newest.trials < LARGE:
                return
            time.sleep(BEAT_SECONDS / 2)
            if not self._is_over:
                self._known(newest.id).refresh(self._following)

    def _look(self) -> bool:
        """Reads what changed; whether anything did."""
        is_other = False
        with self._guard:
            watched = [self._columns.setdefault(one, Columns(one)) for one in self._watched]
        for columns in watched:
            before = columns.version
            try:
                columns.refresh(self._following)
            except NotFound:
                self._forget(columns.experiment)
                is_other = True
            except LuthierError as error:
                _LOG.warning("experiment %s can't be followed: %s", columns.experiment, error)
            is_other |= columns.version != before
        self._entries.draw(self._following)
        listing = self._entries.all(self._following)
        if listing != self.listing[1]:
            self._listed = {entry["id"]: entry for entry in listing}
            self.listing, is_other = (self.listing[0] + 1, listing), True
        return is_other

    def _tell(self) -> None:
        with self._guard:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def close(self) -> None:
        """Ends the thread and the connections; may be repeated."""
        self._is_over = True
        self._is_wanted.set()
        self._thread.join(5.0)
        self._following.close()
        self.answering.close()
