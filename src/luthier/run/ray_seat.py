"""The far end of a run on Ray: one place of a node, where the attempts of one slot run under our own guardian.

A `Seat` is a named, detached Ray actor. It outlives the driver that made it, keeps how each attempt ended until somebody
has taken it, and ends itself when nobody comes. Every call may be repeated, and calls may overtake one another; only
plain data crosses. It must not know the store, the drive or what a result means; `ray_runner.py` is its near end.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.description import Limits
from luthier.errors import UsageError
from luthier.run import _tree
from luthier.run.calls import Call
from luthier.run.command import CommandRunner
from luthier.run.environment import base_environment
from luthier.run.function import FunctionRunner
from luthier.run.ray_calls import POINTS, Booth, Tools
from luthier.run.ray_code import Code, lay_out
from luthier.run.ray_endings import own_version, plain
from luthier.run.ray_files import ATTEMPT, Chunk, News, changes, clear_away, move_in, moved
from luthier.run.rooms import Room
from luthier.run.runner import Order, Started
from luthier.trial import AttemptId, Outcome

__all__ = ["BROKEN", "ENDED", "RUNNING", "WAITING", "Message", "Seat", "machine"]

BROKEN, WAITING, RUNNING, ENDED = -1, 0, 1, 2
ELSEWHERE = "what it imports has to be in the folder the search is started in, or installed on every node"
MACHINE = "LUTHIER_RAY_MACHINE"
"""A node of a test claims to be another machine by this variable."""

LOOK_SECONDS = 0.2  # how often at least files are looked at that a driver elsewhere wants to see grow
ATTEND_SECONDS = 1.0
SILENT_SECONDS = 30.0  # a driver that lives asks every few seconds
IDLE_SECONDS = 60.0
KEPT_SECONDS = 86_400.0
OWN_OF_RAY = ("RAY_JOB_ID", "RAY_WORKER", "RAY_RAYLET", "RAY_CLIENT_MODE", "RAY_NODE_ID", "RAY_ADDRESS")

Message = tuple[Any, ...]
Asked = Mapping[str, tuple[int, Mapping[str, int]]]
"""By the keys of attempts: what the driver knows of each, its phase and how much of each file it has."""


def machine() -> str:
    """The word that tells this machine, since it was last switched on, from any other."""
    return os.environ.get(MACHINE) or _tree.boot_id()


@dataclass
class _Kept:
    """One attempt, from its order until its end was taken. `owner` is the driver that asks for it."""

    order: Order | Call
    owner: str
    phase: int = WAITING
    began: float | None = None
    pid: int = 0
    end: tuple[Any, ...] | None = None


class Seat:
    """A place on a node. Ray makes it and calls it; `hello` comes first, `furnish` second."""

    def __init__(self) -> None:
        self._room = Room()
        self._runner: CommandRunner | None = None
        self._booth: Booth | None = None
        self._broken = ""
        self._here = False
        self._code_root = self._root = ""
        self._kept: dict[str, _Kept] = {}
        self._ids: dict[AttemptId, str] = {}
        self._refused: set[str] = set()
        self._waiting: set[asyncio.Event] = set()
        self._expected: dict[str, int] = {}
        self._early: dict[tuple[str, int], Sequence[Message]] = {}
        self._heard = time.monotonic()
        self._attending: asyncio.Task[None] | None = None

    async def hello(self, folder: str, device: int, inode: int, driver: str) -> dict[str, Any]:
        """Says where this is, and whether a driver's folder is to be found here as well."""
        try:
            status = os.stat(folder)
            is_same = (status.st_dev, status.st_ino) == (device, inode)
        except OSError:
            is_same = False
        self._here = is_same and machine() == driver
        if self._attending is None:  # from now on: its driver may die before it says any more
            self._attending = asyncio.get_running_loop().create_task(self._attend())
        return {"here": self._here, "host": os.uname().nodename, "version": own_version(), "pid": os.getpid()}

    async def furnish(
        self,
        environment: Mapping[str, str] | None,
        threads: int,
        code: Code | None,
        payload: bytes | None = None,
        tools: Tools | None = None,
    ) -> str:
        """Gets ready to run attempts: in a driver's environment where this is its machine, else in the node's own and with
        a working copy of the code. With a `payload` they are calls. Returns why it can't, or nothing."""
        if self._runner is not None:
            return ""
        self._heard = time.monotonic() + KEPT_SECONDS  # code may be large: nobody is silent meanwhile
        inherited = environment if environment is not None else _own_environment()
        base = base_environment(inherited, threads)
        if code is not None:
            try:
                self._root = await asyncio.to_thread(lay_out, code)
            except OSError as error:
                self._heard = time.monotonic()
                return f"the code could not be laid out on {os.uname().nodename}: {error}"
            self._code_root = code.root
        if tools is not None:
            base.update(tools.variables)
        self._runner = CommandRunner(self._room.name, base)
        if payload is not None and tools is not None:
            if not self._here:
                tools = tools.moved(self._code_root, self._root, self._room.name)
            self._booth = Booth(payload, tools, self._runner)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._runner.fileno(), self._hear)
        self._heard = time.monotonic()
        return ""

    # ------------------------------------------------------------------ what a driver asks

    async def do(self, driver: str, number: int, messages: Sequence[Message]) -> None:
        """Does what a driver says, in the order of its numbers, whichever comes first."""
        self._heard = time.monotonic()
        self._early[driver, number] = messages
        expected = self._expected.get(driver, 0)
        while (next_ones := self._early.pop((driver, expected), None)) is not None:
            expected += 1
            for message in next_ones:
                self._obey(driver, *message)
        self._expected[driver] = expected
        self._hear()

    def _obey(self, driver: str, what: str, key: str, *said: Any) -> None:
        if what in ("start", "call"):
            (self._start if what == "start" else self._call)(driver, key, *said)
            return
        kept = self._kept.get(key)
        if kept is None:
            return
        match what:
            case "stop":
                outcome, reason, grace, kill = said
                self._executor.stop(kept.order.id, Outcome(outcome), reason, grace, kill=kill)
            case "withdraw":
                self._executor.withdraw(kept.order.id, said[0])
            case "answer":
                assert self._booth is not None, "only calls wait for answers"
                self._booth.answer(kept.order.id, *said)
            case "tell":
                _leave_word(kept.order.folder, said[0])
            case "taken":
                self._forget(key)
            case _:
                raise AssertionError(f"a driver said {what!r}")

    def _start(self, driver: str, key: str, words: Mapping[str, Any], files: Sequence[Chunk]) -> None:
        if key in self._kept or key in self._refused:
            return
        assert self._runner is not None
        plain = {"id": AttemptId(*words["id"]), "limits": Limits(*words["limits"]), "slot": 0}
        order = Order(**{**words, **plain})
        if not self._here:
            order = moved(order, f"{self._room.name}/{key}", self._code_root, self._root)
            move_in(order.folder, files)
        devices = os.environ.get("CUDA_VISIBLE_DEVICES")
        if order.limits.gpus and devices is not None:
            order = order._replace(env={**order.env, "CUDA_VISIBLE_DEVICES": devices})
        self._kept[key] = _Kept(order, driver)
        self._ids[order.id] = key
        # The guardian ends the tree when this place is lost: Ray may give it to somebody else at once.
        self._runner.start(order._replace(limits=order.limits._replace(on_driver_loss="stop")))

    def _call(self, driver: str, key: str, words: tuple[Any, ...], files: Sequence[Chunk]) -> None:
        if key in self._kept:
            return
        assert self._booth is not None, "it was furnished for calls"
        call = self._booth.call(words)
        if not self._here:
            call = call._replace(folder=f"{self._room.name}/{key}/{ATTEMPT}")
            move_in(call.folder, files)
        # Of one elsewhere the files are looked at from the beginning, for nobody tells when it begins.
        self._kept[key] = _Kept(call, driver, WAITING if self._here else RUNNING)
        self._ids[call.id] = key
        self._booth.runner.start(call)

    @property
    def _executor(self) -> CommandRunner | FunctionRunner:
        assert self._runner is not None, "it was furnished first"
        return self._runner if self._booth is None else self._booth.runner

    def _forget(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            del self._ids[kept.order.id]
            if self._booth is not None:
                self._booth.forget(kept.order.id)
            if not self._here:
                clear_away(f"{self._room.name}/{key}")

    async def adopt(self, driver: str, key: str) -> int:
        """Takes a driver as the one that asks for an attempt, and returns its phase; -1 for one that is not known here,
        which from now on never begins."""
        self._heard = time.monotonic()
        kept = self._kept.get(key)
        if kept is None:
            self._refused.add(key)
            return -1
        kept.owner = driver
        self._notify()
        return kept.phase

    async def news(self, driver: str, asked: Asked, wait_seconds: float) -> dict[str, News]:
        """What became of a driver's attempts that it does not know of yet, as soon as there is something."""
        deadline = time.monotonic() + wait_seconds
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while True:
                now = self._heard = time.monotonic()
                found = self._new(driver, asked)
                if found or now >= deadline:
                    return found
                pause = deadline - now if self._here else min(LOOK_SECONDS, deadline - now)
                try:
                    await asyncio.wait_for(changed.wait(), pause)
                except TimeoutError:
                    pass
                changed.clear()
        finally:
            self._waiting.discard(changed)

    async def leave(self) -> None:
        """Ends this place and what still runs in it."""
        if self._runner is not None:
            asyncio.get_running_loop().remove_reader(self._runner.fileno())
            self._executor.close(leave_running=False)
            self._runner.close(leave_running=False)
        self._room.cleanup()
        import ray

        ray.actor.exit_actor()

    # ------------------------------------------------------------------ what happens here

    def _new(self, driver: str, asked: Asked) -> dict[str, News]:
        found: dict[str, News] = {}
        for key, kept in self._kept.items():
            if kept.owner != driver:
                continue
            phase, offsets = asked.get(key, (WAITING, {}))
            chunks: list[Chunk] = []
            more, left = False, ""
            if not self._here and kept.phase > WAITING:
                chunks, more, left = changes(kept.order.folder, offsets, is_over=kept.phase == ENDED)
            points = self._booth.reported(kept.order.id, offsets.get(POINTS, 0)) if self._booth else ()
            if self._broken:
                found[key] = News(BROKEN, None, 0, None, (), False, self._broken)
            elif kept.phase != phase or chunks or points:
                found[key] = News(kept.phase, kept.began, kept.pid, kept.end, chunks, more, left, points)
        return found

    def _hear(self) -> None:
        """Hears the guardian, or the workers."""
        try:
            events = self._executor.events(0)
        except UsageError as error:
            self._broken = f"on the node {os.uname().nodename} of the Ray cluster {error}; {ELSEWHERE}"
            events = []
        if self._booth is not None:  # it may have reported
            self._notify()
        for event in events:
            kept = self._kept.get(self._ids.get(event.id, ""))
            if kept is None:
                continue
            if isinstance(event, Started):
                kept.phase, kept.began, kept.pid = RUNNING, event.began, event.pid
            else:
                kept.phase, kept.end = ENDED, plain(event)
            self._notify()

    def _notify(self) -> None:
        for changed in self._waiting:
            changed.set()

    async def _attend(self) -> None:
        """Does what is to be done when no driver comes any more."""
        node = os.getppid()
        while True:
            await asyncio.sleep(ATTEND_SECONDS if self._booth is None else LOOK_SECONDS)
            if self._booth is not None:
                self._hear()  # calls have limits that nobody tells of
            if os.getppid() != node:
                os._exit(1)  # the node is dead for Ray, which runs it elsewhere; guardians end what is here
            silent = time.monotonic() - self._heard
            running = [kept for kept in self._kept.values() if kept.phase != ENDED]
            if silent > SILENT_SECONDS:
                for kept in running:
                    self._forsake(kept)
            if not running and silent > (KEPT_SECONDS if self._kept else IDLE_SECONDS):
                self._room.cleanup()
                os._exit(0)

    def _forsake(self, kept: _Kept) -> None:
        if self._booth is not None or kept.order.limits.on_driver_loss == "stop":
            reason = "its driver was lost, and it was to be stopped then"
            self._executor.stop(kept.order.id, Outcome.INTERRUPTED, reason, kept.order.limits.grace_seconds)


def _own_environment() -> dict[str, str]:
    """What this node's programs inherit, without what Ray told this very process."""
    return {name: text for name, text in os.environ.items() if not name.startswith(OWN_OF_RAY)}


def _leave_word(folder: str, reason: str) -> None:
    from luthier.run import _layout

    try:
        with open(f"{folder}/{_layout.SHOULD_STOP}", "w", encoding="utf-8") as file:
            file.write(reason + "\n")
    except OSError:
        pass  # it is ended after its grace
