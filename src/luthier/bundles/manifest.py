"""A tree as a value: which content stands at which path, and the digest that names it.

The digest covers sorted relative paths, whether each is a file, a file that may be executed or a link, and its content;
nothing of times, owners, permissions beyond that one bit, or the order in which a folder was listed. An empty folder is
no part of a tree, as in git.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from luthier.digest import sha256
from luthier.errors import StoreError

__all__ = ["Bundle", "Entry", "Kind", "Manifest"]

Kind = Literal["code", "data"]
FORMAT = 1
_HEAD = b"luthier tree 1\0"


class Bundle(NamedTuple):
    """A snapshot: what it is of, the digest of its tree, how large it is, and the name of its folder. `notices` say what
    a person should know of how it was made: what was left out, which links were followed."""

    kind: str
    digest: str
    files: int
    size_bytes: int
    name: str
    notices: tuple[str, ...] = ()


class Entry(NamedTuple):
    """What stands at one path: `f`ile, e`x`ecutable file or `l`ink. `content` is the SHA-256 of a file's bytes; of a link it
    is where it leads."""

    path: str
    what: Literal["f", "x", "l"]
    content: str
    size_bytes: int = 0

    @property
    def is_link(self) -> bool:
        """Whether it is a link."""
        return self.what == "l"

    @property
    def object(self) -> str:
        """The name of the object that has its content."""
        return f"{self.content}.x" if self.what == "x" else self.content


class Manifest(NamedTuple):
    """All entries of a tree, sorted by the bytes of their paths."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Manifest:
        """The tree of these entries, whatever their order."""
        return cls(tuple(sorted(entries, key=lambda entry: os.fsencode(entry.path))))

    def digest(self) -> str:
        """64 hexadecimal digits that name the tree."""
        sha = sha256(_HEAD)
        for what, content, path in ((e.what, e.content, e.path) for e in self.entries):
            sha.update(b"%b %b\0%b\0" % (what.encode(), os.fsencode(content), os.fsencode(path)))
        return sha.hexdigest()

    @property
    def size_bytes(self) -> int:
        """The bytes of all its files."""
        return sum(entry.size_bytes for entry in self.entries)

    def bundle(self, kind: str, name: str, notices: tuple[str, ...] = ()) -> Bundle:
        """What names it."""
        return Bundle(kind, self.digest(), len(self.entries), self.size_bytes, name, notices)

    def to_json(self, kind: str, name: str) -> str:
        """The manifest as a file has it; names that are no UTF-8 survive."""
        what: dict[str, Any] = {"format": FORMAT, "kind": kind, "name": name}
        what |= {"files": len(self.entries), "size_bytes": self.size_bytes}
        return json.dumps({**what, "entries": self.entries}, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str, path: str) -> tuple[Manifest, dict[str, Any]]:
        """Reads what `to_json` wrote, with what it says of itself. **Raises** StoreError where that can't be."""
        try:
            data = json.loads(text)
            entries = tuple(Entry(*one) for one in data.pop("entries"))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(
                f"{path} is no bundle's manifest ({error}); delete it and make the bundle again"
            ) from error
        if data.get("format") != FORMAT:
            raise StoreError(
                f"{path} has format {data.get('format')!r}, this Luthier reads {FORMAT}; upgrade Luthier"
            )
        return cls(entries), data
