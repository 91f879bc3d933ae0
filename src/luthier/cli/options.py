"""What several commands take: the store, `--json`, and the numbers of experiments and trials.

Use `with_store` on a command to be handed a `Place`, the folder of the record with the ways to open it. An ID is
`144` or `144.7`; where it may be left out, `Place.newest` stands in. Nothing is opened before a command asks.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from luthier.errors import NotFound, UsageError

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord, Store

__all__ = [
    "EXPERIMENT",
    "ID",
    "NAMED",
    "Id",
    "Named",
    "Place",
    "as_json",
    "with_store",
]


class Id(NamedTuple):
    """An experiment, or with `trial` one of its trials."""

    experiment: int
    trial: int | None = None

    def __str__(self) -> str:
        return str(self.experiment) if self.trial is None else f"{self.experiment}.{self.trial}"


class _IdType(click.ParamType[Id]):
    """Reads `144` and, where trials are allowed, `144.7`."""

    name = "ID"

    def __init__(self, trials: bool) -> None:
        self._trials = trials

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Id:
        if isinstance(value, Id):
            return value
        experiment, dot, trial = str(value).partition(".")
        if not _is_number(experiment) or (dot and not _is_number(trial)):
            form = "an experiment or trial, like 144 or 144.7" if self._trials else "an experiment, like 144"
            raise UsageError(f"{value!r} is no ID; write the number of {form}")
        if dot and not self._trials:
            raise UsageError(f"{value!r} is a trial; give the experiment alone: {experiment}")
        return Id(int(experiment), int(trial) if dot else None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 2**63


class _NamedType(click.ParamType["Named"]):
    """Reads `NAME=VALUE`."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Named:
        if isinstance(value, Named):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            raise UsageError(f"{value!r} is not NAME=VALUE, such as rate=0.1")
        return Named(name, text)


class Named(NamedTuple):
    """A name and the text it was given."""

    name: str
    text: str


ID = _IdType(trials=True)
EXPERIMENT = _IdType(trials=False)
NAMED = _NamedType()


class Place(NamedTuple):
    """The folder a record is kept in, and the ways to open it."""

    folder: Path

    @property
    def is_made(self) -> bool:
        """Whether there is a record."""
        from luthier.store.location import is_store

        return is_store(self.folder)

    def hint(self, words: str) -> str:
        """The line `luthier WORDS`, with `--store` where it would find another record without."""
        from luthier.store.location import store_folder

        bare = store_folder(os.environ.get("LUTHIER_STORE"), Path.cwd())
        is_found = os.path.realpath(bare) == os.path.realpath(self.folder)
        return f"luthier {words}" + ("" if is_found else f" --store {shlex.quote(str(self.folder))}")

    @contextmanager
    def read(self) -> Iterator[Store]:
        """Opens the record to look at it. **Raises** NotFound when there is none."""
        from luthier.store import open_store

        store = open_store(self.folder, read_only=True)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def change(self, *, create: bool = False) -> Iterator[Store]:
        """Opens the record to change it. **Raises** NotFound when there is none, unless it is to be created."""
        from luthier.store import open_store

        if not create and not self.is_made:
            raise NotFound(
                f"there is no store in {self.folder}; run a search first, or name one with --store"
            )
        store = open_store(self.folder)
        try:
            yield store
        finally:
            store.close()

    def newest(self, store: Store) -> int:
        """The newest experiment. **Raises** NotFound when there is none."""
        records = store.experiments()
        if not records:
            raise NotFound(f"there is no experiment in {self.folder} yet; begin with: luthier help grid")
        return max(record.id for record in records)

    def record(self, store: Store, id: Id | None) -> ExperimentRecord:
        """The experiment that is meant, the newest when none is named. **Raises** NotFound."""
        return store.experiment(id.experiment if id else self.newest(store))

    def activity(self, store: Store) -> Callable[[int], bool]:
        """A function telling whether a driver or a living worker is at an experiment."""
        from luthier.drive.alive import Alive

        alive = Alive(self.folder)

        def is_active(experiment: int) -> bool:
            if alive.is_driven(experiment):
                return True
            return any(alive.lives(held) for held in store.held(experiment))

        return is_active

    def runs_on(self, store: Store, id: Id) -> bool:
        """Whether trials go on under their guardians although their driver is gone."""
        from luthier.run.adopted import is_guarded
        from luthier.run.folders import Folders

        folders = Folders(self.folder)
        running = [held.id for held in store.held(id.experiment) if id.trial in (None, held.id.trial)]
        return any(is_guarded(folders.attempt(*one).path) for one in running)


def with_store(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--store`, and hands the command its `place`."""

    def place(ctx: click.Context, _parameter: click.Parameter, text: str | None) -> Place:
        from luthier.store.location import store_folder

        given = text or ctx.find_root().obj
        if given is not None and not isinstance(given, str):
            raise UsageError("--store takes a folder")
        return Place(store_folder(given, Path.cwd()))

    return click.option(
        "--store",
        "place",
        metavar="FOLDER",
        envvar="LUTHIER_STORE",
        callback=place,
        help="Where the record is kept.  [env: LUTHIER_STORE; default: .luthier]",
    )(function)


def as_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document; see docs/json.md.")(
        function
    )
