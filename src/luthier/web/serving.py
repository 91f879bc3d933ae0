"""Runs the dashboard: binds its addresses, says where it is, and ends it on Ctrl-C, TERM or when who started it is gone."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from luthier.errors import UsageError
from luthier.web.answers import Answers
from luthier.web.app import application
from luthier.web.guard import Guard
from luthier.web.page import Page, read_page
from luthier.web.sitting import Sitting
from luthier.web.tokens import Tokens, token_of

__all__ = ["LOOPBACK", "Dashboard", "Settings"]

LOOPBACK = ("127.0.0.1", "::1", "localhost")
PORT = 8484
_TRIED = 50


@dataclass(frozen=True, slots=True)
class Settings:
    """How a dashboard is served. `port` None is the usual one, or the next free one; `hosts` are further names it answers to;
    `base` is the path it is served below, as a proxy passes it on."""

    host: str = "127.0.0.1"
    port: int | None = None
    hosts: tuple[str, ...] = ()
    base: str = ""
    may_control: bool = False

    @property
    def is_exposed(self) -> bool:
        """Whether other machines can reach it."""
        return self.host not in LOOPBACK


class Dashboard:
    """A dashboard of one record. `say` is told the address to open, and the next one once that was used."""

    def __init__(
        self, folder: Path, settings: Settings, say: Callable[[str], None], page: Page | None = None
    ) -> None:
        self._settings = settings
        self._say = say
        self.sitting = Sitting(folder)
        try:
            self._sockets = _bound(settings)
            self.port: int = self._sockets[0].getsockname()[1]
            self.token = token_of(folder)
            self._tokens = Tokens(self.token, self.port)
            answers = Answers(self.sitting, may_control=settings.may_control)
            app = application(answers, page or read_page())
            guarded = Guard(app, self._tokens, _names(settings, self.port), settings.base, self._say_next)
            self._server = _Server(_config(guarded))
        except BaseException:
            self.sitting.close()
            raise

    @property
    def url(self) -> str:
        """Where it is, for who is known already."""
        name = "127.0.0.1" if self._settings.host in ("0.0.0.0", "::", *LOOPBACK) else self._settings.host
        name = socket.gethostname() if self._settings.is_exposed and name == "127.0.0.1" else name
        shown = f"[{name}]" if ":" in name else name
        return f"http://{shown}:{self.port}{self._settings.base}/"

    def new_address(self) -> str:
        """An address that lets one browser in, once."""
        return f"{self.url}?key={self._tokens.new_key()}"

    def _say_next(self) -> None:
        self._say(f"For another browser: {self.new_address()}")

    def run(self, started: Callable[[], None] | None = None) -> None:
        """Serves until `stop` is called, or a signal comes. `started` is called once it answers."""
        try:
            asyncio.run(self._serve(started))
        finally:
            self.close()

    async def _serve(self, started: Callable[[], None] | None) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError, RuntimeError, NotImplementedError):  # not in the main thread
                loop.add_signal_handler(number, self.stop)
        if started is not None:
            self._server.when_started = started
        await self._server.serve(sockets=self._sockets)

    def stop(self) -> None:
        """Ends it, from any thread: in order the first time, at once the second."""
        self._server.force_exit = self._server.should_exit
        self._server.should_exit = True

    def close(self) -> None:
        """Frees what it holds; may be repeated."""
        for one in self._sockets:
            one.close()
        self.sitting.close()


class _Server(uvicorn.Server):
    """Uvicorn's server, which leaves signals to who runs it, and says when it answers."""

    when_started: Callable[[], None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.when_started is not None and self.started:
            self.when_started()


def _config(app: Guard) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="websockets-sansio",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws_max_size=1 << 16,
        ws_per_message_deflate=False,  # for each client anew, of frames that are small
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=1 << 16,
    )


def _names(settings: Settings, port: int) -> list[str]:
    """The names it answers to, as browsers send them."""
    names = ["127.0.0.1", "localhost", "[::1]"]
    if settings.is_exposed:
        names.append(f"[{settings.host}]" if ":" in settings.host else settings.host)
        if settings.host in ("0.0.0.0", "::"):
            names += [socket.gethostname(), socket.getfqdn(), *_own_addresses()]
    with_port = [f"{name}:{port}" for name in names]
    if port == 80:
        with_port += names
    return [*with_port, *settings.hosts, *(f"{name}:{port}" for name in settings.hosts if ":" not in name)]


def _own_addresses() -> list[str]:
    """The addresses of this machine, as far as its own name tells them."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    names = {str(address[4][0]).partition("%")[0] for address in found}
    return sorted(f"[{name}]" if ":" in name else name for name in names)


def _bound(settings: Settings) -> list[socket.socket]:
    """The sockets, on one port: of this machine alone both of its own addresses. **Raises** UsageError."""
    hosts = ["127.0.0.1", "::1"] if not settings.is_exposed else [settings.host]
    first = PORT if settings.port is None else settings.port
    tried = range(first, min(first + _TRIED, 65536)) if settings.port is None else [first]
    for port in tried:
        made: list[socket.socket] = []
        try:
            for host in hosts:
                bound = _one(host, made[0].getsockname()[1] if made else port, is_needed=not made)
                if bound is not None:
                    made.append(bound)
            return made
        except OSError as error:
            for one in made:
                one.close()
            if error.errno != errno.EADDRINUSE or settings.port is not None:
                why = os.strerror(error.errno) if error.errno else str(error)
                raise UsageError(
                    f"the dashboard can't listen at {settings.host}, port {port}: {why.lower()}; name another with --port"
                ) from error
    raise UsageError(f"the ports {first} to {first + _TRIED - 1} are all taken; name another with --port")


def _one(host: str, port: int, *, is_needed: bool) -> socket.socket | None:
    """A socket that listens. The second address of this machine may be missing, but not be somebody else's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        info = (
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            if not host[:1].isdigit() and ":" not in host
            else None
        )
        made = socket.socket(info[0] if info else family, socket.SOCK_STREAM)
    except OSError:
        if is_needed:
            raise
        return None
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if made.family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        made.bind(info[4] if info else (host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        if is_needed or error.errno == errno.EADDRINUSE:
            raise
        return None
    made.setblocking(False)
    return made
