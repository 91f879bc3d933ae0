"""The verbs of workers on a database: claim, renew, adopt, report, finish, each fenced by the attempt it names.

A worker that comes too late is told so and never raises: an attempt that is gone is stale. What it sent is kept once
in the events, so that a person can see what happened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isnan
from typing import Any

from luthier.space import Configuration
from luthier.store.contract import Claim, SummaryRow, Verdict
from luthier.store.endings import ending
from luthier.store.folding import folded
from luthier.store.lateness import missing_points, same_result
from luthier.store.naming import sheet_digest
from luthier.store.rows import result_columns, result_of, storable, stored_number, summary_of
from luthier.store.sql_reading import SqlReads
from luthier.trial import AttemptId, Outcome, Point, Result, Step

__all__ = ["SqlRunning", "fence"]

_ENDS = {Step.FINISH: "finish", Step.RETURN: "return", Step.PAUSE: "pause"}


class SqlRunning(SqlReads):
    """The half of a store that workers write to."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Makes the verbs of the body one transaction."""
        with self._db.transaction():
            yield

    def claim(
        self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float = 60.0
    ) -> list[Claim]:
        """Begins an attempt of up to `n` queued trials."""
        db = self._db
        with db.transaction():
            room = db.one("claimable", experiment=experiment, nonce=nonce)
            if room is None:
                raise self._unknown(experiment)
            n, was_heard = min(n, room[0]), room[1]
            if n <= 0 or was_heard:
                rows = db.all("repeated_claim", experiment=experiment, nonce=nonce)
            else:
                db.send("hear", nonce=nonce, experiment=experiment, first=0, n=0)
                rows = self._begin(experiment, n, storable(worker), nonce, lease_seconds)
        return [
            Claim(
                AttemptId(experiment, number, attempt),
                id,
                Configuration.from_json(text),
                seed,
                ordinal,
                stage,
            )
            for id, number, attempt, text, seed, ordinal, stage in rows
        ]

    def _begin(self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float) -> list[Any]:
        db, rows, event = self._db, [], {}
        holder = {"experiment": experiment, "worker": worker, "nonce": nonce, "time": self.clock.now()}
        holder |= self._lease(lease_seconds)
        for _ in range(n):
            *row, revision = db.one("claim", **holder)
            id = AttemptId(experiment, row[1], row[2])
            event = self._event(experiment, "claimed", id, revision, worker=worker)
            db.send(
                "add_attempt", trial=row[0], attempt=row[2], worker=worker, time=event["time"], stage=row[6]
            )
            rows.append(row)
        db.send("count_claimed", experiment=experiment, n=n, **event)
        return rows

    def renew(self, ids: Sequence[AttemptId], worker: str, lease_seconds: float = 60.0) -> list[AttemptId]:
        """Extends leases."""
        holder = {"worker": storable(worker), **self._lease(lease_seconds)}
        with self._db.transaction(narrow=True):
            kept = set(self._db.each("renew", [{**fence(id), **holder} for id in ids]))
            gone = [id for id in ids if id not in kept]
            for id in gone:
                known = self._db.one("known_attempt", **fence(id))
                self._refuse(id, known, "renew", worker=worker)
        return gone

    def adopt(self, id: AttemptId, from_worker: str, to_worker: str, lease_seconds: float = 60.0) -> bool:
        """Moves a running attempt to another worker."""
        db, new = self._db, storable(to_worker)
        hand = {
            "from_worker": storable(from_worker),
            "worker": new,
            **fence(id),
            **self._lease(lease_seconds),
        }
        with db.transaction():
            if db.do("adopt", **hand):
                event = self._event(id.experiment, "adopted", id, worker=to_worker)
                db.send("touch_experiment", experiment=id.experiment, **event)
                return True
            return db.one("held_by", worker=new, **fence(id)) is not None

    def note_command(self, id: AttemptId, words: Sequence[str]) -> None:
        """Records the words an attempt runs."""
        with self._db.transaction(narrow=True):
            self._db.send(
                "note_command", command=storable(json.dumps(list(words), ensure_ascii=False)), **fence(id)
            )

    def note_decision(
        self, id: AttemptId, rule: str, resource: float, reason: str, *, stops: bool, completes: bool = False
    ) -> None:
        """Records what a stopping rule made of a running attempt."""
        with self._db.transaction():
            known = self._db.one("known_attempt", **fence(id))
            if known is not None and known[0]:
                detail: dict[str, Any] = {
                    "rule": rule,
                    "resource": resource,
                    "stops": stops,
                    "reason": storable(reason),
                }
                if completes:
                    detail["completes"] = True
                self._event(id.experiment, "decided", id, **detail)

    def note_look(self, experiment: int, number: int, detail: Mapping[str, Any]) -> None:
        """Records that the test set was scored with a trial's configuration."""
        with self._db.transaction():
            self.trial(experiment, number)
            self._event(experiment, "looked", AttemptId(experiment, number, 0), **detail)

    def note_reuse(self, id: AttemptId, source: AttemptId) -> None:
        """Records whose result an attempt takes."""
        with self._db.transaction():
            known = self._db.one("known_attempt", **fence(id))
            if known is not None and known[0]:
                detail = {"experiment": source.experiment, "trial": source.trial, "attempt": source.attempt}
                self._event(id.experiment, "reused", id, source=detail)

    def note_provenance(self, experiment: int, worker: str, text: str, since: float = 0.0) -> str:
        """Records what the attempts of a worker run with."""
        db, digest = self._db, sheet_digest(text)
        with db.transaction():
            if db.one("read_experiment", experiment=experiment) is None:
                raise self._unknown(experiment)
            db.send("add_provenance", digest=digest, text=storable(text))
            db.send(
                "note_provenance", experiment=experiment, worker=storable(worker), since=since, digest=digest
            )
        return digest

    def report(self, id: AttemptId, first: int, points: Sequence[Point]) -> Verdict:
        """Appends points."""
        db = self._db
        with db.transaction(narrow=True):
            known = db.one("known_attempt", **fence(id))
            if known is None:
                return Verdict.STALE
            holds, accepted, trial = known[:3]
            if not points:
                return Verdict.REPEATED if holds else Verdict.STALE
            if first + len(points) <= accepted:
                return Verdict.REPEATED
            if not holds:
                return self._refuse(id, known, "report", points=first + len(points) - accepted)
            if first > accepted:
                raise missing_points(id, accepted, first)
            self._add_points(id, trial, accepted, points[accepted - first :])
            return Verdict.ACCEPTED

    def _add_points(self, id: AttemptId, trial: int, first: int, points: Sequence[Point]) -> None:
        db = self._db
        place = {"trial": trial, "attempt": id.attempt}
        metrics, sums = self._metrics(id, place, list(dict.fromkeys(point.metric for point in points)))
        rows = []
        for number, point in enumerate(points, first):
            step = float(point.step) if point.step == point.step else 0.0
            value = float(point.value)
            named = {"metric": metrics[point.metric], "step": step, "value": db.number(value)}
            rows.append({**place, **named, "number": number, "time": float(point.time)})
            sums[point.metric] = folded(sums.get(point.metric), Point(point.metric, step, value, point.time))
        db.send_many("add_point", rows)
        db.send_many("write_summary", [{**place, **self._summary(metrics[m], sums[m])} for m in metrics])
        db.send("count_points", points=first + len(points), **place)

    def _metrics(
        self, id: AttemptId, place: dict[str, int], names: list[str]
    ) -> tuple[dict[str, int], dict[str, SummaryRow]]:
        """The metrics of these names, made where they are new, and what this attempt reported of them before."""
        rows = [{"experiment": id.experiment, "name": storable(name), **place} for name in names]
        found = {row[0]: row for row in self._db.each("find_metric", rows)}
        new = [row for row in rows if row["name"] not in found]
        if new:
            self._db.send_many("add_metric", new)
            found |= {row[0]: row for row in self._db.each("find_metric", new)}
        pairs = [(name, found[storable(name)]) for name in names]
        sums = {name: summary_of((name, *row[2:])) for name, row in pairs if row[2] is not None}
        return {name: row[1] for name, row in pairs}, sums

    def _summary(self, metric: int, row: SummaryRow) -> dict[str, Any]:
        """A row of summaries; a total that is no number is not kept."""
        total = None if isnan(row.total) else row.total
        numbers = {"last": self._db.number(row.last), "total": total, "last_step": row.last_step}
        ends = {"minimum": row.minimum, "maximum": row.maximum, "numbers": row.numbers}
        return {"metric": metric, "count": row.points, **numbers, **ends}

    def finish(self, id: AttemptId, result: Result, *, again: bool = False, pause: bool = False) -> Verdict:
        """Ends an attempt."""
        db, (step, kind) = self._db, ending(again, pause)
        columns = {**result_columns(result), "value": db.number(result.value), **fence(id)}
        with db.transaction():
            columns["time"] = self.clock.now()  # one for both, so that the attempt tells when its trial ended
            row = db.one(_ENDS[step], **columns)
            if row is None:
                return self._late(id, result)
            stage = {"stage": row[1]} if pause else {}
            event = self._event(id.experiment, kind, id, row[2], **stage, outcome=result.outcome.value)
            db.send("close_attempt", trial=row[0], **columns)
            is_over = step is Step.FINISH
            good = is_over and result.outcome is Outcome.SUCCEEDED
            counts = {"finished": is_over, "succeeded": good, "queued": again, "waiting": pause}
            db.send("count_ended", experiment=id.experiment, **counts, **event)
            return Verdict.ACCEPTED

    def _late(self, id: AttemptId, result: Result) -> Verdict:
        """Tells a repeated finish from a stale one, and keeps a stale result for the record."""
        known = self._db.one("known_attempt", **fence(id))
        before = result_of(known[4:]) if known else None
        if before is not None and same_result(before, result):
            return Verdict.REPEATED
        value = stored_number(result.value)  # for JSON, not for a column
        return self._refuse(
            id, known, "finish", outcome=result.outcome.value, reason=result.reason, value=value
        )

    def _refuse(self, id: AttemptId, known: Any, kind: str, **detail: Any) -> Verdict:
        """Keeps a write that came too late as an event, the first of its kind only."""
        if known is not None and self._db.do("refuse", trial=known[2], attempt=id.attempt, kind=kind):
            self._event(id.experiment, "stale", id, write=kind, **detail)
        return Verdict.STALE

    # ------------------------------------------------------------------ parts

    def _lease(self, seconds: float) -> dict[str, Any]:
        """What a lease is made of, for each dialect what it needs: its end is reckoned by the statement, on the clock that all
        workers share."""
        return {"lease_seconds": seconds, "now": self.clock.elapsed(), "boot_id": self.clock.boot_id}

    def _event(
        self,
        experiment: int,
        kind: str,
        id: AttemptId | None = None,
        revision: int | None = None,
        **detail: Any,
    ) -> dict[str, Any]:
        """Adds an event and returns its revision and time, for the rows it changes. Where a row has taken its `revision`
        already, nobody waits for the event."""
        time = self.clock.now()
        columns = {
            "time": time,
            "experiment": experiment,
            "trial": id.trial if id else None,
            "attempt": id.attempt if id and id.attempt else None,
            "kind": kind,
            "detail": storable(json.dumps(detail, ensure_ascii=False)) if detail else None,
        }
        if revision is None:
            revision = self._db.insert("add_event", **columns)
        else:
            self._db.send("add_event", **columns)
        return {"revision": revision, "time": time}


def fence(id: AttemptId) -> dict[str, int]:
    """What names an attempt in a statement."""
    return {"experiment": id.experiment, "number": id.trial, "attempt": id.attempt}
