"""The contract of a runner, as tests to inherit: `class TestMine(RunnerContract)` with `make` overridden.

    class TestCommands(RunnerContract):
        def make(self, root):
            return CommandRunner(root)

The attempts are small Python programs. Each test has a runner of its own and closes it; deadlines are generous,
for they only bound how long a broken runner may hang. pytest collects subclasses whose names begin with `Test`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from luthier.description import Limits
from luthier.run.folders import AttemptFolder, Folders
from luthier.run.runner import Adoption, Ended, Event, Order, Runner, Started
from luthier.trial import AttemptId, Outcome

__all__ = ["RunnerContract"]

PATIENCE_SECONDS = 30.0
PLENTY = Limits(grace_seconds=5.0)
FOREVER = "import time; print('up', flush=True); time.sleep(600)"


class RunnerContract:
    """What every runner promises: one end for each order, the right word for it, and nothing alive after it."""

    def make(self, root: Path) -> Runner:
        """A new runner. Override it."""
        raise NotImplementedError

    @contextmanager
    def runner(self, root: Path) -> Iterator[Runner]:
        """A runner that is closed, with all it runs, at the end."""
        runner = self.make(root)
        try:
            yield runner
        finally:
            runner.close(leave_running=False)

    def folder(self, root: Path, trial: int = 1, attempt: int = 1) -> AttemptFolder:
        """The files of one attempt."""
        return Folders(root).attempt(1, trial, attempt)

    def order(
        self,
        root: Path,
        code: str,
        *,
        trial: int = 1,
        attempt: int = 1,
        slot: int = 0,
        limits: Limits = PLENTY,
        env: Mapping[str, str] | None = None,
        args: tuple[str, ...] = (),
    ) -> Order:
        """An order for a Python program, its folder prepared."""
        folder = self.folder(root, trial, attempt)
        argv = (sys.executable, "-S", "-c", code, *args)
        folder.prepare(argv=argv, cwd=str(root), texts={}, values={})
        key = f"contract-{time.monotonic_ns()}-{trial}-{attempt}"
        added = {"LUTHIER_ATTEMPT_KEY": key, **(env or {})}
        return Order(AttemptId(1, trial, attempt), key, argv, added, str(root), folder.path, limits, slot)

    def until_ended(self, runner: Runner, count: int = 1) -> list[Event]:
        """All events until so many attempts have ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        events: list[Event] = []
        while sum(isinstance(event, Ended) for event in events) < count:
            assert time.monotonic() < deadline, f"no end in {PATIENCE_SECONDS:g} s, only {events}"
            events += runner.events(0.5)
        return events

    def ended(self, runner: Runner) -> Ended:
        """The next end."""
        return next(event for event in self.until_ended(runner) if isinstance(event, Ended))

    def until_printed(self, path: str) -> None:
        """Waits until a program has printed something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (Path(path).exists() and Path(path).stat().st_size):
            assert time.monotonic() < deadline, f"nothing in {path}"
            time.sleep(0.005)

    # ------------------------------------------------------------------ how attempts end

    def test_a_program_that_exits_with_zero_has_succeeded(self, tmp_path: Path) -> None:
        """Zero is success, and everything measured is told."""
        with self.runner(tmp_path) as runner:
            order = self.order(tmp_path, "print('hello')")
            runner.start(order)
            started, ended = self.until_ended(runner)
            assert isinstance(started, Started)
            assert started.id == order.id
            assert started.pid > 0
            assert isinstance(ended, Ended)
            assert ended.id == order.id
            assert ended.folder == order.folder
            assert ended.result.outcome is Outcome.SUCCEEDED
            assert ended.result.exit_code == 0
            assert ended.result.seconds is not None
            assert ended.result.seconds > 0
            assert ended.result.peak_bytes
            assert ended.result.cpu_seconds is not None
            assert ended.began is not None
            assert ended.ended is not None
            assert ended.began <= ended.ended
            assert Path(self.folder(tmp_path).stdout).read_text() == "hello\n"

    def test_a_program_that_exits_otherwise_has_failed_with_its_code(self, tmp_path: Path) -> None:
        """The code is in the result and in the reason."""
        with self.runner(tmp_path) as runner:
            for trial, code in enumerate((1, 3, 75, 255), start=1):
                runner.start(self.order(tmp_path, f"raise SystemExit({code})", trial=trial))
                result = self.ended(runner).result
                assert (result.outcome, result.exit_code, result.signal) == (Outcome.FAILED, code, None)
                assert str(code) in result.reason

    def test_a_program_ended_by_a_signal_of_its_own_has_failed_and_names_it(self, tmp_path: Path) -> None:
        """The reason gives the signal's name."""
        with self.runner(tmp_path) as runner:
            runner.start(self.order(tmp_path, "import os; os.kill(os.getpid(), 6)"))
            result = self.ended(runner).result
            assert (result.outcome, result.exit_code, result.signal) == (Outcome.FAILED, None, 6)
            assert "SIGABRT" in result.reason

    def test_the_attempt_finds_its_words_its_variables_and_its_folder(self, tmp_path: Path) -> None:
        """Words, variables and directory arrive unchanged, whatever they hold."""
        code = "import json,os,sys; print(json.dumps([sys.argv[1:], os.environ['A_B'], os.getcwd()]))"
        words = ("a b", "", "'\"$(x)`", "ü", "-n", "\n")
        with self.runner(tmp_path) as runner:
            runner.start(self.order(tmp_path, code, args=words, env={"A_B": "c d\n"}))
            self.ended(runner)
        said = json.loads(Path(self.folder(tmp_path).stdout).read_text())
        assert said == [list(words), "c d\n", str(tmp_path.resolve())]

    # ------------------------------------------------------------------ stopping

    def test_stop_ends_it_with_the_word_and_the_reason_that_were_given(self, tmp_path: Path) -> None:
        """Its word and sentence are kept; to repeat it does no harm."""
        with self.runner(tmp_path) as runner:
            for trial, outcome in enumerate((Outcome.STOPPED, Outcome.INTERRUPTED, Outcome.KILLED), start=1):
                order = self.order(tmp_path, FOREVER, trial=trial)
                runner.start(order)
                self.until_printed(self.folder(tmp_path, trial).stdout)
                for _ in range(3):  # once is enough, and more does no harm
                    runner.stop(order.id, outcome, "because we can", 5.0, kill=outcome is Outcome.KILLED)
                ended = self.ended(runner)
                assert (ended.result.outcome, ended.result.reason) == (outcome, "because we can")
                runner.stop(order.id, Outcome.KILLED, "too late", 0.0, kill=True)
                assert runner.events(0.05) == []

    def test_kill_does_not_wait_for_the_grace_of_a_stop(self, tmp_path: Path) -> None:
        """A second Ctrl-C is not kept waiting by the first."""
        code = (
            "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
        )
        with self.runner(tmp_path) as runner:
            order = self.order(tmp_path, code)
            runner.start(order)
            self.until_printed(self.folder(tmp_path).stdout)
            runner.stop(order.id, Outcome.STOPPED, "please", 600.0)
            assert not [event for event in runner.events(0.2) if isinstance(event, Ended)]
            runner.stop(order.id, Outcome.KILLED, "now", 600.0, kill=True)
            assert self.ended(runner).result.outcome is Outcome.KILLED

    def test_an_order_that_waits_for_its_slot_never_begins_once_stopped_or_withdrawn(
        self, tmp_path: Path
    ) -> None:
        """Neither runs, neither leaves a trace but its end; what has begun is not withdrawn."""
        with self.runner(tmp_path) as runner:
            orders = [self.order(tmp_path, FOREVER, trial=trial) for trial in (1, 2, 3)]
            for order in orders:
                runner.start(order)
            self.until_printed(self.folder(tmp_path).stdout)
            runner.stop(orders[1].id, Outcome.STOPPED, "not needed", 5.0)
            runner.withdraw(orders[2].id, "given back")
            ended = [event for event in self.until_ended(runner, 2) if isinstance(event, Ended)]
            assert [(e.id.trial, e.result.outcome, e.began) for e in ended] == [
                (2, Outcome.STOPPED, None),
                (3, Outcome.INTERRUPTED, None),
            ]
            runner.withdraw(orders[0].id, "it has begun, so it goes on")
            assert runner.events(0.1) == []
            assert not Path(self.folder(tmp_path, 2).stdout).exists()

    # ------------------------------------------------------------------ many

    def test_every_order_has_one_start_and_one_end_and_a_slot_keeps_the_order(self, tmp_path: Path) -> None:
        """None is missed, none is told twice."""
        with self.runner(tmp_path) as runner:
            for trial in range(1, 25):
                runner.start(self.order(tmp_path, "pass", trial=trial, slot=trial % 3))
            events = self.until_ended(runner, 24)
            assert runner.events(0.05) == []
            for kind in (Started, Ended):
                for slot in range(3):
                    seen = [e.id.trial for e in events if isinstance(e, kind) and e.id.trial % 3 == slot]
                    assert seen == [trial for trial in range(1, 25) if trial % 3 == slot]

    # ------------------------------------------------------------------ limits

    def test_an_attempt_past_its_time_is_timed_out(self, tmp_path: Path) -> None:
        """The reason gives the limit."""
        with self.runner(tmp_path) as runner:
            runner.start(self.order(tmp_path, FOREVER, limits=Limits(timeout_seconds=0.2)))
            result = self.ended(runner).result
            assert result.outcome is Outcome.TIMED_OUT
            assert "0.2 s" in result.reason

    # ------------------------------------------------------------------ adoption

    def test_an_attempt_that_never_began_is_adopted_as_such_and_never_begins(self, tmp_path: Path) -> None:
        """Its folder is claimed, so a guardian that comes late refuses."""
        with self.runner(tmp_path) as runner:
            order = self.order(tmp_path, "print('ran')")
            assert runner.adopt(order.id, order.key, order.folder) is Adoption.NEVER_BEGAN
            assert runner.events(0.05) == []
            runner.start(order)
            assert self.ended(runner).result.outcome is Outcome.LOST
            assert not Path(self.folder(tmp_path).stdout).exists()

    def test_an_attempt_left_running_is_adopted_and_its_end_is_told(self, tmp_path: Path) -> None:
        """The new runner tells its end; so does any later one."""
        code = "import os,time; print('up', flush=True)\nwhile not os.path.exists('go'): time.sleep(.01)"
        first = self.make(tmp_path)
        order = self.order(tmp_path, code)
        first.start(order)
        self.until_printed(self.folder(tmp_path).stdout)
        first.close(leave_running=True)
        with self.runner(tmp_path) as runner:
            assert runner.adopt(order.id, order.key, order.folder) is Adoption.RUNNING
            (tmp_path / "go").touch()
            assert self.ended(runner).result.outcome is Outcome.SUCCEEDED
        with self.runner(tmp_path) as runner:
            assert runner.adopt(order.id, order.key, order.folder) is Adoption.ENDED
            assert self.ended(runner).result.outcome is Outcome.SUCCEEDED

    def test_an_adopted_attempt_can_be_stopped_with_the_word_that_was_given(self, tmp_path: Path) -> None:
        """The word travels through the folder."""
        first = self.make(tmp_path)
        order = self.order(tmp_path, FOREVER)
        first.start(order)
        self.until_printed(self.folder(tmp_path).stdout)
        first.close(leave_running=True)
        with self.runner(tmp_path) as runner:
            assert runner.adopt(order.id, order.key, order.folder) is Adoption.RUNNING
            runner.stop(order.id, Outcome.STOPPED, "a poor one", 5.0)
            result = self.ended(runner).result
            assert (result.outcome, result.reason) == (Outcome.STOPPED, "a poor one")
