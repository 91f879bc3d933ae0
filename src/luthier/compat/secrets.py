"""What must not be stored: variables that look like secrets, and addresses with a user or a password in them.

One rule for every door that is handed variables (`spell/`, and Gradient's in `cli/`). It knows words and texts, neither
the doors nor the record. Files that hold secrets have a rule of their own, `bundles/ignoring.py`; an address that is
to be shown or kept loses its credentials in `drive/repository.py`.
"""

from __future__ import annotations

import re

__all__ = ["has_user", "is_secret", "without_user"]

_SECRET = re.compile(
    r"(?i)passw|passphrase|pass($|_)|pwd($|_)|secret|token(?!i[sz]e)|credential|key(s|\d)*($|_)|auth(?!ors?($|_))"
)
"""`TOKENIZERS_PARALLELISM`, `KEYFRAMES` and `AUTHOR` are none; where it is in doubt, a variable is one."""
_USER = re.compile(r"(?<=://)[^/\s]*@")
_TELLING = re.compile(r"(?<!ssh)://[^/?#\s]*@|://[^/\s:@]*:[^/\s]*@")
"""A user, a password or a token in an address: `postgres://ann:hunter2@host/db`, `https://token@host`. The user alone may
be a token, but not for ssh, which takes none: `ssh://git@host` tells nothing."""


def is_secret(name: str, text: str = "") -> bool:
    """Whether a variable looks like a key or a password, by its name or as an address with a user."""
    return _SECRET.search(name) is not None or has_user(text)


def has_user(text: str) -> bool:
    """Whether an address in the text holds a user or a password."""
    return _TELLING.search(text) is not None


def without_user(text: str) -> str:
    """A text without the users and passwords that may stand in its addresses."""
    return _USER.sub("", text)
