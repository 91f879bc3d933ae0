"""`luthier bundle`: snapshots of code and data, by the digest of their content."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import date, emit, emit_json, many, say, size, table
from luthier.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from luthier.bundles.trees import KnownBundle

__all__ = ["command", "progress_bar"]

_EXAMPLE = """\
luthier bundle create .                    code: without what .gitignore and .luthierignore name
luthier bundle create data --data          data: everything but what .luthierignore names
luthier bundle list
luthier bundle show 57cd915045a4
luthier bundle extract 57cd915045a4 copy
"""


class _Bundles(Example, click.Group):
    """Its commands, with the example below the text."""


@click.group("bundle", cls=_Bundles, example=_EXAMPLE)
def command() -> None:
    """Keeps snapshots of folders: the same content has the same digest, whatever its times, owner and place."""


@command.command("create", cls=Example)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--data", "is_data", is_flag=True, help="It is data: only .luthierignore is honoured.")
@click.option("--dry-run", is_flag=True, help="Only say what it would be.")
@with_store
@as_json
def create(place: Place, path: Path, is_data: bool, dry_run: bool, as_json: bool) -> None:
    """Keeps a folder or a file, and prints its digest."""
    from luthier.bundles import digest_of, snapshot

    progress, kind = progress_bar(), "data" if is_data else "code"
    if dry_run:
        bundle, is_new = digest_of(path, kind, place.folder, progress), False  # type: ignore[arg-type]
    else:
        bundle, is_new = snapshot(path, kind, place.folder, progress)  # type: ignore[arg-type]
    for notice in bundle.notices:
        say(f"note: {notice}")
    if as_json:
        emit_json("bundle", {**bundle._asdict(), "is_new": is_new})
        return
    emit(bundle.digest)
    known = "would be kept" if dry_run else "kept" if is_new else "was kept before"
    say(f"{bundle.name}: {many(bundle.files, 'file')}, {size(bundle.size_bytes)}, {known}")


def progress_bar(
    least: int = 10**7, told: Callable[[float], str] = size
) -> Callable[[int, int], None] | None:
    """Shows on a terminal how far a snapshot, or what else has `told` for its units, has come, where there is much to do."""
    if not sys.stderr.isatty():
        return None
    shown = [-1]

    def progress(done: int, total: int) -> None:
        share = int(100 * done / total) if total else 100
        if total > least and share != shown[0]:
            shown[0] = share
            end = "\r" + " " * 40 + "\r" if done >= total else ""
            sys.stderr.write(f"\r{share:3d} % of {told(total)} {end}")
            sys.stderr.flush()

    return progress


@command.command("list", cls=Example)
@with_store
@as_json
def list_(place: Place, as_json: bool) -> None:
    """Lists the bundles that are kept, the newest first."""
    from luthier.bundles import known_bundles

    known = known_bundles(place.folder)
    if as_json:
        emit_json("bundles", {"bundles": [{**one.bundle._asdict(), "time": one.time} for one in known]})
        return
    if not known:
        say(f"no bundles are kept in {place.folder}")
        return
    lines = [
        (b.digest[:12], b.kind, b.name, str(b.files), size(b.size_bytes), date(time)) for b, time in known
    ]
    emit(table(("DIGEST", "KIND", "NAME", "FILES", "SIZE", "MADE"), lines, right=("FILES", "SIZE")))


@command.command("show", cls=Example)
@click.argument("digest")
@with_store
@as_json
def show(place: Place, digest: str, as_json: bool) -> None:
    """Lists the files of a bundle. Of its digest the first digits are enough."""
    from luthier.bundles import contents, tree_of

    found = _found(place, digest).bundle
    manifest = contents(place.folder, found.digest)
    if as_json:
        entries = [entry._asdict() for entry in manifest.entries]
        tree = str(tree_of(place.folder, found.digest))
        emit_json("bundle", {**found._asdict(), "tree": tree, "entries": entries})
        return
    lines = [
        (e.path, size(e.size_bytes), {"f": "", "x": "executable", "l": f"-> {e.content}"}[e.what])
        for e in manifest.entries
    ]
    emit(f"{found.digest}  {found.kind} {found.name}")
    emit(table(("PATH", "SIZE", ""), lines, right=("SIZE",)))
    say(f"{many(found.files, 'file')}, {size(found.size_bytes)}")


@command.command("extract", cls=Example)
@click.argument("digest")
@click.argument("folder", type=click.Path(path_type=Path))
@with_store
def extract(place: Place, digest: str, folder: Path) -> None:
    """Copies a bundle into a new folder, to read and to change."""
    from luthier.bundles import working_copy

    found = _found(place, digest).bundle
    if folder.exists():
        raise UsageError(f"{folder} is there already; name a new folder")
    working_copy(place.folder, found.digest, folder)
    say(f"{many(found.files, 'file')} of {found.name} in {folder}")


def _found(place: Place, digest: str) -> KnownBundle:
    """The bundle whose digest begins so. **Raises** NotFound for none, UsageError for several."""
    from luthier.bundles import known_bundles

    known = [one for one in known_bundles(place.folder) if one.bundle.digest.startswith(digest.lower())]
    if not known or not digest:
        raise NotFound(f"there is no bundle {digest!r} in {place.folder}; see: {place.hint('bundle list')}")
    if len(known) > 1:
        raise UsageError(f"{len(known)} bundles begin with {digest!r}; give more digits of it")
    return known[0]
