"""Puts a trial's command into a container: the words that start it, and those that end it whatever happens.

The program inside finds its folders, its code and its mounts at the same paths as outside, and the same variables. What
starts it is the engine's own command, run by the guardian in the program's stead; a few lines of shell are the first
process inside, so that a TERM reaches every process there, as it does without a container. The container is named after
the attempt, so that it can be ended by name when all else is gone. Where no engine works the words stay as they are,
unless that is an error. Which engine works is found out in `containers_engine`, images are made in `containers_images`.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from luthier.description import Limits
from luthier.environment import Environment
from luthier.errors import TrialError, UsageError
from luthier.run import _layout
from luthier.run.containers_engine import Engine, find_engine
from luthier.run.containers_images import Making, Unfetched, Wanted, make, making
from luthier.run.environment import THREAD_CAPS
from luthier.run.folders import AttemptFolder
from luthier.run.templates import filled

__all__ = [
    "Contained",
    "close",
    "contained",
    "housed_in",
    "housing",
    "making_of",
    "ready",
    "refusal",
    "without",
]

CLOSE_TRIES = 3
CLOSE_SECONDS = 30.0
PACKAGE = str(Path(__file__).parent.parent)
_made: dict[Wanted, tuple[Engine, str]] = {}
_refused: dict[Wanted, str] = {}
"""The images that are known to be there, with the engine that has them, and why others are not, by what was asked for."""

ITS_OWN = ("PATH", "HOME", "TMPDIR", "XDG_", "LD_", "DOCKER_", "CONTAINER", "BUILDAH_", "STORAGE_", "PODMAN_")
"""Variables that the engine's command reads itself: the program's are told by value, and this process's stay."""

FIRST = """asked=
trap 'asked=1 told=1; kill -TERM -1 2>/dev/null' TERM
PYTHONPATH=${PYTHONPATH:+$PYTHONPATH:}$LUTHIER_PACKAGES
export PYTHONPATH
"$@" &
child=$!
again= code=0 told=1
while [ -n "$told" ]; do
  told=
  wait $child
  now=$?
  [ "$again$now" = 1127 ] || code=$now  # a wait that a TERM cut short is repeated, for the true code
  again=1
done
left=20
[ -n "$asked" ] || kill -TERM -1 2>/dev/null
while [ $left -gt 0 ] && kill -0 -1 2>/dev/null; do
  sleep 0.1
  left=$((left - 1))
done
exit $code
"""
"""The first process of a container. The kernel does not let a TERM end the first process, so that it has to pass it on.
What the program leaves behind is asked to end, as it is outside, and has two seconds for it."""


