"""F12: every message arrives two to ten times, the later copies out of order, and each has one effect.

A random life of an experiment is lived twice: once as it is, in memory, and once with all the duplicates, on each kind of
store. Both records must be equal to the last revision.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from keeping import KEEPERS

from luthier.clock import FakeClock
from luthier.store import Store, Wish
from luthier.store.memory import MemoryStore
from luthier.testing.faults import record, scaled
from luthier.testing.postgres_sessions import lent_sessions
from luthier.testing.store_scene import configuration, describe, ended, fingerprint, points
from luthier.testing.store_worker import LOST
from luthier.trial import AttemptId, Outcome, Proposal

pytestmark = [pytest.mark.fault, pytest.mark.timeout(scaled(300, 3600))]

Call = Callable[[], Any]
Sent = tuple[bool, Call]  # whether it may be delivered late, and the message


def life(s: Store, dice: Random) -> Iterator[Sent]:
    """A random life. A person's verbs have no nonce: their copies arrive at once or not at all."""
    (e, _) = yield from ask(lambda: s.open_experiment(describe(8), fresh=True, nonce="open"))
    e = e.id
    running: list[AttemptId] = []
    ended_ids: list[AttemptId] = []
    reported: dict[AttemptId, int] = {}
    for turn in range(12):
        match dice.choice(
            ["plan", "plan", "enqueue", "claim", "claim", "report", "end", "end", "person", "adopt"]
        ):
            case "plan":
                nonce, n = f"r{turn}", dice.randint(1, 4)
                reserved = yield from ask(lambda nonce=nonce, n=n: s.reserve(e, n, "w", nonce))
                pairs = [(r.number, Proposal(configuration(r.number), "random", r.ordinal)) for r in reserved]
                kept, over = pairs[: dice.randint(0, 4)], dice.random() < 0.1
                yield from ask(lambda nonce=nonce, kept=kept, over=over: s.propose(e, nonce, kept, over))
            case "enqueue":
                yield from ask(lambda nonce=f"q{turn}": s.enqueue(e, [configuration(99)], nonce))
            case "claim":
                n = dice.randint(1, 3)
                claims = yield from ask(lambda nonce=f"c{turn}", n=n: s.claim(e, n, "w", nonce))
                running += [claim.id for claim in claims]
            case "report" if running:
                id, n = dice.choice(running), dice.randint(1, 3)
                first = reported.get(id, 0)
                sent = points(*(dice.random() for _ in range(n)), step=float(first))
                yield from ask(lambda id=id, first=first, sent=sent: s.report(id, first, sent))
                reported[id] = first + n
                yield from ask(lambda id=id, n=n: s.note_command(id, ["train", str(id)]))
                yield from ask(lambda id=id: s.renew([id], "w"))
            case "adopt" if running:
                id = dice.choice(running)
                yield from ask(lambda id=id, to=f"heir {turn}": s.adopt(id, "w", to))
            case "end" if running:
                id, again = dice.choice(running), dice.random() < 0.3
                result = (
                    LOST if again else ended(dice.random(), dice.choice([Outcome.SUCCEEDED, Outcome.FAILED]))
                )
                running.remove(id)
                ended_ids.append(id)
                yield from ask(lambda id=id, result=result, again=again: s.finish(id, result, again=again))
                yield from ask(lambda id=dice.choice(ended_ids): s.finish(id, ended(7.0)))
            case "person":
                number = dice.randint(1, 8)
                if s.trials(e) and number in [t.number for t in s.trials(e)]:
                    yield from ask(
                        lambda number=number: s.cancel(e, number, Outcome.KILLED, "no"), late=False
                    )
                    yield from ask(lambda number=number: s.retry(e, number), late=False)
                if running:
                    id = dice.choice(running)
                    yield from ask(lambda id=id: s.request_end(id, Wish.STOP, "enough"), late=False)
                wish = dice.choice([Wish.RUN, Wish.RUN, Wish.PAUSE])
                yield from ask(lambda wish=wish: s.set_wish(e, wish), late=False)


def ask(call: Call, late: bool = True) -> Iterator[Sent]:
    """Sends a message and returns the answer to its first copy."""
    answer: list[Any] = []

    def once() -> Any:
        got = call()
        answer.append(got)
        return got

    yield late, once
    return answer[0]


def live(store: Store, seed: int) -> dict[str, Any]:
    for _, call in life(store, Random(seed)):
        call()
    return fingerprint(store)


def live_with_duplicates(store: Store, seed: int) -> tuple[dict[str, Any], int]:
    dice, late, copies = Random(-seed), [], 0
    for may_be_late, call in life(store, Random(seed)):
        took_nothing = (
            call() == []
        )  # a call that found nothing to take may take something later: its first effect
        for _ in range(dice.randint(1, 9)):
            if may_be_late and not took_nothing and dice.random() < 0.7:
                late.append(call)
            else:
                call()
            copies += 1
        dice.shuffle(late)
        for _ in range(dice.randint(0, len(late))):
            late.pop()()
    for call in late:
        call()
    return fingerprint(store), copies


def test_f12_duplicates_in_memory() -> None:
    differing = copies = 0
    n = scaled(500, 100_000)
    for seed in range(n):
        once = live(MemoryStore(FakeClock()), seed)
        often, more = live_with_duplicates(MemoryStore(FakeClock()), seed)
        differing, copies = differing + (once != often), copies + more
    record("F12 duplicates, memory", sequences=n, copies=copies, records_that_differ=differing)
    assert copies > 10 * n
    assert differing == 0


@pytest.mark.parametrize(("kind", "nightly"), [("sqlite", 20_000), ("postgres", 5_000)])
def test_f12_duplicates_in_a_database(fast: Path, kind: str, nightly: int) -> None:
    """The life without duplicates is the memory's: the two implementations share no code but their small rules, and what they
    agree on is the contract."""
    differing = copies = 0
    n = scaled(500, nightly)
    with lent_sessions():
        for seed in range(n):
            keeper = KEEPERS[kind](fast, str(seed) if kind == "sqlite" else "still")
            with closing(keeper(keeper.clock())) as store:
                once, (often, more) = live(MemoryStore(FakeClock()), seed), live_with_duplicates(store, seed)
            differing, copies = differing + (once != often), copies + more
            for path in fast.iterdir():
                path.unlink()
    record(f"F12 duplicates, {kind}", sequences=n, copies=copies, records_that_differ=differing)
    assert copies > 10 * n
    assert differing == 0
