"""The process that calls a Python function, trial after trial, and stays warm between them.

It is started like any program, under a guardian, and speaks with the driver's `FunctionRunner` (`function.py`) over one
socket. What it is sent first is the pickled work; then come calls, answered in order. Results of short calls travel
together. Which call it is in stands in a small mapped file, so that a process that vanishes leaves behind whose fault it
was. What the function prints goes to the attempt's folder where it has one, else to the worker's own log, which is
emptied when it grows. It must not know what a metric, a trial or a space is.
"""

from __future__ import annotations

import _thread
import gc
import marshal
import mmap
import os
import select
import socket
import struct
import sys
import time
import traceback
from typing import Any

from luthier.run._door import connect
from luthier.run._wire import Inbox, pack

__all__ = ["NOTE", "main"]

CHUNK = 1 << 18
TOGETHER_SECONDS = 0.005
"""Results wait so long at most for the next ones, while further calls are at hand."""
LOG_BYTES = 1 << 24
RSS_SECONDS = 0.5
LONG_SECONDS = 0.05
ANSWER_SECONDS = 2.0
"""A call that reports waits so long at most to hear whether it goes on: a driver that is busy does not hold it up."""
GROWN_BYTES = 1 << 30
NOTE = struct.Struct("qdq")
"""The number of the call it is in, when that began (monotonic seconds), and, in a stretch, which one of it."""


class Output:
    """Where the two standard streams go: the worker's own files, or for one call those of a folder."""

    def __init__(self) -> None:
        self._own = (os.dup(1), os.dup(2))

    def turn_to(self, folder: str) -> None:
        """Sends what is printed from now on to a folder's files."""
        os.makedirs(folder, exist_ok=True)
        for fd, name in ((1, "stdout.log"), (2, "stderr.log")):
            file = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            os.dup2(file, fd)
            os.close(file)

    def turn_back(self) -> None:
        """Sends it to the worker's own files again."""
        for fd, own in zip((1, 2), self._own, strict=True):
            os.dup2(own, fd)

    def settle(self, folder: str) -> None:
        """After a call whose output went to the worker's own files: hands it to the call's folder, where there is one,
        and empties files that have grown."""
        for own, name in zip(self._own, ("stdout.log", "stderr.log"), strict=True):
            size = os.fstat(own).st_size
            if not size or (not folder and size < LOG_BYTES):
                continue
            if folder:
                os.makedirs(folder, exist_ok=True)
                with open(f"/proc/self/fd/{own}", "rb") as source, open(f"{folder}/{name}", "ab") as target:
                    while chunk := source.read(CHUNK):
                        target.write(chunk)
            os.ftruncate(own, 0)


