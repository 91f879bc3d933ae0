"""F16: a thousand trials through one runner leave no zombie, no descriptor and no memory behind."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from luthier.run.runner import Ended
from luthier.trial import Outcome

TRIALS = int(os.environ.get("LUTHIER_LEAK_TRIALS", "1000"))
WARM = 40
SLOTS = 2


def our_processes(nursery: int) -> dict[int, str]:
    """The driver, its nursery and everything below, with their states."""
    found = {os.getpid(): "S"}
    parents = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            parents[int(process.name)] = (int(parent), state)
    below = {nursery}
    while more := {pid for pid, (parent, _) in parents.items() if parent in below} - below:
        below |= more
    return {**found, **{pid: parents[pid][1] for pid in below}}


def measure(nursery: int) -> dict[int, tuple[int, int]]:
    """Descriptors and resident bytes of each process; a trial that ends meanwhile has none."""
    page = os.sysconf("SC_PAGE_SIZE")
    found = {}
    for pid in our_processes(nursery):
        with suppress(FileNotFoundError, ProcessLookupError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            found[pid] = (len(os.listdir(f"/proc/{pid}/fd")), pages * page)
    return found


def test_a_thousand_trials_leak_nothing(bench: Any) -> None:
    nursery = bench.runner._nursery.pid
    before: dict[int, tuple[int, int]] = {}
    done = 0
    made = 0

    def start(slot: int) -> None:
        nonlocal made
        made += 1
        bench.runner.start(bench.order("/bin/true", trial=made, slot=slot))

    for slot in range(SLOTS):
        start(slot)
        start(slot)
    while done < TRIALS + WARM:
        for event in bench.runner.events(20):
            if isinstance(event, Ended):
                assert event.result.outcome is Outcome.SUCCEEDED
                done += 1
                if made < TRIALS + WARM:
                    start(made % SLOTS)
                if done == WARM:
                    before = measure(nursery)
    bench.keys.clear()
    states = our_processes(nursery)
    after = measure(nursery)
    assert "Z" not in states.values(), "zombies"
    own = {pid for pid in before if pid in after}
    assert len(own) == 2 + SLOTS
    for pid in own:
        assert abs(after[pid][0] - before[pid][0]) <= 5, "descriptors"
        assert after[pid][1] - before[pid][1] < 20 << 20, "memory"
    assert bench.guardian_log() == ""
