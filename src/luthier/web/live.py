"""The one socket of a tab: what it watches, and what it is sent of that.

Nothing is queued for a client. It says from which revision on it wants to know, and is sent what changed since, ten times a
second at most and never before what it was sent last has left: a slow client is sent less often, and what it missed
meanwhile is in the next frame, once. So is what a client missed that was away. All clients are served in one go, after a change
was read: who had the same so far is sent the same text, which is made once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from luthier.clock import SystemClock
from luthier.errors import LuthierError
from luthier.web.answers import Answers
from luthier.web.columns import Columns
from luthier.web.ids import experiment_id, trial_id
from luthier.web.wire import packed

__all__ = ["Live"]

MOST_SOCKETS = 64
MOST_TOPICS = 32
FRAME_SECONDS = 0.1
FEW_SOCKETS, MOST_FRAME_SECONDS = 8, 0.4
"""With more sockets each is sent less often, so that many who watch cost a search hardly more than a few."""
LOG_SECONDS = 0.2
BEAT_SECONDS = 10.0
TRY_LATER = 1013


@dataclass(slots=True)
class _Trials:
    """Watches one experiment: what was sent of it."""

    since: int | None
    version: int = -1
    columns: Columns | None = None
    entry: dict[str, Any] | None = None


@dataclass(slots=True)
class _Log:
    """Follows one log from a byte on."""

    experiment: int
    trial: int
    stream: str
    attempt: int | None
    at: int | None


class Live:
    """All sockets of a dashboard."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._clients: list[_Client] = []
        self._wake = asyncio.Event()
        self._leave: Callable[[], None] | None = None
        self._round: asyncio.Task[None] | None = None

    async def serve(self, socket: WebSocket) -> None:
        """Serves one socket until it is closed."""
        await socket.accept()
        if len(self._clients) >= MOST_SOCKETS:
            await socket.close(TRY_LATER, f"{MOST_SOCKETS} pages are open already")
            return
        client = _Client(socket, self._answers, self._wake.set)
        self._join(client)
        try:
            await client.serve()
        finally:
            self._part(client)
            client.leave()

    def _join(self, client: _Client) -> None:
        self._clients.append(client)
        self._answers.sitting.rest_seconds = self._pause()
        if self._round is None:
            loop = asyncio.get_running_loop()

            def stir() -> None:
                with suppress(RuntimeError):  # the loop may be closing
                    loop.call_soon_threadsafe(self._wake.set)

            self._leave = self._answers.sitting.listen(stir)
            self._round = asyncio.create_task(self._go_round())

    def _part(self, client: _Client) -> None:
        self._clients.remove(client)
        self._answers.sitting.rest_seconds = self._pause()
        if not self._clients and self._round is not None and self._leave is not None:
            self._round.cancel()
            self._leave()
            self._round = self._leave = None

    def _pause(self) -> float:
        """The seconds between two looks at the record, and so between two frames of one socket."""
        return min(FRAME_SECONDS * max(1.0, len(self._clients) / FEW_SOCKETS), MOST_FRAME_SECONDS)

    async def _go_round(self) -> None:
        """Gives every client that can take it what there is for it, once something happened."""
        while True:
            seconds = LOG_SECONDS if any(client.follows_logs for client in self._clients) else 1.0
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)
            self._wake.clear()
            ready = [client for client in self._clients if client.is_ready]
            if ready:
                made = await asyncio.to_thread(_frames_of, ready)
                for client, frames in zip(ready, made, strict=True):
                    client.give(frames)
            await asyncio.sleep(FRAME_SECONDS)


Made = dict[tuple[object, ...], str]
"""Frames of one round by what they tell: many are sent the same."""


def _frames_of(clients: list[_Client]) -> list[list[str] | Exception]:
    made: Made = {}
    return [client.frames(made) for client in clients]


