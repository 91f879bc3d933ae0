"""Attempts on Ray, put together for a session: which Ray, what each attempt needs of it, and the code for other machines.

A session that runs here never loads this. Ray is started here only where none is meant, and then it ends with the session.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from luthier.description import Description, Limits
from luthier.drive.slots import Slots
from luthier.errors import UsageError
from luthier.run.platform import cores
from luthier.run.ray_where import Cluster, Needs, connect, connected, sought

if TYPE_CHECKING:
    from luthier.run.ray_code import Code
    from luthier.run.ray_function import RayFunctionRunner
    from luthier.run.ray_runner import RayRunner

__all__ = ["OnRay", "OpenRay"]

LOG = "drivers/ray.log"


class OnRay(NamedTuple):
    """The wish to run on Ray: the address, where it was given, and custom resources that each trial takes."""

    address: str | None = None
    resources: tuple[tuple[str, float], ...] = ()

    def needs(self, limits: Limits) -> Needs:
        """What Ray is to set aside for a trial. One that names no cores takes one."""
        cpus = 1.0 if limits.cpus is None else limits.cpus
        return Needs(cpus, limits.gpus, limits.memory_bytes, dict(self.resources))

    def words(self) -> list[str]:
        """As options of the command line, for a driver in the background."""
        named = [f"--ray-resources={name}={amount:g}" for name, amount in self.resources]
        return ["--on=ray", *([f"--ray-address={self.address}"] if self.address else []), *named]


class OpenRay:
    """A Ray that a session is connected to, until `exit` is left: the one that is meant, the one this program uses already,
    else one that is started. What a person should know of it is told by `say`, once that is set.

    **Raises** UsageError where it can't be reached.
    """

    def __init__(self, on: OnRay, folder: Path, exit: ExitStack) -> None:
        self.on, self.folder = on, folder
        self.say: Callable[[str], None] = lambda text: None
        self.cluster: Cluster = connected(on.address) or self._connect(exit)
        exit.callback(self.cluster.close)

    def _connect(self, exit: ExitStack) -> Cluster:
        address = sought(self.on.address, os.environ)
        if address is None:
            from luthier.run.ray_local import LocalRay, Node

            local = LocalRay(self.folder / LOG, [Node(cores())])
            exit.callback(local.end)
            return connect(local.address, local.wait()["gcs"])
        return connect(address)

    def slots(self, limits: Limits) -> Slots:
        """The places trials run in: as many as asked for, else as many as fit. Ray hands out the GPUs itself.

        **Raises** UsageError where none fits.
        """
        room = self.cluster.room_for(self.on.needs(limits))
        return Slots([None] * (limits.parallel or room))

    def runner(
        self, limits: Limits, environment: dict[str, str], description: Callable[[], Description | None]
    ) -> RayRunner:
        """What executes the attempts. `description` is asked when code has to go to another machine."""
        from luthier.run.ray_runner import RayRunner

        def code() -> Code:
            what = description()
            assert what is not None, "nothing is sent before something is driven"
            return code_of(what, self.folder, environment)

        return RayRunner(self.cluster, self.folder, environment, self.on.needs(limits), code, self._tell)

    def function_runner(
        self,
        payload: bytes,
        limits: Limits,
        environment: dict[str, str],
        description: Callable[[], Description | None],
    ) -> RayFunctionRunner:
        """What executes a function's calls: the pickled one goes there, and the code around it where that is kept."""
        from luthier.run.ray_function import RayFunctionRunner

        def code() -> Code | None:
            what = description()
            try:
                return None if what is None else code_of(what, self.folder, environment)
            except UsageError:
                return None  # a function may need none of it; one that does says so when it is loaded

        needs = self.on.needs(limits)
        return RayFunctionRunner(payload, self.cluster, self.folder, environment, needs, code, self._tell)

    def _tell(self, text: str) -> None:
        self.say(text)


def code_of(description: Description, folder: Path, environment: dict[str, str]) -> Code:
    """The code of an experiment, kept with the store as for its record, and packed.

    **Raises** UsageError where it was not to be kept, or is too large to be kept unasked.
    """
    from luthier.bundles import tree_of
    from luthier.drive.provenance import collect
    from luthier.run.ray_code import pack

    known = collect(description, folder, environment)
    if known.code is None:
        why = known.no_code or "it is in no folder"
        raise UsageError(
            f"trials on other machines need the code of the experiment, and it was not kept: {why}; run the same command "
            "with --snapshot, which keeps it, or on nodes of this machine only"
        )
    if large := known.code.get("large"):
        names = ", ".join(str(one[0] if isinstance(one, list | tuple) else one) for one in list(large)[:3])
        raise UsageError(
            f"trials on other machines need all files of the experiment, and large ones were left out: {names}; run the same "
            "command with --snapshot, which keeps them too, or leave them out with .luthierignore"
        )
    digest = str(known.code["digest"])
    return pack(digest, str(known.code["root"]), str(tree_of(folder, digest)))
