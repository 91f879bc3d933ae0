"""How the record names a function, and notices that it has changed."""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["CODE", "digest_of", "title_of"]

CODE = "code"
"""The label under which an experiment keeps the digest of its function's source."""


def title_of(function: Callable[..., Any]) -> str:
    """A function's name in the record: its file or module, and its own."""
    module = getattr(function, "__module__", None) or type(function).__module__
    if module == "__main__":
        main = getattr(sys.modules.get("__main__"), "__file__", None)
        module = os.path.basename(main) if main else "__main__"
    own = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{module}:{own.replace('<locals>.', '')}"


def digest_of(function: Callable[..., Any] | None) -> dict[str, str]:
    """The label with the digest of a function's own source; none where it has no source to read."""
    try:
        source = inspect.getsource(function)  # type: ignore[arg-type]
    except (OSError, TypeError):
        return {}
    return {CODE: hashlib.sha256(source.encode()).hexdigest()[:12]}