class Contained(NamedTuple):
    """What the guardian runs for an attempt in a container: its words and variables, what ends the container by name, and
    the limits that are left to the guardian."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    closing: tuple[str, ...]
    limits: Limits


# ---------------------------------------------------------------------- before a search


def without(environment: Environment | None, directory: str = "/") -> str | None:
    """Says why an experiment that wants an image has to go on without one; None where it need not.

    **Raises** UsageError where it may not, and for a mount that can't be.
    """
    if environment is None:
        return None
    for mount in environment.mounts:
        _check_mount(mount, directory)
    if environment.image is None:
        if environment.install or environment.mounts:
            what = "install commands" if environment.install else "mounts"
            raise UsageError(f"{what} are for a container, and no image is named; name one")
        return None
    found = find_engine()
    if found.engine is not None:
        return None
    if environment.strict:
        raise UsageError(
            f"the image {environment.image} needs a container engine, and none works here ({found.why}); "
            "install podman or docker, or let it run without a container"
        )
    left_out = ", nor are its install commands" if environment.install else ""
    return (
        f"no container engine works here ({found.why}), so the image {environment.image} is not used{left_out}: "
        "the trials run on this machine as it is"
    )


def _check_mount(mount: str, directory: str) -> None:
    fields = mount.split(":")
    if len(fields) not in (2, 3) or not all(fields) or (len(fields) == 3 and fields[2] not in ("ro", "rw")):
        raise UsageError(f"{mount!r} is no mount; write SOURCE:TARGET, with :ro after it for read only")
    if not fields[1].startswith("/"):
        raise UsageError(
            f"the mount {mount!r} needs an absolute path inside the container, not {fields[1]!r}"
        )
    source = os.path.join(directory, os.path.expanduser(fields[0]))
    if "${" not in source and not os.path.exists(source):
        raise UsageError(f"the mount {mount!r} names {source}, which is not there; make it, or mend the path")


def ready(
    environment: Environment, directory: str, folder: Path, goes_on: Callable[[], bool] = lambda: True
) -> str | None:
    """Makes the image of an experiment, so that its trials can begin; says why they run without, where they do.

    **Raises** UsageError where the image can't be made, or none may be done without.
    """
    why = without(environment, directory)
    if environment.image is None:
        return why
    wanted = _wanted(environment, directory)
    if why is None:
        engine = find_engine().engine
        assert engine is not None, "without() would have said so"
        why = _got(engine, wanted, folder, environment.strict, goes_on)
    if why is not None:
        _refused[wanted] = why
        _made.pop(wanted, None)
    return why


def _got(
    engine: Engine, wanted: Wanted, folder: Path, strict: bool, goes_on: Callable[[], bool]
) -> str | None:
    """Gets an image; says why it is done without where it can't be fetched and that is no error."""
    try:
        _made[wanted] = engine, make(engine, wanted, folder, goes_on)
        _refused.pop(wanted, None)
    except Unfetched as error:
        if strict:
            raise
        return f"{error}. The trials run on this machine as it is"
    return None


def making_of(environment: Environment, directory: str, folder: Path) -> Making | None:
    """Where the making of an experiment's image is told; None where it wants none."""
    return making(folder, _wanted(environment, directory)) if environment.image is not None else None


def housing(environment: Environment, directory: str) -> str | None:
    """What the trials that this process starts run in: the image's name, empty where they run without one; None where that
    is not decided yet."""
    if environment.image is None:
        return ""
    wanted = _wanted(environment, directory)
    if wanted in _made:
        return _made[wanted][1]
    return "" if wanted in _refused else None


def refusal(environment: Environment, directory: str) -> str | None:
    """Why the trials that this process starts run without the image they asked for, where they do."""
    return _refused.get(_wanted(environment, directory)) if environment.image is not None else None


def housed_in(folder: AttemptFolder) -> str | None:
    """What an attempt ran in, in the words of `housing`; None where it has no `container.json` to tell."""
    try:
        known = json.loads(Path(folder.path, _layout.CONTAINER).read_text(encoding="utf-8"))
        return str(known["runs"]) if known["engine"] else ""
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _wanted(environment: Environment, directory: str) -> Wanted:
    assert environment.image is not None
    return Wanted(environment.image, environment.install, directory)


# ---------------------------------------------------------------------- a trial


def contained(
    environment: Environment,
    argv: Sequence[str],
    env: Mapping[str, str],
    key: str,
    folder: AttemptFolder,
    root: Path,
    directory: str,
    limits: Limits,
    devices: Sequence[str] | None,
) -> Contained:
    """The words that run `argv` in the container that this attempt is to have.

    **Holds** what was decided is in the attempt's `container.json`; without an engine the words are the same as before.
    **Raises** TrialError where the image can't be had, or none may be done without.
    """
    assert environment.image is not None
    housed = _housed(environment, directory, root)
    if isinstance(housed, str):
        _record(folder, {"image": environment.image, "engine": None, "why": housed})
        return Contained(tuple(argv), env, (), limits)
    engine, image = housed
    name = f"luthier-{key}"
    closing = tuple(engine.closing(name))
    known = {"image": environment.image, "runs": image, "engine": str(engine), "name": name}
    _record(folder, {**known, "closing": closing})
    plain = {n: text for n, text in env.items() if not n.startswith(ITS_OWN)}
    told = {n: text for n, text in env.items() if n not in plain}
    if devices is not None:
        plain.pop("CUDA_VISIBLE_DEVICES", None)  # inside, the devices it is given are counted from 0
    words = engine.words("run", "--rm", "--name", name, *engine.options)
    words += [*_of_machine(engine, limits, devices), *_volumes(environment, folder, directory, env)]
    words += [*_variables(plain, told), "--workdir", directory, "--entrypoint", "/bin/sh", image]
    left = _with_memory(limits, limits.memory_bytes if not engine.memory else None)
    return Contained((*words, "-c", FIRST, "luthier", *argv), plain, closing, left)


