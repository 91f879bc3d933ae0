"""Finds the event files of one attempt and reads them as one: which are its own, and what their runs are called.

All that lies in the attempt's folder is its own. Beside other trials, in `./runs`, `./logs` and their like or in a folder
the user names, a file is its own only if one of its processes has it open or is named in it, as TensorFlow and PyTorch
name theirs; so nothing of another trial is ever taken. What was found outside is linked in the attempt's folder, for
whoever looks later: a driver that adopts the attempt, or `luthier tensorboard`. Who the processes are is asked through
`Traces`; what is in a file is `events.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from luthier.metrics.walk import Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from luthier.metrics.events import EventFile, Scalar

__all__ = ["LINKS", "MARK", "EventFiles", "Places", "Traces", "begun"]

MARK = "tfevents"
LINKS = "tensorboard"
"""The folder within the attempt's where links to its event files elsewhere are kept."""

USUAL = ("runs", "logs", "lightning_logs", "tb_logs", "tensorboard", "tensorboard_logs", "log", "tb")
"""Where libraries and tutorials put event files when nothing is said."""

MOST_FILES = 200
EAGER_SECONDS = 3.0  # so long every poll looks, for short programs; then ever less often
RAREST_SECONDS = 10.0
BESIDE_SECONDS = (
    2.0  # how often at most the folders beside are looked through: what is there will not go away
)
YOUNG_SECONDS = 0.15  # so long it is not asked what a program has open: most that short have nothing to tell
SHORT_SECONDS = 0.3  # nothing that writes event files has loaded and gone sooner
_owners: dict[str, str] = {}  # which attempt a file outside belongs to, for the trials of this driver
_contested: set[str] = set()
_EVALUATION = frozenset(("validation", "valid", "val", "evaluation", "eval", "test", "dev"))
_NAME = re.compile(r"tfevents\.(\d{9,11})\.(.+)")
_PROCESS = re.compile(r"(\d{1,10})\.(\d{1,10})(?:\.|$)")


class Traces(Protocol):
    """What is known of an attempt's processes (`run.footprint`)."""

    pids: set[int]
    folders: dict[str, None]

    def began(self) -> float | None:
        """When the attempt began, in seconds since 1970."""

    def open_files(self, mark: str) -> list[str]:
        """The files its processes have open for writing, by a part of their names; learns `pids` and `folders`."""

    def look_back(self) -> None:
        """Learns what can be known of its processes once they have ended."""


class Places(NamedTuple):
    """Where event files are looked for: `own` is the attempt's folder, `beside` where its program works, `named` the
    folder a user named, which is the attempt's alone where `is_private`."""

    own: str
    beside: str | None = None
    named: str | None = None
    is_private: bool = False


def begun(path: str) -> tuple[float, int | None, int]:
    """When an event file was begun, by which process and as which of its files, as its name tells."""
    found = _NAME.search(os.path.basename(path))
    if found is None:
        return 0.0, None, 0
    host = os.uname().nodename + "."
    rest = found[2]
    process = _PROCESS.match(rest, len(host)) if rest.startswith(host) else None
    return float(found[1]), int(process[1]) if process else None, int(process[2]) if process else 0


