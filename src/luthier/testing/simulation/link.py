"""The way from a worker to the store, and what goes wrong on it.

Each verb takes its time to get there and back, and queues for the store's disk where that is wanted. On the way its worker
may be killed, before or after the verb has taken effect, or in the middle of what it does `together`; its answer may be
lost, so that it is sent again, as `PostgresStore` does; or the way may be cut, so that nobody knows whether it arrived. What
was acknowledged is noted, to be looked for at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from luthier.errors import StoreUnavailable
from luthier.store import Store, Verdict
from luthier.testing.simulation.world import Actor, Killed, World
from luthier.trial import AttemptId, Result

__all__ = ["WRITES", "Acknowledged", "Link", "Mishaps", "Queue"]

WRITES = frozenset(
    [
        "open_experiment",
        "set_wish",
        "reserve",
        "propose",
        "abandon",
        "enqueue",
        "claim",
        "renew",
        "adopt",
        "note_command",
        "note_decision",
        "note_reuse",
        "note_provenance",
        "report",
        "finish",
        "announce",
        "cancel",
        "promote",
        "retry",
        "note_look",
    ]
)


BESIDE = frozenset(["renew", "report", "note_command"])
"""The writes that a server commits beside the others: they add no event, so they do not take the one lock."""


class Mishaps(NamedTuple):
    """How probable it is, of one verb, that its worker is killed, its answer is lost, or the way is cut; and how long a way
    takes at most."""

    kill: float = 0.0
    lost_answer: float = 0.0
    cut: float = 0.0
    way_seconds: float = 0.0


class Acknowledged(NamedTuple):
    """A `finish` that a worker was told was accepted."""

    id: AttemptId
    result: Result
    is_final: bool


class Queue:
    """The disk of the store, which takes one commit after the other; on a server those of BESIDE queue for nobody. `asked`
    counts all verbs that reached the store alone, `together` as one."""

    def __init__(self, world: World, commit_seconds: float, *, is_server: bool = False) -> None:
        self.commits = 0
        self.asked: Counter[str] = Counter()
        self.waited_seconds = 0.0
        self._world, self._seconds, self._free_at = world, commit_seconds, 0.0
        self._beside = BESIDE if is_server else frozenset[str]()

    def wait_seconds(self, name: str) -> float:
        """Joins the queue; returns how long until the commit of a verb is made."""
        self.commits += 1
        if name in self._beside:
            return self._seconds
        begins = max(self._world.time, self._free_at)
        self._free_at = begins + self._seconds
        self.waited_seconds += begins - self._world.time
        return self._free_at - self._world.time


class Around(Protocol):
    """What a link knows of the scene it is in; the mishaps change with time."""

    world: World
    queue: Queue
    mishaps: Mishaps


class Link:
    """A store, as one worker reaches it. `die` is what happens where the dice say that the worker is killed."""

    def __init__(self, store: Store, around: Around, actor: Actor, die: Callable[[str], None]) -> None:
        self._store, self._around, self._actor, self._die = store, around, actor, die
        self._world, self._queue = around.world, around.queue
        self.clock = store.clock
        self._depth = 0
        self._noted: list[Acknowledged] = []
        self.acknowledged: list[Acknowledged] = []

    @contextmanager
    def together(self) -> Iterator[None]:
        """Several verbs as one: they get there together, and their one answer comes back or does not."""
        if self._depth:
            with self._store.together():
                yield
            return
        self._go("together", writes=True)
        self._depth = 1
        try:
            with self._store.together():
                yield
                self._may_die("before the commit")
        except BaseException:
            self._noted.clear()
            raise
        finally:
            self._depth = 0
        self._come_back("together", writes=True)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb, writes = getattr(self._store, name), name in WRITES

        def sent(*words: Any, **named: Any) -> Any:
            if self._depth:
                self._may_die(f"before {name}")
                return self._heard(name, words, named, verb(*words, **named))
            self._go(name, writes)
            answer = verb(*words, **named)
            if writes and self._world.dice.random() < self._around.mishaps.lost_answer:
                self._world.tell(f"{self._actor.name}: the answer to {name} is lost; it is sent again")
                self._way()
                answer = verb(*words, **named)
            self._heard(name, words, named, answer)
            self._come_back(name, writes)
            return answer

        self.__dict__[name] = sent  # asked for once
        return sent

    # ------------------------------------------------------------------ the way

    def _go(self, name: str, writes: bool) -> None:
        """There."""
        self._queue.asked[name] += 1
        self._way(self._queue.wait_seconds(name) if writes else 0.0)
        self._may_die(f"before {name}")
        if self._world.dice.random() < self._around.mishaps.cut:
            self._cut(f"before {name}")

    def _come_back(self, name: str, writes: bool) -> None:
        """And back; from here on it is acknowledged."""
        self._may_die(f"after {name}")
        if writes and self._world.dice.random() < self._around.mishaps.cut:
            self._noted.clear()
            self._cut(f"after {name}")
        self._way()
        self.acknowledged += self._noted
        self._noted.clear()

    def _way(self, at_least: float = 0.0) -> None:
        seconds = at_least + self._world.dice.random() * self._around.mishaps.way_seconds
        if seconds > 0.0:
            self._actor.sleep(seconds)

    def _may_die(self, when: str) -> None:
        if self._world.dice.random() < self._around.mishaps.kill:
            self._die(when)
            raise Killed(self._actor.name)

    def _cut(self, when: str) -> None:
        self._world.tell(f"{self._actor.name}: the way to the store is cut {when}")
        raise StoreUnavailable(f"the way to the store is cut {when}")

    def _heard(self, name: str, words: Any, named: Any, answer: Any) -> Any:
        """Notes what an answer acknowledges, once it has come back."""
        if name == "finish" and answer is not Verdict.STALE:
            is_final = not (named.get("again") or named.get("pause"))
            self._noted.append(Acknowledged(words[0], words[1], is_final))
        return answer
