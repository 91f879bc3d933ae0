"""Workers that come and go: as many attempts as they were to run, and leaving without breaking anything off."""

from __future__ import annotations

import signal
import subprocess

import pytest
from drive_shop import Shop, until
from test_drive_gpus import with_gpus

from luthier.description import NEEDS, Algorithm, Description, Limits
from luthier.drive.fitting import Means, misfit
from luthier.space import Float, Parameter, Space

GRID = ("grid", "--param", "x=1,2,3,4,5,6", "--metric", "loss", "--minimize", "--no-check")
TRAIN = ("--", "sh", "train.sh", ":x:")
UNTIL_GO = 'while [ ! -e "$PROJECT/go$1" ]; do sleep .01; done; echo "loss: $1"'


def hear(worker: subprocess.Popen[str], words: str) -> None:
    """Waits until it has said something that begins so."""
    assert worker.stderr is not None
    assert any(line.startswith(words) for line in worker.stderr), f"it never said {words!r}"


def test_a_worker_leaves_after_as_many_attempts_as_it_was_to_run(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    shop.run(*GRID, "-n", "1", *TRAIN)
    for x in (2, 3, 4):
        shop.run("enqueue", "1", f"x={x}")
    said = shop.run("worker", "--max-trials", "2", "-r", "2")
    assert "It leaves; this worker ended 2 attempts." in said.stderr
    assert (shop.record().succeeded, shop.record().queued, len(shop.runs())) == (3, 1, 3)
    assert "ended 1 attempt." in shop.run("worker", "--max-trials", "2").stderr


def test_a_worker_that_is_told_to_leave_finishes_what_it_runs(shop: Shop) -> None:
    shop.program(UNTIL_GO)
    driver = shop.start(*GRID, "-r", "1", *TRAIN)
    shop.until_runs(1)
    worker = shop.start("worker", "1", "-r", "2")
    shop.until_runs(3)
    worker.send_signal(signal.SIGTERM)
    hear(worker, "Leaving: what runs goes on to its end")
    for n in (2, 3):
        (shop.root / f"go{n}").touch()
    said = shop.end(worker)
    assert "this worker ended 2 attempts" in said.stderr
    assert shop.record().succeeded == 2 and len(shop.runs()) == 3
    for n in range(1, 7):
        (shop.root / f"go{n}").touch()
    shop.end(driver)
    assert shop.record().succeeded == 6 and len(shop.runs()) == 6


def test_a_second_term_returns_what_runs_to_the_queue(shop: Shop) -> None:
    shop.program(UNTIL_GO)
    driver = shop.start(*GRID, "-r", "1", *TRAIN)
    shop.until_runs(1)
    worker = shop.start("worker", "1", "-r", "1")
    shop.until_runs(2)
    for words in ("Leaving:", "Stopping:"):
        worker.send_signal(signal.SIGTERM)
        hear(worker, words)
    shop.end(worker, 130)
    assert (shop.record().running, shop.record().queued) == (1, 5)
    for n in range(1, 7):
        (shop.root / f"go{n}").touch()
    shop.end(driver)
    assert shop.record().succeeded == 6 and len(shop.runs()) == 7


def test_a_worker_that_is_leaving_still_heeds_who_ends_the_experiment(shop: Shop) -> None:
    shop.program(UNTIL_GO)
    driver = shop.start(*GRID, "-r", "1", *TRAIN)
    shop.until_runs(1)
    worker = shop.start("worker", "1", "-r", "1")
    shop.until_runs(2)
    worker.send_signal(signal.SIGTERM)
    hear(worker, "Leaving:")
    shop.run("kill", "1")
    shop.end(worker)
    shop.end(driver, None)
    assert {outcome for outcome, _ in shop.outcomes().values()} == {"killed"}


def test_a_worker_that_waits_takes_what_comes_later_and_leaves_when_it_is_told(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    shop.run(*GRID, "-n", "1", *TRAIN)
    worker = shop.start("worker", "--wait")
    shop.run("enqueue", "1", "x=4")
    shop.until_runs(2)
    worker.send_signal(signal.SIGTERM)
    said = shop.end(worker)
    assert "It leaves; this worker ended 1 attempt." in said.stderr
    assert shop.record().succeeded == 2


HERE = Means(("K80",), cpus=4, memory_bytes=8 * 2**30, gpus=lambda: 1)
PLAIN = Description("/p", Space([Parameter("x", Float(0.0, 1.0))]), Algorithm("random"))


@pytest.mark.parametrize(
    ("limits", "tag", "said"),
    [
        (Limits(), None, ""),
        (Limits(cpus=4, gpus=1, memory_bytes=8 * 2**30), "K80", ""),
        (Limits(gpus=0.5), None, ""),
        (Limits(cpus=5), None, "its trials need 5 cores each (here: 4)"),
        (Limits(gpus=2), None, "its trials need 2 GPUs each (here: 1)"),
        (Limits(memory_bytes=9 * 2**30), None, "its trials need 9 GiB of memory each (here: 8 GiB)"),
        (
            Limits(gpus=2),
            "V100",
            "its trials need a worker tagged V100 (this one is K80) and 2 GPUs each (here: 1)",
        ),
    ],
)
def test_what_a_worker_has_is_compared_with_what_a_trial_needs(
    limits: Limits, tag: str | None, said: str
) -> None:
    what = PLAIN._replace(limits=limits, labels={NEEDS: tag} if tag else {})
    assert misfit(what, HERE) == said
    assert misfit(what, Means(("K80", "V100"))) == ""  # its trials run elsewhere


def test_gpus_that_can_t_be_listed_are_none_and_say_why() -> None:
    broken = HERE._replace(gpus=lambda: "the driver is broken")
    assert misfit(PLAIN, broken) == ""
    assert misfit(PLAIN._replace(limits=Limits(gpus=1)), broken).endswith("(here: the driver is broken)")


def test_a_worker_that_can_never_run_them_says_so_and_claims_nothing(shop: Shop) -> None:
    plain = dict(shop.env)
    with_gpus(shop)
    shop.program('echo "loss: $1"')
    shop.run(*GRID, "-n", "1", "--gpus-per-run", "2", *TRAIN)
    shop.run("enqueue", "1", "x=4")
    able, shop.env = shop.env, plain
    why = "experiment 1 is left to other workers: its trials need 2 GPUs each (here: none)"
    for words in (("worker",), ("worker", "1")):
        said = shop.run(*words, code=2)
        assert said.stderr.splitlines()[0] == why and "Traceback" not in said.stderr
    waiting = shop.start("worker", "--wait")
    assert waiting.stderr is not None and waiting.stderr.readline().strip() == why
    until(lambda: why in shop.run("workers").stderr, "it tells why it does nothing")
    assert (shop.record().queued, len(shop.runs())) == (1, 1)
    waiting.send_signal(signal.SIGTERM)
    shop.end(waiting)
    shop.env = able
    shop.run("worker")
    assert shop.record().succeeded == 2
