"""Several machines at one experiment, on a real PostgreSQL. Each machine is a project folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from drive_shop import Shop, until
from typed import luthier

from luthier.store.postgres import PostgresStore
from luthier.testing.faults import record as tell
from luthier.testing.faults import scaled
from luthier.testing.postgres import Server, running

LOSS = ("--metric", "loss", "--minimize", "--no-check")
TRAIN = ("--", "sh", "train.sh", ":x:")
IMPATIENT = """
import sys
from luthier.cli import main
from luthier.drive import session
from luthier.store import postgres
postgres.PATIENCE_SECONDS, session.AGAIN_SECONDS = 1.0, 0.2
sys.exit(main())
"""
UNTIL_GO = 'while [ ! -e "$SHARED/go" ]; do sleep .02; done; echo "loss: $1"'


class Machines:
    """Machines with one store, and a folder that all of them see."""

    def __init__(self, server: Server, folder: Path) -> None:
        server.empty("machines")
        self.server = server
        self.url = server.tcp_url("machines")
        self.folder = folder
        self.shops: list[Shop] = []

    def machine(self, name: str) -> Shop:
        root = self.folder / name
        root.mkdir()
        shop = Shop(root)
        shop.env |= {"LUTHIER_STORE": self.url, "SHARED": str(self.folder), "PROJECT": str(self.folder)}
        shop.runs_file = self.folder / "runs"
        self.shops.append(shop)
        return shop

    @contextmanager
    def store(self) -> Iterator[PostgresStore]:
        with closing(PostgresStore(self.url, read_only=True)) as store:
            yield store

    def go(self) -> None:
        (self.folder / "go").touch()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    made = Machines(running(), tmp_path)
    yield made
    for shop in made.shops:
        shop.close()


def lose(shop: Shop) -> None:
    """Everything of a machine dies at once, its guardians and trials too."""
    mark = f"PROJECT={shop.env['PROJECT']}".encode()
    here = f"{shop.root}/".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment, words = (folder / "environ").read_bytes(), (folder / "cmdline").read_bytes()
            is_its = os.readlink(folder / "cwd").startswith(str(shop.root))
        except OSError:
            continue
        if mark in environment and (is_its or here in environment or here in words):
            try:
                os.kill(int(folder.name), signal.SIGKILL)
            except ProcessLookupError:
                pass
    for process in shop.started:
        process.communicate(timeout=60)


def test_two_machines_make_exactly_what_was_asked_for(machines: Machines) -> None:
    first, second = machines.machine("first"), machines.machine("second")
    first.program(UNTIL_GO)
    driver = first.start("grid", "--param", "x=1:12:linear:int", "-r", "2", *LOSS, *TRAIN)
    first.until_runs(2)
    worker = second.start("worker", "-r", "3")
    first.until_runs(5)
    said = second.run("workers").stdout
    machines.go()
    assert "All trials:" in first.end(driver).stderr
    assert "Nothing is left to start" in second.end(worker).stderr
    with machines.store() as store:
        record = store.experiment(1)
        assert (record.finished, record.succeeded) == (12, 12)
        assert len({store.attempts(1, n)[0].worker for n in range(1, 13)}) == 2
        assert all(store.lost(1, n) == 0 for n in range(1, 13))
    assert len(first.runs()) == 12
    assert said.count("working") >= 1
    shown = second.run("show", "1")
    assert "12 of 12" in shown.stdout + shown.stderr or "12/12" in second.run("list").stdout


def test_a_lost_machines_trials_run_again_when_their_lease_is_over(machines: Machines) -> None:
    first, second = machines.machine("first"), machines.machine("second")
    first.program(UNTIL_GO)
    driver = first.start("grid", "--param", "x=1,2,3,4", "-r", "1", *LOSS, *TRAIN)
    first.until_runs(1)
    second.start("worker", "-r", "2", "--lease", "4s")
    first.until_runs(3)
    lose(second)
    machines.go()
    said = first.end(driver)
    assert "was silent for longer than its lease" in said.stderr
    with machines.store() as store:
        record = store.experiment(1)
        assert (record.finished, record.succeeded) == (4, 4)
        lost = [store.lost(1, n) for n in range(1, 5)]
        attempts = [one for n in range(1, 5) for one in store.attempts(1, n)]
        heard = {worker.name: worker.seen for worker in store.workers()}
    assert sum(map(bool, lost)) == 2, lost
    # It died after it was heard last; all times are the server's. Waiting for a free slot is the other machine's affair.
    waits = [one.ended - heard[one.worker] for one in attempts if one.result.outcome == "lost"]
    tell("a lost machine's trials are free again", lease=4, after=[round(seconds, 1) for seconds in waits])
    assert len(waits) == 2 and max(waits) <= 4 + 15


def test_a_machine_that_was_paused_too_long_ends_what_went_to_another(machines: Machines) -> None:
    first, second = machines.machine("first"), machines.machine("second")
    first.program(UNTIL_GO)
    driver = first.start("grid", "--param", "x=1,2", "-r", "1", *LOSS, *TRAIN)
    first.until_runs(1)
    worker = second.start("worker", "-r", "1", "--lease", "4s")
    first.until_runs(2)
    os.kill(worker.pid, signal.SIGSTOP)
    with machines.store() as store:
        until(lambda: store.lost(1, 2) >= 1, "the paused worker's trial is given up")
        os.kill(worker.pid, signal.SIGCONT)
        until(lambda: any(e.kind == "stale" for e in store.events(experiment=1)), "its write is refused")
    machines.go()
    first.end(driver)
    assert "it went to another worker" in second.end(worker).stderr
    with machines.store() as store:
        assert (store.experiment(1).finished, store.experiment(1).succeeded) == (2, 2)


def test_what_a_dead_worker_left_running_is_ended_when_it_went_elsewhere(machines: Machines) -> None:
    first, second = machines.machine("first"), machines.machine("second")
    first.program(f'echo $$ > "$SHARED/pid-$LUTHIER_TRIAL-$LUTHIER_ATTEMPT"; {UNTIL_GO}')
    driver = first.start("grid", "--param", "x=1,2", "-r", "1", *LOSS, *TRAIN)
    first.until_runs(1)
    worker = second.start("worker", "-r", "1", "--lease", "4s")
    first.until_runs(2)
    left = Path("/proc") / (machines.folder / "pid-1.2-1").read_text().strip()
    second.kill(worker)
    with machines.store() as store:
        until(lambda: store.lost(1, 2) >= 1, "the dead worker's trial is given up")
    first.run("pause", "1")  # there is nothing for who comes next, but to clear up
    assert left.exists()
    said = second.run("worker")
    assert "1.2 attempt 1 went to another worker while nobody was here" in said.stderr
    until(lambda: not left.exists(), "the orphan is ended")
    machines.go()
    first.end(driver, None)
    first.run("resume", "1")
    with machines.store() as store:
        assert (store.experiment(1).finished, store.experiment(1).succeeded) == (2, 2)


@pytest.mark.parametrize(("verb", "outcome"), [("stop", "stopped"), ("kill", "killed")])
def test_a_trial_is_ended_from_another_machine(machines: Machines, verb: str, outcome: str) -> None:
    first, second = machines.machine("first"), machines.machine("second")
    first.program(UNTIL_GO)
    driver = first.start("grid", "--param", "x=1,2,3", "-r", "1", *LOSS, *TRAIN)
    first.until_runs(1)
    worker = second.start("worker", "-r", "1", "--lease", "600s")
    first.until_runs(2)
    said = first.run(verb, "1.2")
    assert f"trial 1.2 ended: {outcome}" in said.stderr
    with machines.store() as store:
        (attempt,) = store.attempts(1, 2)
        assert attempt.result is not None
        assert (attempt.result.outcome, attempt.result.reason) == (outcome, f"{outcome} by luthier {verb}")
        assert store.experiment(1).wish == "run"
    assert "has ended already" in first.run(verb, "1.2").stderr
    machines.go()
    first.end(driver)
    second.end(worker)
    with machines.store() as store:
        assert (store.experiment(1).finished, store.experiment(1).succeeded) == (3, 2)


def test_a_search_outlives_its_server(machines: Machines) -> None:
    shop = machines.machine("first")
    shop.program(UNTIL_GO)
    shop.luthier = (sys.executable, "-c", IMPATIENT)
    driver = shop.start("grid", "--param", "x=1,2,3", "-r", "2", *LOSS, *TRAIN)
    shop.until_runs(2)
    machines.server.crash()
    assert driver.stderr is not None
    for line in driver.stderr:
        if "what runs goes on, and the search when the server answers again" in line:
            break
    machines.server.start()
    machines.go()
    said = shop.end(driver)
    assert "the store answers again" in said.stderr
    with machines.store() as store:
        assert (store.experiment(1).finished, store.experiment(1).succeeded) == (3, 3)
    assert len(shop.runs()) == 3  # none ran twice


def test_a_machine_without_the_folder_runs_a_copy_of_the_code(machines: Machines) -> None:
    first, second = machines.machine("first"), machines.machine("second")
    first.program('. "$(dirname "$0")/lib/body.sh"')
    (first.root / "lib").mkdir()
    (first.root / "lib" / "body.sh").write_text('pwd >> "$SHARED/where"; echo "loss: $1"\n')
    first.run("random", "--param", "x=1:101:linear:int", "--num-runs", "2", *LOSS, *TRAIN)
    for x in (100, 101):
        first.run("enqueue", "1", f"x={x}")
    shutil.move(first.root, machines.folder / "gone")
    said = second.run("worker")
    assert "this worker ended 2 attempts" in said.stderr
    places = (machines.folder / "where").read_text().splitlines()
    assert places[:2] == [str(first.root)] * 2
    assert all(place.startswith(f"{second.root}/.luthier/") and "/code/" in place for place in places[2:])
    with machines.store() as store:
        assert store.experiment(1).succeeded == 4


@pytest.mark.fault
@pytest.mark.parametrize("turn", range(scaled(1, 20)))
def test_f23_one_bad_machine_costs_five_trials(machines: Machines, turn: int) -> None:
    """One of three fails whatever it is given, at once. The others have shown what they can, and wait with the rest until it is
    found out."""
    good, better, bad = (machines.machine(name) for name in ("good", "better", "bad"))
    good.program(
        f'[ -z "$SPOILT" ] || exit 1; sleep .2; [ $(wc -l < "$PROJECT/runs") -lt 16 ] && echo "loss: $1" && exit; {UNTIL_GO}'
    )
    driver = good.start("random", "--param", "x=0:1", "--num-runs", "30", "-r", "2", *LOSS, *TRAIN)
    good.until_runs(4)
    bad.env["SPOILT"] = "yes"
    spoilt = bad.start("worker", "-r", "1", "--wait")
    helper = better.start("worker", "-r", "2")
    said = bad.end(spoilt, 1)
    machines.go()
    assert "set itself aside: 5 trials in a row failed here, but elsewhere" in said.stderr
    listed = good.run("workers", "--all").stdout
    good.end(driver)
    better.end(helper)
    assert "set aside" in listed
    with machines.store() as store:
        record = store.experiment(1)
        assert (record.finished, record.succeeded) == (30, 30)
        tallies = store.tallies(1)
        failed = [tally.failed for tally in tallies.values() if tally.failed]
    tell("F23 postgres, a bad machine", turn=turn, succeeded=record.succeeded, failed_there=sum(failed))
    assert failed == [5]


def test_a_machine_that_can_not_have_the_code_passes_the_experiment_over(machines: Machines) -> None:
    first, second = machines.machine("first"), machines.machine("second")
    first.program('echo "loss: $1"')
    first.run("random", "--param", "x=1:10:linear:int", "--num-runs", "1", "--no-snapshot", *LOSS, *TRAIN)
    first.run("enqueue", "1", "x=10")
    shutil.move(first.root, machines.folder / "gone")
    said = second.run("worker")
    assert "passed over: experiment 1 runs in" in said.stderr and "--snapshot" in said.stderr
    assert "which this machine does not have" in second.run("worker", "1", code=2).stderr
    with machines.store() as store:
        assert (store.experiment(1).queued, store.experiment(1).finished) == (1, 1)


def test_what_works_on_bundles_of_data_is_left_to_machines_that_have_them(machines: Machines) -> None:
    """A job of `luthier kaos`: code and data lie in the folder of the store where it was submitted."""
    first, second = machines.machine("first"), machines.machine("second")
    (first.root / "source" / "model").mkdir(parents=True)
    train = 'import pathlib, sys\nplace = pathlib.Path(sys.argv[1], "metrics")\nplace.mkdir()\n'
    train += '(place / "metrics.json").write_text(\'{"loss": 1}\')\n'
    (first.root / "source" / "model" / "train.py").write_text(train)
    (first.root / "data").mkdir()
    (first.root / "data" / "numbers.csv").write_text("1\n")
    first.env["LUTHIER_CONTAINER_ENGINE"] = "none"
    first.run("kaos", "init", "-e", machines.url)
    first.run("kaos", "workspace", "create", "-n", "numbers")
    first.run("kaos", "train", "deploy", "-s", "source", "-d", "data")
    with machines.store() as store:
        until(lambda: store.experiments() and store.experiments()[0].finished, "the job is done")
    first.run("retry", "1.1")
    shutil.move(first.root, machines.folder / "gone")
    said = second.run("worker", "1", code=2)
    assert "data does not travel; run the worker in a folder that both machines see" in said.stderr
    with machines.store() as store:
        assert store.experiment(1).queued == 1 and store.lost(1, 1) == 0


def test_no_password_is_written_shown_or_inherited_by_argument(machines: Machines) -> None:
    shop = machines.machine("first")
    shop.program('tr "\\0" "\\n" < /proc/$PPID/cmdline; echo "loss: $1"')
    said = shop.run("grid", "--param", "x=1,2", *LOSS, *TRAIN)
    secret = machines.server.password
    listed = shop.run("list").stdout + shop.run("doctor", code=None).stdout
    assert secret not in said.stdout + said.stderr + listed
    found = subprocess.run(
        ["grep", "-rl", secret, str(shop.root)], capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
    with machines.store() as store:
        assert secret not in repr(store) + str([sheet.text for sheet in store.sheets(1)])
    folder = next((shop.root / ".luthier").glob("machines-at-*"))
    again = shop.start("list", "--store", str(folder))
    again.communicate(timeout=60)
    assert again.returncode == 0  # LUTHIER_STORE has the password; the folder's own file only says where


def test_a_server_that_is_not_there_is_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.store.postgres.PATIENCE_SECONDS", 0.1)
    said = luthier(tmp_path, "list", LUTHIER_STORE="postgresql://me:geheim@127.0.0.1:9/nothing")
    assert said.returncode == 3 and said.stdout == ""
    assert "postgresql://me:***@127.0.0.1:9/nothing can't be reached" in said.stderr
    assert "geheim" not in said.stderr and "Traceback" not in said.stderr
    refused = luthier(tmp_path, "list", LUTHIER_STORE="mysql://x")
    assert refused.returncode == 2 and "has no mysql store" in refused.stderr
