"""What a drive that was killed leaves behind, and how the next one takes it over; on a machine of paper."""

from __future__ import annotations

import fcntl
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from drive_paper import HOLD, AtTrials, Killed, Paper, die_at, failing

from luthier.clock import FakeClock
from luthier.drive import recovering
from luthier.drive.ends import Interrupts
from luthier.drive.planning import top_up
from luthier.errors import StoreError
from luthier.run.runner import Adoption, Order
from luthier.testing.machine import FakeRunner
from luthier.trial import AttemptId, Outcome, Point, Result, TrialState

# ---------------------------------------------------------------------- coming back


def test_what_was_running_is_adopted_and_not_begun_again(paper: Paper) -> None:
    paper.script = AtTrials(paper, t2=HOLD)
    with pytest.raises(Killed):
        paper.drive(at=die_at("beat", 10))
    assert [id.trial for id in paper.machine.running] == [2]
    paper.script = paper.script.well
    ending = paper.drive()
    assert ending.record.finished == 6 and paper.notes.adopted == 1
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 7), 1)


def test_what_ended_meanwhile_keeps_its_outcome(paper: Paper) -> None:
    paper.script = AtTrials(paper, t2=HOLD)
    with pytest.raises(Killed):
        paper.drive(at=die_at("beat", 10))
    (id,) = paper.machine.running
    order = paper.machine.running[id]
    paper.machine.end(id, paper.script.well(order))
    paper.script = paper.script.well
    assert paper.drive().record.succeeded == 6
    assert paper.store.trial(1, 2).attempt == 1 and paper.notes.adopted == 0


def test_what_was_claimed_but_never_began_goes_back_and_counts_for_nothing(paper: Paper) -> None:
    """However often the driver dies between the claim and the start, the trial is not given up as lost."""
    record = paper.open(paper.describe(("x=1",), max_attempts=1))
    for _ in range(5):
        worker, hold = paper.alive.work()
        with pytest.raises(Killed):
            paper.drive(record, at=die_at("opened", 1))
        if paper.store.experiment(1).queued:
            paper.store.claim(1, 1, worker, f"claim-{worker}")
        hold.leave()
    ending = paper.drive(record)
    assert ending.record.succeeded == 1 and len(paper.machine.begun) == 1
    ends = [str(a.result.outcome) for a in paper.store.attempts(1, 1)]
    assert set(ends[:-1]) <= {"interrupted"} and ends[-1] == "succeeded"


def test_an_interrupted_attempt_uses_up_no_retry(paper: Paper) -> None:
    interrupts = Interrupts()
    paper.script = AtTrials(paper, t2=HOLD)

    def press(what: str) -> None:
        if what == "beat" and 2 in {id.trial for id in paper.machine.running}:
            interrupts.count = 1

    record = paper.open(paper.describe(retry_failed=1))
    paper.drive(record, at=press, interrupts=interrupts)
    paper.script = AtTrials(paper, t2=failing)
    paper.script.well = lambda order: Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01)
    paper.drive(record)
    assert [str(a.result.outcome) for a in paper.store.attempts(1, 2)] == ["interrupted", "failed", "failed"]


def test_an_adopted_attempt_is_read_again_and_no_point_is_counted_twice(paper: Paper) -> None:
    def steps(order: Order) -> Result | None:
        path = Path(order.folder, "metrics.jsonl")
        with open(path, "a", encoding="utf-8") as file:
            step = path.read_text(encoding="utf-8").count("\n")
            file.write(f'{{"step": {step}, "loss": {10 - step}, "nan": NaN}}\n')
        return Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=1.0) if step == 7 else None

    paper.script = steps
    record = paper.open(paper.describe(("x=1",)))
    for _ in range(3):
        with pytest.raises(Killed):
            paper.drive(record, at=die_at("reported", 2))
    paper.drive(record)
    points = [p for p in paper.store.points(1, 1) if p.metric == "loss"]
    assert [(p.step, p.value) for p in points] == [(k, 10 - k) for k in range(8)]
    assert paper.store.trial(1, 1).result.value == 3 and len(paper.store.points(1, 1)) == 16


