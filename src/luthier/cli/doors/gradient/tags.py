"""The commands that change an experiment's tags, which Gradient has at two places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from luthier.cli.app import CONTEXT
from luthier.cli.doors.gradient.options import keyed, with_id
from luthier.cli.options import Place, with_store
from luthier.cli.output import emit

__all__ = ["tags_group"]


def tags_group(noun: str) -> click.Group:
    """`tags add` and `tags remove`; `noun` is what their last words call an experiment."""

    @click.group("tags", context_settings=CONTEXT)
    def command() -> None:
        """Manage the tags of an experiment."""

    @command.command("add")
    @_tagging
    def add_command(place: Place, id_: str, tags: tuple[str, ...], tags_comma: str | None) -> None:
        """Adds tags to an experiment."""
        _change(place, id_, tags, tags_comma, adds=True)
        emit(f"Tags added to {noun}")

    @command.command("remove")
    @_tagging
    def remove_command(place: Place, id_: str, tags: tuple[str, ...], tags_comma: str | None) -> None:
        """Removes tags from an experiment."""
        _change(place, id_, tags, tags_comma, adds=False)
        emit(f"Tags removed from {noun}")

    return command


def _tagging(function: Callable[..., Any]) -> Callable[..., Any]:
    made = click.option("--tags", "tags_comma", metavar="A,B", help="Tags, separated by commas.")(
        with_store(keyed(function))
    )
    return with_id(click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")(made))


def _change(place: Place, id: str, tags: tuple[str, ...], commas: str | None, *, adds: bool) -> None:
    """Adds or removes tags. **Raises** click.UsageError where none are given."""
    from luthier.cli.doors.gradient.creating import split_tags
    from luthier.cli.doors.gradient.record import find

    wanted = split_tags(tags, commas)
    if not wanted:
        raise click.UsageError("no tags provided", click.get_current_context())
    room, tuning = find(place.folder, id)
    left = {*tuning.tags, *wanted} if adds else set(tuning.tags) - set(wanted)
    room.write(replace(tuning, tags=tuple(sorted(left))))
