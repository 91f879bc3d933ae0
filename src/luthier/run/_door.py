"""Sockets in folders with long names: the path of a socket may have about 100 bytes, that of a folder 4,096.

Where a path is too long, the folder is opened and the socket is reached by way of that descriptor. Standard library only:
a worker imports this before anything else.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

__all__ = ["bind", "connect"]

LONGEST = 100
"""Linux takes 107 bytes, macOS 103."""


def bind(end: socket.socket, path: str) -> None:
    """Gives a socket its path."""
    _by_short_path(end.bind, path)


def connect(end: socket.socket, path: str) -> None:
    """Connects to the socket at a path."""
    _by_short_path(end.connect, path)


def _by_short_path(verb: Callable[[Any], None], path: str) -> None:
    if len(os.fsencode(path)) <= LONGEST or not os.path.isdir("/proc/self/fd"):
        verb(path)
        return
    folder, name = os.path.split(path)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        verb(f"/proc/self/fd/{fd}/{name}")
    finally:
        os.close(fd)
