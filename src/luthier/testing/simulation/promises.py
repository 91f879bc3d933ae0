"""What must be true of the record when a simulated world is over, whatever befell those who worked in it.

Each check gives sentences, one for each promise that was broken. What the programs did is known from the seed, what was
acknowledged from the links; the record is read through the store's own verbs, in pages, for it may be a million trials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from luthier.drive.replaying import proposed_trials, replay
from luthier.search import searcher
from luthier.search.around import Known, propose_around
from luthier.store import Event, Store
from luthier.store.lateness import same_result
from luthier.testing.simulation.hosts import METRIC
from luthier.testing.simulation.lives import Scene
from luthier.trial import AttemptId, Outcome, Trial, TrialState

__all__ = ["broken", "events_of"]

PAGE = 10_000


def events_of(store: Store, experiment: int) -> Iterator[Event]:
    """The events of an experiment, the oldest first."""
    since = 0
    while page := store.events(since, experiment, PAGE):
        yield from page
        since = page[-1].revision


def _trials(scene: Scene, store: Store) -> Iterator[Trial]:
    """All trials, by number."""
    for page in _pages(scene, store):
        yield from page


def _pages(scene: Scene, store: Store) -> Iterator[list[Trial]]:
    offset = 0
    while page := store.trials(scene.experiment, limit=PAGE, offset=offset):
        yield page
        offset += len(page)


def broken(scene: Scene, store: Store, target: int) -> list[str]:
    """The promises that were broken in a world that is over; empty when all were kept."""
    return [
        *_counted(scene, store, target),
        *_finished_once(scene, store),
        *_acknowledged(scene, store),
        *_as_programs_did(scene, store),
        *_lost_for_a_reason(scene, store),
        *_proposed(scene, store),
    ]


def _counted(scene: Scene, store: Store, target: int) -> Iterator[str]:
    """Exactly as many trials are finished as were asked for, and nobody holds anything any more."""
    record, numbers, finished, succeeded = store.experiment(scene.experiment), list[int](), 0, 0
    for trial in _trials(scene, store):
        numbers.append(trial.number)
        finished += trial.state is TrialState.FINISHED
        succeeded += trial.result is not None and trial.result.outcome is Outcome.SUCCEEDED
    if not finished == record.finished == record.trials == len(numbers) == target:
        yield f"{target} trials were asked for; {finished} of {len(numbers)} are finished, the record says {record.finished}"
    if store.held(scene.experiment) or record.running or record.reserved or record.queued or record.waiting:
        yield f"something is still held: {record}"
    if record.succeeded != succeeded:
        yield f"the record says {record.succeeded} succeeded, which is not so"
    if numbers != list(range(1, len(numbers) + 1)):
        yield "numbers are missing or there twice"


def _finished_once(scene: Scene, store: Store) -> Iterator[str]:
    """Each trial ends once, with the result of its last attempt, and the events say so in the order of their commits."""
    ends, revisions = Counter[int | None](), list[int]()
    for event in events_of(store, scene.experiment):
        revisions.append(event.revision)
        ends[event.trial] += event.kind == "finished"
    for trial in _trials(scene, store):
        attempts = store.attempts(scene.experiment, trial.number)
        last = attempts[-1].result if attempts else None
        if ends[trial.number] != 1:
            yield f"trial {trial.number} is finished {ends[trial.number]} times"
        if trial.result is None or last is None or not same_result(trial.result, last):
            yield f"trial {trial.number} has another result than its last attempt"
    if revisions != list(range(revisions[0], revisions[0] + len(revisions))):
        yield f"revisions leave gaps or go back: {revisions}"


def _acknowledged(scene: Scene, store: Store) -> Iterator[str]:
    """What a worker was told is accepted is in the record as it sent it, and nothing else was accepted there."""
    for said in (said for link in scene.links for said in link.acknowledged):
        kept = store.attempts(scene.experiment, said.id.trial)[said.id.attempt - 1].result
        if kept is None or not same_result(kept, said.result):
            yield f"{said.id}: {said.result} was acknowledged, {kept} is kept"
        trial = store.trial(scene.experiment, said.id.trial)
        if said.is_final and trial.attempt != said.id.attempt:
            yield f"{said.id} was acknowledged as the end of its trial, which went on"


def _as_programs_did(scene: Scene, store: Store) -> Iterator[str]:
    """No attempt ran twice, none succeeded that did not run, and each point it reported is there once."""
    begun = Counter(id for host in scene.hosts for id in host.begun)
    yield from (f"{id} was begun {times} times" for id, times in begun.items() if times > 1)
    programs = {id: program for host in scene.hosts for id, program in host.programs.items()}
    for trial in _trials(scene, store):
        id = AttemptId(scene.experiment, trial.number, trial.attempt)
        if trial.result is None or trial.result.outcome is not Outcome.SUCCEEDED:
            continue
        program = programs.get(id)
        if program is None or program.result.outcome is not Outcome.SUCCEEDED:
            yield f"{id} has succeeded, which its program did not"
            continue
        if trial.result.value != program.values[-1]:
            yield f"{id} has the value {trial.result.value}; its program reported {program.values}"
        kept = store.points(scene.experiment, trial.number, METRIC, trial.attempt)
        if [(point.step, point.value) for point in kept] != list(enumerate(program.values)):
            yield f"{id}: its program reported {program.values}, kept is {kept}"


def _lost_for_a_reason(scene: Scene, store: Store) -> Iterator[str]:
    """A trial is run again only where something befell who held it last: the heir who says so, or the one before."""
    holders: dict[tuple[int | None, int | None], list[str]] = {}
    for event in events_of(store, scene.experiment):
        if event.kind in ("claimed", "adopted"):
            holders.setdefault((event.trial, event.attempt), []).append(event.detail["worker"])
    for trial in _trials(scene, store):
        for attempt in store.attempts(scene.experiment, trial.number):
            ended = attempt.result.outcome if attempt.result else None
            held = holders[attempt.id.trial, attempt.id.attempt][-2:]
            if ended in (Outcome.LOST, Outcome.INTERRUPTED) and scene.troubled.isdisjoint(held):
                yield f"{attempt.id} is {ended}, though nothing befell {' and '.join(held)}"


def _proposed(scene: Scene, store: Store) -> Iterator[str]:
    """Each proposal is what one undisturbed worker makes, or, of an algorithm that looks back, what follows from what it saw."""
    record = store.experiment(scene.experiment)
    description = record.description._replace(seed=record.seed)
    engine = searcher(description.algorithm)
    if engine.looks_back:
        yield from (
            f"trial {one.trial.number} is proposed as {one.trial.configuration}, and again as {one.again}"
            for one in replay(store, scene.experiment, proposed_trials(store, scene.experiment))
            if not one.agrees
        )
        return
    made = 0
    for page in _pages(scene, store):
        mine = [trial for trial in page if trial.proposal and trial.proposal.ordinal is not None]
        ordinals = list(range(made + 1, made + len(mine) + 1))
        made += len(mine)
        wanted = propose_around(engine, description.space, description.seed, ordinals, Known())
        for trial, proposal in zip(mine, wanted, strict=False):
            if trial.configuration != proposal.configuration:
                yield f"trial {trial.number} is {trial.configuration}; undisturbed it is {proposal.configuration}"
