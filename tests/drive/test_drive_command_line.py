"""What a person sees of the drive: real processes, a real terminal's signals, and every way a trial can end."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from drive_shop import Shop, until

from luthier.cli.foreground import interruptible
from luthier.run.command import CommandRunner

LOSS = ("--metric", "loss", "--minimize")
TRAIN = ("--", "sh", "train.sh", ":x:")
GRID = ("grid", "--param", "x=1,2,3,4,5,6", *LOSS)
FOREVER = 'trap "exit 1" TERM; while [ ! -e "$PROJECT/go" ]; do sleep .01; done'


def go(shop: Shop) -> None:
    (shop.root / "go").touch()


def interrupt(process: Any) -> None:
    os.kill(process.pid, signal.SIGINT)


# ---------------------------------------------------------------------- Ctrl-C


def test_ctrl_c_ends_by_term_goes_back_to_the_queue_and_the_same_command_finishes(shop: Shop) -> None:
    shop.program(f'echo "loss: $1"; [ "$1" = 1 ] || {{ {FOREVER}; }}')
    driver = shop.start(*GRID, "-r", "2", *TRAIN)
    shop.until_runs(3)  # the first has ended, two are running
    interrupt(driver)
    said = shop.end(driver, 130)
    assert "Stopping: running trials end" in said.stderr and "luthier resume 1" in said.stderr
    assert "type the same command again" in said.stderr
    record = shop.record()
    assert (record.finished, record.queued, record.running) == (1, 5, 0)
    with shop.store() as store:
        ends = {str(a.result.outcome) for n in (2, 3) for a in store.attempts(1, n) if a.result}
    assert ends == {"interrupted"}
    go(shop)
    again = shop.run(*GRID, "-r", "2", *TRAIN)
    assert "goes on: 1 of 6" in again.stderr
    found = shop.audit(6)
    assert (found["lost"], found["leased"]) == (0, 0) and shop.record().succeeded == 6
    assert [shop.runs_of(n) for n in range(1, 7)] == [1, 2, 2, 1, 1, 1]


def test_ctrl_c_twice_kills_what_ignores_term(shop: Shop) -> None:
    shop.program('trap "" TERM; touch "$PROJECT/deaf$1"; while [ ! -e "$PROJECT/go" ]; do sleep .01; done')
    driver = shop.start("grid", "--param", "x=1,2", "-r", "2", "--no-check", "--grace", "10m", *TRAIN)
    shop.until_runs(2)
    until(lambda: (shop.root / "deaf1").exists() and (shop.root / "deaf2").exists())
    interrupt(driver)
    for line in driver.stderr:
        if "Press Ctrl-C again" in line:
            break
    interrupt(driver)
    shop.end(driver, 130)
    assert shop.record().running == 0 and shop.record().queued == 2
    go(shop)
    shop.run("resume", "1", "-q")
    assert shop.record().succeeded == 2


def test_each_ctrl_c_wakes_the_drive_once(tmp_path: Path) -> None:
    """Once the drive spun at full speed from the first Ctrl-C until the last trial had ended."""
    runner = CommandRunner(tmp_path)

    def is_awake() -> bool:
        return bool(select.select([interrupts.fd], [], [], 0)[0])

    try:
        with interruptible(runner) as interrupts:
            assert interrupts.look() == 0 and not is_awake()
            for count, number in ((1, signal.SIGINT), (2, signal.SIGTERM)):
                signal.raise_signal(number)
                assert interrupts.count == count and is_awake()
                assert interrupts.look() == count and not is_awake()
    finally:
        runner.close(leave_running=False)


# ---------------------------------------------------------------------- who drives


def test_a_second_driver_is_told_of_the_first_and_exits_with_2(shop: Shop) -> None:
    shop.program(f'echo "loss: $1"; {FOREVER}')
    driver = shop.start(*GRID, "-r", "1", *TRAIN)
    shop.until_runs(1)
    for words in (
        (*GRID, "-r", "1", *TRAIN),
        (*GRID, "-n", "2", "-r", "3", *TRAIN),
        (*GRID, "-r", "1", "--detach", *TRAIN),
        ("resume", "1"),
    ):
        said = shop.run(*words, code=2)
        assert f"experiment 1 is already being driven by process {driver.pid}" in said.stderr
        assert (
            "luthier logs 1 -f" in said.stderr and "--new" in said.stderr and "Traceback" not in said.stderr
        )
    assert shop.record().target == 6 and shop.record().description.limits.parallel == 1, (
        "refused, yet changed"
    )
    go(shop)
    shop.end(driver)
    assert len(shop.runs()) == 6


def test_detach_runs_on_is_found_can_be_stopped_and_resumed(shop: Shop) -> None:
    shop.program(f'echo "loss: $1"; [ "$1" = 1 ] || {{ {FOREVER}; }}')
    said = shop.run(*GRID, "-r", "1", "--detach", *TRAIN)
    assert "runs in the background" in said.stderr and "luthier logs 1 -f" in said.stderr
    shop.until_runs(2)
    (row,) = json.loads(shop.run("list", "--json").stdout)["experiments"]
    assert (row["id"], row["state"], row["finished"]) == (1, "running", 1)
    assert "1.1 | loss: 1" in shop.run("logs", "1").stdout
    stopped = shop.run("stop", "1")
    assert "1 running trial ended" in stopped.stderr
    until(lambda: json.loads(shop.run("list", "--json").stdout)["experiments"][0]["state"] != "running")
    assert shop.outcomes()[2] == ("stopped", "stopped by luthier stop") and len(shop.outcomes()) == 2
    go(shop)
    shop.run("resume", "1")
    assert shop.record().finished == 6 and shop.record().succeeded == 5
    assert len(shop.runs()) == 6


def test_pause_and_resume_while_it_is_driven(shop: Shop) -> None:
    shop.program('echo "loss: $1"; while [ ! -e "$PROJECT/go$1" ]; do sleep .01; done')
    for k in (1, 2):
        (shop.root / f"go{k}").touch()
    driver = shop.start(*GRID, "-r", "1", *TRAIN)
    shop.until_runs(3)
    shop.run("pause", "1")
    until(lambda: shop.record().running == 1)  # what was sent ahead is back
    for k in (3, 4, 5, 6):
        (shop.root / f"go{k}").touch()
    assert "paused" in shop.end(driver).stderr
    record = shop.record()
    assert record.finished + record.queued == 6 and record.queued and record.running == 0
    shop.run("resume", "1", "-q")
    assert shop.record().succeeded == 6 and len(shop.runs()) == 6


def test_stop_after_the_driver_was_killed_ends_what_it_left_running(shop: Shop) -> None:
    shop.program(f'echo "loss: $1"; {FOREVER}')
    driver = shop.start(*GRID, "-r", "2", "--no-check", *TRAIN)
    shop.until_runs(2)
    shop.kill(driver)
    shop.run("stop", "1")
    assert [outcome for outcome, _ in shop.outcomes().values()] == ["stopped", "stopped"]
    assert shop.record().running == 0 and shop.record().queued == 4


def test_on_driver_loss_stop_sends_the_trials_back_to_the_queue(shop: Shop) -> None:
    shop.program(f'echo "loss: $1"; {FOREVER}')
    driver = shop.start(*GRID, "-r", "2", "--no-check", "--on-driver-loss", "stop", *TRAIN)
    shop.until_runs(2)
    shop.kill(driver)
    folders = [shop.root / f".luthier/trials/1/{n}/attempt-1/outcome.json" for n in (1, 2)]
    until(lambda: all(folder.exists() for folder in folders))
    go(shop)
    shop.run(*GRID, "-r", "2", "--on-driver-loss", "stop", *TRAIN)
    with shop.store() as store:
        first = [str(store.attempts(1, n)[0].result.outcome) for n in (1, 2)]
    assert first == ["interrupted", "interrupted"] and shop.record().succeeded == 6


def test_a_worker_joins_from_another_process_and_leaves_when_nothing_is_left(shop: Shop) -> None:
    shop.program(f'echo "loss: $1"; [ -e "$PROJECT/free" ] || {{ {FOREVER}; }}')
    driver = shop.start(*GRID, "-r", "1", "--no-check", *TRAIN)
    shop.until_runs(1)
    worker = shop.start("worker", "1", "-r", "2")
    shop.until_runs(3)
    with shop.store() as store:
        assert len({held.worker for held in store.held(1)}) == 2
    go(shop)
    shop.end(driver)
    said = shop.end(worker)
    assert "works on experiment 1" in said.stderr and "Nothing is left to start" in said.stderr
    assert shop.record().succeeded == 6 and len(shop.runs()) == 6
    assert "nothing to do" in shop.run("worker").stderr


def test_a_workers_ctrl_c_returns_its_trials_and_leaves_the_others(shop: Shop) -> None:
    shop.program(f'echo "loss: $1"; {FOREVER}')
    driver = shop.start(*GRID, "-r", "1", "--no-check", *TRAIN)
    shop.until_runs(1)
    worker = shop.start("worker", "1", "-r", "1")
    shop.until_runs(2)
    interrupt(worker)
    shop.end(worker, 130)
    assert shop.record().running == 1 and shop.record().queued == 5
    go(shop)
    shop.end(driver)
    assert shop.record().succeeded == 6 and len(shop.runs()) == 7


# ---------------------------------------------------------------------- which experiment


def test_a_met_target_prints_the_best_and_starts_nothing(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    shop.run(*GRID, "-r", "2", *TRAIN)
    said = shop.run(*GRID, "-r", "2", *TRAIN)
    assert "trial 1.1" in said.stdout and "already has its 6 trials" in said.stderr
    assert len(shop.runs()) == 6


def test_budget_and_parallelism_may_change_and_it_is_the_same_experiment(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    words = lambda n, r: ("random", "-n", n, "-r", r, "--param", "x=0.0:1.0", *LOSS, *TRAIN)  # noqa: E731
    shop.run(*words("3", "1"))
    assert "goes on: 3 of 7" in shop.run(*words("7", "2")).stderr
    shop.run(*words("5", "2"))
    assert [r.id for r in experiments(shop)] == [1] and len(shop.runs()) == shop.record().finished == 7


def experiments(shop: Shop) -> list[Any]:
    with shop.store() as store:
        return list(store.experiments())


def test_new_starts_another_and_a_name_belongs_to_one(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    shop.run(*GRID, "--name", "base", *TRAIN)
    shop.run(*GRID, "--name", "base", *TRAIN)
    assert len(experiments(shop)) == 1
    said = shop.run("grid", "--param", "x=7,8", *LOSS, "--name", "base", *TRAIN, code=None)
    assert said.returncode in (2, 3) and "base" in said.stderr and "Traceback" not in said.stderr
    shop.run(*GRID, "--new", *TRAIN)
    assert len(experiments(shop)) == 2 and len(shop.runs()) == 12


def test_changed_code_is_told_and_the_search_goes_on(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    words = lambda n: ("random", "-n", n, "--param", "x=0.0:1.0", *LOSS, *TRAIN)  # noqa: E731
    shop.run(*words("2"))
    assert "changed" not in shop.run(*words("3")).stderr
    shop.program('echo "loss: 0.$1"')
    said = shop.run(*words("4"))
    (line,) = [line for line in said.stderr.splitlines() if "changed" in line]
    assert line.startswith("warning: train.sh changed since the 3 finished trials of experiment 1")
    assert shop.record().finished == 4
    assert "changed" not in shop.run(*words("5")).stderr


# ---------------------------------------------------------------------- how trials end

ENDINGS = """\
case $1 in
  ok) echo "loss: 1" ;;
  fails) echo "no data at /data" >&2; exit 3 ;;
  silent) echo "nothing to see" ;;
  slow) while :; do echo "loss: 1"; sleep .02; done ;;
  idle) echo "loss: 1"; sleep 600 ;;
  fat) exec "$PYTHON" -S -c 'x = bytearray(400_000_000); x[::4096] = b"1" * len(x[::4096]); import time; time.sleep(600)' ;;
  crash) kill -ABRT $$ ;;
  stopped|killed) touch "$PROJECT/up-$1"; echo "loss: 1"; while :; do sleep .02; echo .; done ;;
  later) [ "$LUTHIER_ATTEMPT" = 3 ] || exit 75; echo "loss: 1" ;;
  never) exit 75 ;;
