"""How an experiment and its tasks stand, in Gradient's words.

It is never stored: a killed supervisor could not correct it. `stopped` is Gradient's word for what has ended well.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.cli.doors.gradient.record import FAILURE, SERVER, STORE, Room, Task, Tuning
from luthier.run.adopted import is_guarded
from luthier.trial import Outcome

__all__ = ["Job", "Standing", "standing_of"]

WORDS = {
    Outcome.SUCCEEDED.value: "stopped",
    Outcome.STOPPED.value: "stopped",
    Outcome.KILLED.value: "canceled",
    Outcome.LOST.value: "error",
    Outcome.INTERRUPTED.value: "error",
}


@dataclass(frozen=True)
class Job:
    """One task, or the store, as a job."""

    id: str
    task: str
    state: str
    begun: int = 0
    began: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Standing:
    """An experiment's state, why it is so where that is to be said, and its jobs: server, workers, store."""

    state: str
    reason: str | None
    jobs: tuple[Job, ...]


def standing_of(room: Room, tuning: Tuning) -> Standing:
    """Looks at the tasks and at who looks after them."""
    is_supervised = room.is_supervised  # first: what is written later is then seen
    tasks = room.read_tasks()
    jobs = [_job(room, tuning, name, tasks.get(name, Task(name)), is_supervised) for name in tuning.tasks]
    state, reason = _state(room, tasks.get(SERVER, Task(SERVER)), jobs[0], is_supervised)
    store = "created" if state == "created" else "running" if is_supervised else "stopped"
    return Standing(state, reason, (*jobs, Job(tuning.job(STORE), STORE, store)))


def _state(room: Room, server: Task, job: Job, is_supervised: bool) -> tuple[str, str | None]:
    if is_supervised:
        if room.is_to_stop:
            return "aborting", None
        return ("running", None) if server.last is not None else ("provisioning", None)
    try:
        return "error", (room.path / FAILURE).read_text(encoding="utf-8")
    except FileNotFoundError:
        pass
    if server.last is None:
        return "created", None
    if server.last.outcome is None:
        how = "its tasks go on" if job.state == "running" else "its tasks have ended"
        why = f"the process that looked after the tasks is gone, {how}"
        return "error", f"{why}; go on with: luthier gradient experiments start --id {room.id}"
    if job.state in ("stopped", "canceled"):
        return job.state, None
    return job.state, f"{job.reason}; see: luthier gradient jobs logs --id {job.id}"


def _job(room: Room, tuning: Tuning, name: str, task: Task, is_supervised: bool) -> Job:
    run = task.last
    if run is None:
        return Job(tuning.job(name), name, "pending" if is_supervised else "created")
    if run.outcome is not None:
        state = WORDS.get(run.outcome, "failed")
    else:
        state = "running" if is_supervised or is_guarded(room.attempt(name, run.number).path) else "error"
    return Job(
        tuning.job(name),
        name,
        state,
        len(task.runs),
        run.began,
        run.ended,
        run.exit_code,
        run.reason,
    )
