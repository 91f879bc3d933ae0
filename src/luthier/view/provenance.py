"""Where a trial's result came from: what it ran with and what it left, as plain facts, and as a picture's boxes.

    lineage = provenance(store, folder, 144, 7)
    picture(lineage).save("144.7.svg")          # or .pdf, .png

Facts are read from the record; the only thing looked up on disk is which outputs there are.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.description import Description
from luthier.drive.provenance import Provenance
from luthier.drive.reusing import TAKEN
from luthier.errors import NotFound
from luthier.run.folders import Folders
from luthier.store import Store
from luthier.trial import AttemptId, Trial
from luthier.view.provenance_picture import Drawing, Node
from luthier.view.verdicts import command_line

__all__ = ["Drawing", "Lineage", "Node", "picture", "provenance", "short_digest"]

_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Lineage:
    """What one attempt of a trial ran with, and what it left. `reused` names the trial whose result it took."""

    experiment: int
    trial: int
    attempt: int
    state: str
    reason: str
    value: float | None
    objective: str | None
    metrics: dict[str, float]
    parameters: dict[str, str]
    seed: int
    command: str | None
    directory: str | None
    worker: str | None
    began: float | None
    ended: float | None
    seconds: float | None
    ran_with: Provenance
    is_known: bool
    environment: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[tuple[str, int], ...] = ()
    folder: str = ""
    reused: str | None = None

    @property
    def name(self) -> str:
        """`144.7`."""
        return f"{self.experiment}.{self.trial}"


def provenance(
    store: Store, folder: Path, experiment: int, number: int, attempt: int | None = None
) -> Lineage:
    """What a trial's newest attempt, or another one, ran with. **Raises** NotFound."""
    record, trial = store.experiment(experiment), store.trial(experiment, number)
    attempts = store.attempts(experiment, number)
    chosen = next((one for one in reversed(attempts) if attempt in (None, one.id.attempt)), None)
    if attempt is not None and chosen is None:
        raise NotFound(f"trial {trial.name} has no attempt {attempt}; it has {len(attempts)}")
    id = chosen.id if chosen else AttemptId(experiment, number, 0)
    text = store.provenance(id) if chosen else None
    result = (chosen.result if chosen else None) or trial.result
    what, place = record.description, Folders(folder).attempt(*id)
    words = shlex.join(chosen.command) if chosen and chosen.command else command_line(store, record, number)
    return Lineage(
        experiment=experiment,
        trial=number,
        attempt=id.attempt,
        state=result.outcome.value if result else trial.state.value,
        reason=result.reason if result else "",
        value=result.value if result else None,
        objective=what.objective.metric if what.objective else None,
        metrics={row.metric: row.last for row in store.summaries(experiment, number)},
        parameters=_texts(what, trial),
        seed=trial.seed,
        command=words,
        directory=what.command.directory if what.command else None,
        worker=chosen.worker if chosen else None,
        began=chosen.began if chosen else None,
        ended=chosen.ended if chosen else None,
        seconds=result.seconds if result else None,
        ran_with=_with_bundles(Provenance.from_text(text), what),
        is_known=text is not None,
        environment=what.environment.to_dict() if what.environment else {},
        outputs=_outputs(place.outputs) if chosen else (),
        folder=place.path if chosen else "",
        reused=_reused(store, id) if result and result.reason.startswith(TAKEN) else None,
    )


def _texts(what: Description, trial: Trial) -> dict[str, str]:
    return what.texts(trial.configuration, trial.stage) if trial.configuration else {}


def _with_bundles(known: Provenance, what: Description) -> Provenance:
    """What a door's description names is known before anything has run."""
    named = what.bundles
    if known.code is None and "code" in named:
        known = known._replace(code={"digest": named["code"], "name": "code"})
    if known.data is None and "data" in named:
        known = known._replace(data={"digest": named["data"], "name": "data"})
    return known


def _outputs(folder: str) -> tuple[tuple[str, int], ...]:
    """The files in the outputs, with their sizes; the first ones of many."""
    found: list[tuple[str, int]] = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            try:
                found.append((os.path.relpath(path, folder), os.stat(path).st_size))
            except OSError:
                continue
            if len(found) == _MOST_FILES:
                return tuple(found)
    return tuple(found)


def _reused(store: Store, id: AttemptId) -> str | None:
    """Whose result an attempt took. **Cost** all events of its experiment: asked only of results that say they were taken."""
    for event in store.events(experiment=id.experiment):
        if event.kind == "reused" and (event.trial, event.attempt) == (id.trial, id.attempt):
            source = event.detail["source"]
            return f"{source['experiment']}.{source['trial']}"
    return None


# ------------------------------------------------------------------ the picture


def short_digest(digest: str) -> str:
    """The first twelve digits: enough to tell two bundles apart, and to find one."""
    return digest[:12]


def picture(lineage: Lineage) -> Drawing:
    """Code, data, parameters and environment, the trial, and what it left."""
    known = lineage.ran_with
    inputs = [
        _bundle_node("Code", known.code, known.no_code or "not kept", known.git),
        *([_bundle_node("Data", known.data, "", None)] if known.data else []),
        Node("Parameters", tuple(f"{name} = {text}" for name, text in lineage.parameters.items()), "result"),
        Node("Environment", tuple(_environment_lines(lineage)), "stopped"),
    ]
    return Drawing(
        f"Trial {lineage.name}: where its result came from", inputs, _trial_node(lineage), [_left(lineage)]
    )


def _bundle_node(head: str, bundle: Any, missing: str, git: Any) -> Node:
    if not bundle:
        lines = [missing]
    else:
        lines = [short_digest(bundle["digest"]), str(bundle.get("name", ""))]
        if bundle.get("files"):
            lines.append(
                f"{bundle['files']} file{'s' * (bundle['files'] != 1)}, {bundle['size_bytes']:,} bytes"
            )
    if git and git.get("commit"):
        lines.append(
            f"git {git['commit'][:10]} {git.get('branch') or ''}{'*' if git.get('dirty') else ''}".rstrip()
        )
    return Node(head, tuple(filter(None, lines)), "best")


def _environment_lines(lineage: Lineage) -> list[str]:
    known, lines = lineage.ran_with, []
    if image := lineage.environment.get("image"):
        lines.append(f"image {image}{', not used' if known.no_image else ''}")
    if known.python:
        packages = known.python.get("packages") or {}
        lines.append(f"Python {known.python.get('version') or '?'}, {len(packages)} packages")
    if known.machine:
        lines.append(f"{known.machine.get('host')}, {known.machine.get('system')}")
        lines += known.machine.get("gpus") or []
    return lines or ["not recorded"]


def _trial_node(lineage: Lineage) -> Node:
    lines = [lineage.state if not lineage.reused else f"{lineage.state}, taken from {lineage.reused}"]
    lines.append(f"attempt {lineage.attempt}, seed {lineage.seed}")
    if lineage.command:
        lines.append(lineage.command)
    return Node(f"Trial {lineage.name}", tuple(lines), "ink")


def _left(lineage: Lineage) -> Node:
    shown: Sequence[str] = [f"{name} {value:.6g}" for name, value in lineage.metrics.items()]
    files = [f"{path}, {size:,} bytes" for path, size in lineage.outputs]
    return Node("Result", (*_few(shown), *_few(files)) or ("nothing",), "r6")


def _few(lines: Sequence[str], most: int = 8) -> tuple[str, ...]:
    return tuple(lines[:most]) + ((f"and {len(lines) - most} more",) if len(lines) > most else ())
