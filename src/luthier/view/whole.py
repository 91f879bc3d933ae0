"""Writes what people keep: a file is whole, or as it was before."""

from __future__ import annotations

import os
from pathlib import Path

from luthier.errors import UsageError

__all__ = ["write_whole"]


def write_whole(target: Path, content: bytes) -> Path:
    """Puts `content` in the place of a file, and returns its path. **Raises** UsageError where it can't be written."""
    draft = target.parent / f".{target.name}.{os.getpid()}"
    try:
        draft.write_bytes(content)
        os.replace(draft, target)
    except OSError as error:
        raise UsageError(f"{target} could not be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return target
