"""The environment's mistakes: `ConfigError`."""

from __future__ import annotations

from luthier.errors import UsageError

__all__ = ["ConfigError"]


class ConfigError(UsageError):
    """Says what of the environment is not set or can't be used; `component` is what needs it."""

    def __init__(self, component: str, message: str) -> None:
        super().__init__(component, message)
        self.component = component
        self.message = message

    def __str__(self) -> str:
        return f"For component - {self.component} - received error message: {self.message}"
