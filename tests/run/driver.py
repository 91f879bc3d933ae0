"""A driver to be killed: runs one order, and the same again behind it, which must never begin."""

import os
import sys

from luthier.description import Limits
from luthier.run.command import CommandRunner
from luthier.run.folders import Folders
from luthier.run.runner import Order
from luthier.trial import AttemptId

root, key, on_driver_loss, grace, *argv = sys.argv[1:]
limits = Limits(grace_seconds=float(grace), on_driver_loss=on_driver_loss)  # type: ignore[arg-type]
folders = Folders(root)
runner = CommandRunner(root)
env = {
    name: value
    for name, value in os.environ.items()
    if name.startswith(("LUTHIER_", "SHAPES", "PYTHON", "FIN"))
}
for trial in (1, 2):
    folder = folders.attempt(1, trial, 1)
    folder.prepare(argv=argv, cwd=root, texts={}, values={})
    own = {**env, "LUTHIER_ATTEMPT_KEY": key if trial == 1 else f"{key}-next"}
    runner.start(
        Order(AttemptId(1, trial, 1), own["LUTHIER_ATTEMPT_KEY"], tuple(argv), own, root, folder.path, limits)
    )
while True:
    runner.events(None)
