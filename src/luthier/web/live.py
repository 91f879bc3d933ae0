"""The one socket of a tab: what it watches, and what it is sent of that.

Nothing is queued for a client. It says from which revision on it wants to know, and is sent what changed since, ten times a
second at most and never before what it was sent last has left: a slow client is sent less often, and what it missed
meanwhile is in the next frame, once. So is what a client missed that was away.
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
        self.open = 0

    async def serve(self, socket: WebSocket) -> None:
        """Serves one socket until it is closed."""
        await socket.accept()
        if self.open >= MOST_SOCKETS:
            await socket.close(TRY_LATER, f"{MOST_SOCKETS} pages are open already")
            return
        self.open += 1
        client = _Client(socket, self._answers, self._pause)
        try:
            await client.serve()
        finally:
            self.open -= 1
            client.leave()

    def _pause(self) -> float:
        """The seconds between two frames of one socket."""
        return min(FRAME_SECONDS * max(1.0, self.open / FEW_SOCKETS), MOST_FRAME_SECONDS)


class _Client:
    def __init__(self, socket: WebSocket, answers: Answers, pause: Callable[[], float]) -> None:
        self._pause = pause
        self._socket = socket
        self._answers = answers
        self._sitting = answers.sitting
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._experiments: int | None = None  # the listing that was sent last; None where nobody asked
        self._trials: dict[int, _Trials] = {}
        self._logs: dict[str, _Log] = {}
        self._clock = SystemClock()
        self._beat = 0.0
        self._leave = self._sitting.listen(self._stir)

    def _stir(self) -> None:
        with suppress(RuntimeError):  # the loop may be closing
            self._loop.call_soon_threadsafe(self._wake.set)

    def leave(self) -> None:
        """Watches nothing more."""
        self._leave()
        for experiment in self._trials:
            self._sitting.unwatch(experiment)
        self._trials.clear()

    async def serve(self) -> None:
        """Hears and sends, until either ends."""
        tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._send())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        expected = (WebSocketDisconnect, asyncio.CancelledError, RuntimeError, OSError)
        for error in ended:
            if isinstance(error, BaseException) and not isinstance(error, expected):
                raise error
        del done

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
            self._wake.set()

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

    async def _send(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOG_SECONDS if self._logs else 1.0)
            self._wake.clear()
            for frame in await asyncio.to_thread(self._frames):
                await self._socket.send_text(frame.decode("utf-8"))
            await asyncio.sleep(self._pause())

    def _frames(self) -> list[bytes]:
        """What there is to be sent now."""
        frames: list[bytes] = []
        listing, entries = self._sitting.listing
        if self._experiments is not None and self._experiments != listing and listing:
            self._experiments = listing
            frames.append(packed({"kind": "experiments", "experiments": entries}))
        known = {entry["id"]: entry for entry in entries}
        for experiment, topic in list(self._trials.items()):
            frames += self._of(experiment, topic, known.get(str(experiment)))
        for name, log in list(self._logs.items()):
            frames += self._log(name, log)
        now = self._clock.now()
        if now - self._beat >= BEAT_SECONDS:
            self._beat = now
            frames.append(packed({"kind": "beat", "now": now}))
        return frames

    def _of(self, experiment: int, topic: _Trials, entry: dict[str, Any] | None) -> list[bytes]:
        columns = self._sitting.seen_columns(experiment)
        if columns is None:
            return []
        frames: list[bytes] = []
        is_first = columns is not topic.columns
        if is_first or columns.version != topic.version:
            news = columns.since(topic.since) if is_first else columns.after(topic.version)
            topic.version, topic.columns = news.version, columns
            # The columns are JSON already: the frame's own names are put before them.
            frames.append(b'{"kind":"trials","experiment":"%d",' % experiment + news.body[1:])
            topic.since = news.revision
        if entry is not None and entry != topic.entry:
            topic.entry = entry
            frames.append(packed({**entry, "kind": "experiment", "experiment": entry["id"]}))
        return frames

    def _log(self, name: str, log: _Log) -> list[bytes]:
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
        frame = {"kind": "log", "trial": name, "stream": log.stream, **places, "text": part.text}
        return [packed(frame)]