esac
"""


def test_all_outcomes_are_told_apart(shop: Shop) -> None:
    import sys

    shop.env["PYTHON"] = sys.executable
    shop.program(ENDINGS)
    names = ("ok", "fails", "silent", "slow", "idle", "fat", "crash", "stopped", "killed", "later", "never")
    driver = shop.start(
        "grid", "-r", "4", "--param", f"x={','.join(names)}", *LOSS, "--timeout", "6s", "--idle-timeout", "2s",
        "--memory", "200M", "--grace", "1s", *TRAIN,
    )  # fmt: skip
    for name, number in (("stopped", 8), ("killed", 9)):
        until(lambda name=name: (shop.root / f"up-{name}").exists(), name)
        shop.run(name.replace("stopped", "stop").replace("killed", "kill"), f"1.{number}")
    said = shop.end(driver)
    found = {name: shop.outcomes()[place] for place, name in enumerate(names, 1)}
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "ok": "succeeded", "fails": "failed", "silent": "failed", "slow": "timed out", "idle": "timed out",
        "fat": "out of memory", "crash": "failed", "stopped": "stopped", "killed": "killed", "later": "succeeded",
        "never": "failed",
    }  # fmt: skip
    reasons = {name: reason for name, (_, reason) in found.items()}
    assert "3" in reasons["fails"] and "no data at /data" in reasons["fails"]
    assert "it ended well, but" in reasons["silent"] and "loss" in reasons["silent"]
    assert reasons["slow"] != reasons["idle"] and "SIGABRT" in reasons["crash"]
    assert "3 times" in reasons["never"] and "no data at /data" in said.stderr
    assert {number for number, attempt in shop.runs() if attempt == 3} == {10, 11}
    assert shop.record().finished == 11 and len(shop.runs()) == 11 + 4


def test_a_search_whose_store_is_deleted_ends_with_its_trials_and_says_so(shop: Shop) -> None:
    shop.program(
        'echo $$ >> "$PROJECT/pids"; while [ ! -e "$PROJECT/go-$1" ]; do sleep .01; done; echo "loss: $1"'
    )
    driver = shop.start("grid", "--param", "x=1,2,3", "-r", "2", "--no-check", *LOSS, *TRAIN)
    shop.until_runs(2)
    shutil.rmtree(shop.root / ".luthier")
    (shop.root / "go-1").touch()
    ended = shop.end(driver, code=3)
    assert "was deleted while it was in use" in ended.stderr and "Traceback" not in ended.stderr
    [_, other] = (shop.root / "pids").read_text().split()
    until(lambda: not Path(f"/proc/{other}").exists(), "its guardian ends what runs")


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        ("of its guardian", "its guardian died, so how it ended is not known"),
        ("of its folder", "its folder was deleted while it ran"),
    ],
)
def test_what_is_lost_with_its_guardian_or_its_folder_runs_again(shop: Shop, loss: str, reason: str) -> None:
    shop.program(
        'echo "loss: $1"; [ "$LUTHIER_ATTEMPT" = 2 ] || while [ ! -e "$PROJECT/go" ]; do sleep .01; done'
    )
    driver = shop.start("grid", "--param", "x=1,2", "-r", "1", "--no-check", *LOSS, *TRAIN)
    shop.until_runs(1)
    folder = shop.root / ".luthier/trials/1/1"
    if loss == "of its folder":
        shutil.rmtree(folder)
    else:
        guardian = json.loads((folder / "attempt-1/guardian.json").read_text())
        os.kill(guardian["pid"], signal.SIGKILL)
    until(lambda: shop.runs_of(1) == 2)
    go(shop)
    shop.end(driver)
    with shop.store() as store:
        (lost, succeeded) = [a.result for a in store.attempts(1, 1)]
        assert (str(lost.outcome), lost.reason, str(succeeded.outcome)) == ("lost", reason, "succeeded")
        assert store.lost(1, 1) == 1


def test_first_trials_that_all_fail_stop_the_search_and_show_one(shop: Shop) -> None:
    shop.program("echo 'Traceback: no module named torch' >&2; exit 1")
    said = shop.run(*GRID, "-r", "1", *TRAIN, code=1)
    assert "first 3 trials all failed" in said.stderr and "| Traceback: no module named torch" in said.stderr
    assert len(shop.runs()) == 3 and shop.record().finished == 3


def test_a_command_that_does_not_exist_is_said_so(shop: Shop) -> None:
    said = shop.run("grid", "--param", "x=1,2,3,4", *LOSS, "--", "./nothing-here", ":x:", code=None)
    assert said.returncode in (1, 2) and "nothing-here" in said.stderr and "Traceback" not in said.stderr


def test_retry_failed_gives_each_trial_that_many_further_attempts(shop: Shop) -> None:
    shop.program('[ "$1" = 2 ] && [ "$LUTHIER_ATTEMPT" -lt 3 ] && exit 1; echo "loss: $1"')
    shop.run("grid", "--param", "x=1,2,3", "-r", "1", "--retry-failed", "2", *LOSS, *TRAIN)
    assert shop.record().succeeded == 3 and shop.runs_of(2) == 3 and len(shop.runs()) == 5


def test_a_checkpoint_survives_attempts_and_the_words_stay_the_same(shop: Shop) -> None:
    shop.program(
        'c="$LUTHIER_CHECKPOINT_DIR/step"; [ -e "$c" ] || { echo 7 > "$c"; exit 75; }; echo "loss: $(cat "$c")"'
    )
    shop.run("grid", "--param", "x=1e-6,.50", "-r", "1", *LOSS, *TRAIN)
    with shop.store() as store:
        assert [t.result.value for t in store.trials(1) if t.result] == [7.0, 7.0]
    for number, written in ((1, "1e-6"), (2, ".50")):
        folder = shop.root / f".luthier/trials/1/{number}"
        words = [json.loads((folder / f"attempt-{k}/command.json").read_text())["argv"] for k in (1, 2)]
        assert words == [["sh", "train.sh", written]] * 2


def test_without_a_metric_the_exit_status_decides(shop: Shop) -> None:
    shop.program('[ "$1" != 2 ]')
    shop.run("grid", "--param", "x=1,2,3", "-r", "1", *TRAIN)
    assert [outcome for outcome, _ in shop.outcomes().values()] == ["succeeded", "failed", "succeeded"]


def test_on_finish_runs_once_with_what_it_needs(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    hook = 'echo "$LUTHIER_EXPERIMENT $LUTHIER_ENDED $LUTHIER_STORE" >> "$PROJECT/finished"; exit 3'
    said = shop.run("grid", "--param", "x=1,2", *LOSS, "--on-finish", hook, *TRAIN)
    assert (shop.root / "finished").read_text() == f"1 met {shop.root / '.luthier'}\n"
    assert "ended with exit code 3" in said.stderr
    assert said.returncode == 0


# ---------------------------------------------------------------------- the pre-flight


def test_check_runs_a_few_trials_that_count_for_nothing(shop: Shop) -> None:
    shop.program('echo "loss: $1"')
    said = shop.run(
        "check", "-n", "20", "-r", "2", "--param", "x=0.0:1.0", "--param", "dead=1,2,3", "--json", *LOSS,
        "--", "sh", "train.sh", ":x:", ":dead:",
    )  # fmt: skip
    found = json.loads(said.stdout)
    assert found["unwired"] == ["dead"] and found["unsteady"] == [] and found["wiring_checked"] is True
    assert found["trials"] == 4 and found["outcome"] == "succeeded" and "loss" in found["metrics"]
    assert found["metrics"]["loss"]["source"] == "stdout" and found["search_trials"] == 20
    assert len(shop.runs()) == 4 and not (shop.root / ".luthier").exists()
    assert sorted(attempt for _, attempt in shop.runs()) == [1, 1, 1, 2]


def test_check_finds_an_unsteady_metric_and_a_command_that_fails(shop: Shop) -> None:
    shop.program('echo "loss: $$"')
    words = ("check", "-n", "20", "--param", "x=0.0:1.0", "--json", *LOSS, *TRAIN)
    assert json.loads(shop.run(*words).stdout)["unsteady"] == ["loss"]
    shop.program("exit 4")
    failed = shop.run(*words, code=1)
    assert json.loads(failed.stdout)["outcome"] == "failed"


def test_a_search_looks_at_its_first_trial_alone_and_warns_of_what_is_not_wired(shop: Shop) -> None:
    shop.program('echo "loss: 1"')
    said = shop.run(*GRID, "-r", "2", *TRAIN)
    assert "check: one trial took" in said.stderr and "loss (stdout)" in said.stderr
    assert "is x used by the command?" in said.stderr


def test_a_signal_in_the_middle_of_a_printed_line_is_said_all_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reentrant(text: str) -> None:
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

    monkeypatch.setattr("luthier.cli.foreground.say", reentrant)
    runner = CommandRunner(tmp_path)
    try:
        with interruptible(runner) as interrupts:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        assert interrupts.count == 2
    finally:
        runner.close(leave_running=False)
    said = capfd.readouterr().err
    assert "running trials end and go back to the queue" in said and "Killing them." in said
