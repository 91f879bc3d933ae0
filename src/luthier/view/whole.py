"""Writes what people and doors keep: a file is whole, or as it was before."""

from __future__ import annotations

import os
from pathlib import Path

from luthier.errors import UsageError

__all__ = ["write_whole"]


def write_whole(target: Path, content: bytes, *, mode: int = 0o666, is_durable: bool = False) -> Path:
    """Puts `content` in the place of a file, and returns its path. `mode` is a new file's, less what the umask takes.

    **Holds** with `is_durable` it is on the disk on return. **Raises** UsageError where it can't be written.
    """
    draft = target.parent / f".{target.name}.{os.getpid()}"
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as file:
            file.write(content)
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, target)
    except OSError as error:
        raise UsageError(f"{target} could not be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return target
