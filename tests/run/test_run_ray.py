"""Attempts on Ray: the contract of a runner, other machines, and what happens when parts of Ray are killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("ray") is None:
    pytest.skip("needs Ray", allow_module_level=True)

from rays import marked, place_of_all, seat_above, shared_ray, until

from luthier.description import Limits
from luthier.errors import UsageError
from luthier.run.environment import base_environment
from luthier.run.ray_code import Code, pack
from luthier.run.ray_runner import RayRunner
from luthier.run.ray_where import Cluster, Needs, connect
from luthier.run.runner import Adoption, Ended, Order
from luthier.testing.runner import FOREVER, RunnerContract
from luthier.trial import Outcome

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("ray")]


class Prompt(RayRunner):
    """Hands an order over before `start` returns: the contract looks at files meanwhile, and asks for no events."""

    def start(self, order: Order) -> None:
        super().start(order)
        while (held := self._held.get(order.key)) is not None and held.place.waiting:
            self.hear(0.1)


@pytest.fixture(scope="session")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with shared_ray(place_of_all(tmp_path_factory.getbasetemp())) as found:
        yield found


@pytest.fixture(scope="module")
def cluster(ray: dict[str, Any]) -> Iterator[Cluster]:
    cluster = connect(ray["address"])
    yield cluster
    cluster.close()


Make = Callable[..., RayRunner]


@pytest.fixture
def make(cluster: Cluster, tmp_path: Path) -> Iterator[Make]:
    """Makes runners whose places are on the node of a name; they are closed at the end."""
    made: list[RayRunner] = []

    def one(node: str, code: Callable[[], Code] | None = None) -> RayRunner:
        needs = Needs(cpus=0.1, resources={node: 0.1})
        made.append(Prompt(cluster, tmp_path, base_environment(os.environ), needs, code))
        return made[-1]

    yield one
    for runner in made:
        runner.close(leave_running=False)


class TestRayRunner(RunnerContract):
    @pytest.fixture(autouse=True)
    def on(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def make(self, root: Path) -> RayRunner:
        needs = Needs(cpus=0.1, resources={"here": 0.1})
        return Prompt(self.cluster, root, base_environment(os.environ), needs)


class Bench(RunnerContract):
    """Its ways to make orders and to wait for their ends."""

    __test__ = False

    def until_brought(self, runner: RayRunner, path: str) -> None:
        """Waits until something of a file has come here."""
        deadline = time.monotonic() + 60
        while not (Path(path).exists() and Path(path).stat().st_size):
            assert time.monotonic() < deadline, f"nothing in {path}"
            runner.hear(0.1)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# ---------------------------------------------------------------------- another machine


def test_what_an_attempt_elsewhere_writes_is_brought_here_while_it_runs_and_after(
    make: Make, bench: Bench, tmp_path: Path
) -> None:
    runner = make("elsewhere")
    folder = bench.folder(tmp_path)
    code = (
        "import os,sys,time; o=os.environ; print('hello', flush=True)\n"
        "open(o['LUTHIER_METRICS'],'w').write('{\"loss\": 1}\\n')\n"
        "while not os.path.exists(sys.argv[1]): time.sleep(.01)\n"
        "os.makedirs(o['LUTHIER_OUTPUT_DIR']+'/deep')\n"
        "open(o['LUTHIER_OUTPUT_DIR']+'/deep/model','wb').write(bytes(3_000_000))\n"
        "open(o['LUTHIER_OUTPUT_DIR']+'/empty','wb')\n"
        "open(o['LUTHIER_CHECKPOINT_DIR']+'/step','a').write('one ')\n"
        "print(o['LUTHIER_RUN_DIR'])"
    )
    go = tmp_path / "go"
    env = {
        "LUTHIER_METRICS": folder.metric_lines,
        "LUTHIER_OUTPUT_DIR": folder.outputs,
        "LUTHIER_CHECKPOINT_DIR": folder.checkpoint,
        "LUTHIER_RUN_DIR": folder.path,
    }
    first = bench.order(tmp_path, code, env=env, args=(str(go),))._replace(cwd="/")
    runner.start(first)
    bench.until_brought(runner, folder.stdout)
    bench.until_brought(runner, folder.metric_lines)
    assert not Path(folder.path, "guardian.json").exists()  # it does not run in this folder
    go.touch()
    assert bench.ended(runner).result.outcome is Outcome.SUCCEEDED
    said = Path(folder.stdout).read_text().split()
    assert said[0] == "hello"
    assert said[1] != folder.path
    assert Path(folder.outputs, "deep/model").read_bytes() == bytes(3_000_000)
    assert Path(folder.outputs, "empty").read_bytes() == b""
    assert json.loads(Path(folder.outcome).read_text())["outcome"] == "succeeded"
    # A second attempt of the trial finds what the first one left, on whatever machine.
    second = bench.folder(tmp_path, attempt=2)
    env |= {"LUTHIER_METRICS": second.metric_lines, "LUTHIER_OUTPUT_DIR": second.outputs}
    again = bench.order(tmp_path, code, attempt=2, env=env, args=(str(go),))
    away = make("here")
    away.start(again._replace(cwd="/"))
    assert bench.ended(away).result.outcome is Outcome.SUCCEEDED
    assert Path(folder.checkpoint, "step").read_text() == "one one "


def test_elsewhere_a_command_runs_in_a_working_copy_of_the_code(
    make: Make, bench: Bench, tmp_path: Path
) -> None:
    project, tree = tmp_path / "project", tmp_path / "kept"
    (project / "sub").mkdir(parents=True)
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "train.py").write_text(
        "import os, sys; print(os.getcwd()); print(sys.argv[1]); open('made', 'w')"
    )
    sent: list[int] = []

    def code() -> Code:
        sent.append(1)
        return pack(os.urandom(16).hex(), str(project), str(tree))

    runner = make("elsewhere", code)
    order = bench.order(tmp_path, "")._replace(
        argv=(sys.executable, "train.py", f"--data={project}/data"), cwd=str(project / "sub")
    )
    runner.start(order)
    runner.start(bench.order(tmp_path, "", trial=2, slot=1)._replace(argv=order.argv, cwd=order.cwd))
    ended = [event for event in bench.until_ended(runner, 2) if isinstance(event, Ended)]
    assert [event.result.outcome for event in ended] == [Outcome.SUCCEEDED] * 2
    where, data = Path(bench.folder(tmp_path).stdout).read_text().split()
    assert where != str(project / "sub")
    assert where.endswith("/sub")
    assert data == f"--data={where.removesuffix('/sub')}/data"
    assert sent == [1]  # it was packed and sent once
    assert not (project / "sub" / "made").exists()


def test_an_attempt_elsewhere_is_stopped_and_told_as_one_here(
    make: Make, bench: Bench, tmp_path: Path
) -> None:
    runner = make("elsewhere")
    folder = bench.folder(tmp_path)
    code = (
        "import os,sys,time; d=os.environ['LUTHIER_RUN_DIR']; open(d+'/asks-should-stop','w'); print('up', flush=True)\n"
        "while not os.path.exists(d+'/should-stop'): time.sleep(.01)\n"
        "print(open(d+'/should-stop').read()); sys.exit(3)"
    )
    runner.start(bench.order(tmp_path, code, env={"LUTHIER_RUN_DIR": folder.path})._replace(cwd="/"))
    bench.until_brought(runner, folder.stdout)
    deadline = time.monotonic() + 60
    while not Path(folder.asks).exists():
        assert time.monotonic() < deadline
        runner.hear(0.1)
    Path(folder.should_stop).write_text("a poor one\n")
    assert bench.ended(runner).result.exit_code == 3
    assert "a poor one" in Path(folder.stdout).read_text()
    order = bench.order(tmp_path, FOREVER, trial=2)._replace(cwd="/")
    runner.start(order)
    bench.until_brought(runner, bench.folder(tmp_path, 2).stdout)
    runner.stop(order.id, Outcome.STOPPED, "enough", 5.0)
    ended = bench.ended(runner)
    assert (ended.result.outcome, ended.result.reason) == (Outcome.STOPPED, "enough")


# ---------------------------------------------------------------------- what can't be had


def test_what_no_node_can_give_is_refused_with_what_there_is(cluster: Cluster) -> None:
    assert cluster.room_for(Needs(cpus=1, resources={"here": 2})) == 4
    assert cluster.room_for(Needs(cpus=1, resources={"elsewhere": 4})) == 2
    with pytest.raises(UsageError, match=r"no node .* has 4 GPUs, .* has is none: lower --gpus-per-run"):
        cluster.room_for(Needs(gpus=4))
    with pytest.raises(UsageError, match=r"has 5 CPUs, .* one of its \d has is 4 CPUs"):
        cluster.room_for(Needs(cpus=5))
    with pytest.raises(UsageError, match="together"):
        cluster.room_for(Needs(resources={"here": 1, "elsewhere": 1}))


def test_an_order_that_waits_for_its_place_can_be_taken_back(
    cluster: Cluster, bench: Bench, tmp_path: Path
) -> None:
    busy = RayRunner(cluster, tmp_path, base_environment(os.environ), Needs(cpus=0.1, resources={"here": 8}))
    waiting = RayRunner(
        cluster, tmp_path, base_environment(os.environ), Needs(cpus=0.1, resources={"here": 8})
    )
    try:
        busy.start(bench.order(tmp_path, FOREVER))
        bench.until_brought(busy, bench.folder(tmp_path).stdout)
        orders = [bench.order(tmp_path, "print(1)", trial=trial) for trial in (2, 3)]
        for order in orders:
            waiting.start(order)
        waiting.stop(orders[0].id, Outcome.STOPPED, "not needed", 5.0)
        waiting.withdraw(orders[1].id, "given back")
        ended = [event for event in bench.until_ended(waiting, 2) if isinstance(event, Ended)]
        assert [(e.id.trial, e.result.outcome, e.began) for e in ended] == [
            (2, Outcome.STOPPED, None),
            (3, Outcome.INTERRUPTED, None),
        ]
        assert not Path(bench.folder(tmp_path, 2).stdout).exists()
    finally:
        waiting.close(leave_running=False)
        busy.close(leave_running=False)


def test_a_node_with_another_luthier_is_named_with_both_versions(
    make: Make, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.run.ray_runner.own_version", lambda: "99.1")
    runner = make("here")
    with pytest.raises(
        UsageError, match=r"the node \S+ .* has Luthier \d\S+, this is 99\.1; install the same"
    ):
        runner.start(bench.order(tmp_path, "print(1)"))
    assert not Path(bench.folder(tmp_path).stdout).exists()


def test_another_version_of_ray_is_told_with_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Older:
        __version__ = "2.1.0"

        def init(self, *words: object, **options: object) -> None:
            raise RuntimeError("Version mismatch: the server has Ray 2.9.0, Python 3.9.1\nmore of it")

    monkeypatch.setattr("luthier.run.ray_where.need_ray", Older)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"ray://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UsageError) as caught:
            connect(address)
    said = str(caught.value)
    assert said.startswith(
        f"the Ray at {address} and this one differ: Version mismatch: the server has Ray 2.9.0"
    )
    assert "have to be of the same version at both ends (here Ray" in said
    assert "more of it" not in said


# ---------------------------------------------------------------------- whose driver never comes back

ORPHAN = """
import asyncio, sys, tempfile
from luthier.description import Limits
from luthier.run import ray_seat
from luthier.run.runner import Order
ray_seat.ATTEND_SECONDS, ray_seat.SILENT_SECONDS, ray_seat.IDLE_SECONDS, ray_seat.KEPT_SECONDS = 0.05, 0.5, 0.5, 1.0
async def main(loss, key, folder, *argv):
    seat = ray_seat.Seat()
    assert not (await seat.hello(tempfile.gettempdir(), 0, 0, "another machine"))["here"]
    if loss != "unfurnished":
        assert not await seat.furnish(None, 1, None)
    if argv:
        order = Order((1, 1, 1), key, argv, {"LUTHIER_ATTEMPT_KEY": key}, "/", folder, Limits(on_driver_loss=loss))
        await seat.do("a driver", 0, [("start", key, order._asdict(), [])])
    await asyncio.Event().wait()
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.fault
@pytest.mark.parametrize("left", ["unfurnished", "nothing", "stop", "continue"])
def test_a_place_whose_driver_never_comes_back_ends_itself_with_what_it_was_to_end(
    left: str, bench: Bench, tmp_path: Path
) -> None:
    """It stays while something runs that is to go on, and once that has ended, as long as its end may be asked for."""
    go, rooms = tmp_path / "go", tmp_path / "rooms"
    rooms.mkdir()
    code = (
        FOREVER
        if left == "stop"
        else f"import os,time\nwhile not os.path.exists({str(go)!r}): time.sleep(.01)"
    )
    order = bench.order(tmp_path, code)
    argv = order.argv if left in ("stop", "continue") else ()
    words = [
        sys.executable,
        "-c",
        ORPHAN,
        left,
        order.key,
        order.folder,
        *argv,
    ]
    place = subprocess.Popen(words, env={**os.environ, "TMPDIR": str(rooms)})
    try:
        if left == "continue":
            until(lambda: marked(order.key), "it runs")
            with pytest.raises(subprocess.TimeoutExpired):
                place.wait(3.0)  # three times what it would wait with nothing to see to
            assert marked(order.key)
            go.touch()
        assert place.wait(30) == 0
    finally:
        place.kill()
        place.wait()
    until(lambda: not marked(order.key), "nothing of it is left")
    assert not list(rooms.glob("luthier-*"))


