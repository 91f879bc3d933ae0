"""What the tests of the dashboard share: one that runs in a thread, and a client that sends exactly what it is told."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from luthier.store import Store, open_store
from luthier.store.sqlite import SqliteStore
from luthier.testing.store_scene import StoreScene, describe
from luthier.web.page import Page, Served, read_page
from luthier.web.serving import Dashboard, Settings

INDEX = b"""<!doctype html><html lang="en"><head><meta charset="utf-8" /><title>luthier</title>
<script type="module" crossorigin src="./assets/index-1.js"></script>
<link rel="stylesheet" crossorigin href="./assets/index-1.css"></head><body><div id="page"></div></body></html>"""
PAGE = Page(
    {
        "index.html": Served("text/html; charset=utf-8", INDEX, b"", False),
        "assets/index-1.js": Served("text/javascript", b"let a = '</script>' + 1 // <!--", b"", True),
        "assets/index-1.css": Served("text/css", b"body { margin: 0 }", b"", True),
    }
)
"""Stands for the page that is built elsewhere."""


@dataclass
class Reply:
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """It as JSON."""
        return json.loads(self.body)


class Client:
    """A browser that was let in, or says whatever it likes."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard = dashboard
        self.port = dashboard.port
        self.host = f"127.0.0.1:{self.port}"
        self.cookie = f"{dashboard._tokens.cookie_name}={dashboard._tokens.cookie}"
        self.ours = {"Origin": f"http://{self.host}", "X-Luthier": "1", "Sec-Fetch-Site": "same-origin"}

    def ask(
        self, method: str, path: str, *, known: bool = True, body: Any = None, **headers: str | None
    ) -> Reply:
        """Sends one request. Names of headers have `_` for `-`; one that is None is left out."""
        given = {"Host": self.host, **({"Cookie": self.cookie} if known else {})}
        given |= {name.replace("_", "-").title(): value for name, value in headers.items()}  # type: ignore[misc]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, "/", skip_host=True, skip_accept_encoding=True)
            # What http.client would refuse to send is sent all the same.
            connection._buffer[0] = f"{method} {path} HTTP/1.1".encode("utf-8", "surrogateescape")
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Reply:
        """Asks as the page does."""
        return self.ask("GET", path, **headers)

    def post(self, what: Any) -> Reply:
        """Sends a verb as the page does."""
        headers = {name.replace("-", "_"): value for name, value in self.ours.items()}
        return self.ask("POST", "/api/control", body=json.dumps(what).encode(), **headers)

    def socket(self, **settings: Any) -> ClientConnection:
        """Opens the socket of a tab."""
        headers = {"Cookie": self.cookie, **settings.pop("additional_headers", {})}
        return connect(
            f"ws://{self.host}/api/live",
            origin=settings.pop("origin", f"http://{self.host}"),
            additional_headers=headers,
            proxy=None,
            **settings,
        )


@contextmanager
def serving(folder: Path, *, real_page: bool = False, **settings: Any) -> Iterator[Client]:
    """A dashboard of a record while the body runs."""
    said: list[str] = []
    made = Dashboard(folder, Settings(port=0, **settings), said.append, read_page() if real_page else PAGE)
    is_up = threading.Event()
    thread = threading.Thread(target=made.run, args=(is_up.set,), daemon=True)
    thread.start()
    assert is_up.wait(30)
    try:
        client = Client(made)
        client.said = said  # type: ignore[attr-defined]
        yield client
    finally:
        made.stop()
        thread.join(30)
        assert not thread.is_alive()


class Scene(StoreScene):
    """A record whose verbs are called by hand."""

    def __init__(self, folder: Path, *, is_file: bool = True) -> None:
        from itertools import count

        from luthier.clock import SystemClock

        self.folder = folder
        self.clock = SystemClock()  # type: ignore[assignment]
        self._nonces = count(1)
        self.store: Store = open_store(folder)
        assert isinstance(self.store, SqliteStore) == is_file


def heard(socket: ClientConnection, kind: str, seconds: float = 20.0) -> dict[str, Any]:
    """The next frame of a kind."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=seconds))
        if frame["kind"] == kind:
            return frame


def named(name: str) -> Any:
    """A description whose every name is `name`."""

    from luthier.description import Objective
    from luthier.space import Categorical, Float, Parameter, Space

    space = Space([Parameter(name, Float(0.0, 1.0)), Parameter("choice", Categorical.of([name, "other"]))])
    return describe()._replace(space=space, objective=Objective(name), name=name, labels={name: name})