class Worker:
    """The loop of one worker. `end` is its socket to the driver, `note` the mapped file, `memory_bytes` its limit; with
    `waits`, a call that reports waits for the driver's answer."""

    def __init__(
        self, end: socket.socket, inbox: Inbox, note: mmap.mmap, memory_bytes: int | None, waits: bool
    ) -> None:
        self._end = end
        self._waits = waits
        self._unanswered = 0
        self._ending: dict[int, str] = {}
        self._thread = _thread.get_ident()
        self._note = note
        self._inbox = inbox
        self._memory_bytes = memory_bytes
        self._home = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
        self._calls: list[tuple[Any, ...]] = []
        self._dropped: set[int] = set()
        self._results: list[tuple[Any, ...]] = []
        self._sent = self._measured = time.monotonic()
        self._output = Output()
        self._pid = os.getpid()
        self._first_rss = 0
        self._poll = select.poll()
        self._poll.register(end, select.POLLIN)

    def serve(self, work: Any) -> None:
        """Calls until the driver lets go."""
        while True:
            if not self._calls:
                self._send()
                self._receive()
                continue
            if self._poll.poll(0):
                self._receive()
            call = self._calls.pop(0)
            if call[0] in self._dropped:
                self._results.append((call[0], "dropped", "", None, 0.0, 0.0, 0.0, None))
                continue
            if len(call) == 2:
                self._stretch(work, *call)
            else:
                self._results.append(self._one(work, *call))
            now = time.monotonic()
            if now - self._sent > TOGETHER_SECONDS:
                self._send()
            if now - self._measured > RSS_SECONDS and self._has_grown(now):
                self._send()
                return

    def _one(
        self, work: Any, number: int, name: str, values: dict[str, Any], seed: int, folder: str, eager: bool
    ) -> tuple[Any, ...]:
        """Calls the function once; says how it ended, with value, seconds of wall and processor, and when it began."""
        began, clock, cpu = time.time(), time.perf_counter(), time.process_time()
        NOTE.pack_into(self._note, 0, number, time.monotonic(), 0)
        if eager:
            self._output.turn_to(folder)
        try:
            status, reason, value = work(
                values, seed, name, folder, lambda points: self._tell(number, points)
            )
        except BaseException as error:  # noqa: BLE001  the work foresees everything: this is a defect of ours
            traceback.print_exc()
            status, reason, value = "failed", f"{type(error).__name__}: {error}", None
        seconds, used = time.perf_counter() - clock, time.process_time() - cpu
        if seconds > LONG_SECONDS:
            self._measured = 0.0  # it may have taken much
        os.fchdir(self._home)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                pass  # the function has closed or replaced it
        if eager:
            self._output.turn_back()
        else:
            self._output.settle(folder)
        return (number, status, reason, value, seconds, used, began, None)

    def _stretch(self, work: Any, number: int, what: tuple[Any, ...]) -> None:
        """Makes many calls of which the work knows everything itself, and sends its columns."""
        note, mark = self._note, NOTE.pack_into
        NOTE.pack_into(note, 0, number, time.monotonic(), 0)
        columns = work.stretch(*what, lambda at: mark(note, 0, number, 0.0, at))
        os.fchdir(self._home)
        self._output.settle("")
        self._send()
        self._end.sendall(pack(("stretched", number, *columns)))

    def _tell(self, number: int, points: list[tuple[str, float | None, float, float]]) -> str | bool:
        """Sends what a call reported, and returns why the call is to end, where it is. False in a process that the
        function has forked, whose words would mix with ours."""
        if os.getpid() != self._pid:
            return False
        self._end.sendall(pack(("points", number, points)))
        if self._waits:
            self._unanswered += 1
            if _thread.get_ident() == self._thread:  # only one thread may read what the driver says
                self._hear_answers()
        return self._ending.get(number) or True

    def _hear_answers(self) -> None:
        until = time.monotonic() + ANSWER_SECONDS
        while self._unanswered and (left := until - time.monotonic()) > 0:
            if not self._poll.poll(left * 1000):
                return
            self._receive()

    def _send(self) -> None:
        if self._results:
            self._end.sendall(pack(("ended", self._results)))
            self._results = []
        self._sent = time.monotonic()

    def _receive(self) -> None:
        chunk = self._end.recv(CHUNK)
        if not chunk:
            leave()
        self.take(self._inbox.feed(chunk))

    def take(self, messages: list[tuple[Any, ...]]) -> None:
        """Takes in what the driver has said."""
        for message in messages:
            match message:
                case ("calls", calls):
                    self._calls += calls
                case ("drop", numbers):
                    self._dropped.update(numbers)
                case ("answer", number, reason):
                    self._unanswered -= 1
                    if reason:
                        self._ending[number] = reason
                case _:
                    raise AssertionError("the driver sent no call")

    def _has_grown(self, now: float) -> bool:
        """Whether so much memory was never given back that a fresh process should go on instead."""
        self._measured = now
        try:
            with open("/proc/self/statm", "rb") as file:
                rss = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            return False
        if not self._first_rss:
            self._first_rss = rss
        room = GROWN_BYTES
        if self._memory_bytes is not None:
            room = min(room, max(0, self._memory_bytes - self._first_rss) // 2)
        return rss > self._first_rss + room


def leave() -> None:
    """Ends the process at once: what the function left running or registered may not hold it up."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
    os._exit(0)


def main() -> None:
    """Connects, receives the work and serves."""
    place, token, note_path, memory_bytes = marshal.loads(bytes.fromhex(os.environ.pop("LUTHIER_CALLS")))
    file = os.open(note_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.ftruncate(file, NOTE.size)
    note = mmap.mmap(file, NOTE.size)
    os.close(file)
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connect(end, place)
    end.sendall(pack(("hello", token)))
    inbox = Inbox()
    messages: list[tuple[Any, ...]] = []
    while not messages:
        chunk = end.recv(CHUNK)
        if not chunk:
            leave()
        messages = inbox.feed(chunk)
    (_, file_name, waits), *rest = messages
    try:
        import pickle

        with open(file_name, "rb") as source:
            work = pickle.load(source)  # noqa: S301  from the driver that started this process, and nobody else
    except BaseException as error:  # noqa: BLE001  whatever its modules raise while they are imported
        traceback.print_exc()
        end.sendall(pack(("broken", f"{type(error).__name__}: {error}")))
        leave()
    gc.freeze()  # what was loaded stays: no collection needs to look at it again
    worker = Worker(end, inbox, note, memory_bytes, waits)
    worker.take(rest)
    worker.serve(work)
    leave()
