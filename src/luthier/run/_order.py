"""What the driver asks a guardian for: one attempt. Imports nothing, for the nursery loads it."""

from __future__ import annotations

__all__ = ["Order"]


class Order:
    """What the driver asks for: one attempt. Paths, words and environment are bytes, as the kernel has them. `closing` are
    the words that end and remove the container it runs in, none where it runs in none."""

    __slots__ = ("argv", "closing", "cwd", "env", "folder", "grace", "key", "limits", "on_driver_loss")

    def __init__(
        self,
        key: str,
        argv: tuple[bytes, ...],
        env: tuple[bytes, ...],
        cwd: bytes,
        folder: bytes,
        limits: tuple[float | None, float | None, int | None],
        grace: float,
        on_driver_loss: str,
        closing: tuple[bytes, ...] = (),
    ) -> None:
        self.key = key
        self.argv = argv
        half = len(env) // 2  # all names, then all values
        self.env = dict(zip(env[:half], env[half:], strict=True))
        self.cwd = cwd
        self.folder = folder
        self.limits = limits
        self.grace = grace
        self.on_driver_loss = on_driver_loss
        self.closing = closing
