"""What the Gradient door keeps of an experiment, and where: `gradient/<id>/` of the store's folder.

    experiment.json    what was asked for, without keys and passwords; readable by its owner alone
    tasks.json         the attempts of each task, and what was wished; written by who supervises
    workspace/         the project as it was fetched
    tasks/<name>/      one task: its own workspace, environment and attempts (`run.folders` has their files)
    failure            why they could not be begun, if so
    creating           held while it is created; `sweep` removes what a killed process left
    lock               held by who supervises, whose process it names: a killed one is known to be gone

The trials are not here: the tuning program keeps them in the store, in an experiment of the same name (`searches`).
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import string
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.errors import NotFound, StoreError, UsageError
from luthier.run.folders import AttemptFolder

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord, Store

__all__ = [
    "FAILURE",
    "SERVER",
    "STORE",
    "Room",
    "Run",
    "Task",
    "Tuning",
    "find",
    "new_id",
    "searches",
    "sweep",
    "tunings",
]

CREATING = "creating"
FAILURE = "failure"
"""The file that says why the tasks could not be begun."""
SERVER = "server"
STORE = "store"
LETTERS = string.ascii_lowercase + string.digits
SHORTEST = 4
"""So many letters of an id at least stand for it where no other begins so."""


@dataclass(frozen=True)
class Tuning:
    """A hyperparameter experiment as it was asked for. `labels` are options that change nothing here; `secret_names` are the
    variables whose values are never written. `code` is the digest of the workspace as it was fetched."""

    id: str
    name: str
    tuning_command: str
    worker_command: str
    worker_count: int
    worker_container: str
    worker_machine_type: str
    created: float
    project_id: str | None = None
    server_container: str | None = None
    server_machine_type: str | None = None
    workspace: str = "none"
    commit: str | None = None
    code: str | None = None
    working_directory: str | None = None
    model_path: str | None = None
    ports: str | None = None
    use_dockerfile: bool = False
    tags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    secret_names: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    no_container: str | None = None
    strict: bool = False

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that are processes, the tuning command first."""
        return SERVER, *(f"worker-{number}" for number in range(1, self.worker_count + 1))

    def job(self, task: str) -> str:
        """The id of a task, or of the store, as a job."""
        return f"{self.id}-{task}"


@dataclass(frozen=True)
class Run:
    """One attempt of a task. `outcome` is None until it has ended."""

    number: int
    key: str
    began: float | None = None
    ended: float | None = None
    outcome: str | None = None
    reason: str | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class Task:
    """A task and its attempts, the newest last. `first` is where the newest start of the experiment begins."""

    name: str
    runs: tuple[Run, ...] = ()
    first: int = 0

    @property
    def last(self) -> Run | None:
        """The newest attempt since the last start."""
        return self.runs[-1] if len(self.runs) > self.first else None

    def noted(self, run: Run) -> Task:
        """With this attempt in the place of its number."""
        return replace(self, runs=(*(r for r in self.runs if r.number != run.number), run))


