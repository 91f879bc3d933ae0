"""`kaos train kill`, and what a workspace's end does to its jobs."""

from __future__ import annotations

import click

from luthier.cli.doors.kaos.jobs import Job, jobs_of, pick
from luthier.cli.doors.kaos.listing import all_jobs, opened
from luthier.cli.doors.kaos.state import Here, here
from luthier.cli.doors.kaos.words import KaosError, info
from luthier.cli.doors.kaos.workspaces import read as read_workspace
from luthier.cli.options import Id, Place
from luthier.cli.steering import How, end
from luthier.store import Wish
from luthier.trial import Outcome

__all__ = ["kill", "kill_all"]

_HOW = How("kaos train kill", Wish.KILL, Outcome.KILLED, is_kill=True)


def kill(ctx: click.Context, job_id: str | None, ind: int | None) -> None:
    """Kills a job: nothing new begins, what runs is ended at once."""
    at = here(ctx)
    workspace = read_workspace(at.place.folder, at.needed())
    if job_id is not None and not at.place.is_made:
        raise KaosError(f"There is no job with id: {job_id}")
    with opened(at.place) as store:
        job = pick(all_jobs(at.place, store, workspace), job_id, ind)
    if job.is_over and not job.record.running:
        raise KaosError(f"Job is not running, id: {job.id}")
    _end(at.place, job)
    info(f"Job {job.id} successfully killed")


def kill_all(at: Here) -> None:
    """Kills what runs in the current workspace. What was trained stays in the record."""
    if not at.place.is_made:
        return
    workspace = read_workspace(at.place.folder, at.workspace)
    with at.place.read() as store:
        jobs = [job for job in jobs_of(at.place, store, workspace) if not job.is_over]
    for job in jobs:
        _end(at.place, job)


def _end(place: Place, job: Job) -> None:
    end(place, [Id(job.record.id)], _HOW, wait=True, as_json=False)
