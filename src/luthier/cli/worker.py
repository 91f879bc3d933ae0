"""`luthier worker`: one more process that works on the experiments of a store, and leaves when nothing is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.foreground import interruptible
from luthier.cli.options import EXPERIMENT, Id, Place, with_store
from luthier.cli.output import many, say
from luthier.cli.placing import with_on
from luthier.cli.quantities import DURATION
from luthier.cli.searching import no_command
from luthier.cli.telling import listener_for
from luthier.drive.ends import Interrupts, Why
from luthier.drive.fitting import Means, means_of, misfit
from luthier.drive.orphans import end_orphans
from luthier.drive.session import Session
from luthier.errors import StoreUnavailable, UsageError
from luthier.store import ExperimentRecord, Store, Wish

if TYPE_CHECKING:
    from luthier.drive.on_ray import OnRay

__all__ = ["command"]

BEAT_SECONDS = 0.5
WORD_SECONDS = 15.0
DRAIN = "\nLeaving: what runs goes on to its end, nothing new begins. TERM or Ctrl-C again returns it to the queue."


@click.command(
    cls=Example,
    example="luthier worker 3 --parallel-runs 1\nluthier worker --wait --store postgresql://me@db/search",
)
@click.argument("id", type=EXPERIMENT, required=False)
@click.option(
    "-r",
    "--parallel-runs",
    type=click.IntRange(1),
    metavar="N",
    help="How many trials side by side in this worker (default: as the experiment says).",
)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME",
    help="What kind of machine this is, such as K80: only such a worker takes what was asked for with -t K80.",
)
@with_on
@click.option(
    "--max-trials",
    type=click.IntRange(1),
    metavar="N",
    help="Leave after N attempts.",
)
@click.option(
    "--wait/--exit-when-idle",
    "wait",
    default=False,
    help="Wait for more when nothing is left, or leave (the default).",
)
@click.option(
    "--lease",
    type=DURATION,
    default="60s",
    metavar="TIME",
    help="How long it may be silent before others run its trials again (default: 60s).",
)
@click.option(
    "--bundles",
    metavar="PLACE",
    envvar="LUTHIER_BUNDLES",
    help="Where the code of experiments waits that this machine does not have: a shared folder, or s3://BUCKET/PATH "
    "(default: in the store).  [env: LUTHIER_BUNDLES]",
)
@click.option("-q", "--quiet", is_flag=True, help="Only failures.")
@with_store
def command(
    id: Id | None,
    parallel_runs: int | None,
    tags: tuple[str, ...],
    on: OnRay | None,
    max_trials: int | None,
    wait: bool,
    lease: float,
    bundles: str | None,
    quiet: bool,
    place: Place,
) -> int:
    """Works on experiment ID, or on every experiment that has trials left, oldest first.

    It shares the budget with the other workers: together they make exactly the trials that were asked for. It ends
    when nothing is left to start. What needs more cores, GPUs or memory than this machine has, or another tag, it leaves to
    other workers. TERM lets what runs end and then leaves; Ctrl-C returns its trials to the queue.
    """
    with (
        place.change() as store,
        Session(store, place.folder, tags=tags, on=on, depot=bundles, lease_seconds=lease) as session,
        interruptible(None, drain=DRAIN) as interrupts,
    ):
        for orphan in end_orphans(store, session.folders, session.alive):
            say(f"{orphan} went to another worker while nobody was here; what still ran of it is ended")
        means = means_of(tags, elsewhere=on is not None)
        work = _Work(session, interrupts, means, parallel_runs, quiet, max_trials, is_bound=id is not None)
        while (record := _awaited(work, id, wait=wait)) is not None:
            work.on(record)
        if interrupts.count:
            say("Interrupted; its trials are back in the queue.")
            return 130
        if work.set_aside:
            say(
                f"This worker set itself aside: {work.set_aside}. What failed here is back in the queue; mend the machine "
                "before you start it again."
            )
            session.presence.say("set aside", note=work.set_aside)
            return 1
        say(work.summary())
    return 2 if work.unfit and not work.done and not work.is_over else 0


@dataclass
class _Work:
    """One worker's way through the experiments: those it has been through, those whose trials it can never run and why, and how
    many attempts it may still begin. One that is bound to an experiment passes over none."""

    session: Session
    interrupts: Interrupts
    means: Means
    parallel: int | None
    quiet: bool
    left: int | None
    is_bound: bool
    done: set[int] = field(default_factory=set)
    ended: int = 0
    set_aside: str = ""
    unfit: dict[int, str] = field(default_factory=dict)
    _next_word: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it is to leave, whatever there is to do."""
        return bool(self.interrupts.count or self.interrupts.drains or self.left == 0 or self.set_aside)

    def on(self, record: ExperimentRecord) -> None:
        """Works on an experiment until nothing of it is left to start."""
        session, limits = self.session, record.description.limits
        limits = limits._replace(parallel=self.parallel or limits.parallel)
        slots = len(session.slots(limits))
        self.done.add(record.id)
        say(f"Worker {session.worker} works on experiment {record.id}, {many(slots, 'trial')} at a time")
        session.presence.say("working", record.id, slots)
        listener = listener_for(slots, check=False, quiet=self.quiet)
        self.interrupts.watched_by(session.start_runner(limits))
        try:
            ending = session.drive(record, listener, self.interrupts, limits=limits, most=self.left)
            self.set_aside = ending.reason if ending.why is Why.SET_ASIDE else ""
        except (
            UsageError
        ) as error:  # such as code that this machine does not have: another experiment may run here
            if self.is_bound:
                raise
            say(f"passed over: {error}")
        finally:
            listener.close()
        self.ended += listener.ended_here
        if self.left is not None:
            self.left = max(0, self.left - listener.ended_here)

    def fits(self, record: ExperimentRecord) -> bool:
        """Whether this worker can run its trials; says once why it can't."""
        why = misfit(record.description, self.means, any_tag=self.is_bound)
        if not why:
            self.unfit.pop(record.id, None)
            return True
        told = f"experiment {record.id} is left to other workers: {why}"
        if self.unfit.get(record.id) != told:
            self.unfit[record.id] = told
            self._next_word = 0.0
            say(told)
        return False

    def wait(self) -> None:
        """Waits a moment for something to do; tells now and then that it is there."""
        now = self.session.clock.elapsed()
        if now >= self._next_word:
            self._next_word = now + WORD_SECONDS
            self.session.presence.say("idle", note="; ".join(self.unfit.values()))
        self.interrupts.wait(BEAT_SECONDS)

    def summary(self) -> str:
        """What it says when it leaves."""
        if not self.done:
            return "There is nothing to do."
        ended = f"this worker ended {many(self.ended, 'attempt')}"
        return f"It leaves; {ended}." if self.is_over else f"Nothing is left to start; {ended}."


def _awaited(work: _Work, id: Id | None, *, wait: bool) -> ExperimentRecord | None:
    """The next experiment to work on, once there is one; None when this worker is to leave."""
    while not work.is_over:
        try:
            record = _next(work.session.store, id, work)
        except StoreUnavailable as error:
            if not wait:
                raise
            say(f"warning: {error}")
            record = None
        if record is not None or not wait:
            return record
        work.done.clear()
        work.wait()
    return None


def _next(store: Store, id: Id | None, work: _Work) -> ExperimentRecord | None:
    """The next experiment with something to do that this worker can do and has not been through."""
    records = [store.experiment(id.experiment)] if id else store.experiments()
    for record in records:
        if id and record.description.command is None:
            raise no_command(record)
        runnable = record.description.command is not None and record.id not in work.done
        if runnable and record.wish is Wish.RUN and not record.is_met and work.fits(record):
            return record
    wanted = {record.id for record in records if record.wish is Wish.RUN and not record.is_met}
    work.unfit = {id: told for id, told in work.unfit.items() if id in wanted}
    return None