class Room:
    """The folder of one experiment."""

    def __init__(self, store: Path, id: str) -> None:
        self.store = store.absolute()
        self.id = id
        self.path = self.store / "gradient" / id

    # ------------------------------------------------------------------ what was asked for

    def write(self, tuning: Tuning) -> None:
        """Keeps an experiment, or what changed of it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self.path / "experiment.json", asdict(tuning))

    def read(self) -> Tuning:
        """**Raises** NotFound where there is none (any more), StoreError where it can't be read."""
        try:
            data = json.loads((self.path / "experiment.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"there is no experiment {self.id} in {self.store}") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.path / 'experiment.json'} can't be read: {error}") from error
        known = {one.name for one in fields(Tuning)}
        made: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in data.items() if name in known
        }
        return Tuning(**made)

    # ------------------------------------------------------------------ how its tasks stand

    def write_tasks(self, tasks: dict[str, Task]) -> None:
        """Keeps how the tasks stand."""
        _write(self.path / "tasks.json", {name: asdict(task) for name, task in tasks.items()})

    def read_tasks(self) -> dict[str, Task]:
        """The tasks by name; none before the first start."""
        try:
            data: dict[str, Any] = json.loads((self.path / "tasks.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {
            name: Task(name, tuple(Run(**run) for run in task["runs"]), task["first"])
            for name, task in data.items()
        }

    def attempt(self, task: str, number: int) -> AttemptFolder:
        """The files of one attempt of a task."""
        place = f"{self.path}/tasks/{task}"
        return AttemptFolder(place, f"{place}/attempt-{number}")

    # ------------------------------------------------------------------ who creates, who supervises

    @contextmanager
    def created(self) -> Iterator[None]:
        """Holds the folder while the body fills it, so that nobody sweeps it."""
        # It gets its name once it is locked, so that nobody finds it unlocked while its maker lives.
        draft = self.path / ".creating"
        with open(draft, "wb") as file:
            with suppress(OSError):  # a file system without locks: then nobody sweeps it
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.rename(self.path / CREATING)
            yield
        for path in (draft, self.path / CREATING):
            path.unlink(missing_ok=True)

    @property
    def is_supervised(self) -> bool:
        """Whether a living process looks after the tasks."""
        try:
            with open(self.path / "lock", "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """Looks after the tasks while the body runs. **Raises** UsageError where another process does."""
        with open(self.path / "lock", "ab") as file:
            try:
                _lock(file.fileno())
            except BlockingIOError:
                raise UsageError(
                    f"experiment {self.id} is running; end it first with: "
                    f"luthier gradient experiments stop --id {self.id}"
                ) from None
            file.truncate(0)
            file.write(b"%d\n" % os.getpid())
            file.flush()
            yield

    @property
    def no_workers(self) -> Path:
        """There while no worker is left: then the tuning program evaluates by itself."""
        return self.path / "no-workers"

    def wish_to_stop(self) -> None:
        """Asks whoever supervises to end all tasks."""
        (self.path / "stop").touch()

    @property
    def is_to_stop(self) -> bool:
        """Whether somebody asked for the end."""
        return (self.path / "stop").exists()

    def forget_wish(self) -> None:
        """Takes the wish back: it was met, or a new start overrules it."""
        (self.path / "stop").unlink(missing_ok=True)


def _lock(descriptor: int) -> None:
    """Takes the lock; who only looks holds it shared for a moment, so that is tried again."""
    import time

    for _ in range(20):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.005)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write(path: Path, content: dict[str, Any]) -> None:
    """Writes a file whole or not at all, readable by its owner alone."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


# ---------------------------------------------------------------------- what a killed process left


def sweep(store: Path) -> None:
    """Removes the experiments whose maker was killed before they were whole, with what was fetched of their workspaces."""
    for mark in (store / "gradient").glob(f"es*/{CREATING}"):
        with suppress(OSError), open(mark, "rb") as file:  # another one's, or held by its living maker
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (mark.parent / "experiment.json").exists():  # whole: only the mark was left
                mark.unlink()
                continue
            # What is large goes first: while the mark is there, the next one goes on with it.
            shutil.rmtree(mark.parent / "workspace", ignore_errors=True)
            if not (mark.parent / "workspace").exists():
                shutil.rmtree(mark.parent, ignore_errors=True)


# ---------------------------------------------------------------------- finding one


def new_id() -> str:
    """An id of Gradient's form that nobody has."""
    return "es" + "".join(secrets.choice(LETTERS) for _ in range(12))


def tunings(store: Path) -> list[tuple[Room, Tuning]]:
    """All experiments of a store that may be read, the newest first."""
    found = []
    for path in (store / "gradient").glob("es*/experiment.json"):
        room = Room(store, path.parent.name)
        try:
            found.append((room, room.read()))
        except (NotFound, PermissionError, StoreError):
            continue  # another person's, or one that is being removed
    return sorted(found, key=lambda pair: pair[1].created, reverse=True)


def find(store: Path, id: str) -> tuple[Room, Tuning]:
    """The experiment of this id, or of the only one that begins so. **Raises** NotFound."""
    known = [path.parent.name for path in (store / "gradient").glob("es*/experiment.json")]
    fitting = [one for one in known if one == id] or [
        one for one in known if len(id) >= SHORTEST and one.startswith(id)
    ]
    if len(fitting) == 1:
        room = Room(store, fitting[0])
        return room, room.read()
    if fitting:
        raise NotFound(f"{len(fitting)} experiments begin with {id}; write the id in full")
    raise NotFound(
        f"there is no experiment {id} in {store}; see: luthier gradient experiments hyperparameters list"
    )


def searches(store: Store, id: str) -> list[ExperimentRecord]:
    """The searches whose trials the tuning program of an experiment keeps: those named after it. Usually one."""
    from luthier.drive.beginning import of_door

    return [
        record
        for record in of_door(store, "hyperopt")
        if record.description.name == id or (record.description.name or "").startswith(f"{id}.")
    ]
