"""Loads a library that an integration is for, or says which extra brings it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["MissingLibrary", "needed"]


class MissingLibrary(ImportError):
    """Says which library is missing and how to install it. An ImportError, as programs expect of an import."""


def needed(module: str, library: str, extra: str) -> Any:
    """The module, loaded. **Raises** MissingLibrary, naming the extra, when the library is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise  # the library is there and lacks something of its own, which its message names
        raise MissingLibrary(
            f"luthier.integrations.{extra} needs {library}, which is not installed; pip install 'luthier[{extra}]'",
            name=error.name,
        ) from None
