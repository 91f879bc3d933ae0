"""A small finished search to look at: experiment 1 of a store in a folder, with a tie, a failure and metrics."""

from __future__ import annotations

from pathlib import Path

from luthier.clock import FakeClock
from luthier.description import Algorithm, Command, Description, Objective
from luthier.run.folders import Folders
from luthier.space import Categorical, Parameter, Space, Value
from luthier.store.sqlite import SqliteStore
from luthier.trial import Outcome, Point, Proposal, Result

SPACE = Space(
    (
        Parameter("C", Categorical((Value(1, "1"), Value(10, "10")))),
        Parameter("gamma", Categorical((Value(0.01, ".010"), Value(0.1, "0.1")))),
    )
)
ACCURACIES = (0.912345678, 0.95, 0.95, None)
"""What trials 1 to 4 reach; the fourth fails."""


def description(**changes: object) -> Description:
    """The search: two by two, accuracy to be large."""
    settings: dict[str, object] = {
        "project": "/project",
        "space": SPACE,
        "algorithm": Algorithm("grid"),
        "command": Command(("python", "train.py", ":C:", ":gamma:"), "/project"),
        "objective": Objective("accuracy"),
        "name": "svm",
    }
    return Description(**{**settings, **changes})  # type: ignore[arg-type]


def build(folder: Path, *, until: int = 4, files: bool = True, **changes: object) -> SqliteStore:
    """Makes the store; the trials after number `until` are left in the queue."""
    clock = FakeClock()
    store = SqliteStore(folder / "store.db", clock)
    record, _ = store.open_experiment(description(**changes))
    reserved = store.reserve(record.id, 4, "w1", "n1")
    proposals = [(r.number, Proposal(SPACE.at(r.ordinal - 1), "grid", r.ordinal)) for r in reserved]
    store.propose(record.id, "n1", proposals)
    for accuracy in ACCURACIES[:until]:
        run_one(store, clock, folder, record.id, accuracy, files)
    return store


def run_one(
    store: SqliteStore, clock: FakeClock, folder: Path, experiment: int, accuracy: float | None, files: bool
) -> None:
    """Claims the next trial and ends it with this accuracy, or a failure."""
    (claim,) = store.claim(experiment, 1, "host-1-aa", f"c{clock.now()}", 60.0)
    texts = claim.configuration.texts()
    words = ["python", "train.py", texts["C"], texts["gamma"]]
    store.note_command(claim.id, words)
    clock.advance(65.0)
    if files:
        place = Folders(folder).attempt(experiment, claim.id.trial, 1)
        place.prepare(argv=words, cwd="/project", texts=texts, values=claim.configuration.values())
        Path(place.stdout).write_text(f"began {claim.id.trial}\nepoch 1\ndone\n")
        Path(place.stderr).write_text("" if accuracy is not None else "Traceback:\nValueError: no\n")
    if accuracy is None:
        store.finish(
            claim.id, Result(Outcome.FAILED, "exit code 1", exit_code=1, seconds=65.0, peak_bytes=1_500_000)
        )
        return
    points = [Point("accuracy", 1, accuracy / 2, clock.now()), Point("accuracy", 2, accuracy, clock.now())]
    store.report(claim.id, 0, [*points, Point("loss", 2, 1 - accuracy, clock.now())])
    store.finish(claim.id, Result(Outcome.SUCCEEDED, "", accuracy, 0, seconds=65.0, peak_bytes=1_500_000))
