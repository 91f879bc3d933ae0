"""Makes bundles: what a folder holds, as a digest, and kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path

from luthier.bundles.known import Known
from luthier.bundles.manifest import Bundle, Entry, Kind, Manifest
from luthier.bundles.objects import Keeper, Stopped
from luthier.bundles.rooms import adding, bundles_folder, sync
from luthier.bundles.survey import Found, Most, Survey, survey
from luthier.bundles.trees import is_whole, lay_out, said_of, write_manifest

__all__ = ["digest_of", "snapshot"]

Progress = Callable[[int, int], None]
TOLD_SECONDS = 0.1
WORKERS = 4
AHEAD = 64
FEW = 32
"""Fewer files than these are read without threads, when they are small."""


def snapshot(
    source: Path | str,
    kind: Kind,
    folder: Path,
    progress: Progress | None = None,
    *,
    most: Most | None = None,
    found: Survey | None = None,
) -> tuple[Bundle, bool]:
    """Keeps a folder, or a file, in the store's `folder`, and tells whether its content is new there.

    `progress` is told bytes done and bytes in all. What was found by `survey` before need not be looked for again.
    **Holds** on return the bundle is on disk whole; killed anywhere, nothing counts that is not, and the next call goes on.
    Two processes may do it at once.
    **Raises** UsageError for what can't be bundled, TooLarge above `most`, StoreError where the disk refuses.
    """
    found = found or survey(source, kind, most)
    with adding(folder) as (root, tmp), Known(root, found.source) as known:
        entries, copied = _kept(found, root, tmp, known, progress)
        manifest = Manifest.of([*entries, *found.links])
        bundle = manifest.bundle(found.kind, found.name, found.notices())
        is_new = not is_whole(root, bundle.digest)
        if spoiled := lay_out(root, tmp, manifest, bundle.digest):
            bundle = bundle._replace(notices=(*bundle.notices, said_of(spoiled, bundle.digest)))
            copied = copied or 1
        if copied or is_new:
            sync(root)
        write_manifest(root, tmp, manifest, bundle)
    return bundle, is_new


def digest_of(
    source: Path | str, kind: Kind, folder: Path | None = None, progress: Progress | None = None
) -> Bundle:
    """The bundle a folder would be, without keeping it. With a store's `folder`, what was seen there is not read again."""
    found = survey(source, kind)
    root = bundles_folder(folder) if folder is not None else None
    if root is not None and not os.path.isdir(root):
        root = None
    with Known(root, found.source) if root else nullcontext(Known(None, found.source)) as known:
        entries, _ = _kept(found, None, "", known, progress)
    return Manifest.of([*entries, *found.links]).bundle(kind, found.name, found.notices())


def _kept(
    found: Survey, root: str | None, tmp: str, known: Known, progress: Progress | None
) -> tuple[list[Entry], int]:
    """Reads all files, several at a time, and tells how many objects are new."""
    done, goes_on = [0], [True]

    def heard(n: int) -> bool:
        done[0] += n  # a report that is lost between threads only makes the bar a little late
        return goes_on[0]

    keeper = Keeper(root, tmp, known, heard)
    if len(found.files) <= FEW and found.size_bytes < 2**20:
        return [keeper.keep(file) for file in found.files], keeper.copied
    workers = min(WORKERS, os.cpu_count() or 1)
    entries: list[Entry] = []
    with ThreadPoolExecutor(workers, thread_name_prefix="bundle") as pool:
        try:
            for entry in _in_turn(pool, keeper, found.files):
                if entry is not None:
                    entries.append(entry)
                if progress is not None:
                    progress(min(done[0], found.size_bytes), found.size_bytes)
        except BaseException as error:
            goes_on[0] = False
            pool.shutdown(cancel_futures=True)
            if isinstance(error, Stopped):
                raise AssertionError("it was stopped by nobody") from error
            raise
    if progress is not None:
        progress(found.size_bytes, found.size_bytes)
    return entries, keeper.copied


def _in_turn(pool: ThreadPoolExecutor, keeper: Keeper, files: list[Found]) -> Iterator[Entry | None]:
    """Hands files to the threads, the large ones first, a few ahead; gives what is done, and None where only time went by."""
    waiting: set[Future[Entry]] = set()
    rest = iter(sorted(files, key=lambda file: -file.status.st_size))
    while True:
        while len(waiting) < AHEAD and (file := next(rest, None)) is not None:
            waiting.add(pool.submit(keeper.keep, file))
        if not waiting:
            return
        over, waiting = wait(waiting, TOLD_SECONDS, FIRST_COMPLETED)
        if not over:
            yield None
        for future in over:
            yield future.result()
