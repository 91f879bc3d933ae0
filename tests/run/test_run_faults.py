"""Guardians and nurseries that are killed, limits that are passed, programs that can't be started."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from luthier.description import Limits
from luthier.run.adopted import is_guarded
from luthier.run.runner import Adoption
from luthier.trial import Outcome

FAMILY = (
    "import os,time; os.fork(); os.setsid() if os.getpid() != os.getpgid(0) else 0; print('up', flush=True); "
)
FAMILY += "time.sleep(600)"


def test_a_killed_guardian_loses_its_attempt_and_only_that(bench: Any) -> None:
    doomed, other = bench.python(FAMILY, trial=1, slot=0), bench.python(FAMILY, trial=2, slot=1)
    behind = bench.python("print('ran')", trial=3, slot=0)
    for order in (doomed, other):
        bench.started(order)
    bench.runner.start(behind)
    os.kill(bench.pid_of_guardian(doomed), signal.SIGKILL)
    ended = [bench.ended()]
    assert bench.alive(doomed.key) == [], "it was declared lost before its tree was dead"
    ended.append(bench.ended())
    assert {(e.id.trial, e.result.outcome) for e in ended} == {(1, Outcome.LOST), (3, Outcome.LOST)}
    assert len(bench.alive(other.key)) == 2
    again = bench.python("print('ran')", trial=1, attempt=2, slot=0)
    bench.runner.start(again)
    assert bench.ended().result.outcome is Outcome.SUCCEEDED


def test_a_killed_nursery_is_replaced_and_no_attempt_notices(bench: Any) -> None:
    first = bench.python("import sys,time; print('up', flush=True); time.sleep(.5)", trial=1)
    bench.started(first)
    os.kill(bench.runner._nursery.pid, signal.SIGKILL)
    assert bench.ended().result.outcome is Outcome.SUCCEEDED
    second = bench.python("print('ran')", trial=2, slot=0)
    third = bench.python("print('ran')", trial=3, slot=1)
    for order in (second, third):
        bench.runner.start(order)
    assert {bench.ended().result.outcome, bench.ended().result.outcome} == {Outcome.SUCCEEDED}


@pytest.mark.parametrize("nursery_first", [True, False])
def test_guardian_and_nursery_both_killed(bench: Any, nursery_first: bool) -> None:
    order = bench.python(FAMILY)
    bench.started(order)
    victims = [bench.runner._nursery.pid, bench.pid_of_guardian(order)]
    for pid in victims if nursery_first else reversed(victims):
        os.kill(pid, signal.SIGKILL)
    assert bench.ended().result.outcome is Outcome.LOST
    assert bench.alive(order.key) == []


def test_an_attempt_that_lost_driver_and_guardian_is_lost_and_swept(bench: Any) -> None:
    order = bench.python(FAMILY)
    bench.started(order)
    pids = [bench.runner._nursery.pid, bench.pid_of_guardian(order)]
    bench.runner.close(leave_running=True)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    bench.until(lambda: not is_guarded(order.folder), "the lock is free")
    assert bench.alive(order.key)
    bench.runner = type(bench.runner)(bench.root)
    assert bench.runner.adopt(order.id, order.key, order.folder) is Adoption.LOST
    assert bench.ended().result.outcome is Outcome.LOST
    assert bench.alive(order.key) == []


def test_an_attempt_whose_folder_is_deleted_is_lost_and_its_tree_ended(bench: Any) -> None:
    doomed, other = bench.python(FAMILY, trial=1, slot=0), bench.python(FAMILY, trial=2, slot=1)
    for order in (doomed, other):
        bench.started(order)
    shutil.rmtree(doomed.folder)
    shutil.move(other.folder, f"{other.folder}-moved")  # nothing of it is gone
    ended = bench.ended()
    assert ended.id == doomed.id
    assert ended.result[:2] == (Outcome.LOST, "its folder was deleted while it ran")
    assert bench.alive(doomed.key) == [] and bench.alive(other.key)


def test_a_guardian_without_driver_and_folder_ends_its_tree_and_leaves(bench: Any) -> None:
    order = bench.python(FAMILY)
    bench.started(order)
    guardian = Path("/proc", str(bench.pid_of_guardian(order)))
    bench.runner.close(leave_running=True)
    shutil.rmtree(bench.folders.trial(1, 1))
    bench.until(lambda: not guardian.exists(), "the guardian has left")
    assert bench.alive(order.key) == []
    bench.runner = type(bench.runner)(bench.root)  # for the bench to close


def test_who_comes_after_a_folder_was_deleted_ends_what_is_left_before_it_is_run_again(bench: Any) -> None:
    order = bench.python(f"import signal; signal.signal(15, signal.SIG_IGN); {FAMILY}")
    bench.started(order)
    bench.runner.close(leave_running=True)
    shutil.rmtree(bench.folders.trial(1, 1))
    bench.runner = type(bench.runner)(bench.root)
    assert bench.runner.adopt(order.id, order.key, order.folder) is Adoption.LOST
    assert bench.ended().result[:2] == (Outcome.LOST, "its folder was deleted while it ran")
    assert bench.alive(order.key) == []
    assert bench.runner.adopt(order.id, order.key, order.folder) is Adoption.NEVER_BEGAN


def test_closing_kills_what_runs_when_asked_to(bench: Any) -> None:
    order = bench.python(FAMILY)
    bench.started(order)
    bench.runner.close(leave_running=False)
    assert bench.alive(order.key) == []
    assert not is_guarded(order.folder)


def test_a_term_to_the_guardian_interrupts_what_it_has(bench: Any) -> None:
    first, second = bench.python(FAMILY, trial=1), bench.python("print('ran')", trial=2)
    bench.started(first)
    bench.runner.start(second)
    os.kill(bench.pid_of_guardian(first), signal.SIGTERM)
    assert {bench.ended().result.outcome, bench.ended().result.outcome} == {Outcome.INTERRUPTED}
    assert bench.alive(first.key) == []


# ------------------------------------------------------------------ limits


def test_silence_beyond_the_limit_is_timed_out_and_sound_is_not(bench: Any) -> None:
    limits = Limits(idle_timeout_seconds=0.5)
    loud = "import time\nfor i in range(12): time.sleep(.1); print(i, flush=True)"
    reports = "import os,time\nfor i in range(12):\n time.sleep(.1); open(os.environ['LUTHIER_METRICS'],'a').write('.')"
    bench.runner.start(bench.python("import time; time.sleep(600)", trial=1, slot=0, limits=limits))
    bench.runner.start(bench.python(loud, trial=2, slot=1, limits=limits))
    bench.runner.start(bench.python(reports, trial=3, slot=2, limits=limits))
    ended = {e.id.trial: e.result for e in (bench.ended(), bench.ended(), bench.ended())}
    assert (ended[1].outcome, ended[1].reason) == (Outcome.TIMED_OUT, "it wrote nothing for 0.5 s")
    assert ended[2].outcome is ended[3].outcome is Outcome.SUCCEEDED


def test_a_tree_over_its_memory_is_out_of_memory(bench: Any) -> None:
    two_of_60_mib = "import os,time; os.fork(); x = b'x' * (60 << 20); time.sleep(600)"
    shared_80_mib = "import os,time; x = b'x' * (80 << 20); os.fork(); time.sleep(1.2)"
    limits = Limits(memory_bytes=100 << 20)
    bench.runner.start(bench.python(two_of_60_mib, trial=1, slot=0, limits=limits))
    bench.runner.start(bench.python(shared_80_mib, trial=2, slot=1, limits=limits))
    ended = {e.id.trial: e.result for e in (bench.ended(), bench.ended())}
    assert ended[1].outcome is Outcome.OUT_OF_MEMORY
    assert "more than the 105 MB it may" in ended[1].reason
    assert ended[1].peak_bytes > 100 << 20
    assert ended[2].outcome is Outcome.SUCCEEDED, "pages shared after a fork were counted twice"


def test_a_kill_from_outside_without_evidence_is_a_failure(bench: Any) -> None:
    bench.runner.start(bench.python("import os; os.kill(os.getpid(), 9)"))
    result = bench.ended().result
    assert (result.outcome, result.signal) == (Outcome.FAILED, 9)
    assert result.reason == "it was ended by SIGKILL, which Luthier did not send"


@pytest.mark.parametrize("program", ["os.kill(os.getpid(), 9)", "os._exit(137)"])
def test_a_kill_the_kernel_counted_is_out_of_memory(bench: Any, monkeypatch: Any, program: str) -> None:
    from luthier.run import _attempt

    attempt = _attempt.Attempt.__new__(_attempt.Attempt)
    attempt._left_behind = 0
    attempt._watch = type("Watch", (), {"kernel_kills": 4})()
    monkeypatch.setattr(_attempt, "kernel_kills", lambda: 5)
    code = -9 if "kill" in program else 137
    assert attempt._judge(code) == ("out of memory", "the kernel ended it because memory ran out")
    monkeypatch.setattr(_attempt, "kernel_kills", lambda: 4)
    assert attempt._judge(code)[0] == "failed"


def test_peak_memory_is_reported_without_a_limit(bench: Any) -> None:
    bench.runner.start(bench.python("x = b'x' * (80 << 20)"))
    assert 80 << 20 <= bench.ended().result.peak_bytes < 130 << 20


# ------------------------------------------------------------------ programs that can't be started


def test_what_cannot_be_started_has_failed_with_a_sentence_that_names_it(bench: Any) -> None:
    plain = bench.root / "plain"
    plain.write_text("no script\n")
    script = bench.root / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    shapeless = bench.root / "shapeless"
    shapeless.write_text("\x01\x02")
    shapeless.chmod(0o755)
    for trial, (argv, said) in enumerate(
        [
            (("no-such-program",), "the program 'no-such-program' was not found on PATH"),
            (("./no-such-program",), f"the program './no-such-program' was not found in {bench.root}"),
            ((str(plain),), f"{plain} is not executable; `chmod +x {plain}` or name its interpreter"),
            ((str(script),), f"{script} names an interpreter on its first line that doesn't exist"),
            (
                (str(shapeless),),
                f"{shapeless} is not a program: a script needs a first line such as #!/bin/sh",
            ),
            ((sys.executable, "x" * 200_000), "its words and environment are longer than the system allows"),
        ],
        start=1,
    ):
        bench.runner.start(bench.order(*argv, trial=trial))
        result = bench.ended().result
        assert result.outcome is Outcome.FAILED
        assert result.exit_code is None
        assert result.reason.startswith(said)


def test_a_missing_working_directory_is_named(bench: Any) -> None:
    order = bench.python("pass")
    gone = type(order)(
        order.id, order.key, order.argv, order.env, "/no/such/place", order.folder, order.limits
    )
    bench.runner.start(gone)
    assert "/no/such/place" in bench.ended().result.reason
    bench.runner.start(bench.python("pass", trial=2))
    assert bench.ended().result.outcome is Outcome.SUCCEEDED


def test_a_program_is_searched_on_the_path_it_is_given(bench: Any) -> None:
    for trial, said in enumerate(("one", "two"), start=1):
        folder = bench.root / said
        folder.mkdir()
        program = folder / "greet"
        program.write_text(f"#!/bin/sh\necho {said}\n")
        program.chmod(0o755)
        bench.runner.start(bench.order("greet", trial=trial, PATH=f"{folder}:{os.environ['PATH']}"))
        assert bench.ended().result.outcome is Outcome.SUCCEEDED
        assert Path(bench.folder(trial).stdout).read_text() == f"{said}\n"


def test_the_program_inherits_no_descriptor_and_no_ignored_signal(bench: Any) -> None:
    code = (
        "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:-1], os.readlink('/proc/self/fd/0'));"
        "print([int(l[8:], 16) & 0x7fffffff for l in open('/proc/self/status') if l[:6] in ('SigIgn', 'SigBlk')]);"
        "print(os.getsid(0) == os.getpid())"
    )
    bench.runner.close(leave_running=False)
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # as a shell or a test runner may have left one to the driver
    bench.runner = type(bench.runner)(bench.root)
    try:
        bench.runner.start(bench.python(code, trial=1))
        bench.ended()
        bench.runner.start(bench.python(code, trial=2))
        bench.ended()
    finally:
        os.close(reading)
        os.close(writing)
    for trial in (1, 2):
        fds, signals, session = Path(bench.folder(trial).stdout).read_text().splitlines()
        assert fds == "[0, 1, 2] /dev/null"
        # Blocked: none. Ignored: SIGPIPE (13) and SIGXFSZ (25), by the Python program itself.
        assert signals == str([0, 1 << 12 | 1 << 24])
        assert session == "True"
    assert bench.guardian_log() == ""


def test_the_nursery_loads_next_to_nothing() -> None:
    """Its start is on the way of every search, and each guardian is a copy of it."""
    import subprocess

    import luthier
    from luthier.run._links import BOOT

    code = BOOT.format(channel=3).replace("main(3)", "print(*sys.modules)")
    argv = [sys.executable, "-S", "-E", "-s", "-c", code, str(Path(luthier.__file__).parent)]
    loaded = set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    heavy = {
        "socket",
        "signal",
        "json",
        "typing",
        "dataclasses",
        "enum",
        "re",
        "subprocess",
        "selectors",
        "ctypes",
    }
    assert not loaded & heavy
    assert len(loaded) < 60, sorted(loaded)


def test_the_outcome_on_disk_is_the_one_that_was_told(bench: Any) -> None:
    import json

    bench.runner.start(bench.python("raise SystemExit(3)"))
    ended = bench.ended()
    written = json.loads(Path(bench.folder().outcome).read_text())
    result = ended.result
    assert written.pop("pid") > 1
    assert written == {
        "outcome": "failed",
        "reason": "it exited with code 3",
        "exit_code": 3,
        "signal": None,
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "peak_bytes": result.peak_bytes,
        "began": ended.began,
        "ended": ended.ended,
    }