def test_an_attempt_whose_lease_comes_back_is_watched_once(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ran out while we were paused, and who took it over died before it did anything."""
    record = paper.open(paper.describe(("x=1",)))
    paper.script = AtTrials(paper, t1=HOLD)
    owners: list[str] = []
    adopted: list[AttemptId] = []
    adopt = FakeRunner.adopt

    def watched(runner: FakeRunner, id: AttemptId, key: str, folder: str) -> Adoption:
        adopted.append(id)
        return adopt(runner, id, key, folder)

    monkeypatch.setattr(FakeRunner, "adopt", watched)

    def steal(what: str) -> None:
        held = paper.store.held(1)
        if what != "beat" or not held:
            return
        if held[0].worker not in owners:
            owners.append(held[0].worker)
        if len(owners) == 1:
            thief, hold = paper.alive.work()
            assert paper.store.adopt(held[0].id, owners[0], thief, 60.0)
            owners.append(thief)
            hold.leave()
        elif held[0].worker == owners[0]:
            paper.script = paper.script.well if isinstance(paper.script, AtTrials) else paper.script

    ending = paper.drive(record, at=steal)
    assert ending.record.succeeded == 1 and len(owners) == 2 and adopted == []
    assert [a.result.outcome for a in paper.store.attempts(1, 1)] == [Outcome.SUCCEEDED]


def test_the_result_of_a_worker_that_was_given_up_is_kept_as_an_event_and_counts_nowhere(
    paper: Paper,
) -> None:
    record = paper.open(paper.describe(("x=1,2",)))

    def steal(what: str) -> None:
        if what == "began" and len(paper.notes.claims) == 1:
            other = Result(Outcome.SUCCEEDED, "the other's", value=7.0)
            paper.store.finish(paper.notes.claims[0], other)

    ending = paper.drive(record, at=steal)
    assert ending.record.finished == 2 and paper.store.trial(1, 1).result.reason == "the other's"
    assert any("went to another worker" in text for text in paper.notes.texts)
    assert "stale" in {event.kind for event in paper.store.events(experiment=1)}


def test_a_reservation_of_a_dead_worker_is_proposed_again_at_once(paper: Paper) -> None:
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=4))
    golden = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=4), fresh=True)
    worker, hold = paper.alive.work()
    assert len(paper.store.reserve(record.id, 3, worker, "dead")) == 3
    hold.leave()
    before = paper.machine.clock.elapsed()
    assert paper.drive(record).record.finished == 4
    assert paper.machine.clock.elapsed() - before < 30
    paper.drive(golden)
    assert paper.texts(record.id) == paper.texts(golden.id)


def test_a_lease_that_ran_out_is_taken_over_while_its_program_elsewhere_is_silent(paper: Paper) -> None:
    record = paper.open(paper.describe(("x=1,2",), max_attempts=2))
    paper.drive(paper.open(paper.describe(("x=1,2",), trials=1)))
    paper.open(paper.describe(("x=1,2",), trials=2))
    from luthier.drive.planning import ask

    (claim,) = ask(paper.store, record.id, 1, "ask:me", 60.0, paper.machine.clock)
    ending = paper.drive(record)
    assert ending.record.finished == 2 and paper.store.trial(1, claim.id.trial).attempt == 2
    first = paper.store.attempts(1, claim.id.trial)[0]
    assert first.result.outcome is Outcome.LOST and "lease" in first.result.reason


def test_an_attempt_that_somebody_else_took_over_first_is_left_to_him(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two drivers find the same orphan; the record names one, and the other one does not even look at its guardian."""
    paper.script = AtTrials(paper, t1=HOLD)
    record = paper.open(paper.describe(("x=1,2",)))
    with pytest.raises(Killed):
        paper.drive(record, at=die_at("beat", 3))
    other, hold = paper.alive.work()
    adopt = paper.store.adopt

    def slower(id: Any, from_worker: str, to_worker: str, lease_seconds: float = 60.0) -> bool:
        if from_worker != other:
            assert adopt(id, from_worker, other)
        return bool(adopt(id, from_worker, to_worker))

    monkeypatch.setattr(paper.store, "adopt", slower)

    def finish(what: str) -> None:
        if what == "beat" and paper.notes.beats == 20:
            (id,) = paper.machine.running
            assert [(h.id, h.worker) for h in paper.store.held(1)] == [(id, other)]
            paper.machine.end(id, Result(Outcome.SUCCEEDED, ""))
            paper.store.finish(id, Result(Outcome.SUCCEEDED, "the other's", value=1.0))

    ending = paper.drive(record, at=finish)
    assert ending.record.finished == 2 and paper.notes.adopted == 0
    assert [ended.claim.id.trial for ended in paper.notes.endings] == [2] and not paper.notes.texts
    hold.release()


def test_a_paused_workers_trial_is_not_taken_from_its_guardian(paper: Paper) -> None:
    """Its lease has run out, but it is alive and its trial runs: taking over would begin it a second time."""
    record = paper.open(paper.describe(("x=1,2",)))
    paused, hold = paper.alive.work()
    paper.drive(paper.open(paper.describe(("x=1,2",), trials=1)))
    paper.open(paper.describe(("x=1,2",), trials=2))
    top_up(paper.store, 1, record.description, 1, paused, paper.machine.clock)
    (claim,) = paper.store.claim(1, 1, paused, "claim")
    folder = Path(paper.folders.attempt(1, claim.id.trial, 1).path)
    folder.mkdir(parents=True)
    paper.machine.clock.advance(1000.0)
    with open(folder / "guardian.json", "w") as guardian:
        fcntl.flock(guardian, fcntl.LOCK_EX)

        def later(what: str) -> None:
            if what == "beat" and paper.notes.beats == 50:
                assert [(h.worker, h.lapsed) for h in paper.store.held(1)] == [(paused, True)]
                fcntl.flock(guardian, fcntl.LOCK_UN)  # its guardian has gone: now it may be taken

        ending = paper.drive(record, at=later)
    assert ending.record.finished == 2 and paper.notes.beats >= 50
    assert paper.store.trial(1, claim.id.trial).attempt == 2
    hold.release()


def test_a_store_that_fails_ends_the_drive_and_what_was_running_is_adopted(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever verb meets the full disk: the drive stops with the reason, and the next one goes on."""
    record = paper.open()
    for name in ("reserve", "propose", "claim", "finish", "report"):
        with monkeypatch.context() as patch:

            def full(*args: Any, **named: Any) -> None:
                raise StoreError("the store could not be written: database or disk is full")

            patch.setattr(type(paper.store), name, full)
            with pytest.raises(StoreError, match="disk is full"):
                paper.drive(record)
        assert paper.alive.dead_workers(), (
            "its locks are left, as by a death, so that the next one takes over"
        )
    assert paper.drive(record).record.succeeded == 6
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 7), 1)
    assert {a.result.outcome for n in range(1, 7) for a in paper.store.attempts(1, n)} <= {
        Outcome.SUCCEEDED,
        Outcome.INTERRUPTED,
    }


def test_workers_that_come_and_die_share_the_budget_with_one_that_stays(paper: Paper) -> None:
    """Others begin, take trials and die at every place where the first one hears something."""
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=40))
    others = [0]

    def other(what: str) -> None:
        if what == "ended" and others[0] < 15:
            others[0] += 1
            mine = paper.notes
            die = {"ended": others[0] % 3 + 1, "began": others[0] % 4 + 1, "beat": 5}
            seen: Counter[str] = Counter()

            def at(now: str) -> None:
                seen[now] += 1
                if seen[now] == die.get(now):
                    raise Killed

            with pytest.raises(Killed):
                paper.drive(record, at=at, slots=2)
            paper.notes = mine

    ending = paper.drive(record, slots=2, at=other)
    assert ending.record.finished == ending.record.trials == 40 and others[0] == 15
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 41), 1)
    assert not paper.store.held(1) and not list(paper.alive._folder.glob("worker-*"))


# ---------------------------------------------------------------------- devices


def test_an_adopted_trial_keeps_its_device_to_itself(paper: Paper) -> None:
    """Two GPUs, both busy at the kill: the next driver starts nothing on them, ahead or not, before they are free."""
    devices: list[tuple[str, ...] | None] = [("0",), ("1",)]
    where: dict[int, str] = {}

    def script(order: Order) -> Result | None:
        where[order.id.trial] = order.env["CUDA_VISIBLE_DEVICES"]
        busy = [o.env["CUDA_VISIBLE_DEVICES"] for o in paper.machine.running.values()]
        assert len(busy) == len(set(busy)), f"two trials on one GPU: {busy}"
        return HOLD if order.id.trial in (5, 6) and holding else well(order)

    well, holding = paper.script, True
    paper.script = script
    record = paper.open(paper.describe(("x=1,2,3,4,5,6,7,8,9,10,11,12",)))

    def die(what: str) -> None:
        if what == "beat" and {5, 6} <= {id.trial for id in paper.machine.running}:
            raise Killed

    with pytest.raises(Killed):
        paper.drive(record, slots=devices, at=die)

    def free(what: str) -> None:
        nonlocal holding
        if what == "beat" and paper.notes.beats == 5:
            holding = False

    ending = paper.drive(record, slots=devices, at=free)
    assert ending.record.succeeded == 12 and paper.notes.adopted == 2
    assert set(where.values()) == {"0", "1"}


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_adopted_trials_count_as_running_ones(paper: Paper, slots: int) -> None:
    well, paper.script = paper.script, lambda order: HOLD
    record = paper.open()

    def die(what: str) -> None:
        if what == "beat" and len(paper.machine.running) == 4:
            raise Killed

    with pytest.raises(Killed):
        paper.drive(record, slots=4, at=die)
    most = [0]

    def end_one(order: Order) -> Result | None:
        most[0] = max(most[0], len([o for o in paper.machine.running if o.trial > 4]))
        if order.id.trial > 4:
            adopted = [o for o in paper.machine.running if o.trial <= 4]
            assert len(adopted) < slots, "more side by side than there are slots"
        ends = order.id.trial == min(o.trial for o in paper.machine.running)
        return well(order) if ends else None

    paper.script = end_one
    ending = paper.drive(record, slots=slots)
    assert ending.record.finished == 6 and most[0] <= slots


def test_every_trial_is_finished_once_the_drive_says_so(paper: Paper) -> None:
    paper.drive(slots=3)
    assert paper.states() == {str(TrialState.FINISHED): 6} and not paper.store.held(1)
    assert not list(paper.alive._folder.glob("worker-*"))


def test_points_are_told_while_a_trial_runs(paper: Paper) -> None:
    turns = [0]

    def script(order: Order) -> Result | None:
        turns[0] += 1
        Path(order.folder, "stdout.log").write_text("".join(f"loss={k}\n" for k in range(turns[0])))
        return HOLD if turns[0] < 4 else Result(Outcome.SUCCEEDED, "", seconds=1.0)

    paper.script = script
    paper.drive(paper.open(paper.describe(("x=1",))))
    assert [p.value for p in paper.notes.points] and all(isinstance(p, Point) for p in paper.notes.points)
    assert paper.store.trial(1, 1).result.value == 3


@pytest.mark.parametrize(("running", "looks"), [(1, 60), (100, 60), (1000, 6), (30_000, 0)])
def test_the_more_there_are_the_less_often_each_reads_what_all_hold(
    running: int, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand workers that each read ten thousand attempts a second would ask for nothing else."""
    seen: list[object] = []
    monkeypatch.setattr(recovering, "recover", seen.append)
    clock, dead = FakeClock(), list[str]()
    drive: Any = SimpleNamespace(
        clock=clock, record=SimpleNamespace(running=running), alive=SimpleNamespace(dead_workers=lambda: dead)
    )
    rounds = recovering.Rounds(drive)
    for _ in range(64 * 8):  # eighths add up exactly
        clock.advance(0.125)
        rounds.go()
        if clock.elapsed() <= 1060.0:
            assert len(seen) <= looks
    assert len(seen) >= looks
    dead.append("its neighbour")
    clock.advance(1.0)
    rounds.go()
    assert len(seen) > looks
