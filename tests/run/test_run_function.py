"""The runner of functions by itself: orders in, ends out, whatever happens to a worker."""

from __future__ import annotations

import os
import pickle
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from luthier.description import Limits
from luthier.errors import UsageError
from luthier.run._wire import Inbox, pack
from luthier.run.calls import Call
from luthier.run.command import CommandRunner
from luthier.run.function import FunctionRunner
from luthier.run.here import HereRunner
from luthier.run.runner import Adoption, Ended
from luthier.trial import AttemptId, Outcome

WAIT = 30.0


class Work:
    """Does what its values say. It is pickled by reference, so it stands in a module the workers can import."""

    def __call__(
        self, values: dict[str, Any], seed: int, name: str, folder: str, tell: Any
    ) -> tuple[str, str, float | None]:
        if "wait" in values:
            Path(values["wait"] + ".begun").touch()
            while not Path(values["wait"]).exists():
                signal.sigtimedwait([], 0.01)
        if "die" in values:
            os.kill(os.getpid(), signal.SIGKILL)
        if "points" in values:
            tell([("loss", None, 1.5, 0.0)])
        return "succeeded", "", float(os.getpid())


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[FunctionRunner]:
    commands = CommandRunner(tmp_path)
    made = FunctionRunner(_payload(), commands)
    yield made
    made.close(leave_running=False)
    commands.close(leave_running=False)


def _payload() -> bytes:
    import cloudpickle

    import tests.run.test_run_function as here

    cloudpickle.register_pickle_by_value(here)
    try:
        payload: bytes = cloudpickle.dumps(Work())
    finally:
        cloudpickle.unregister_pickle_by_value(here)
    return payload


def call(number: int, slot: int = 0, **values: Any) -> Call:
    return Call(AttemptId(1, number, 1), values, 0, "", False, Limits(), slot)


def ends(runner: FunctionRunner, count: int) -> dict[int, Ended]:
    found: dict[int, Ended] = {}
    while len(found) < count:
        events = runner.events(WAIT)
        assert events, "nothing came"
        found |= {event.id.trial: event for event in events if isinstance(event, Ended)}
    return found


def test_calls_are_answered_by_one_warm_worker_a_slot(runner: FunctionRunner) -> None:
    for number in range(40):
        runner.start(call(number, slot=number % 2))
    found = ends(runner, 40)
    assert {event.result.outcome for event in found.values()} == {Outcome.SUCCEEDED}
    assert len({event.result.value for event in found.values()}) == 2
    assert all(event.began and event.ended and event.result.seconds is not None for event in found.values())


def test_what_is_reported_is_there_before_the_end(runner: FunctionRunner) -> None:
    runner.start(call(1, points=1))
    ends(runner, 1)
    assert runner.reported(AttemptId(1, 1, 1)) == [("loss", None, 1.5, 0.0)]
    assert runner.reported(AttemptId(1, 1, 1)) == []


def test_a_dead_worker_takes_one_call_with_it(runner: FunctionRunner) -> None:
    for number in range(10):
        runner.start(call(number, **({"die": 1} if number in (3, 6) else {})))
    found = ends(runner, 10)
    ended = {number: event.result.outcome for number, event in found.items()}
    assert ended[3] is ended[6] is Outcome.FAILED
    assert all("SIGKILL" in found[number].result.reason for number in (3, 6))
    # Those before it may have been answered too late; the loop gives them another attempt.
    assert set(ended.values()) <= {Outcome.FAILED, Outcome.SUCCEEDED, Outcome.INTERRUPTED}
    assert all(ended[number] is Outcome.SUCCEEDED for number in (7, 8, 9))


def test_a_running_call_is_stopped_and_those_behind_it_go_on(runner: FunctionRunner, tmp_path: Path) -> None:
    gate = str(tmp_path / "gate")
    runner.start(call(1, wait=gate))
    runner.start(call(2))
    runner.start(call(3))
    while not Path(gate + ".begun").exists():
        runner.events(0.05)
    runner.withdraw(AttemptId(1, 1, 1), "it runs: nothing happens")
    runner.withdraw(AttemptId(1, 3, 1), "not needed")
    runner.stop(AttemptId(1, 1, 1), Outcome.KILLED, "killed by a test", 0.0, kill=True)
    runner.stop(AttemptId(1, 9, 1), Outcome.KILLED, "nobody", 0.0)
    found = ends(runner, 3)
    assert found[1].result.outcome is Outcome.KILLED and found[1].result.reason == "killed by a test"
    assert found[2].result.outcome is Outcome.SUCCEEDED
    assert found[3].result.outcome is Outcome.INTERRUPTED and found[3].result.reason == "not needed"


def test_an_order_not_sent_yet_is_taken_back_at_once(runner: FunctionRunner) -> None:
    runner.start(call(1))
    runner.stop(AttemptId(1, 1, 1), Outcome.STOPPED, "never mind", 1.0)
    found = ends(runner, 1)
    assert found[1].result.outcome is Outcome.STOPPED and found[1].began is None


def test_a_stranger_is_not_handed_the_work(runner: FunctionRunner) -> None:
    place = f"{runner._room.name}/door"
    assert os.stat(runner._room.name).st_mode & 0o077 == 0
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stranger.connect(place)
    stranger.sendall(pack(("hello", "a guess")))
    runner.start(call(1))
    ends(runner, 1)
    assert Inbox().feed(stranger.recv(100)) == [], "the door is shut without a word"
    stranger.close()


def test_work_that_cannot_be_loaded_is_the_users_to_mend(tmp_path: Path) -> None:
    commands = CommandRunner(tmp_path)
    broken = FunctionRunner(pickle.dumps(0)[:-1] + b"cno_such_module\nname\n.", commands)
    broken.start(call(1))
    with pytest.raises(UsageError, match="could not be loaded in a worker process: ModuleNotFoundError"):
        ends(broken, 1)
    broken.close(leave_running=False)
    commands.close(leave_running=False)
    assert not os.path.exists(broken._room.name)


def test_nothing_is_adopted(runner: FunctionRunner) -> None:
    assert runner.adopt(AttemptId(1, 1, 1), "", "") is Adoption.NEVER_BEGAN
    here = HereRunner(Work())
    assert here.adopt(AttemptId(1, 1, 1), "", "") is Adoption.NEVER_BEGAN


def test_here_calls_wait_for_events_and_can_be_taken_back() -> None:
    here = HereRunner(Work())
    for number in (1, 2, 3):
        here.start(call(number, points=1))
    here.withdraw(AttemptId(1, 2, 1), "not needed")
    here.stop(AttemptId(1, 3, 1), Outcome.STOPPED, "never mind", 1.0)
    found = {event.id.trial: event for event in here.events(None) if isinstance(event, Ended)}
    assert {n: e.result.outcome for n, e in found.items()} == {
        1: Outcome.SUCCEEDED,
        2: Outcome.INTERRUPTED,
        3: Outcome.STOPPED,
    }
    assert here.reported(AttemptId(1, 1, 1)) == [("loss", None, 1.5, 0.0)]
