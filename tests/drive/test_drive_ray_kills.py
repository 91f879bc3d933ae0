"""F22: one search on Ray while everything it stands on is killed -9, over and over: itself, guardians, places, nodes, heads."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("ray") is None:
    pytest.skip("needs Ray", allow_module_level=True)

from drive_shop import Shop, until
from rays import seat_above

from luthier.errors import LuthierError
from luthier.run.ray_local import LocalRay, Node
from luthier.testing.faults import record as tell
from luthier.trial import Outcome

KINDS = ("worker", "guardian", "actor", "raylet", "head")
NODES = (
    Node(0, {}),
    Node(1, {"slot": 2}),
    Node(1, {"slot": 2}, {"LUTHIER_RAY_MACHINE": "elsewhere"}),
    Node(1, {"slot": 2}, {"LUTHIER_RAY_MACHINE": "yonder"}),
)
TRAIN = 'echo "$$ $LUTHIER_TRIAL" >> "$2"; sleep 0.$3; echo "loss: $1"'
PATIENCE_SECONDS = 240.0
AGAIN = "type the same command again"


class Scene:
    """A search and its Ray, both begun again when they are gone. What was read as finished is kept in `acked`."""

    def __init__(self, shop: Shop, outside: Path, draw: random.Random, target: int) -> None:
        self.shop, self.outside, self.draw, self.target = shop, outside, draw, target
        self.ledger = outside / "ledger"
        self.ray: LocalRay | None = None
        self.raylets: list[int] = []
        self.driver = None
        self.acked: dict[int, float | None] = {}
        (shop.root / "train.sh").write_text(TRAIN + "\n", encoding="utf-8")

    def command(self, *on: str) -> list[str]:
        """The same one always, but for where it runs, and how many are wanted when kills take longer than trials."""
        words = [
            "random",
            "--num-runs",
            str(self.target),
            "-r",
            "3",
            "--param",
            "x=0.0:1.0",
            "--param",
            "t=1:6:linear:int",
        ]
        words += ["--seed", "7", "--metric", "loss", "--minimize", "--no-check", "--max-attempts", "99", *on]
        return [*words, "--", "sh", "train.sh", ":x:", str(self.ledger), ":t:"]

    def go_on(self) -> None:
        """Sees to it that there are a Ray, with a node for trials, and a driver."""
        if self.ray is not None and not any(map(_lives, self.raylets)):
            self.ray.end()
            self.ray = None
        if self.ray is None:
            self.ray = LocalRay(self.outside / "ray.log", NODES)
            self.raylets = self.ray.wait()["raylets"][1:]
        if self.driver is not None and self.driver.poll() is not None:
            said = self.driver.communicate()[1]
            code, self.driver = self.driver.returncode, None
            assert code in (0, -signal.SIGKILL) or (code == 3 and AGAIN in said), f"{code}: {said}"
            if code == 0:
                self.target += 20
        if self.driver is None:
            on = ("--on", "ray", "--ray-address", self.ray.address, "--ray-resources", "slot=1")
            self.driver = self.shop.start(*self.command(*on, "--cpus-per-run", "0.3"))

    def finished(self) -> int:
        """How many trials are over; remembers what was seen of them."""
        with suppress(OSError, LuthierError), self.shop.store() as store:  # it may not be there yet
            self.acked.update({t.number: t.result.value for t in store.trials(1) if t.result is not None})
        return len(self.acked)

    def running(self) -> list[int]:
        """The processes of trials that run now, the newest last."""
        if not self.ledger.exists():
            return []
        pids = [int(line.split()[0]) for line in self.ledger.read_text().splitlines()]
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits, and begins again what is gone meanwhile."""

        def holds() -> object:
            self.go_on()
            return condition()

        until(holds, what, PATIENCE_SECONDS)

    def kill(self, kind: str) -> None:
        """Ends one of a kind, while trials run."""
        while True:
            self.until(self.running, "a trial runs")
            try:
                self._kill(kind)
            except (OSError, IndexError, ValueError):
                continue  # the trial has just ended, and there was nothing above it
            with open(self.outside / "kills", "a", encoding="utf-8") as file:
                file.write(f"{kind}\n")
            return

    def _kill(self, kind: str) -> None:
        assert self.driver is not None and self.ray is not None
        match kind:
            case "worker":
                assert self.shop.kill(self.driver)
                self.driver = None
            case "head":
                self.ray.process.kill()
                self.ray.end()
                self.ray = None
            case "raylet":
                os.kill(self.raylets.pop(self.draw.randrange(len(self.raylets))), signal.SIGKILL)
            case "guardian" | "actor":
                program = self.draw.choice(self.running())
                seat = seat_above(program)
                os.kill(seat if kind == "actor" else _guardian_of(program), signal.SIGKILL)

    def end(self) -> None:
        """Leaves nothing of Ray."""
        if self.ray is not None:
            self.ray.end()


