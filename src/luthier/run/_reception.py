"""The door that workers come through: a socket in the runner's folder, and who stands before it.

A stranger is let in once it has said hello and shown a token; whose token it is, and what is said after that, is the
runner's (`function.py`).
"""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress
from typing import NamedTuple

from luthier.run._door import bind
from luthier.run._links import Link

__all__ = ["Heard", "Reception"]


class Heard(NamedTuple):
    """What one look found: who has come with which token, and who of those let in before has said something."""

    came: list[tuple[Link, str]]
    speaking: list[Link]
    is_anything: bool


class Reception:
    """Listens at a path, and at all links that came in there."""

    def __init__(self, path: str) -> None:
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        bind(self._door, path)
        self._door.listen(64)
        self._door.setblocking(False)
        # One selector within the caller's: it is readable when anything in it is ready.
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._door, selectors.EVENT_READ, None)
        self._strangers: set[Link] = set()

    @property
    def is_open(self) -> bool:
        """Whether it was not closed yet."""
        return self._door.fileno() >= 0

    def fileno(self) -> int:
        """What to watch: readable while there is something to look at."""
        return self._selector.fileno()

    def look(self) -> Heard:
        """Lets in who waits, and sends on what links have kept."""
        came: list[tuple[Link, str]] = []
        speaking: list[Link] = []
        ready = self._selector.select(0)
        for key, mask in ready:
            link = key.data
            if link is None:
                self._let_in()
            elif link in self._strangers:
                token = self._token(link)
                if token is not None:
                    came.append((link, token))
            else:
                if mask & selectors.EVENT_WRITE:
                    link.flush()
                if mask & selectors.EVENT_READ:
                    speaking.append(link)
        return Heard(came, speaking, bool(ready))

    def _let_in(self) -> None:
        with suppress(BlockingIOError):
            end, _ = self._door.accept()
            self._strangers.add(Link(end, self._selector))

    def _token(self, link: Link) -> str | None:
        """The token a stranger shows; None while it has said nothing. Who says anything else is turned away."""
        try:
            messages = link.receive()
        except (EOFError, ValueError, TypeError):  # no message of ours
            messages = [("nonsense", "")]
        if not messages and not link.lost:
            return None
        self._strangers.discard(link)
        word, token = messages[0][:2] if messages and len(messages[0]) > 1 else ("", "")
        if word != "hello" or link.lost:
            link.close()
            return None
        return str(token)

    def close(self) -> None:
        """Shuts the door before the strangers. The other links are their holders' to close, before this."""
        for link in self._strangers:
            link.close()
        self._strangers.clear()
        self._door.close()
        self._selector.close()
