"""What trials ran with, as a text in the record: code, data, Python and its packages, git, machine.

It is collected once a driving session by a thread of its own, when the first trials have had time to start, and is in
the record before the drive ends. What can't be found out is left out; nothing here ever stops a search.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

from luthier.description import Description
from luthier.errors import LuthierError
from luthier.store import ExperimentRecord, Store
from luthier.store.address import address_of

__all__ = ["Collecting", "Provenance", "collect", "named_bundles"]

FORMAT = 1
QUIET_SECONDS = 0.25
"""How long after a drive began its first trials have surely been launched."""


class Provenance(NamedTuple):
    """What trials ran with. `code` and `data` name bundles: digest, files, size_bytes, name and, for code, `root`, the
    folder it was taken from, and `large`, the files that were left out, with sizes and times. `no_code` says why the code
    was not kept, `no_image` why the image that was asked for was not used. `python` has executable, version and packages
    (what is in a container is its image's affair); `git` root, commit, branch, remote and dirty."""

    code: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    no_code: str = ""
    notices: tuple[str, ...] = ()
    python: Mapping[str, Any] | None = None
    git: Mapping[str, Any] | None = None
    machine: Mapping[str, Any] = {}
    variables: Mapping[str, str] = {}
    luthier: str = ""
    no_image: str = ""

    def to_text(self) -> str:
        """As the record has it."""
        return json.dumps({"format": FORMAT, **self._asdict()}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str | None) -> Provenance:
        """Reads what `to_text` wrote, also when a newer Luthier knew more; nothing where there is nothing."""
        data = json.loads(text) if text else {}
        known = {name: data[name] for name in cls._fields if data.get(name) is not None}
        return cls(**{**known, "notices": tuple(known.get("notices", ()))})

    @property
    def digests(self) -> dict[str, str]:
        """The digests of its bundles, by what they are."""
        both = {"code": self.code, "data": self.data}
        return {name: bundle["digest"] for name, bundle in both.items() if bundle}


def named_bundles(store: Store) -> set[str]:
    """The digests of all bundles that an experiment of the store names."""
    named: set[str] = set()
    for record in store.experiments():
        named.update(record.description.bundles.values())
        for sheet in store.sheets(record.id):
            named.update(Provenance.from_text(sheet.text).digests.values())
    return named


def code_root(description: Description) -> str | None:
    """The folder whose code an experiment runs: its project, or where its command runs, where that is elsewhere."""
    command = description.command
    if command is None:
        return description.project if os.path.isdir(description.project) else None
    project = description.project.rstrip("/") or "/"
    is_within = command.directory == project or command.directory.startswith(f"{project}/")
    return project if is_within and os.path.isdir(project) else command.directory


def collect(
    description: Description,
    folder: Path | None,
    environment: Mapping[str, str],
    progress: Callable[[int, int], None] | None = None,
    began: float | None = None,
) -> Provenance:
    """Finds out what trials of an experiment run with here, and keeps their code in the store's `folder`, if there is one.
    What was written since trials `began` is theirs, and no code.

    **Raises** UsageError where the code was asked for and can't be kept.
    """
    from luthier.drive.repository import git_of
    from luthier.drive.surroundings import machine, own_version, python_of, variables_of

    root = code_root(description)
    no_image = _no_image(description)
    found = Provenance(
        python=None if no_image is None else python_of(description.command, environment),
        git=git_of(root) if root else None,
        machine=machine(),
        variables=variables_of(environment),
        luthier=own_version(),
        no_image=no_image or "",
    )
    return _with_bundles(found, description, root, folder, progress, began)


def _no_image(description: Description) -> str | None:
    """Why the trials that this process starts run on this machine as it is, though they asked for an image: empty where
    they asked for none. None where they run in it."""
    environment, command = description.environment, description.command
    if environment is None or environment.image is None:
        return ""
    if command is None:
        return None
    from luthier.run.containers import housing, refusal

    if housing(environment, command.directory) != "":
        return None
    return refusal(environment, command.directory) or f"the image {environment.image} could not be had"


def _with_bundles(
    found: Provenance,
    description: Description,
    root: str | None,
    folder: Path | None,
    progress: Callable[[int, int], None] | None,
    began: float | None,
) -> Provenance:
    bundles = description.bundles
    if folder is not None and "data" in bundles:
        found = found._replace(data=_known(folder, bundles["data"], "data"))
    if folder is not None and "code" in bundles:
        assert description.command is not None, "only commands run from bundles"
        code = _known(folder, bundles["code"], "code")
        return found._replace(code=code | {"root": description.command.directory, "large": []})
    how = description.keeping.snapshot
    if folder is None or root is None or how == "none":
        return found._replace(no_code="it was not to be kept (--no-snapshot)" if how == "none" else "")
    return _with_code(found, root, folder, how == "all", progress, began)


def _with_code(
    found: Provenance,
    root: str,
    folder: Path,
    is_asked: bool,
    progress: Callable[[int, int], None] | None,
    began: float | None,
) -> Provenance:
    """Keeps the folder's code: all of it where it was asked for, else what is small."""
    if not is_asked and root in ("/", os.path.expanduser("~"), "/tmp"):
        return found._replace(no_code=f"{root} is no folder of one project")
    from luthier.bundles.survey import SMALL, TooLarge, survey

    most = None if is_asked else SMALL._replace(began=began)
    try:
        seen = survey(root, "code", most)
        if not seen.files:
            return found._replace(no_code=f"{root} has no files to keep", notices=seen.notices())
        from luthier.bundles.snapshots import snapshot  # loads what hashes

        bundle, _ = snapshot(root, "code", folder, progress, most=most, found=seen)
    except LuthierError as error:
        if is_asked:
            raise
        remedy = "; --snapshot keeps it" if isinstance(error, TooLarge) else ""
        return found._replace(no_code=f"{error}{remedy}")
    kept = {
        "digest": bundle.digest,
        "files": bundle.files,
        "size_bytes": bundle.size_bytes,
        "name": bundle.name,
    }
    return found._replace(code={**kept, "root": root, "large": seen.large}, notices=bundle.notices)


def _known(folder: Path, digest: str, name: str) -> dict[str, Any]:
    """A bundle that a door has made."""
    from luthier.bundles.trees import contents

    kept: dict[str, Any] = {"digest": digest, "name": name}
    try:
        manifest = contents(folder, digest)
    except LuthierError:
        return {**kept, "files": 0, "size_bytes": 0}
    return {**kept, "files": len(manifest.entries), "size_bytes": manifest.size_bytes}


class Collecting:
    """Collects for one drive: at once, or in a thread of its own. `finish` waits until it is in the record."""

    def __init__(
        self,
        store: Store,
        record: ExperimentRecord,
        worker: str,
        folder: Path,
        environment: Mapping[str, str],
        depot: str | None = None,
    ) -> None:
        self._store, self._record, self._worker, self._folder = store, record, worker, folder
        self._depot = depot
        self._environment = dict(environment)
        self._hurry = Event()
        self._said = ""
        self._thread: Thread | None = None

    def collect(
        self, progress: Callable[[int, int], None] | None = None, began: float | None = None
    ) -> Provenance:
        """Collects and records. **Raises** UsageError where the code was asked for and can't be kept."""
        what = self._record.description
        known = collect(what, self._folder, self._environment, progress, began)
        self._store.note_provenance(self._record.id, self._worker, known.to_text())
        if address_of(self._folder) is not None and what.command is not None:
            self._said = self._bring(known)
        return known

    def _bring(self, known: Provenance) -> str:
        """Brings the code where other machines find it; returns what a person should know."""
        from luthier.drive.depots import bring  # only for stores that other machines see

        if known.code is None:
            return f"machines that don't have its folder can't run it, for its code was not kept: {known.no_code}"
        return bring(self._store, self._folder, known.code, self._depot)

    def start(self, began: float, *, at_end: bool = False) -> None:
        """Has it done a little later, when the first trials run, or with `at_end` not before `finish`."""

        def later() -> None:
            self._hurry.wait(QUIET_SECONDS)
            try:
                self.collect(began=began)
            except (LuthierError, OSError, ValueError) as error:
                self._said = f"what the trials ran with could not be recorded: {error}"

        self._thread = Thread(target=later, name="provenance", daemon=True)
        if not at_end:
            self._thread.start()

    def finish(self) -> str:
        """Waits for it; returns what a person should know."""
        self._hurry.set()
        if self._thread is not None:
            if self._thread.ident is None:
                self._thread.start()
            self._thread.join()
        return self._said
