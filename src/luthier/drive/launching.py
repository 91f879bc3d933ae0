"""From a claim to an order: the folder, the words, the environment of one attempt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.description import Description
from luthier.digest import blake2b
from luthier.environment import Environment
from luthier.errors import TrialError
from luthier.run.environment import STAGE_VARIABLES, attempt_environment
from luthier.run.folders import AttemptFolder
from luthier.run.render import render
from luthier.run.runner import Order
from luthier.store import Claim
from luthier.trial import AttemptId

__all__ = ["attempt_key", "order_for", "surrounded", "words_of"]


def attempt_key(root: Path, created: float, id: AttemptId) -> str:
    """Returns the word that marks an attempt's processes: any driver of this store finds the same one, and no
    attempt of another store or of a removed experiment shares it."""
    what = f"{root}\n{created!r}\n{id.experiment}.{id.trial}.{id.attempt}"
    return blake2b(what.encode(), digest_size=12, person=b"luthier attempt").hexdigest()


def words_of(description: Description, claim: Claim) -> tuple[str, ...]:
    """Returns the words an attempt runs.

    **Raises** CommandError when a value can't be placed in the command.
    """
    assert description.command is not None, "only commands are run here"
    return render(
        description.command, description.texts(claim.configuration, claim.stage), description.placeholders
    )


def order_for(
    description: Description,
    claim: Claim,
    folder: AttemptFolder,
    key: str,
    slot: int,
    devices: tuple[str, ...] | None,
    root: Path,
) -> Order:
    """Prepares an attempt's folder and says what is to be run in it. `root` is the store's, which keeps images.

    **Holds** the words of a second attempt are those of the first, byte for byte, unless its stage is another.
    **Raises** CommandError when a value can't be placed in the command; TrialError when the folder can't be written.
    """
    command = description.command
    assert command is not None, "only commands are run here"
    texts = description.texts(claim.configuration, claim.stage)
    values = description.values(claim.configuration, claim.stage)
    argv = words_of(description, claim)
    try:
        folder.prepare(
            argv=argv,
            cwd=command.directory,
            texts=texts,
            values=values,
            devices=devices,
            renew=description.stages is not None,
        )
    except OSError as error:
        raise TrialError(f"{folder.path} could not be written: {error.strerror}") from error
    env = attempt_environment(
        claim.id, key, claim.run_id, claim.seed, folder, texts=texts, values=values, devices=devices
    )
    if description.stages is not None:
        env[STAGE_VARIABLES[description.stages.kind]] = description.stages.text(claim.stage)
    order = Order(claim.id, key, argv, env, command.directory, folder.path, description.limits, slot)
    return surrounded(order, description.environment, texts, values, folder, devices, root)


def surrounded(
    order: Order,
    environment: Environment | None,
    texts: Mapping[str, str],
    values: Mapping[str, Any],
    folder: AttemptFolder,
    devices: tuple[str, ...] | None,
    root: Path,
) -> Order:
    """The order among the variables and files that its experiment asks for, and in its container where it wants one.

    **Raises** TrialError when the disk refuses, and where the image can't be had.
    """
    if environment is None:
        return order
    from luthier.run.templates import surround  # most searches have none

    order = order._replace(env=surround(environment, texts, values, order.env, folder))
    if environment.image is None:
        return order
    from luthier.drive.containing import in_container

    return in_container(order, environment, folder, devices, root)
