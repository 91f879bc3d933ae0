"""Runs a trial again as the record has it, beside the record: same code, command, parameters, seed and variables.

The code is a working copy of its bundle, in a folder of its own. What the bundle left out (data that `.gitignore` names,
large files, a virtual environment, keys) is brought there from the project as it is now (`beside`). Nothing is written to
the experiment; what the trial leaves lies in the folder it ran in.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from luthier import metrics
from luthier.description import Command, Description
from luthier.drive.alone import run_alone
from luthier.drive.judging import judge
from luthier.drive.launching import order_for
from luthier.drive.provenance import Provenance
from luthier.drive.surroundings import python_of
from luthier.drive.watching import Watched
from luthier.errors import UsageError
from luthier.run.folders import AttemptFolder
from luthier.run.runner import Order
from luthier.store import Claim, ExperimentRecord, Store
from luthier.trial import Attempt, Outcome, Point, Result, Trial

if TYPE_CHECKING:
    from luthier.drive.ends import Interrupts
    from luthier.drive.session import Session

__all__ = ["Again", "Plan", "Same", "compared", "plan", "run_again"]


class Plan(NamedTuple):
    """What is to be run again: the attempt that gave the trial's result, and what it ran with. `warnings` say how this run
    may differ from that one."""

    record: ExperimentRecord
    trial: Trial
    attempt: Attempt
    ran_with: Provenance
    warnings: tuple[str, ...]

    @property
    def was_cut(self) -> bool:
        """Whether the attempt was ended before it was done: then only what it had reported can be compared."""
        outcome = self.attempt.result.outcome if self.attempt.result else None
        return outcome not in (Outcome.SUCCEEDED, Outcome.FAILED, None)

    @property
    def copies(self) -> bool:
        """Whether it runs in a working copy of its code. A door's code is a copy already, which nobody changes."""
        return self.ran_with.code is not None and "code" not in self.record.description.bundles


class Again(NamedTuple):
    """How it ended this time, and what it reported."""

    result: Result
    points: list[Point]
    folder: str


class Same(NamedTuple):
    """A metric, then and now: its last value, and whether all of its points agree."""

    metric: str
    recorded: float | None
    again: float | None
    is_same: bool


def plan(store: Store, experiment: int, number: int, environment: Mapping[str, str]) -> Plan:
    """What running a trial again takes. **Raises** NotFound; UsageError for one that can't be run again."""
    record, trial = store.experiment(experiment), store.trial(experiment, number)
    if record.description.command is None:
        raise UsageError(
            f"experiment {experiment} has no command, so Luthier can't run its trials again; run its program instead"
        )
    ended = [one for one in store.attempts(experiment, number) if one.result is not None]
    good = [one for one in ended if one.result and one.result.outcome is Outcome.SUCCEEDED]
    if trial.configuration is None or not ended:
        raise UsageError(f"trial {trial.name} has not ended yet, so there is nothing to reproduce")
    attempt = (good or ended)[-1]
    ran_with = Provenance.from_text(store.provenance(attempt.id))
    return Plan(
        record, trial, attempt, ran_with, tuple(_warnings(record.description, ran_with, attempt, environment))
    )


def _warnings(
    what: Description, ran_with: Provenance, attempt: Attempt, environment: Mapping[str, str]
) -> list[str]:
    found = []
    if ran_with.code is None and "code" not in what.bundles:
        why = f": {ran_with.no_code}" if ran_with.no_code else ""
        found.append(f"its code was not kept{why}; it runs with the code as it is now")
    for path, size, mtime_ns in (ran_with.code or {}).get("large", ()):
        try:
            status = os.stat(os.path.join((ran_with.code or {})["root"], path))
            is_same = (status.st_size, status.st_mtime_ns) == (size, mtime_ns)
        except OSError:
            is_same = False
        if not is_same:
            found.append(f"{path}, too large to be kept, is not the file it was")
    if what.stages is not None and what.stages.kind == "rungs" and attempt.stage:
        found.append(
            f"it went on from a checkpoint at {what.stages.name(attempt.stage - 1)}; now it begins anew"
        )
    found += _other_python(ran_with.python, python_of(what.command, environment))
    return found


