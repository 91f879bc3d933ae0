"""How the driver, the nursery and the guardians speak: length, then one marshalled tuple.

Both ends are always the same interpreter (the nursery is started with `sys.executable`) on a socket pair nobody
else can open, so marshal's speed costs neither compatibility nor safety. Standard library only, and as little of it
as possible: the nursery imports this.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Inbox", "pack"]

HEADER = 4


def pack(message: tuple[Any, ...]) -> bytes:
    """One message as bytes, ready to be sent whole."""
    body = marshal.dumps(message)
    return len(body).to_bytes(HEADER, "little") + body


class Inbox:
    """Turns the bytes of a stream back into messages, however they were cut."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = b""

    def feed(self, chunk: bytes) -> list[tuple[Any, ...]]:
        """Takes what was read and returns the messages that are now whole, in order."""
        data = self._left + chunk if self._left else chunk
        messages = []
        at = 0
        while len(data) - at >= HEADER:
            end = at + HEADER + int.from_bytes(data[at : at + HEADER], "little")
            if len(data) < end:
                break
            messages.append(marshal.loads(data[at + HEADER : end]))
            at = end
        self._left = data[at:]
        return messages
