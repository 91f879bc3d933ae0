"""Makes the image that trials run in: fetched where it is missing, and once with the user's own commands run in it.

What `install` commands make of an image is kept as another image, named after a digest of both and of the files the
commands name; so it is made once, whatever asks for it. The log of the making lies in the store's folder, below
`images/`, and is locked while it is written. A step ends with the process that began it, however that ends; what is left
where the step was killed too, the next making ends. Nothing here starts a trial.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from luthier.digest import sha256
from luthier.errors import UsageError
from luthier.run.containers_engine import Engine

__all__ = ["Abandoned", "Making", "Unfetched", "Wanted", "build", "is_making", "make", "making"]

BEAT_SECONDS = 0.1
END_SECONDS = 1.0
ENDED = "it was ended while its image was being made"
LAST_LINES = 3
INSTALL = "luthier-install-"

# Stands between this process and a step of the making: killed, this process can't end the step itself. The engine's own
# command would leave its container running, so that this is ended by name.
WARDEN = """
import ctypes, json, os, signal, subprocess, sys
parent, closing, *words = sys.argv[1:]
class Ended(BaseException): pass
def end(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Ended
child = None
try:
    signal.signal(signal.SIGTERM, end)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != int(parent):
        sys.exit(1)
    child = subprocess.Popen(words)
    code = child.wait()
except Ended:
    if child is not None:
        child.terminate()
    for _ in range(3 if json.loads(closing) else 0):
        if subprocess.call(json.loads(closing)) == 0:
            break
    sys.exit(1)
except OSError as error:
    sys.exit(f"{words[0]} could not be started: {error.strerror}")
sys.exit(code if code >= 0 else 128 - code)
"""


class Abandoned(UsageError):
    """Says that a person ended the experiment while its image was being made."""


class Unfetched(UsageError):
    """Says that an image is not here and could not be fetched."""


class Wanted(NamedTuple):
    """An image as it was asked for: its name, the commands to run in it once, and where these run."""

    image: str
    install: tuple[str, ...] = ()
    directory: str = "/"

    def key(self) -> str:
        """A digest of it: that of the commands, and of what the files they name hold."""
        parts = [self.image, *self.install]
        for command in self.install:
            parts += [f"{word} {_content(self.directory, word)}" for word in _words(command)]
        return sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Making(NamedTuple):
    """Where the making of an image is told: its log, and the lock that is held meanwhile."""

    log: Path

    def last_lines(self) -> str:
        """The end of the log, on one line."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip() and not line.startswith("$ ")]
        if said and said[-1].startswith("Error: "):  # the engine's own, which says all
            return said[-1].removeprefix("Error: ")
        return " / ".join(said[-LAST_LINES:])


class _Work(NamedTuple):
    """The making of one image: where it is told, and whether it is to go on."""

    told: Making
    log: IO[bytes]
    goes_on: Callable[[], bool]

    def run(
        self,
        words: Sequence[str],
        what: str,
        kind: type[UsageError] = UsageError,
        done: str = "made",
        closing: Sequence[str] = (),
    ) -> None:
        """Runs one step; `closing` ends its container where this process is killed.

        **Raises** an error of this kind where it fails; UsageError where it is not to go on.
        """
        self.log.write(f"$ {shlex.join(words[:6])}{' …' if len(words) > 6 else ''}\n".encode())
        self.log.flush()
        with open(
            self.told.log, "ab"
        ) as out:  # not the locked one, which must not outlive this process in another
            warden = (sys.executable, "-I", "-S", "-c", WARDEN, str(os.getpid()), json.dumps(closing))
            process = subprocess.Popen(
                [*warden, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        try:
            while (code := process.poll()) is None:
                if not self.goes_on():
                    raise Abandoned(f"{ENDED}; its log is {self.told.log}")
                time.sleep(BEAT_SECONDS)
        finally:
            _end(process)
        if code:
            said = self.told.last_lines()
            raise kind(f"{what} could not be {done} (exit code {code}): {said}; its log is {self.told.log}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a step that is not over."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:  # its container does not listen; that is ended by name
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _content(directory: str, word: str) -> str:
    try:
        return sha256(Path(directory, word).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return ""


def making(folder: Path, wanted: Wanted) -> Making:
    """Where the making of this image is told in a store's folder. Touches nothing."""
    return Making(folder / "images" / f"{wanted.key()}.log")


def is_making(making: Making) -> bool:
    """Whether somebody makes this image now."""
    try:
        with open(making.log, "rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def make(engine: Engine, wanted: Wanted, folder: Path, goes_on: Callable[[], bool] = lambda: True) -> str:
    """Makes sure that the image is there, and returns the name to run it by. `goes_on` is asked from time to time.

    **Holds** may be repeated, also by several at once. **Raises** UsageError, with the end of the log, where it can't be
    had or one of its commands fails.
    """
    made = f"luthier-install:{wanted.key()}"
    _sweep(engine, folder)
    if wanted.install and _is_there(engine, made):
        return made
    if not wanted.install and _is_there(engine, wanted.image):
        return wanted.image
    told = making(folder, wanted)
    with _locked(told.log) as log:
        if wanted.install and _is_there(engine, made):  # by another, whose lock was waited for
            return made
        log.truncate(0)
        work = _Work(told, log, goes_on)
        name = _fetched(engine, wanted, work)
        if wanted.install:
            _install(engine, wanted, name, made, work)
            return made
    return name


def build(
    engine: Engine, context: Path, key: str, folder: Path, goes_on: Callable[[], bool] = lambda: True
) -> tuple[str, Making]:
    """Builds the Dockerfile of a folder, once for each `key`; returns the image's name and where its log is.

    **Raises** UsageError with the end of the log where it fails.
    """
    made, told = f"luthier-build:{key}", Making(folder / "images" / f"build-{key}.log")
    if not _is_there(engine, made):
        with _locked(told.log) as log:
            words = engine.words("build", "--tag", made, str(context))
            if engine.kind == "podman":
                words[-1:-1] = ["--network", "host", *_limits_of(engine)]
            _Work(told, log, goes_on).run(words, f"the image of {context}")
    return made, told


def _limits_of(engine: Engine) -> list[str]:
    """The resource limits that this machine needs to be told, which a build needs as well."""
    pairs = zip(engine.options, engine.options[1:], strict=False)
    return [word for name, value in pairs if name == "--ulimit" for word in (name, value)]


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """The log, for this process alone; another's making is waited for."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as log:
            fcntl.flock(log.fileno(), fcntl.LOCK_EX)
            yield log
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror or error}") from error


def _is_there(engine: Engine, name: str) -> bool:
    words = engine.words("image", "inspect", name)
    return (
        subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
        == 0
    )


def _full(engine: Engine, image: str) -> str:
    """The name to fetch it by: podman may not know where names without a registry live, which all of Docker's do."""
    first, slash, _ = image.partition("/")
    if engine.kind == "docker" or (slash and ("." in first or ":" in first or first == "localhost")):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def _fetched(engine: Engine, wanted: Wanted, work: _Work) -> str:
    if _is_there(engine, wanted.image):
        return wanted.image
    name = _full(engine, wanted.image)
    words = engine.words("pull", name)
    work.run(words, f"the image {wanted.image}", Unfetched, "fetched")
    return name


def _install(engine: Engine, wanted: Wanted, name: str, made: str, work: _Work) -> None:
    """Runs the commands in a container of their own, and keeps it as an image."""
    container = _container(work.told.log)
    closing = engine.closing(container)
    _quiet(closing, work.log)  # one that a maker left who was killed; the lock says that none lives
    script = "set -e\n" + "\n".join(
        f"printf '$ %s\\n' {shlex.quote(command)}\n{command}" for command in wanted.install
    )
    here = ("--volume", f"{wanted.directory}:{wanted.directory}", "--workdir", wanted.directory)
    words = engine.words("run", "--name", container, *engine.options, *here, "--entrypoint", "/bin/sh")
    what = f"the install commands for the image {wanted.image}"
    try:
        work.run([*words, name, "-c", script], what, closing=closing)
        work.run(engine.words("commit", container, made), what)
    finally:
        for _ in range(3):
            if _quiet(closing, work.log) == 0:
                break


def _container(log: Path) -> str:
    """The name of the container in which install commands run, by the log that tells of it: its key and its place."""
    return f"{INSTALL}{log.stem}-{sha256(os.fsencode(log)).hexdigest()[:8]}"


def _sweep(engine: Engine, folder: Path) -> None:
    """Ends the containers that makers of this store left who were killed. One that lives holds its log's lock."""
    logs = {_container(log): log for log in (folder / "images").glob("*.log")}
    if not logs:
        return
    words = engine.words("ps", "--all", "--filter", f"name={INSTALL}", "--format", "{{.Names}}")
    listed = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    for name in set(listed.stdout.split()) & set(logs):
        try:
            with open(logs[name], "ab") as log:
                fcntl.flock(log.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                _quiet(engine.closing(name), log)
        except OSError:  # it is being made
            continue


def _quiet(words: Sequence[str], log: IO[bytes]) -> int:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, check=False)
    return done.returncode
