"""Where experiments and containers meet: what is decided at submission, made before the first trial, done for each.

Without an engine that works, an experiment that is not strict goes on without a container: the reason becomes its label
`without-container`, which every view of it can show. A failing image ends nothing but this driving: the experiment is
stopped with the reason, and going on with it tries again.
"""

from __future__ import annotations

from pathlib import Path

from luthier.description import WITHOUT, Description, Environment
from luthier.drive.ends import Interrupts
from luthier.drive.listener import Listener
from luthier.errors import UsageError
from luthier.run.containers import contained, making_of, ready, without
from luthier.run.containers_images import Abandoned, is_making
from luthier.run.folders import AttemptFolder, Folders
from luthier.run.runner import Order
from luthier.store import ExperimentRecord, Store, Wish

__all__ = [
    "image_failure",
    "in_container",
    "is_being_made",
    "make_ready",
    "settled",
    "why_without",
]

NO_IMAGE = "no image: "
"""Begins the reason for which an experiment was stopped whose image could not be made."""


def settled(description: Description) -> tuple[Description, str | None]:
    """The description as it will run on this machine, and what is to be said, loudly, of a container it has to do without.

    **Raises** UsageError where it may not do without.
    """
    environment, command = description.environment, description.command
    if environment is None or command is None:
        return description, None
    why = without(environment, command.directory)
    if why is None:
        labels = {name: text for name, text in description.labels.items() if name != WITHOUT}
        return description._replace(labels=labels), None
    return description._replace(labels={**description.labels, WITHOUT: why}), why


def make_ready(
    store: Store, record: ExperimentRecord, folder: Path, listener: Listener, interrupts: Interrupts
) -> None:
    """Makes the image of an experiment, if it wants one, before its first trial. A person's wish to end is heeded: then
    nothing is made, and the drive that follows starts nothing.

    **Raises** UsageError where it can't be made; the record then says so.
    """
    environment, command = record.description.environment, record.description.command

    def goes_on() -> bool:
        return not interrupts.count and store.experiment(record.id).wish in (Wish.RUN, Wish.PAUSE)

    if environment is None or environment.image is None or command is None or not goes_on():
        return
    try:
        why = ready(environment, command.directory, folder, goes_on)
    except Abandoned:
        return
    except UsageError as error:
        store.set_wish(record.id, Wish.STOP, f"{NO_IMAGE}{error}")
        raise
    _note(Path(Folders(folder).without(record.id)), why)
    if why is not None:
        listener.note(f"warning: {why}")


def _note(place: Path, why: str | None) -> None:
    """Keeps with the experiment why its trials run without a container: another one of the same image may fare otherwise."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(why or "", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{place} could not be written: {error.strerror}") from error


def in_container(
    order: Order,
    environment: Environment,
    folder: AttemptFolder,
    devices: tuple[str, ...] | None,
    root: Path,
) -> Order:
    """The order as it runs in the attempt's own container, whose image is kept with `root`, the store's folder.
    **Raises** TrialError where the image can't be had."""
    inside = contained(
        environment, order.argv, order.env, order.key, folder, root, order.cwd, order.limits, devices
    )
    return order._replace(argv=inside.argv, env=inside.env, closing=inside.closing, limits=inside.limits)


def is_being_made(record: ExperimentRecord, folder: Path) -> bool:
    """Whether somebody makes the image of this experiment now."""
    environment, command = record.description.environment, record.description.command
    if environment is None or command is None:
        return False
    making = making_of(environment, command.directory, folder)
    return making is not None and is_making(making)


def why_without(record: ExperimentRecord, folder: Path) -> str | None:
    """Why the trials of an experiment run without the container it asked for; None where they do not."""
    environment = record.description.environment
    if environment is None or environment.image is None:
        return None
    try:
        return Path(Folders(folder).without(record.id)).read_text(encoding="utf-8") or None
    except (OSError, UnicodeDecodeError):  # it has not been driven yet
        return record.description.labels.get(WITHOUT)


def image_failure(store: Store, experiment: int) -> str | None:
    """Why the image of a stopped experiment could not be made; None where that is not what stopped it."""
    wished = store.newest_wish(experiment)
    reason = str(wished.detail.get("reason", "")) if wished is not None else ""
    return reason.removeprefix(NO_IMAGE) if reason.startswith(NO_IMAGE) else None
