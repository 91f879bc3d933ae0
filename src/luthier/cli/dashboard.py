"""`luthier dashboard`: the page that shows a record as it grows, until Ctrl-C; or one experiment as one static file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, with_store
from luthier.cli.output import emit, say
from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.web.serving import Dashboard

__all__ = ["command"]

_EXAMPLE = """\
luthier dashboard                        until Ctrl-C; also while searches run
luthier dashboard --open --allow-control
luthier dashboard --export best.html 144 one experiment as a file that works from disk
"""


@click.command("dashboard", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=EXPERIMENT)
@click.option(
    "--host", default="127.0.0.1", metavar="ADDRESS", help="Where it listens (default: this machine alone)."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Its port (default: 8484, or the next free one; 0: any free one).",
)
@click.option("--open", "opens", is_flag=True, help="Open it in a browser.")
@click.option("--allow-control", is_flag=True, help="Let the page pause, stop, kill, retry and enqueue.")
@click.option("--read-only", is_flag=True, help="Let the page change nothing, which is the default.")
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Answer to this name too, as a proxy sends it.",
)
@click.option("--base-path", default="", metavar="PATH", help="The path it is served below, behind a proxy.")
@click.option("--export", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write one experiment as one static file instead, the newest when no ID is given.")  # fmt: skip
@click.option("--beside", type=int, hidden=True, help="The process of the search it is started beside.")
@with_store
def command(
    place: Place,
    id: Id | None,
    host: str,
    port: int | None,
    opens: bool,
    allow_control: bool,
    read_only: bool,
    hosts: tuple[str, ...],
    base_path: str,
    export: Path | None,
    beside: int | None,
) -> int:
    """Serves a page with all experiments, their trials, curves and logs, and what the search believes. It moves by itself.

    It prints an address that lets one browser in, once. The record is only read, unless --allow-control is given.
    """
    if read_only and allow_control:
        raise UsageError("--read-only and --allow-control exclude one another; give one of them")
    if export is not None:
        return _export(place, id, export)
    from luthier.web.serving import Dashboard, Settings

    base = "/" + base_path.strip("/") if base_path.strip("/") else ""
    settings = Settings(host, port, hosts, base, allow_control)
    dashboard = Dashboard(place.folder, settings, say)
    if settings.is_exposed:
        say(
            f"warning: other machines can reach this dashboard at {host}, port {dashboard.port}; what they see travels "
            "unencrypted, and only those that were let in see it"
        )
    _serve(dashboard, id, opens, beside)
    return 0


def _serve(dashboard: Dashboard, id: Id | None, opens: bool, beside: int | None) -> None:
    from luthier.drive.background import say_ready

    os.nice(10)  # who watches gives way to what is watched
    sys.setswitchinterval(0.001)  # while a thread reads a large experiment, the others answer
    address = dashboard.new_address()

    def started() -> None:
        ends = "" if beside is not None else "  (Ctrl-C ends it)"
        say(f"Dashboard: {address}{ends}")
        if opens:
            import webbrowser
            from threading import Thread

            Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        say_ready()

    if beside is not None:
        _stay_beside(beside)
    dashboard.run(started)
    if beside is None:
        say("The dashboard has ended.")


def _stay_beside(parent: int) -> None:
    """Ends when the search that it was started beside is gone."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            sys.exit(0)


def _export(place: Place, id: Id | None, file: Path) -> int:
    """Writes an experiment as one file. It appears whole or not at all."""
    from luthier.web.answers import Answers
    from luthier.web.exporting import static_page
    from luthier.web.page import read_page
    from luthier.web.sitting import Sitting

    page = read_page()
    if not page.is_built:
        raise UsageError(
            "the page was not built into this installation, so there is nothing to export; make install builds it"
        )
    sitting = Sitting(place.folder)
    try:
        experiment = id.experiment if id else place.newest(sitting.answering)
        body = static_page(Answers(sitting), page, experiment)
    finally:
        sitting.close()
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(body)
        os.replace(part, file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{file} could not be written: {(error.strerror or str(error)).lower()}") from error
    say(f"experiment {experiment} written as one page, {len(body) / 1e6:.1f} MB")
    emit(str(file))
    return 0
