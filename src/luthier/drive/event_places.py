"""Where the event files of one attempt are looked for: in its own folder, beside its program, where a user says.

This is where the processes that `run.footprint` finds and the files that `metrics.event_files` reads meet.
"""

from __future__ import annotations

import os

from luthier.description import Command, Description
from luthier.errors import CommandError
from luthier.metrics.event_files import EventFiles, Places
from luthier.run.folders import AttemptFolder
from luthier.run.footprint import Footprint
from luthier.run.render import render
from luthier.store import Claim

__all__ = ["event_files"]


def event_files(description: Description, claim: Claim, folder: AttemptFolder) -> EventFiles:
    """The event files of an attempt."""
    command = description.command
    if command is None:
        return EventFiles(Places(folder.path))
    places = Places(folder.path, command.directory, *_named(command, description, claim, folder))
    return EventFiles(places, Footprint(folder.path))


def _named(
    command: Command, description: Description, claim: Claim, folder: AttemptFolder
) -> tuple[str | None, bool]:
    """The folder that `--tensorboard-dir` means for this attempt, and whether no other trial writes there."""
    if command.tensorboard is None:
        return None, False
    own = {
        "LUTHIER_TRIAL": f"{claim.id.experiment}.{claim.id.trial}",
        "LUTHIER_RUN_ID": str(claim.run_id),
        "LUTHIER_RUN_DIR": folder.path,
        "LUTHIER_OUTPUT_DIR": folder.outputs,
        "LUTHIER_CHECKPOINT_DIR": folder.checkpoint,
    }
    text = command.tensorboard
    for name, value in own.items():
        text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
    is_private = text != command.tensorboard
    template = command._replace(words=("folder", text), shell=False, as_args=False, from_environment=True)
    try:
        words = render(
            template, description.texts(claim.configuration, claim.stage), description.placeholders
        )
    except CommandError:
        return None, False  # the command itself can't be rendered either, and says so
    path = os.path.expanduser(words[1]) if len(words) > 1 else "."
    return os.path.normpath(os.path.join(command.directory, path)), is_private
