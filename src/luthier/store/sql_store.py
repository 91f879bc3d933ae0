"""A store in a database: the verbs of `contract.Store`, each one transaction of named statements.

Nothing here decides: states and counters are moved as `trial.TRANSITIONS` says, by statements that name the state
they expect. Nothing here knows which database it is: `sql_connection.py` says what a verb needs of one, and `sqlite.py`
and `postgres.py` give it theirs. `sql_running.py` has the verbs of workers, `sql_reading.py` those that change nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from luthier.description import Description
from luthier.errors import ConflictError
from luthier.space import Configuration
from luthier.store.contract import ExperimentRecord, Reservation, Wish
from luthier.store.crew import MOST_RESERVED
from luthier.store.lateness import newest_request
from luthier.store.naming import chosen_seed, named_conflict
from luthier.store.past import numbers_written
from luthier.store.rows import proposal_text, storable
from luthier.store.sql_crew import SqlCrew
from luthier.store.sql_running import fence
from luthier.store.twins import without_twins
from luthier.trial import AttemptId, Outcome, Proposal, TrialState, trial_seed

__all__ = ["SqlStore"]


class SqlStore(SqlCrew):
    """All verbs of a store, on any database."""

    # ------------------------------------------------------------------ experiments

    def open_experiment(
        self,
        description: Description,
        *,
        fresh: bool = False,
        any_seed: bool = False,
        nonce: str | None = None,
    ) -> tuple[ExperimentRecord, bool]:
        """Finds or creates an experiment."""
        db, identity, project = self._db, description.identity(), storable(description.project)
        name = None if description.name is None else storable(description.name)
        with db.transaction():
            heard = db.one("was_heard", nonce=nonce) if nonce else None
            if heard:
                return self.experiment(heard[0]), True
            if name is not None and not fresh:
                named = db.one("experiment_by_name", project=project, name=name)
                if named and named[1] != identity:
                    raise named_conflict(name, named[0])
            seed = None if any_seed else description.seed
            twin = None if fresh else db.one("newest_twin", identity=identity, seed=seed, name=name)
            if twin:
                self._amend(twin[0], description)
                return self.experiment(twin[0]), False
            if any_seed:
                last = db.one("last_seed", identity=identity)[0]
                description = description._replace(seed=chosen_seed(description.seed, last))
            id = self._create(description, name, project)
            if nonce:
                db.send("hear", nonce=nonce, experiment=id, first=id, n=1)
            return self.experiment(id), True

    def _create(self, description: Description, name: str | None, project: str) -> int:
        id: int = self._db.one(
            "add_experiment",
            identity=description.identity(),
            project=project,
            name=name,
            seed=description.seed,
            target=description.target(),
            time=self.clock.now(),
        )[0]
        self._db.send("describe", experiment=id, text=_text(description))
        event = self._event(id, "created", target=description.target())
        self._db.send("touch_experiment", experiment=id, **event)
        return id

    def _amend(self, id: int, description: Description) -> None:
        old = self.experiment(id)
        new = old.description.amended(description)
        new = new._replace(name=old.description.name or description.name)
        if new == old.description and old.target == new.target():
            return
        self._db.send("describe", experiment=id, text=_text(new))
        self._db.send(
            "amend_experiment",
            experiment=id,
            name=None if new.name is None else storable(new.name),
            target=new.target(),
            **self._event(id, "amended", target=new.target()),
        )

    def set_wish(self, experiment: int, wish: Wish, reason: str = "") -> bool:
        """Records what a person asked."""
        with self._db.transaction():
            known = self._db.one("read_wish", experiment=experiment)
            if known is None:
                raise self._unknown(experiment)
            if known[0] == wish.value:
                return False
            event = self._event(experiment, "wished", wish=wish.value, reason=reason)
            self._db.send("set_wish", experiment=experiment, wish=wish.value, **event)
            return True

    def remove(self, experiment: int) -> None:
        """Forgets an experiment whole."""
        with self._db.transaction():
            if self.experiment(experiment).running:
                raise ConflictError(
                    f"experiment {experiment} has running trials; end them with: luthier kill {experiment}"
                )
            for part in (
                "points",
                "summaries",
                "attempts",
                "trials",
                "metrics",
                "description",
                "heard",
                "ran_with",
                "provenance",
                "experiment",
            ):
                self._db.send(f"remove_{part}", experiment=experiment)
            event = self._event(experiment, "removed")
            self._db.send("remove_events", experiment=experiment, revision=event["revision"])

    # ------------------------------------------------------------------ proposing

    def reserve(
        self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float = 60.0
    ) -> list[Reservation]:
        """Takes numbers within the budget."""
        db, worker = self._db, storable(worker)
        with db.transaction():
            if not db.one("was_heard", nonce=nonce):
                room = db.one("room", experiment=experiment)
                if room is None:
                    raise self._unknown(experiment)
                left, willing, seed, number, ordinal, reserved = room
                if n <= 0 or not willing:
                    return []
                holder = {
                    "experiment": experiment,
                    "worker": worker,
                    "nonce": nonce,
                    **self._lease(lease_seconds),
                }
                taken = db.do("take_over_reservations", n=n, **holder)
                more = n - taken if left is None else min(n - taken, left)
                more = 0 if reserved >= MOST_RESERVED else more
                if more > 0:
                    db.send("take_ordinals", experiment=experiment, n=more)
                    holder["time"] = self.clock.now()
                    rows = [
                        {**holder, "number": k, "ordinal": ordinal - number + k, "seed": trial_seed(seed, k)}
                        for k in range(number + 1, number + more + 1)
                    ]
                    db.send_many("add_reserved", rows)
                if taken + more <= 0:
                    return []
                db.send("hear", nonce=nonce, experiment=experiment, first=0, n=0)
            kept = db.all("repeated_reservation", experiment=experiment, nonce=nonce)
        return [Reservation(*row) for row in kept]

    def propose(
        self,
        experiment: int,
        nonce: str,
        proposals: Sequence[tuple[int, Proposal]],
        exhausted: bool = False,
        *,
        distinct: bool = False,
    ) -> int:
        """Writes configurations for reserved numbers."""
        db = self._db
        with db.transaction():
            mine = {row[0] for row in db.all("repeated_reservation", experiment=experiment, nonce=nonce)}
            if not mine:
                if db.one("read_wish", experiment=experiment) is None:
                    raise self._unknown(experiment)
                return 0
            asked = [(number, proposal) for number, proposal in proposals if number in mine]
            kept = without_twins(asked, partial(self._keys_since, experiment)) if distinct else asked
            ends = exhausted and len(kept) == len(asked)
            if not kept and not ends:
                return 0
            if not ends:
                return self._write(experiment, nonce, kept)
            record, left = self.experiment(experiment), len(mine) - len(kept)
            target = record.trials - left
            target = target if record.target is None else min(record.target, target)
            written = self._write(experiment, nonce, kept, target=target)
            db.send("release", experiment=experiment, nonce=nonce)
            db.send("count_released", experiment=experiment, n=left, target=target)
        return written

    def _write(
        self, experiment: int, nonce: str, proposals: Sequence[tuple[int, Proposal]], **detail: Any
    ) -> int:
        numbers = [number for number, _ in proposals]
        event = self._event(experiment, "proposed", n=len(numbers), numbers=numbers, **detail)
        rows = [
            {
                "experiment": experiment,
                "number": number,
                "nonce": nonce,
                "configuration": storable(proposal.configuration.to_json()),
                "proposal": storable(proposal_text(proposal)),
                "revision": event["revision"],
            }
            for number, proposal in proposals
        ]
        written = self._db.many("propose", rows) if rows else 0
        self._db.send("count_proposed", experiment=experiment, n=written, **event)
        return written

    def _keys_since(self, experiment: int, revision: int) -> set[str]:
        """The configurations that were first written after a revision. **Cost** O(what changed since)."""
        events = self.events(revision, experiment)
        numbers = {number for event in events for number in numbers_written(event)}
        changed = self._db.all("changed_trials", experiment=experiment, since=revision) if numbers else []
        return {Configuration.from_json(row[4]).key for row in changed if row[1] in numbers}

    def abandon(self, worker: str) -> None:
        """Frees the reservations of a dead worker."""
        with self._db.transaction():
            self._db.send("abandon", worker=storable(worker))

    def enqueue(self, experiment: int, configurations: Sequence[Configuration], nonce: str) -> list[int]:
        """Adds a person's own configurations."""
        db, n = self._db, len(configurations)
        with db.transaction():
            before = db.one("was_heard", nonce=nonce)
            if before:
                return list(range(before[0], before[0] + before[1]))
            if n == 0:
                return []
            taken = db.one("take_numbers", experiment=experiment, n=n)
            if taken is None:
                raise self._unknown(experiment)
            first, seed, target = taken
            event = self._event(experiment, "enqueued", first=first, n=n, target=target)
            rows = [
                {
                    "experiment": experiment,
                    "number": number,
                    "seed": trial_seed(seed, number),
                    "configuration": storable(configuration.to_json()),
                    "proposal": proposal_text(Proposal(configuration, by="you")),
                    **event,
                }
                for number, configuration in enumerate(configurations, first)
            ]
            db.send_many("add_enqueued", rows)
            db.send("touch_experiment", experiment=experiment, **event)
            db.send("hear", nonce=nonce, experiment=experiment, first=first, n=n)
            return list(range(first, first + n))

    # ------------------------------------------------------------------ a person's verbs on trials

    def cancel(self, experiment: int, number: int, outcome: Outcome, reason: str) -> bool:
        """Finishes a trial that is queued or waiting."""
        db = self._db
        with db.transaction():
            state, _, attempt = self._state(experiment, number)
            if state not in (TrialState.QUEUED, TrialState.WAITING):
                return False
            key = {"experiment": experiment, "number": number, "state": state, "time": self.clock.now()}
            db.send("cancel", outcome=outcome.value, reason=storable(reason), **key)
            id = AttemptId(experiment, number, attempt)
            event = self._event(experiment, "cancelled", id, outcome=outcome.value, reason=reason)
            queued, good = int(state == TrialState.QUEUED), int(outcome is Outcome.SUCCEEDED)
            db.send(
                "count_cancelled",
                experiment=experiment,
                queued=queued,
                waiting=1 - queued,
                succeeded=good,
                **event,
            )
            return True

    def promote(self, experiment: int, number: int) -> bool:
        """Queues a waiting trial for its next stage."""
        db = self._db
        with db.transaction():
            state, _, attempt = self._state(experiment, number)
            if state != TrialState.WAITING:
                return False
            stage = db.one("promote", experiment=experiment, number=number)[0]
            event = self._event(experiment, "promoted", AttemptId(experiment, number, attempt), stage=stage)
            db.send("count_promoted", experiment=experiment, **event)
            return True

    def request_end(self, id: AttemptId, wish: Wish, reason: str) -> bool:
        """Asks whoever holds an attempt to end it."""
        with self._db.transaction():
            known = self._db.one("known_attempt", **fence(id))
            if known is None or not known[0]:
                return False
            asked: dict[str, Any] = {"wish": wish.value, "reason": storable(reason)}
            if newest_request(self.end_requests(id.experiment), id) != asked:
                event = self._event(id.experiment, "requested", id, **asked)
                self._db.send("touch_experiment", experiment=id.experiment, **event)
            return True

    def retry(self, experiment: int, number: int) -> bool:
        """Queues a finished trial for another attempt."""
        db = self._db
        with db.transaction():
            state, outcome, attempt = self._state(experiment, number)
            if state != TrialState.FINISHED:
                return False
            db.send("retry", experiment=experiment, number=number)
            event = self._event(experiment, "retried", AttemptId(experiment, number, attempt))
            db.send(
                "count_retried", experiment=experiment, succeeded=int(outcome == Outcome.SUCCEEDED), **event
            )
            return True

    def _state(self, experiment: int, number: int) -> tuple[str, str | None, int]:
        row = self._db.one("state_of", experiment=experiment, number=number)
        if row is None:
            raise self._no_trial(experiment, number)
        state, outcome, attempt = row
        return state, outcome, attempt


def _text(description: Description) -> str:
    return storable(json.dumps(description.to_dict(), ensure_ascii=False))
