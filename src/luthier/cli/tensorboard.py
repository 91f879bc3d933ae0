"""`luthier tensorboard`: an experiment's trials as runs of TensorBoard, kept up to date while it is looked at."""

from __future__ import annotations

import signal
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, with_store
from luthier.cli.output import emit, many, say
from luthier.clock import SystemClock
from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.store import Store
    from luthier.view.tensorboard import Mirror

__all__ = ["command"]

_BEAT_SECONDS = 2.0
_EXAMPLE = """\
luthier tensorboard 144                      until Ctrl-C; also while the search runs
luthier tensorboard 144 --port 7000
luthier tensorboard 144 --once --logdir tb   only writes the folder; TensorBoard need not be installed
"""


@click.command("tensorboard", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=EXPERIMENT)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Where it listens, on this machine alone (default: 6006, or the next free one; 0: any free one).",
)
@click.option(
    "--logdir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the runs are written, and kept.",
)
@click.option("--once", is_flag=True, help="Only write the runs, and print where.")
@with_store
def command(place: Place, id: Id | None, port: int | None, logdir: Path | None, once: bool) -> None:
    """Shows the trials in TensorBoard, as runs named 144.1, 144.2, …, with their curves and the HParams table.

    New trials and points come up by themselves. The event files that trials wrote themselves are linked below their
    runs. Without --logdir nothing is left behind. Needs luthier[tensorboard], but for --once.
    """
    if once and port is not None:
        raise UsageError("--once starts no TensorBoard, so there is no --port; leave one of them out")
    from luthier.run.rooms import Room

    if not once:
        from luthier.view.tensorboard.server import require_tensorboard

        require_tensorboard()
    with place.read() as store:
        experiment = place.record(store, id).id
        if once:
            mirror = _mirror(
                place, store, experiment, logdir or place.folder / "tensorboard" / str(experiment)
            )
            count = mirror.refresh(SystemClock().now())
            say(f"{many(count, 'trial')} of experiment {experiment} written as runs")
            return emit(str(mirror.directory))
        with nullcontext(logdir) if logdir else Room() as folder:
            _serve(_mirror(place, store, experiment, Path(folder)), experiment, port)
    return None


def _mirror(place: Place, store: Store, experiment: int, folder: Path) -> Mirror:
    from luthier.run.folders import Folders
    from luthier.view.tensorboard import Mirror

    return Mirror(store, experiment, Folders(place.folder), folder)


def _serve(mirror: Mirror, experiment: int, port: int | None) -> None:
    """Runs TensorBoard and feeds it, until Ctrl-C or TERM. **Raises** UsageError when TensorBoard ends by itself."""
    from luthier.view.tensorboard import serving

    def leave(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        mirror.refresh(SystemClock().now())
        with serving(mirror.directory, port) as server:
            say(f"Experiment {experiment} in TensorBoard: {server.url}  (Ctrl-C ends it)")
            while server.is_running():
                time.sleep(_BEAT_SECONDS)
                mirror.refresh(SystemClock().now())
            raise server.failure()
    except KeyboardInterrupt:
        say("TensorBoard has ended.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
