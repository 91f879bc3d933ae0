"""Starts a program from its words, with no shell and nothing of ours inherited.

`posix_spawn` is used because its cost does not grow with the guardian's memory. Every descriptor of ours is closed on
exec; the program gets /dev/null, its two log files, default signals and a session of its own. Standard library only.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import errno
import os

from luthier.run import _layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from luthier.run._order import Order

__all__ = ["CannotStart", "end_group", "signal_name", "spawn"]

STDOUT = b"/" + _layout.STDOUT.encode()
STDERR = b"/" + _layout.STDERR.encode()
TO_LOG = os.O_WRONLY | os.O_CREAT | os.O_APPEND
# Python ignores the first two and a guardian the others; an ignored signal would stay ignored across exec.
DEFAULT_SIGNALS = tuple(
    getattr(_signal, name)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGINT", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU")
    if hasattr(_signal, name)
)
_found: dict[tuple[bytes, bytes, bytes], bytes] = {}
_here: list[bytes] = [b""]


class CannotStart(Exception):
    """Says in a sentence why a program could not be started."""


def spawn(order: Order, environment: dict[bytes, bytes]) -> int:
    """Starts the program of an order and returns its process.

    **Raises** CannotStart with a sentence that names the file or folder at fault.
    """
    word = order.argv[0]
    path = environment.get(b"PATH", b"/usr/bin:/bin")
    try:
        _enter(order.cwd)
        program = word if b"/" in word else _search(word, order.cwd, path)
        return _spawn(program, order, environment)
    except OSError as error:
        _found.pop((word, order.cwd, path), None)
        raise CannotStart(_why(error, word, order)) from None


def _enter(folder: bytes) -> None:
    if _here[0] != folder:
        try:
            os.chdir(folder)
        except OSError as error:
            reason = f"the folder {os.fsdecode(folder)} it should run in can't be entered: {error.strerror}"
            raise CannotStart(reason) from None
        _here[0] = folder


def _search(word: bytes, cwd: bytes, path: bytes) -> bytes:
    """Where a bare word is found on the program's own PATH. Remembered, for it is asked for every trial."""
    known = _found.get((word, cwd, path))
    if known is not None:
        return known
    denied = False
    for folder in path.split(b":"):
        candidate = (folder or b".") + b"/" + word
        if word and os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                _found[word, cwd, path] = candidate
                return candidate
            denied = True
    raise PermissionError(errno.EACCES, "") if denied else FileNotFoundError(errno.ENOENT, "")


def _spawn(program: bytes, order: Order, environment: dict[bytes, bytes]) -> int:
    actions = (
        (os.POSIX_SPAWN_OPEN, 1, order.folder + STDOUT, TO_LOG, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, order.folder + STDERR, TO_LOG, 0o644),
    )
    try:
        return os.posix_spawn(
            program,
            order.argv,
            environment,
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=DEFAULT_SIGNALS,
        )
    except NotImplementedError:  # a system whose posix_spawn knows no sessions: a group has to do
        return os.posix_spawn(
            program,
            order.argv,
            environment,
            file_actions=actions,
            setpgroup=0,
            setsigmask=(),
            setsigdef=DEFAULT_SIGNALS,
        )


def _why(error: OSError, word: bytes, order: Order) -> str:
    name = os.fsdecode(word)
    if not os.path.isdir(order.folder):
        return f"its folder {os.fsdecode(order.folder)} is missing"
    if error.errno == errno.ENOENT:
        if b"/" in word and os.path.exists(word):
            return f"{name} names an interpreter on its first line that doesn't exist"
        where = f"in {os.fsdecode(order.cwd)}" if b"/" in word else "on PATH"
        return f"the program {name!r} was not found {where}"
    if error.errno == errno.EACCES:
        return f"{name} is not executable; `chmod +x {name}` or name its interpreter"
    if error.errno == errno.ENOEXEC:
        return f"{name} is not a program: a script needs a first line such as #!/bin/sh"
    if error.errno == errno.E2BIG:
        return "its words and environment are longer than the system allows; pass large values in a file"
    return f"{name} could not be started: {error.strerror}"


def signal_name(number: int) -> str:
    """`SIGSEGV` for 11."""
    import signal  # a rare path: 3 ms for the names

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def end_group(group: int) -> None:
    """Kills what is left of a process group, if anything."""
    try:
        os.killpg(group, _signal.SIGKILL)
    except OSError:
        pass
