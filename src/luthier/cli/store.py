"""`luthier store`: moves experiments between stores, such as from this machine to a PostgreSQL that others see."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.bundle import progress_bar
from luthier.cli.options import EXPERIMENT, Id, Place, as_json
from luthier.cli.output import emit_json, many, say
from luthier.errors import AliveError, NotFound, StoreError, UsageError
from luthier.store.copying import Copied

__all__ = ["command"]

_EXAMPLE = """\
luthier store copy .luthier postgresql://me@db/search
luthier store copy postgresql://me@db/search .luthier --experiment 3
"""
_BESIDE = ("trials", "hyperopt")
"""What an experiment has in its store's folder that goes along; what can be made anew does not."""


class _Verbs(Example, click.Group):
    """Its commands, with the example below the text."""


@click.group("store", cls=_Verbs, example=_EXAMPLE)
def command() -> None:
    """Moves experiments between stores: a folder of this machine, a PostgreSQL database."""


@command.command(cls=Example, example=_EXAMPLE)
@click.argument("source")
@click.argument("target")
@click.option(
    "-e",
    "--experiment",
    "ids",
    type=EXPERIMENT,
    multiple=True,
    metavar="ID",
    help="Only this one; may be repeated (default: all).",
)
@click.option("--no-files", is_flag=True, help="Only the record: no folders of trials, no code.")
@as_json
def copy(source: str, target: str, ids: tuple[Id, ...], no_files: bool, as_json: bool) -> None:
    """Copies experiments from the store SOURCE to the store TARGET while nobody works on them.

    Both are a folder or the URL of a PostgreSQL database. The record arrives row for row, which is counted and compared by
    digests; with it go the folders of the trials and the code they ran. An empty store keeps the experiments' numbers. The
    same command with --store TARGET, or LUTHIER_STORE, goes on with them there. SOURCE is left as it is.
    """
    here, there = _place(source), _place(target)
    if here.folder.resolve() == there.folder.resolve():
        raise UsageError("SOURCE and TARGET are the same store; name two")
    copied = _copy_record(here, there, [id.experiment for id in ids])
    if not no_files:
        _copy_files(here.folder, there, copied)
    if as_json:
        emit_json("copied", {"experiments": [each._asdict() for each in copied]})
        return
    for each in copied:
        rows = f"{many(each.rows['trials'], 'trial')}, {many(each.rows['points'], 'point')}"
        name = "" if each.source == each.target else f", which is {each.target} there"
        say(f"experiment {each.source}{name}: {rows}; all {sum(each.rows.values())} rows compared")
    if copied:
        say(f"To go on there: {there.hint(f'resume {copied[-1].target}')}")


def _place(text: str) -> Place:
    from luthier.store.location import store_folder

    return Place(store_folder(text, Path.cwd()))


def _copy_record(here: Place, there: Place, ids: Sequence[int]) -> list[Copied]:
    from luthier.drive.alive import Alive
    from luthier.store.copying import copy_experiments
    from luthier.store.sql_store import SqlStore

    with here.read() as source:
        wanted = list(ids) or [record.id for record in source.experiments()]
        if not wanted:
            raise NotFound(f"there is no experiment in {here.folder}")
        alive = Alive(here.folder)
        for number in wanted:
            if alive.is_driven(number):
                raise AliveError(
                    f"experiment {number} is being driven; end that first: {here.hint(f'stop {number}')}"
                )
        with there.change(create=True) as target:
            assert isinstance(source, SqlStore) and isinstance(target, SqlStore), "no other has an address"
            return copy_experiments(
                source, target, wanted, progress_bar(1000, lambda n: many(int(n), "trial"))
            )


def _copy_files(folder: Path, there: Place, copied: Sequence[Copied]) -> None:
    """Brings what lies beside the record. It may be repeated: what is there is left."""
    from luthier.bundles.depots import FolderDepot
    from luthier.bundles.rooms import bundles_folder
    from luthier.bundles.travel import fetch
    from luthier.drive.provenance import Provenance

    for each in copied:
        for name in _BESIDE:
            origin, place = folder / name / str(each.source), there.folder / name / str(each.target)
            if origin.is_dir() and not place.exists():
                try:
                    shutil.copytree(origin, place, symlinks=True)
                except (OSError, shutil.Error) as error:
                    shutil.rmtree(place, ignore_errors=True)
                    raise StoreError(
                        f"the record of experiment {each.source} is copied, but {origin} could not be: {error}; copy it to "
                        f"{place} yourself"
                    ) from error
    with there.read() as store:
        digests: set[str] = set()
        for each in copied:
            digests.update(store.experiment(each.target).description.bundles.values())
            for sheet in store.sheets(each.target):
                digests.update(Provenance.from_text(sheet.text).digests.values())
    kept = FolderDepot(Path(bundles_folder(folder)))
    for digest in sorted(digests):
        if kept.has(f"manifests/{digest}"):
            fetch(there.folder, digest, kept)
