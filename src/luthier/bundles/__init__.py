"""What was run: snapshots of code and data, kept once for each content.

`snapshot` walks a folder (`survey`, with the rules of `ignoring`), keeps the content of every file under its SHA-256
(`objects`, with `known` for what need not be read again), and writes a small manifest whose digest names the tree
(`manifest`). `tree_of` lays such a tree out by hard links, read-only; `working_copy` makes one that may be written
(`trees`). Below the store's folder::

    bundles/objects/ab/cdef…     the content of one file, read-only; `.x` after it where it may be executed
    bundles/manifests/<digest>   a tree: which object stands at which path. There once all of it is kept
    bundles/trees/<digest>/      the tree laid out, of hard links to objects
    bundles/known/…              digests of files as they were last seen, by size, times and inode
    bundles/tmp/<word>/          what a process is at work on; the next one clears what a dead one left

This room knows no store, no trial and no driver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.bundles.manifest import Bundle, Entry, Manifest
    from luthier.bundles.snapshots import digest_of, snapshot
    from luthier.bundles.survey import SMALL, LeftOut, Most, Survey, TooLarge
    from luthier.bundles.trees import contents, known_bundles, sweep, tree_of, working_copy

_WHERE = {
    "manifest": ("Bundle", "Entry", "Manifest"),
    "snapshots": ("digest_of", "snapshot"),
    "survey": ("SMALL", "LeftOut", "Most", "Survey", "TooLarge"),
    "trees": ("contents", "known_bundles", "sweep", "tree_of", "working_copy"),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "SMALL",
    "Bundle",
    "Entry",
    "LeftOut",
    "Manifest",
    "Most",
    "Survey",
    "TooLarge",
    "contents",
    "digest_of",
    "known_bundles",
    "snapshot",
    "sweep",
    "tree_of",
    "working_copy",
]


def __getattr__(name: str) -> Any:
    """Loads what is asked for: a folder with nothing in it is not worth loading what hashes files."""
    if name in _MODULES:
        return getattr(import_module(f"luthier.bundles.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'luthier.bundles' has no attribute {name!r}")