def _other_python(before: Mapping[str, object] | None, now: Mapping[str, object] | None) -> list[str]:
    """How the Python that will run differs from the one that did."""
    if before is None or now is None:
        return []
    found = []
    if before["version"] and now["version"] and before["version"] != now["version"]:
        found.append(f"it ran with Python {before['version']}, now it is {now['version']}")
    old, new = before["packages"], now["packages"]
    assert isinstance(old, dict) and isinstance(new, dict), "packages are names with versions"
    changed = [
        f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    if old and changed:
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        found.append(f"packages have changed: {', '.join(changed[:5])}{more}")
    return found


# ------------------------------------------------------------------ running


def run_again(
    session: Session,
    made: Plan,
    store_folder: Path,
    into: Path,
    interrupts: Interrupts,
    heard: Callable[[AttemptFolder], None],
    warn: Callable[[str], None],
) -> Again:
    """Runs it in the folder `into` and waits for its end; `heard` is called now and then, with where it prints. Before it
    runs, `warn` is told what of the user's own files it could write into.

    `session` is one of a store of its own, so that nothing of the experiment's is touched.
    **Raises** LuthierError when it can't be started.
    """
    into = into.absolute()
    command = made.record.description.command
    assert command is not None, "a plan is of a command"
    if made.copies:
        command = _in_copy(command, made, store_folder, into, warn)
    what = made.record.description._replace(command=command)
    order, claim = _order(what, made, store_folder, into)
    result = run_alone(session, order, interrupts, lambda: heard(AttemptFolder(str(into), order.folder)))
    watched = Watched(claim, AttemptFolder(str(into), order.folder), what, None)
    points = watched.collector.drain(session.clock.now())
    summaries = metrics.summarize(points)
    return Again(judge(what, result, summaries, watched.errors), points, order.folder)


def _in_copy(
    command: Command, made: Plan, store_folder: Path, into: Path, warn: Callable[[str], None]
) -> Command:
    """The command as it runs in a working copy of its code."""
    from luthier.bundles import working_copy
    from luthier.drive.beside import bring_rest
    from luthier.drive.elsewhere import relocated

    code, copy = made.ran_with.code, into / "code"
    assert code is not None, "only kept code is copied"
    working_copy(store_folder, code["digest"], copy)
    root = str(code["root"]).rstrip("/")
    if os.path.isdir(root) and (linked := bring_rest(root, copy, (into, store_folder))):
        warn(
            f"these are links to your own files, which the program could change: {', '.join(linked[:10])}"
            + (f" and {len(linked) - 10} more" if len(linked) > 10 else "")
        )

    return relocated(command, root, copy)


def _order(what: Description, made: Plan, store_folder: Path, into: Path) -> tuple[Order, Claim]:
    """What is to be run, with what the attempt found in its environment then."""
    from luthier.drive.session import parallel_slots

    trial, id = made.trial, made.attempt.id
    assert trial.configuration is not None, "a plan is of a trial with a configuration"
    claim = Claim(id, trial.run_id, trial.configuration, trial.seed, None, made.attempt.stage)
    folder = AttemptFolder(str(into), str(into / "run"))
    devices = parallel_slots(what.limits).devices(0)
    key = f"again-{secrets.token_hex(10)}"
    order = order_for(what, claim, folder, key, 0, devices, store_folder)
    variables = {
        n: v for n, v in made.ran_with.variables.items() if n not in ("VIRTUAL_ENV", "CONDA_DEFAULT_ENV")
    }
    if devices is not None:
        variables.pop("CUDA_VISIBLE_DEVICES", None)
    return order._replace(env={**variables, **order.env}), claim


# ------------------------------------------------------------------ comparing


def compared(
    recorded: list[Point], again: list[Point], tolerance: float = 0.0, *, was_cut: bool = False
) -> list[Same]:
    """Each metric that either reported, in the order of the record. With a `tolerance`, numbers may be off by that share
    of the larger one. Where the recorded run `was_cut` short, as far as that had come."""
    names = dict.fromkeys(point.metric for point in (*recorded, *again))
    found = []
    for name in names:
        before = [(point.step, point.value) for point in recorded if point.metric == name]
        after = [(point.step, point.value) for point in again if point.metric == name]
        if was_cut:
            after = after[: len(before)]
            if not before:
                continue
        is_same = len(before) == len(after) and all(
            old[0] == new[0] and _close(old[1], new[1], tolerance)
            for old, new in zip(before, after, strict=True)
        )
        found.append(Same(name, before[-1][1] if before else None, after[-1][1] if after else None, is_same))
    return found


def _close(a: float, b: float, tolerance: float) -> bool:
    if a == b or (a != a and b != b):
        return True
    return abs(a - b) <= tolerance * max(abs(a), abs(b))
