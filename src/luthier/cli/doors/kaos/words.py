"""How kaos speaks: `Info - …`, `Warning - …`, its exit code 1, its groups of commands without `-h` for help.

Every foreseen error of Luthier that a kaos command meets is said in this form. Words that click itself refuses keep
Luthier's form and exit code 2.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from luthier.cli.app import Example
from luthier.cli.output import can_print, emit, paint, say
from luthier.errors import LuthierError

__all__ = [
    "CHECK",
    "CROSS",
    "PROGRESS",
    "SETTINGS",
    "KaosError",
    "KaosGroup",
    "KaosWarning",
    "command",
    "info",
    "notice",
    "symbol",
    "warn",
]

SETTINGS = {"help_option_names": ["--help"], "max_content_width": 100}
"""`-h` means hyperparameters here."""

CHECK, CROSS, PROGRESS = "✔", "✗", "⨂"
_PLAIN = {CHECK: "v", CROSS: "x", PROGRESS: "o"}


class KaosError(LuthierError):
    """Is raised for what kaos's own commands refuse; they leave with 1."""

    exit_code = 1


class KaosWarning(KaosError):
    """A refusal that kaos words as a warning."""


class KaosGroup(click.Group):
    """A group of kaos's commands: lists them as they were added, and says errors as kaos does."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        settings["context_settings"] = {**SETTINGS, **(settings.get("context_settings") or {})}
        super().__init__(*args, **settings)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from luthier.space.nearest import hint

            raise click.UsageError(f"there is no command {args[0]!r}{hint(args[0], self.commands)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LuthierError as error:
            word = ("Warning", "yellow") if isinstance(error, KaosWarning) else ("Error", "red")
            say(f"{_painted(*word)} - {error}")
            ctx.exit(error.exit_code)


def command(group: click.Group, name: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Adds a command to a group of kaos's."""
    return group.command(name, cls=Example, example=example, context_settings=SETTINGS)


def info(message: str) -> None:
    """Prints what kaos prints on standard output, with its word in front."""
    emit(f"{paint('Info', 'bold', 'green')} - {message}")


def notice(message: str) -> None:
    """Tells a person what kaos did not print; it does not get among the data."""
    say(f"{_painted('Info', 'green')} - {message}")


def warn(message: str) -> None:
    """Warns a person."""
    say(f"{_painted('Warning', 'yellow')} - {message}")


def _painted(word: str, colour: str) -> str:
    return paint(word, "bold", colour) if sys.stderr.isatty() else word


def symbol(mark: str) -> str:
    """✔, ✗ or ⨂; a letter where standard output has no such sign."""
    return mark if can_print(mark) else _PLAIN[mark]
