"""The secret that opens the dashboard, and the addresses that hand it over once.

One token of 256 random bits a store, in a file only its owner can read, so that a browser that was let in stays in when the
dashboard is started again. What a person opens is another, made for one use: it becomes a cookie that no script can read, and
stands in no history, log or list of processes after that.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from threading import Lock

__all__ = ["Tokens", "token_of"]

FILE = "dashboard.token"
_BYTES = 32


def token_of(folder: Path) -> str:
    """The token of a store, made where there is none. **Holds** the file is its owner's alone, whatever it was before."""
    path = folder / FILE
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:  # a folder that can't be written, or a link: the token lives as long as this process
        return secrets.token_urlsafe(_BYTES)
    with os.fdopen(fd, "r+", encoding="ascii", errors="replace") as file:
        os.fchmod(fd, 0o600)
        known = file.read().strip()
        if len(known) >= _BYTES and known.isascii() and known.isprintable():
            return known
        made = secrets.token_urlsafe(_BYTES)
        file.seek(0)
        file.truncate()
        file.write(made + "\n")
        return made


class Tokens:
    """Tells who may come in. All comparisons take the same time whatever they compare."""

    def __init__(self, token: str, port: int) -> None:
        self._token = token
        # Cookies know no ports: two dashboards of one machine would take each other's.
        self.cookie_name = f"luthier-{port}"
        self.cookie = hmac.new(token.encode(), b"cookie of the dashboard", hashlib.sha256).hexdigest()
        self._keys: set[str] = set()
        self._guard = Lock()

    def new_key(self) -> str:
        """A key that opens once."""
        key = secrets.token_urlsafe(_BYTES)
        with self._guard:
            self._keys.add(key)
        return key

    def opens(self, key: str) -> bool:
        """Whether a key opens; it does not a second time."""
        with self._guard:
            found = [
                one for one in self._keys if hmac.compare_digest(one.encode(), key.encode("utf-8", "replace"))
            ]
            self._keys.difference_update(found)
        return bool(found)

    def is_cookie(self, text: str) -> bool:
        """Whether a cookie is ours."""
        return hmac.compare_digest(self.cookie.encode(), text.encode("utf-8", "replace"))

    def is_token(self, text: str) -> bool:
        """Whether a bearer has the token."""
        return hmac.compare_digest(self._token.encode(), text.encode("utf-8", "replace"))