class _Client:
    def __init__(self, socket: WebSocket, answers: Answers, wake: Callable[[], None]) -> None:
        self._socket = socket
        self._answers = answers
        self._sitting = answers.sitting
        self._wake = wake
        self._given: asyncio.Queue[list[str] | Exception] = asyncio.Queue(1)
        self.is_ready = True
        """Whether what it was given last has left."""
        self._experiments: int | None = None  # the listing that was sent last; None where nobody asked
        self._trials: dict[int, _Trials] = {}
        self._logs: dict[str, _Log] = {}
        self._clock = SystemClock()
        self._beat = 0.0

    @property
    def follows_logs(self) -> bool:
        """Whether it has to be looked after by itself: a log grows without a commit."""
        return bool(self._logs)

    def leave(self) -> None:
        """Watches nothing more."""
        for experiment in self._trials:
            self._sitting.unwatch(experiment)
        self._trials.clear()

    async def serve(self) -> None:
        """Hears and sends, until either ends."""
        tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._send())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        expected = (WebSocketDisconnect, asyncio.CancelledError, RuntimeError, OSError)
        for error in ended:
            if isinstance(error, BaseException) and not isinstance(error, expected):
                raise error

    # ------------------------------------------------------------------ hearing

    async def _hear(self) -> None:
        while True:
            text = await self._socket.receive_text()
            try:
                asked = msgspec.json.decode(text)
                said = self._take(asked) if isinstance(asked, dict) else "that is no message"
            except msgspec.DecodeError:
                said = "that is no JSON"
            except LuthierError as error:
                said = str(error)
            if said:
                await self._socket.send_text(packed({"kind": "error", "error": said}).decode())
            self._wake()

    def _take(self, asked: dict[str, Any]) -> str | None:
        """Begins or ends watching something; the sentence that says why not."""
        if len(self._trials) + len(self._logs) >= MOST_TOPICS and "unwatch" not in asked:
            return f"a page may watch {MOST_TOPICS} things at once"
        if "watch_log" in asked:
            return self._take_log(asked)
        topic = asked.get("watch", asked.get("unwatch"))
        if "unwatch" in asked:
            self._drop(str(topic))
        elif topic == "experiments":
            self._experiments = -1
        else:
            experiment = experiment_id(str(topic))
            since = asked.get("since")
            if experiment is None:
                return "there is no such experiment"
            if experiment not in self._trials:
                self._sitting.watch(experiment)
            is_number = isinstance(since, int) and not isinstance(since, bool)
            self._trials[experiment] = _Trials(since if is_number else None)
        return None

    def _take_log(self, asked: dict[str, Any]) -> str | None:
        name = str(asked["watch_log"])
        found = trial_id(name)
        if found is None:
            return "there is no such trial"
        attempt, at = asked.get("attempt"), asked.get("from")
        stream = "stderr" if asked.get("stream") == "stderr" else "stdout"
        self._logs[name] = _Log(
            *found,
            stream,
            attempt if isinstance(attempt, int) else None,
            at if isinstance(at, int) and at >= 0 else None,
        )
        return None

    def _drop(self, topic: str) -> None:
        if topic == "experiments":
            self._experiments = None
        elif topic in self._logs:
            del self._logs[topic]
        else:
            experiment = experiment_id(topic)
            if experiment is not None and self._trials.pop(experiment, None) is not None:
                self._sitting.unwatch(experiment)

    # ------------------------------------------------------------------ sending

    def give(self, frames: list[str] | Exception) -> None:
        """Has them sent."""
        if frames:
            self.is_ready = False
            self._given.put_nowait(frames)

    async def _send(self) -> None:
        while True:
            frames = await self._given.get()
            if isinstance(frames, Exception):
                raise frames
            for frame in frames:
                await self._socket.send_text(frame)
            self.is_ready = True

    def frames(self, made: Made) -> list[str] | Exception:
        """What there is to be sent now, or why that can't be told; `made` has what others are sent."""
        try:
            return self._frames(made)
        except Exception as error:  # noqa: BLE001  it ends this socket alone
            return error

    def _frames(self, made: Made) -> list[str]:
        frames: list[str] = []
        listing, entries = self._sitting.listing
        if self._experiments is not None and self._experiments != listing and listing:
            self._experiments = listing
            frames.append(
                _once(made, ("list", listing), lambda: {"kind": "experiments", "experiments": entries})
            )
        for experiment, topic in list(self._trials.items()):
            frames += self._of(experiment, topic, self._sitting.listed(experiment), made)
        for name, log in list(self._logs.items()):
            frames += self._log(name, log)
        now = self._clock.now()
        if now - self._beat >= BEAT_SECONDS:
            self._beat = now
            frames.append(packed({"kind": "beat", "now": now}).decode())
        return frames

    def _of(self, experiment: int, topic: _Trials, entry: dict[str, Any] | None, made: Made) -> list[str]:
        columns = self._sitting.seen_columns(experiment)
        if columns is None:
            return []
        frames: list[str] = []
        is_first = columns is not topic.columns
        if is_first or columns.version != topic.version:
            news = columns.since(topic.since) if is_first else columns.after(topic.version)
            had = ("since", topic.since) if is_first else ("after", topic.version)
            topic.version, topic.columns = news.version, columns
            # The columns are JSON already: the frame's own names are put before them.
            key = (experiment, *had, news.version)
            if key not in made:
                made[key] = f'{{"kind":"trials","experiment":"{experiment}",{news.body[1:].decode()}'
            frames.append(made[key])
            topic.since = news.revision
        if entry is not None and entry is not topic.entry and entry != topic.entry:
            told = _once(
                made,
                ("entry", experiment),
                lambda: {**entry, "kind": "experiment", "experiment": entry["id"]},
            )
            frames.append(told)
        topic.entry = entry if entry is not None else topic.entry
        return frames

    def _log(self, name: str, log: _Log) -> list[str]:
        try:
            part = self._answers.log(log.experiment, log.trial, log.stream, log.attempt, log.at)
        except LuthierError:
            return []
        if log.at is not None and part.size < log.at:  # another attempt began, or it was cut
            log.at = 0
            return []
        is_begun, log.at = log.at is not None, part.end
        if is_begun and not part.text:
            return []
        places = {"from": part.begin, "next": part.end, "size": part.size}
        of = {"trial": name, "stream": log.stream, "attempt": log.attempt}
        frame = {"kind": "log", **of, **places, "text": part.text}
        return [packed(frame).decode()]


def _once(made: Made, key: tuple[object, ...], frame: Callable[[], dict[str, Any]]) -> str:
    if key not in made:
        made[key] = packed(frame()).decode()
    return made[key]