def _housed(environment: Environment, directory: str, root: Path) -> tuple[Engine, str] | str:
    """The engine and the image's name, or why a trial runs without. What was decided holds as long as this process.

    **Raises** TrialError.
    """
    wanted = _wanted(environment, directory)
    if wanted not in _made:
        try:
            why = _refused.get(wanted) or ready(environment, directory, root)
        except UsageError as error:
            raise TrialError(str(error)) from error
        if why is not None:
            return why
    return _made[wanted]


def _with_memory(limits: Limits, memory_bytes: int | None) -> Limits:

    return limits if limits.memory_bytes == memory_bytes else limits._replace(memory_bytes=memory_bytes)


def _of_machine(engine: Engine, limits: Limits, devices: Sequence[str] | None) -> list[str]:
    """What of this machine the container gets: memory, cores, GPUs, and the user to be."""
    words = []
    if limits.memory_bytes is not None and engine.memory:
        words += ["--memory", str(limits.memory_bytes)]
    if limits.cpus is not None and engine.cpus:
        words += ["--cpus", f"{min(limits.cpus, os.cpu_count() or 1):g}"]
    if devices:
        if engine.kind == "docker":
            words += ["--gpus", f'"device={",".join(devices)}"']
        else:
            words += [word for device in devices for word in ("--device", f"nvidia.com/gpu={device}")]
    if engine.kind == "docker" and os.getuid():
        words += [
            "--user",
            f"{os.getuid()}:{os.getgid()}",
        ]  # podman makes this user the root of the container
    return words


def _volumes(
    environment: Environment, folder: AttemptFolder, directory: str, env: Mapping[str, str]
) -> list[str]:
    """The folders it sees, at the same paths: its code, its own, Luthier's modules to report with, and the user's mounts."""
    mounts = [f"{directory}:{directory}", f"{folder.trial}:{folder.trial}", f"{PACKAGE}:{PACKAGE}:ro"]
    for mount in environment.mounts:
        source, _, rest = filled(mount, {}, {}, env).partition(":")
        mounts.append(f"{os.path.join(directory, os.path.expanduser(source))}:{rest}")
    return [word for mount in mounts for word in ("--volume", mount)]


def _variables(plain: Mapping[str, str], told: Mapping[str, str]) -> list[str]:
    """The variables it gets: by name alone, so that no listing of processes shows what they hold, but for those that the
    engine's own command would take for its."""
    named = [*plain, *THREAD_CAPS, "PYTHONUNBUFFERED"]
    words = [word for name in named for word in ("--env", name)]
    words += [word for name, text in told.items() for word in ("--env", f"{name}={text}")]
    return [*words, "--env", f"LUTHIER_PACKAGES={os.path.dirname(PACKAGE)}"]


def _record(folder: AttemptFolder, what: Mapping[str, object]) -> None:
    try:
        Path(folder.path, _layout.CONTAINER).write_text(json.dumps(what) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrialError(f"{folder.path} could not be written: {error.strerror}") from error


# ---------------------------------------------------------------------- afterwards


def close(folder: str) -> None:
    """Ends and removes the container of an attempt whose guardian is gone, if it had one. May be repeated."""
    try:
        words = json.loads(Path(folder, _layout.CONTAINER).read_text(encoding="utf-8"))["closing"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for _ in range(CLOSE_TRIES):  # podman needs a second try for one whose processes were killed
        try:
            if (
                subprocess.run(
                    words, stdin=subprocess.DEVNULL, capture_output=True, timeout=CLOSE_SECONDS, check=False
                ).returncode
                == 0
            ):
                return
        except (OSError, subprocess.TimeoutExpired):
            return
