"""The click group of a door: it loads a command's file when it is asked for, and says of commands that are not built why."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from luthier.cli.app import Example

__all__ = ["Door"]


class Door(Example, click.Group):
    """`files` names for each command its module below `package`, with `:attribute` where that is not `command`; `hidden`
    ones are listed nowhere. `refused` says of the original's other commands why they are not here."""

    def __init__(
        self,
        name: str,
        *,
        package: str,
        files: Mapping[str, str],
        refused: Mapping[str, str],
        hidden: tuple[str, ...] = (),
        **settings: Any,
    ) -> None:
        super().__init__(name, **settings)
        self.package, self.files, self.refused, self.unlisted = package, files, refused, hidden

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands there are."""
        return [name for name in self.files if name not in self.unlisted]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A command by its name."""
        if name not in self.files:
            return None
        file, _, attribute = self.files[name].partition(":")
        found: click.Command = getattr(import_module(f"{self.package}.{file}"), attribute or "command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuses what is not built with the reason, and names the nearest of what is."""
        if args and args[0] in self.refused:
            raise click.UsageError(f"{args[0]} is not built: {self.refused[args[0]]}", ctx)
        if args and args[0] not in self.files and not args[0].startswith("-"):
            from luthier.space.nearest import hint

            raise click.UsageError(
                f"there is no command {args[0]!r}{hint(args[0], self.list_commands(ctx))}", ctx
            )
        return super().resolve_command(ctx, args)