class EventFiles:
    """The event files of one attempt, as they come up and grow.

    **Cost** nothing between two looks, which become rare after some seconds, but one `stat` a file that was found. A
    look costs a `stat` a folder and some microseconds a file its processes have open, 0.3 ms for a small program.
    """

    def __init__(self, places: Places, traces: Traces | None = None) -> None:
        self._places = places
        self._traces = traces
        self._walks = {places.own: Walk(MARK)}
        self._files: dict[str, tuple[EventFile, str]] = {}
        self._passed: set[str] = set()
        self._tags: dict[str, str] = {}  # which folder's run has a tag for its own
        self._names: dict[str, str] = {}  # what a folder's run is called before its tags
        self._first: float | None = None
        self._next = 0.0
        self._next_beside = 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what could not be read."""
        bad = [file for file, _ in self._files.values() if file.damaged]
        notes = [
            f"{os.path.basename(file.path)} is damaged; what could not be read of it was passed over"
            for file in bad
        ]
        notes += [
            f"{path} is written by another trial as well, so it was not read; give each trial a folder of its "
            "own, such as $LUTHIER_OUTPUT_DIR"
            for path in self._files
            if path in _contested
        ]
        if len(self._files) >= MOST_FILES:
            notes.append(f"it writes more than {MOST_FILES} event files; the others were not read")
        return tuple(notes)

    def read(self, now: float, budget_bytes: int, *, last: bool = False) -> Iterator[Scalar]:
        """Gives the new scalars by the names of metrics, file by file. With `last` the program has ended."""
        self._look(now, last)
        if not self._files:
            return
        from luthier.metrics.events import Scalar

        for path, (file, folder) in self._files.items():
            waiting = 0 if path in _contested else file.waiting()
            if waiting > 0 and (last or budget_bytes > 0):
                for tag, value, step, time in file.scalars(waiting if last else budget_bytes, last=last):
                    yield Scalar(self._metric(tag, folder), value, step, time if 0 < time < 1e12 else now)
                budget_bytes -= waiting

    def _metric(self, tag: str, folder: str) -> str:
        """The tag; with the name of its run before it where another run has the same tag, and for evaluation."""
        name = os.path.basename(folder)
        if name.lower() not in _EVALUATION and self._tags.setdefault(tag, folder) == folder:
            return tag
        return f"{self._run_name(folder)}/{tag}"

    def _run_name(self, folder: str) -> str:
        """The last part of a folder's path, or as many as no other run of this attempt is called."""
        if folder not in self._names:
            parts = folder.strip("/").split("/")
            taken = set(self._names.values())
            some = ("/".join(parts[-count:]) for count in range(1, len(parts) + 1))
            self._names[folder] = next((name for name in some if name not in taken), folder)
        return self._names[folder]

    def _look(self, now: float, last: bool) -> None:
        """Takes in the files that have come up since, in the order they were begun."""
        if self._first is None:
            self._first = now
            self._next_beside = now + BESIDE_SECONDS / 2
        if not last:
            if now < self._next:
                return
            age = now - self._first
            self._next = now if age < EAGER_SECONDS else now + min(RAREST_SECONDS, 0.1 + age / 10)
        found = dict.fromkeys(self._walks[self._places.own].look(self._places.own, now), True)
        if self._traces is not None and (last or now - self._first >= YOUNG_SECONDS):
            found = dict.fromkeys(self._elsewhere(self._traces, now, last), False) | found
        for path, is_own in sorted(found.items(), key=lambda each: (begun(each[0])[::2], each[0])):
            self._take(path, is_own)

    def _take(self, path: str, is_own: bool) -> None:
        if path in self._passed:
            return
        real = os.path.realpath(path)
        if not os.path.isfile(real):
            return
        self._passed.add(path)
        if real in self._files or len(self._files) >= MOST_FILES:
            return
        from luthier.metrics.events import EventFile  # few programs write any

        self._files[real] = (EventFile(real), os.path.dirname(real))
        if not is_own and not real.startswith(os.path.realpath(self._places.own) + "/"):
            # tensorboardX names a file by the second and the host alone: two trials may write over one another.
            if _owners.setdefault(real, self._places.own) != self._places.own:
                _contested.add(real)
            else:
                self._link(real)

    def _link(self, path: str) -> None:
        """Remembers a file that lies elsewhere by a link in the attempt's folder. A link that can't be made is no harm."""
        run = self._run_name(os.path.dirname(path)).replace("/", "-")
        folder = f"{self._places.own}/{LINKS}/{run}"
        try:
            os.makedirs(folder, exist_ok=True)
            os.symlink(path, f"{folder}/{os.path.basename(path)}")
        except OSError:
            pass

    def _elsewhere(self, traces: Traces, now: float, last: bool) -> list[str]:
        """The attempt's files outside its own folder."""
        found = [] if last else traces.open_files(MARK)
        began = traces.began()
        if began is None:
            return found
        if last:
            if now - began < SHORT_SECONDS and self._places.named is None:
                return found
            traces.look_back()
        elif now < self._next_beside:
            return found
        self._next_beside = now + BESIDE_SECONDS
        for path in self._beside(traces, now):
            when, process, _ = begun(path)
            is_private = self._places.is_private and path.startswith(f"{self._places.named}/")
            if when >= int(began) and (is_private or process in traces.pids):
                found.append(path)
        return found

    def _beside(self, traces: Traces, now: float) -> list[str]:
        """The event files where the attempt's may be among those of others."""
        named = self._places.named
        if named is not None:
            walk = self._walks.setdefault(named, Walk(MARK, is_shared=not self._places.is_private))
            return walk.look(named, now)
        found = []
        for root in dict.fromkeys((*([self._places.beside] if self._places.beside else ()), *traces.folders)):
            below, here = self._walks.setdefault(root, Walk(MARK, is_shared=True)).listed(root, now)
            found += here
            for place in (*(f"{root}/{name}" for name in USUAL), *(f"{folder}/runs" for folder in below)):
                found += self._walks.setdefault(place, Walk(MARK, is_shared=True)).look(place, now)
        return found
