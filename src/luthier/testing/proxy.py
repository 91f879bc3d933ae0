"""A TCP proxy on loopback that cuts a PostgreSQL connection at the worst moment: when COMMIT was sent and not answered.

    with CuttingProxy(server.port) as proxy:
        store = PostgresStore(server.tcp_url("crowd", proxy.port))
        proxy.cut_next_commit(after_answer=True)     # the server has committed, and the client never hears of it
        store.finish(...)

Without a cut it is a wire. A client speaks to it without encryption.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

__all__ = ["CuttingProxy"]

_COMMIT = b"COMMIT\x00"  # as PostgreSQL's protocol says it, alone or after what travels with it


class CuttingProxy:
    """Listens on `port` and passes on to `server_port`. `cuts` counts what it cut."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cuts = 0
        self._armed: bool | None = None
        self._lock = Lock()
        self._open: list[socket.socket] = []
        Thread(target=self._listen, daemon=True).start()

    def cut_next_commit(self, *, after_answer: bool) -> None:
        """Passes the next COMMIT on and then cuts: at once, or when the server has answered."""
        with self._lock:
            self._armed = after_answer

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._open += [client, server]
                _Wire(self, client, server).start()

    def cuts_after(self, sent: bytes) -> bool | None:
        """None, or that the connection is cut after these bytes of a client: False at once, True when it is answered."""
        with self._lock:
            if self._armed is None or _COMMIT not in sent:
                return None
            armed, self._armed = self._armed, None
            self.cuts += 1
            return armed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # wakes the thread that waits for clients
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._open:
            _cut(end)


class _Wire:
    """One connection, both ways, until either end closes it or it is cut."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._deaf = Event()  # set when the client is to hear no more

    def start(self) -> None:
        Thread(target=self._there, daemon=True).start()
        Thread(target=self._back, daemon=True).start()

    def _there(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(65536):
                after_answer = self._proxy.cuts_after(data)
                if after_answer is not None:
                    self._deaf.set()
                self._server.sendall(data)
                if after_answer is False:
                    break
        self._end()

    def _back(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(65536):
                if not self._deaf.is_set():
                    self._client.sendall(data)
                elif _COMMIT in data:  # the server says what it did in the same word
                    break
        self._end()

    def _end(self) -> None:
        _cut(self._client)
        _cut(self._server)


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