def _guardian_of(pid: int) -> int:
    """The parent of a program, if that is one of ours: an orphan's may be anybody."""
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    if b"_nursery" not in Path(f"/proc/{parent}/cmdline").read_bytes():
        raise ValueError(f"{pid} has no guardian any more")
    return parent


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _audit(scene: Scene) -> dict[str, int]:
    """The bar of F1: what must be zero in the end."""
    with scene.shop.store() as store:
        record, trials = store.experiment(1), store.trials(1)
        held = len(store.held(1))
        attempts = {t.number: [a.result for a in store.attempts(1, t.number) if a.result] for t in trials}
    again = (Outcome.LOST, Outcome.INTERRUPTED)
    counted = {number: [r for r in results if r.outcome not in again] for number, results in attempts.items()}
    value = {t.number: t.result.value for t in trials if t.result is not None}
    good = sum(t.result is not None and t.result.outcome is Outcome.SUCCEEDED for t in trials)
    return {
        "lost": scene.target - good,
        "too_many": len(trials) - scene.target,
        "twice": sum(len(results) > 1 for results in counted.values()),
        "acked_missing": sum(value.get(number) != known for number, known in scene.acked.items()),
        "leased": held + record.running + record.reserved,
    }


@pytest.fixture
def scene(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(shop, tmp_path_factory.mktemp("outside"), random.Random(22), 20)


def _kill_all(scene: Scene, kinds: list[str]) -> None:
    for kind in kinds:
        wanted = scene.finished() + scene.draw.randint(1, 4)
        scene.until(lambda wanted=wanted: scene.finished() >= wanted, f"{wanted} trials are over")
        scene.kill(kind)
    done = scene.shop.run(*_last(scene), code=0)
    found = _audit(scene)
    runs = len(scene.ledger.read_text().splitlines())
    tell("F22", kills=len(kinds), **Counter(kinds), trials=scene.target, runs=runs, **found)
    assert done.returncode == 0
    assert found == dict.fromkeys(found, 0), found
    until(lambda: not scene.running(), "nothing is left running")


def _last(scene: Scene) -> list[str]:
    """The command that drains: here, when Ray is gone, after whoever drove it has said so."""
    if scene.driver is not None:
        code = scene.driver.wait(PATIENCE_SECONDS)
        said = scene.driver.communicate()[1]
        assert code == 0 or (code == 3 and "can't be reached any more" in said and AGAIN in said), said
    return scene.command()


@pytest.mark.fault
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("ray")
def test_f22_a_search_outlives_what_it_stands_on(scene: Scene) -> None:
    """One kill of each kind; the head is the last, and the same command goes on without Ray."""
    kinds = list(KINDS[:-1])
    scene.draw.shuffle(kinds)
    try:
        _kill_all(scene, [*kinds, "head"])
    finally:
        scene.end()


@pytest.mark.nightly
@pytest.mark.fault
@pytest.mark.timeout(7200)
@pytest.mark.xdist_group("ray")
def test_f22_a_hundred_kills(scene: Scene) -> None:
    kinds: list[str] = []
    for _ in range(20):
        group = list(KINDS)
        scene.draw.shuffle(group)
        kinds += group
    try:
        _kill_all(scene, kinds)
    finally:
        scene.end()