# ---------------------------------------------------------------------- what is killed (F22)


@pytest.mark.fault
@pytest.mark.parametrize("node", ["here", "elsewhere"])
def test_a_killed_actor_loses_its_attempt_and_its_tree_and_the_slot_goes_on(
    node: str, make: Make, bench: Bench, tmp_path: Path
) -> None:
    runner = make(node)
    order = bench.order(tmp_path, FOREVER)._replace(cwd="/")
    runner.start(order)
    bench.until_brought(runner, bench.folder(tmp_path).stdout)
    (program,) = marked(order.key)
    os.kill(seat_above(program), signal.SIGKILL)
    ended = bench.ended(runner)
    assert ended.result.outcome is Outcome.LOST
    assert "its place on Ray was lost" in ended.result.reason
    until(lambda: not marked(order.key), "its tree is ended")
    runner.start(bench.order(tmp_path, "print('again')", attempt=2)._replace(cwd="/"))
    assert bench.ended(runner).result.outcome is Outcome.SUCCEEDED


DRIVER = """
import os, sys, json
from luthier.description import Limits
from luthier.run.environment import base_environment
from luthier.run.ray_runner import RayRunner
from luthier.run.ray_where import Needs, connect
from luthier.run.runner import Order
from luthier.trial import AttemptId
address, root, node, key, folder, *argv = sys.argv[1:]
needs = Needs(cpus=0.1, resources={node: 0.1})
runner = RayRunner(connect(address), root, base_environment(os.environ), needs)
env = {"LUTHIER_ATTEMPT_KEY": key}
runner.start(Order(AttemptId(1, 1, 1), key, tuple(argv), env, "/", folder, Limits()))
while True:
    runner.events(None)
"""


