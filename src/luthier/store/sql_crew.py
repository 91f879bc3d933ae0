"""The verbs about workers, and about contents that travel with the record."""

from __future__ import annotations

import json
from collections.abc import Mapping

from luthier.store.crew import FORGOTTEN_SECONDS, Tally, WorkerRecord
from luthier.store.rows import storable
from luthier.store.sql_running import SqlRunning

__all__ = ["SqlCrew"]


class SqlCrew(SqlRunning):
    """What workers tell of themselves."""

    def announce(self, worker: WorkerRecord) -> None:
        """Records what a worker says of itself."""
        now = self.clock.now()
        said = {name: value for name, value in worker._asdict().items() if name not in ("name", "seen")}
        with self._db.transaction(narrow=True):
            self._db.do("announce", worker=storable(worker.name), seen=now, said=storable(json.dumps(said)))
            self._db.do("forget_workers", before=now - FORGOTTEN_SECONDS)

    def workers(self) -> list[WorkerRecord]:
        """Who works here, or did."""
        return [_worker(name, seen, json.loads(said)) for name, seen, said in self._db.all("read_workers")]

    def tallies(self, experiment: int) -> dict[str, Tally]:
        """How the attempts of each worker ended."""
        rows = self._db.all("read_tallies", experiment=experiment)
        return {worker: Tally(*counts) for worker, *counts in rows}

    def keep_blob(self, name: str, content: bytes) -> None:
        """Keeps a content under a name."""
        with self._db.transaction(narrow=True):
            self._db.do("keep_blob", name=name, content=content)

    def has_blob(self, name: str) -> bool:
        """Whether there is one."""
        return self._db.one("has_blob", name=name) is not None

    def blob(self, name: str) -> bytes | None:
        """What is kept under a name."""
        row = self._db.one("read_blob", name=name)
        return None if row is None else bytes(row[0])


def _worker(name: str, seen: float, said: Mapping[str, object]) -> WorkerRecord:
    """Reads what an older or a newer Luthier wrote as well."""
    known = {key: value for key, value in said.items() if key in WorkerRecord._fields}
    worker = WorkerRecord(**{"name": name, "seen": seen, **known})  # type: ignore[arg-type]
    return worker._replace(tags=tuple(worker.tags))
