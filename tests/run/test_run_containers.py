"""Trials in containers: the same files and variables inside, the same ends, and nothing left behind, whatever is killed.

They run with the engine of this machine, on an image made from its own shell; where no engine works they are skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from container_image import containers, engine, image

from luthier.description import Environment, Limits
from luthier.drive.containing import in_container
from luthier.errors import UsageError
from luthier.run import containers as face
from luthier.run import containers_engine, containers_images
from luthier.run.runner import Adoption, Order
from luthier.trial import Outcome

FOREVER = "echo up; sleep 600"
POLITE = "trap 'echo told; exit 3' TERM; echo up; while :; do sleep 0.1; done"
STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.1; done"


def inside(bench: Any, script: str, *, devices: Any = None, **options: Any) -> Order:
    """An order for a script in a container."""
    environment = options.pop("environment", None) or Environment(image=image())
    trial, attempt = options.get("trial", 1), options.get("attempt", 1)
    order = bench.order("/bin/sh", "-c", script, **options)
    return in_container(order, environment, bench.folder(trial, attempt), devices, bench.root)


def stdout(order: Order) -> str:
    return Path(order.folder, "stdout.log").read_text()


def test_what_is_inside(bench: Any) -> None:
    script = (
        'pwd; echo "$LUTHIER_PARAM_X $MINE"; cat code.txt; echo kept > "$LUTHIER_OUTPUT_DIR/kept"; '
        'echo "{\\"loss\\": 1}" >> "$LUTHIER_METRICS"; cat mounted/one; touch mounted/two || echo sealed; '
        'ls "$LUTHIER_PACKAGES/luthier/__init__.py"; exit 7'
    )
    (bench.root / "code.txt").write_text("code\n")
    (bench.root / "elsewhere").mkdir()
    (bench.root / "elsewhere" / "one").write_text("one\n")
    environment = Environment(image=image(), mounts=(f"elsewhere:{bench.root}/mounted:ro",))
    order = inside(bench, script, environment=environment, LUTHIER_PARAM_X="1e-6", MINE="a b")
    bench.runner.start(order)
    result = bench.ended().result
    assert (result.outcome, result.exit_code, result.reason) == (Outcome.FAILED, 7, "it exited with code 7")
    lines = stdout(order).splitlines()
    assert lines[:3] == [str(bench.root), "1e-6 a b", "code"]
    assert lines[3:5] == ["one", "sealed"]
    assert lines[5].endswith("luthier/__init__.py")
    assert Path(order.env["LUTHIER_OUTPUT_DIR"], "kept").read_text() == "kept\n"
    assert json.loads(Path(order.env["LUTHIER_METRICS"]).read_text()) == {"loss": 1}
    record = json.loads(Path(order.folder, "container.json").read_text())
    assert record["engine"] == str(engine()) and record["name"] not in containers()


def test_no_value_of_a_variable_is_on_a_command_line(bench: Any) -> None:
    order = inside(bench, "true", MINE="secret", PATH="/bin:/inside", HOME="/somewhere")
    assert not any("secret" in word for word in order.argv)
    assert order.env["MINE"] == "secret"
    assert "PATH" not in order.env and "HOME" not in order.env, (
        "the engine's own command needs these as they are"
    )
    assert {"PATH=/bin:/inside", "HOME=/somewhere"} <= set(order.argv)


def test_a_signal_and_a_missing_program_are_told_as_they_are(bench: Any) -> None:
    bench.runner.start(inside(bench, "kill -SEGV $$", trial=1))
    crashed = bench.ended().result
    assert (crashed.outcome, crashed.signal) == (Outcome.FAILED, signal.SIGSEGV)
    assert crashed.reason == "it was ended by SIGSEGV, which Luthier did not send"
    order = inside(bench, "true", trial=2)
    words = list(order.argv)
    words[words.index("/bin/sh", 5)] = "/bin/nothing"  # the image's shell, which an image may lack
    bench.runner.start(order._replace(argv=tuple(words)))
    missing = bench.ended().result
    assert missing.outcome is Outcome.FAILED
    assert missing.reason.startswith("its container could not run it: ") and "/bin/nothing" in missing.reason


def test_a_stop_is_heard_once_by_every_process(bench: Any) -> None:
    order = inside(bench, f"({POLITE}) & {POLITE}", limits=Limits(grace_seconds=20))
    bench.started(order)
    bench.until(lambda: stdout(order).count("up") == 2, "both are up")
    bench.runner.stop(order.id, Outcome.STOPPED, "enough", 20.0)
    result = bench.ended().result
    assert (result.outcome, result.reason, result.exit_code) == (Outcome.STOPPED, "enough", 3)
    assert stdout(order).count("told") == 2
    assert bench.alive(order.key) == [] and f"luthier-{order.key}" not in containers()


@pytest.mark.parametrize("kill", [True, False])
def test_who_does_not_listen_is_killed(bench: Any, kill: bool) -> None:
    order = inside(bench, STUBBORN)
    bench.started(order)
    bench.runner.stop(order.id, Outcome.KILLED, "enough", 0.2, kill=kill)
    assert bench.ended().result.outcome is Outcome.KILLED
    assert bench.alive(order.key) == [] and f"luthier-{order.key}" not in containers()


def test_limits_hold_inside(bench: Any) -> None:
    slow = inside(bench, FOREVER, trial=1, limits=Limits(timeout_seconds=0.7, grace_seconds=5))
    bench.runner.start(slow)
    result = bench.ended().result
    assert (result.outcome, result.reason) == (Outcome.TIMED_OUT, "it ran longer than 0.7 s")
    if not engine().memory:
        pytest.skip(f"{engine()} can't limit memory here")
    limits = Limits(memory_bytes=40_000_000)
    alone = inside(bench, "exec dd if=/dev/zero of=/dev/null bs=200M count=1", trial=2, limits=limits)
    assert alone.limits.memory_bytes is None, "the engine's own command must not be counted in"
    bench.runner.start(alone)
    result = bench.ended().result
    assert (result.outcome, result.reason) == (
        Outcome.OUT_OF_MEMORY,
        "the kernel ended it because memory ran out",
    )


def test_a_killed_guardian_leaves_no_container(bench: Any) -> None:
    order = inside(bench, FOREVER)
    bench.started(order)
    os.kill(bench.pid_of_guardian(order), signal.SIGKILL)
    assert bench.ended().result.outcome is Outcome.LOST
    assert bench.alive(order.key) == [] and f"luthier-{order.key}" not in containers()


def test_guardian_nursery_and_driver_killed_and_the_next_driver_cleans_up(bench: Any) -> None:
    order = inside(bench, FOREVER)
    bench.started(order)
    pids = [bench.runner._nursery.pid, bench.pid_of_guardian(order)]
    bench.runner.close(leave_running=True)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    bench.runner = type(bench.runner)(bench.root)
    bench.until(
        lambda: bench.runner.adopt(order.id, order.key, order.folder) is Adoption.LOST, "its lock is free"
    )
    assert bench.ended().result.outcome is Outcome.LOST
    assert bench.alive(order.key) == [] and f"luthier-{order.key}" not in containers()


def test_a_driver_that_leaves_is_followed_by_one_that_adopts(bench: Any) -> None:
    order = inside(bench, "echo up; while [ ! -e go ]; do sleep 0.05; done; exit 4")
    bench.started(order)
    bench.runner.close(leave_running=True)
    bench.runner = type(bench.runner)(bench.root)
    assert bench.runner.adopt(order.id, order.key, order.folder) is Adoption.RUNNING
    (bench.root / "go").touch()
    result = bench.ended().result
    assert (result.outcome, result.exit_code) == (Outcome.FAILED, 4)


def test_a_container_whose_command_is_killed_is_ended_too(bench: Any) -> None:
    order = inside(bench, FOREVER)
    bench.started(order)
    client = next(line for line in bench.alive(order.key) if engine().program in line)
    os.kill(int(client.partition(":")[0]), signal.SIGKILL)
    result = bench.ended().result
    assert (result.outcome, result.signal) == (Outcome.FAILED, signal.SIGKILL)
    assert bench.alive(order.key) == [] and f"luthier-{order.key}" not in containers()


# ---------------------------------------------------------------------- images


def test_install_commands_run_once_and_only_for_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "needs.txt").write_text(str(tmp_path))
    wanted = containers_images.Wanted(
        image(), ("mkdir -p /made", "cat needs.txt > /made/needs"), str(tmp_path)
    )
    name = containers_images.make(engine(), wanted, tmp_path)
    try:
        log = containers_images.making(tmp_path, wanted).log
        assert "$ cat needs.txt > /made/needs" in log.read_text()
        before = log.stat().st_size
        assert containers_images.make(engine(), wanted, tmp_path) == name
        assert log.stat().st_size == before, "it was made again"
        words = engine().words(
            "run", "--rm", *engine().options, "--entrypoint", "/bin/cat", name, "/made/needs"
        )
        assert subprocess.run(words, capture_output=True, text=True).stdout == str(tmp_path)
        (tmp_path / "needs.txt").write_text("other")
        assert wanted.key() not in name, "what the commands read is part of the key"
    finally:
        subprocess.run(engine().words("rmi", "--force", name), capture_output=True)


def test_a_failing_install_says_which_line_and_leaves_nothing(tmp_path: Path) -> None:
    wanted = containers_images.Wanted(
        image(), ("echo one", "nothing-of-this-name", "echo two"), str(tmp_path)
    )
    with pytest.raises(UsageError, match=r"could not be made \(exit code 127\): .*nothing-of-this-name"):
        containers_images.make(engine(), wanted, tmp_path)
    assert not any(name.startswith("luthier-install-") for name in containers())
    assert not containers_images.is_making(containers_images.making(tmp_path, wanted))


def test_making_an_image_is_ended_when_a_person_says_so(tmp_path: Path) -> None:
    wanted = containers_images.Wanted(image(), ("sleep 600",), str(tmp_path))
    told = containers_images.making(tmp_path, wanted)

    def goes_on() -> bool:
        return "$ sleep 600" not in told.log.read_text()

    with pytest.raises(UsageError, match="was ended while its image was being made"):
        containers_images.make(engine(), wanted, tmp_path, goes_on)
    assert not any(name.startswith("luthier-install-") for name in containers())


def test_an_image_that_can_not_be_had_is_said_with_the_engines_words(tmp_path: Path) -> None:
    wanted = containers_images.Wanted("oci:/no-such-folder:1")
    with pytest.raises(
        containers_images.Unfetched, match=r"the image oci:/no-such-folder:1 could not be fetched \(exit code"
    ):
        containers_images.make(engine(), wanted, tmp_path)


# ---------------------------------------------------------------------- which engine


def a_program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_an_engine_on_path_that_runs_nothing_is_none(tmp_path: Path) -> None:
    a_program(tmp_path / "bin", "docker", "echo 'Cannot connect to the daemon' >&2; exit 1")
    a_program(
        tmp_path / "bin",
        "podman",
        "case $1 in version) echo 5.0;; *) echo 'Error: no luck' >&2; exit 125; esac",
    )
    found = containers_engine.find_engine(
        {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    )
    assert found.engine is None
    assert found.why == "podman: no luck; docker: Cannot connect to the daemon"


def test_options_are_tried_until_a_container_answers_and_then_known(tmp_path: Path) -> None:
    a_program(
        tmp_path / "bin",
        "podman",
        f'echo "$@" >> {tmp_path}/calls\n'
        "case $1 in version) echo 5.1.2; exit;; image) exit 1;; import) cat > /dev/null; exit;; esac\n"
        "case \"$*\" in *'--memory'*) exit 125;; *'--cpus'*) echo 'limits are ignored here' >&2; exit 42;; *'nproc=4096:4096'*) exit 42;; esac; exit 126",
    )
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment[containers_engine.CHOICE] = "podman"
    found = containers_engine.find_engine(environment)
    assert found.engine is not None
    assert "nproc=4096:4096" in found.engine.options and found.engine.version == "5.1.2"
    assert (found.engine.memory, found.engine.cpus) == (False, False), "one is refused, one is not kept"
    asked = (tmp_path / "calls").read_text()
    assert containers_engine.find_engine(environment) == found
    assert (tmp_path / "calls").read_text() == asked, "it was found out again"
    containers_engine.forget(environment)
    containers_engine.find_engine(environment)
    assert (tmp_path / "calls").read_text() != asked


def test_without_an_engine_strict_is_an_error_and_else_a_loud_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(containers_engine.CHOICE, "none")
    loose = Environment(image="some/image", install=("pip install x",), strict=False)
    said = face.without(loose)
    assert said is not None and "some/image is not used, nor are its install commands" in said
    with pytest.raises(UsageError, match="needs a container engine, and none works here"):
        face.without(loose._replace(strict=True))
    with pytest.raises(UsageError, match="which is not there"):
        face.without(loose._replace(mounts=("/no/such/place:/data",)))
    with pytest.raises(UsageError, match="no image is named"):
        face.without(Environment(install=("pip install x",)))


def test_without_an_engine_the_words_stay_and_the_reason_is_kept(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(containers_engine.CHOICE, "none")
    order = inside(bench, "echo plain", environment=Environment(image="some/image:1", strict=False))
    assert order.argv == ("/bin/sh", "-c", "echo plain") and not order.closing
    record = json.loads(Path(order.folder, "container.json").read_text())
    assert record["engine"] is None and "says to use no container engine" in record["why"]


def test_what_docker_is_told(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = containers_engine.Engine(
        "docker", "/usr/bin/docker", "28.2", options=("--network", "host"), memory=True
    )
    monkeypatch.setattr(face, "find_engine", lambda: containers_engine.Found(docker))
    monkeypatch.setattr(face, "make", lambda *_: "some/image:2")
    monkeypatch.setattr(face.os, "getuid", lambda: 1000)
    limits = Limits(memory_bytes=4_096_000_000, cpus=1)
    environment = Environment(image="some/image:2")
    order = inside(
        bench, "true", environment=environment, limits=limits, devices=("0", "3"), CUDA_VISIBLE_DEVICES="0,3"
    )
    words = " ".join(order.argv)
    assert order.closing == ("/usr/bin/docker", "rm", "--force", f"luthier-{order.key}")
    assert '--gpus "device=0,3"' in words and "--memory 4096000000" in words and "--user 1000:" in words
    assert "CUDA_VISIBLE_DEVICES" not in order.env
    assert sys.executable not in words


def a_maker(wanted: containers_images.Wanted, folder: Path) -> subprocess.Popen[bytes]:
    """A process that makes an image."""
    code = (
        "import sys; from pathlib import Path; from luthier.run import containers_engine as e, containers_images as i\n"
        f"i.make(e.find_engine().engine, i.Wanted({wanted.image!r}, {wanted.install!r}, {wanted.directory!r}), Path({str(folder)!r}))"
    )
    return subprocess.Popen([sys.executable, "-c", code])


def test_a_killed_maker_leaves_no_container(tmp_path: Path, bench: Any) -> None:
    wanted = containers_images.Wanted(image(), ("echo $((1 + 1)) up; sleep 600",), str(tmp_path))
    maker, told = a_maker(wanted, tmp_path), containers_images.making(tmp_path, wanted)
    bench.until(lambda: told.log.exists() and "\n2 up" in told.log.read_text(), "it is being made")
    name = containers_images._container(told.log)
    assert name in containers()
    maker.kill()
    maker.wait()
    bench.until(lambda: name not in containers(), "its container is gone")


def test_what_was_left_where_all_was_killed_is_swept_by_the_next_making(tmp_path: Path) -> None:
    wanted = containers_images.Wanted(image(), ("true",), str(tmp_path))
    told = containers_images.making(tmp_path, wanted)
    told.log.parent.mkdir()
    told.log.touch()
    name = containers_images._container(told.log)
    words = engine().words("run", "--detach", "--name", name, *engine().options, "--entrypoint", "/bin/sh")
    subprocess.run([*words, image(), "-c", "sleep 600"], capture_output=True, check=True)
    with open(told.log, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as who makes it does
        containers_images.make(engine(), containers_images.Wanted(image()), tmp_path)
        assert name in containers()
    containers_images.make(engine(), containers_images.Wanted(image()), tmp_path)
    assert name not in containers()


def test_what_a_killed_maker_left_is_no_obstacle(tmp_path: Path, bench: Any) -> None:
    wanted = containers_images.Wanted(image(), ("cat aga*n || sleep 600",), str(tmp_path))
    maker = a_maker(wanted, tmp_path)
    told = containers_images.making(tmp_path, wanted)
    bench.until(lambda: told.log.exists() and "$ cat aga" in told.log.read_text(), "it is being made")
    assert containers_images.is_making(told)
    maker.kill()
    maker.wait()
    (tmp_path / "again").touch()
    name = containers_images.make(engine(), wanted, tmp_path)
    assert not any(name.startswith("luthier-install-") for name in containers())
    subprocess.run(engine().words("rmi", "--force", name), capture_output=True)