@pytest.mark.fault
@pytest.mark.parametrize("node", ["here", "elsewhere"])
def test_a_driver_is_killed_and_the_next_one_takes_over_what_runs_and_what_ended(
    node: str, ray: dict[str, Any], make: Make, bench: Bench, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    code = f"import os,time; print('up', flush=True)\nwhile not os.path.exists({str(go)!r}): time.sleep(.01)\nprint('over')"
    order = bench.order(tmp_path, code)
    words = [ray["address"], str(tmp_path), node, order.key, order.folder, *order.argv]
    driver = subprocess.Popen([sys.executable, "-W", "ignore", "-c", DRIVER, *words])
    try:
        # Ray's head may fail to start a client's server; the next try comes half a minute later.
        stdout = Path(bench.folder(tmp_path).stdout)
        until(lambda: stdout.exists() and stdout.stat().st_size, "it has printed", 150)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    second = make(node)
    assert second.adopt(order.id, order.key, order.folder) is Adoption.RUNNING
    second.close(leave_running=True)
    go.touch()
    until(lambda: not marked(order.key), "the program has ended")
    third = make(node)
    assert third.adopt(order.id, order.key, order.folder) in (Adoption.ENDED, Adoption.RUNNING)
    assert bench.ended(third).result.outcome is Outcome.SUCCEEDED
    assert Path(bench.folder(tmp_path).stdout).read_text() == "up\nover\n"
    fourth = make(node)
    assert fourth.adopt(order.id, order.key, order.folder) is Adoption.ENDED
    assert bench.ended(fourth).result.outcome is Outcome.SUCCEEDED


@pytest.mark.fault
def test_a_killed_node_loses_its_attempts_and_they_run_on_another(
    ray: dict[str, Any], make: Make, bench: Bench, tmp_path: Path
) -> None:
    runner = make("yonder")
    order = bench.order(tmp_path, FOREVER)._replace(cwd="/")
    runner.start(order)
    bench.until_brought(runner, bench.folder(tmp_path).stdout)
    assert marked(order.key)
    os.kill(ray["raylets"][2], signal.SIGKILL)
    result = bench.ended(runner).result
    assert result.outcome is Outcome.LOST
    assert "its place on Ray was lost" in result.reason
    until(lambda: not marked(order.key), "its tree is ended")
    away = make("elsewhere")
    away.start(bench.order(tmp_path, "print('again')", attempt=2)._replace(cwd="/"))
    assert bench.ended(away).result.outcome is Outcome.SUCCEEDED


def test_limits_hold_elsewhere(make: Make, bench: Bench, tmp_path: Path) -> None:
    runner = make("elsewhere")
    runner.start(bench.order(tmp_path, FOREVER, limits=Limits(timeout_seconds=0.2))._replace(cwd="/"))
    assert bench.ended(runner).result.outcome is Outcome.TIMED_OUT
