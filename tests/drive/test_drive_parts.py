"""The parts of the drive by themselves: judging, slots, locks, planning, the pre-flight's arithmetic, changed files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from luthier.clock import FakeClock
from luthier.description import Algorithm, Command, Constraint, Description, Limits, Objective
from luthier.drive.alive import Alive
from luthier.drive.changes import MOST_BYTES, changed_files, digests
from luthier.drive.checking import far_neighbours
from luthier.drive.judging import EX_TEMPFAIL, judge, wants_again
from luthier.drive.launching import attempt_key, order_for
from luthier.drive.listener import Ended
from luthier.drive.planning import AHEAD, ask, top_up
from luthier.drive.preflight import bill, unwired
from luthier.drive.slots import Slots
from luthier.drive.watching import Watched
from luthier.drive.work import Commands
from luthier.errors import AliveError, CommandError, TrialError
from luthier.metrics import summarize
from luthier.run.folders import AttemptFolder, Folders
from luthier.space import Configuration, Space
from luthier.space.grammar import parse_params
from luthier.store import Claim
from luthier.store.memory import MemoryStore
from luthier.trial import AttemptId, Outcome, Point, Result

LOSS = Objective("loss", direction="minimize")


def space(*params: str) -> Space:
    return Space(tuple(parse_params(params, ()).parameters))


def described(
    params: tuple[str, ...] = ("x=1,2,3",),
    objective: Objective | None = LOSS,
    trials: int | None = None,
    algorithm: str = "grid",
    **limits: Any,
) -> Description:
    command = Command(("train", ":x:"), "/nowhere")
    return Description(
        "/p", space(*params), Algorithm(algorithm), command, objective, trials, limits=Limits(**limits)
    )


# ---------------------------------------------------------------------- judging


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("reported", [True, False])
@pytest.mark.parametrize("objective", [LOSS, None])
def test_judge_every_row(
    outcome: Outcome, reported: bool, objective: Objective | None, tmp_path: Path
) -> None:
    errors = tmp_path / "stderr.log"
    errors.write_text("Traceback\nValueError: x is 7\n")
    summaries = summarize([Point("loss", 0, 2.0, 0.0), Point("loss", 1, 1.5, 0.0)] if reported else [])
    judged = judge(described(objective=objective), Result(outcome, "so it ended"), summaries, errors)
    assert judged.value == (1.5 if reported and objective else None)
    if outcome is Outcome.FAILED:
        assert judged.reason == "so it ended: ValueError: x is 7"
    elif outcome is Outcome.SUCCEEDED and objective and not reported:
        assert judged.outcome is Outcome.FAILED and judged.reason.startswith("it ended well, but ")
        assert "loss" in judged.reason
    else:
        assert (judged.outcome, judged.reason) == (outcome, "so it ended")


def test_a_failure_without_a_word_keeps_its_reason(tmp_path: Path) -> None:
    judged = judge(described(), Result(Outcome.FAILED, "exit code 3"), {}, tmp_path / "none")
    assert judged.reason == "exit code 3"


AIMED = described()._replace(
    also=(Objective("accuracy", "max"),),
    constraints=(Constraint("memory", 4.0), Constraint("recall", 0.5, ">=")),
)


def reported(**values: float) -> Any:
    return summarize([Point(name, 1.0, value, 0.0) for name, value in values.items()])


def test_judge_says_all_objectives_and_by_how_much_constraints_are_broken() -> None:
    summaries = reported(loss=1.5, accuracy=0.75, memory=3.0, recall=0.25)
    judged = judge(AIMED, Result(Outcome.SUCCEEDED, ""), summaries, None)
    assert (judged.value, judged.values, judged.constraints) == (1.5, (1.5, 0.75), (-1.0, 0.25))
    assert not judged.is_allowed
    plain = judge(described(), Result(Outcome.SUCCEEDED, ""), summaries, None)
    assert (plain.values, plain.constraints, plain.is_allowed) == (None, (), True)


def test_judge_takes_a_missing_objective_for_a_failure_and_leaves_a_stopped_trial_alone() -> None:
    partial = reported(loss=1.5, accuracy=0.75, memory=3.0)
    judged = judge(AIMED, Result(Outcome.SUCCEEDED, ""), partial, None)
    assert judged.outcome is Outcome.FAILED and "it reported no recall" in judged.reason
    stopped = judge(AIMED, Result(Outcome.STOPPED, "enough"), partial, None)
    assert (stopped.outcome, stopped.value, stopped.values) == (Outcome.STOPPED, 1.5, None)


def test_what_an_experiment_aims_at_is_part_of_what_it_is() -> None:
    assert Description.from_dict(AIMED.to_dict()) == AIMED
    kinds = {described().identity(), AIMED.identity(), AIMED._replace(also=()).identity()}
    assert len(kinds) == 3
    assert not {"also", "constraints"} & set(described().to_dict())


F, L, I, O, T = Outcome.FAILED, Outcome.LOST, Outcome.INTERRUPTED, Outcome.OUT_OF_MEMORY, Outcome.TIMED_OUT  # noqa: E741


@pytest.mark.parametrize(
    ("outcome", "code", "earlier", "limits", "again"),
    [
        (Outcome.SUCCEEDED, 0, [], {"retry_failed": 5}, False),
        (Outcome.STOPPED, None, [], {"retry_failed": 5}, False),
        (Outcome.KILLED, None, [], {"retry_failed": 5}, False),
        (I, None, [I] * 100, {"max_attempts": 1}, True),
        (L, None, [], {"max_attempts": 1}, False),
        (L, None, [], {"max_attempts": 3}, True),
        (L, None, [L], {"max_attempts": 3}, True),
        (L, None, [L, L], {"max_attempts": 3}, False),
        (L, None, [I, F, I, F], {"max_attempts": 2}, True),
        (F, 1, [], {}, False),
        (F, 1, [], {"retry_failed": 1}, True),
        (F, 1, [F], {"retry_failed": 1}, False),
        (F, 1, [I, L, I], {"retry_failed": 1}, True),
        (O, None, [F], {"retry_failed": 1}, False),
        (T, None, [], {"retry_failed": 1}, True),
        (F, EX_TEMPFAIL, [], {}, True),
        (F, EX_TEMPFAIL, [F, F], {}, False),
        (F, EX_TEMPFAIL, [I, I, L], {}, True),
        (F, EX_TEMPFAIL, [], {"max_attempts": 1}, False),
    ],
)
def test_wants_again_every_row(
    outcome: Outcome, code: int | None, earlier: list[Outcome], limits: dict[str, Any], again: bool
) -> None:
    found, result = wants_again(described(**limits), Result(outcome, "why", exit_code=code), earlier)
    assert found is again and result.outcome is outcome
    if code == EX_TEMPFAIL:
        assert "exit code 75" in result.reason
    elif outcome is L and not again:
        assert "given up after" in result.reason
    else:
        assert result.reason == "why"


# ---------------------------------------------------------------------- slots


def ids(*numbers: int) -> list[AttemptId]:
    return [AttemptId(1, n, 1) for n in numbers]


def test_slots_are_given_emptiest_first_and_no_more_than_were_allowed_ahead() -> None:
    slots = Slots([None] * 3)
    a, b, c = ids(1, 2, 3)
    assert slots.free(0) == [0, 1, 2] and slots.free(1) == [0, 1, 2, 0, 1, 2]
    slots.fill(1, a)
    assert slots.free(0) == [0, 2] and slots.free(1) == [0, 2, 0, 1, 2]
    slots.fill(1, b)
    slots.fill(1, c)
    assert slots.ahead() == [b, c] and slots.free(1) == [0, 2, 0, 2]
    slots.empty(1, a)
    assert slots.ahead() == [c]
    assert slots.shortest([]) == 0
    for slot in (0, 2):
        for id in ids(4, 5):
            slots.fill(slot, id)
    assert slots.shortest([]) == 2 and slots.shortest([b]) == 1


@pytest.mark.parametrize(
    ("typical_seconds", "ahead"),
    [(60.0, 0), (0.5, 0), (0.4, 1), (0.05, 1), (0.04, 5), (0.02, 10), (0.002, 16), (0.0, 16)],
)
def test_the_shorter_trials_are_the_more_of_them_wait_in_a_slot(
    typical_seconds: float, ahead: int, tmp_path: Path
) -> None:
    work = Commands(described(), Folders(tmp_path), 0.0)
    assert work.ahead(typical_seconds) == ahead


def test_a_guest_takes_the_slot_of_its_device_and_nothing_is_sent_there() -> None:
    slots = Slots([("0",), ("1",)])
    a, b = ids(1, 2)
    slots.seat(a, ("1",))
    assert slots.free(4) == [0] * 5
    slots.seat(b, ("1",))
    slots.empty(None, a)
    assert slots.free(0) == [0], "the other guest is still on it"
    slots.empty(None, b)
    assert slots.free(0) == [0, 1] and slots.ahead() == []


def test_a_guest_with_two_devices_blocks_every_slot_that_has_one_of_them() -> None:
    slots = Slots([("0",), ("1",), ("2",)])
    slots.seat(ids(1)[0], ("0", "1"))
    assert slots.free(0) == [2]


def test_guests_take_the_emptiest_places_and_share_when_there_are_too_many() -> None:
    slots = Slots([None, None])
    a, b, c, d = ids(1, 2, 3, 4)
    slots.fill(0, a)
    slots.seat(b, None)
    assert slots.free(0) == []
    slots.seat(c, None)
    slots.seat(d, None)
    slots.empty(0, a)
    slots.empty(None, b)
    assert slots.free(0) == [], "two guests are left, and two slots"
    slots.empty(None, c)
    slots.empty(None, d)
    assert slots.free(0) == [0, 1]


def test_halves_of_one_device_are_two_places() -> None:
    slots = Slots([("0",), ("0",)])
    slots.seat(ids(1)[0], ("0",))
    assert len(slots.free(0)) == 1


# ---------------------------------------------------------------------- locks

HOLDER = """
import sys
from pathlib import Path
from luthier.drive.alive import Alive
alive = Alive(Path(sys.argv[1]))
kept = [alive.drive(7), alive.work()]
print(kept[1][0], flush=True)
sys.stdin.read()
"""


def test_a_lock_lives_as_long_as_its_process(tmp_path: Path) -> None:
    alive = Alive(tmp_path)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout and other.stdin
        worker = other.stdout.readline().strip()
        assert alive.is_driven(7) and not alive.is_driven(8)
        assert alive.is_working(worker) and alive.dead_workers() == []
        with pytest.raises(AliveError, match=f"already being driven by process {other.pid}") as refused:
            alive.drive(7)
        assert refused.value.exit_code == 2 and "--new" in str(refused.value)
        alive.drive(8).release()
        other.kill()
        other.wait()
    assert not alive.is_driven(7) and alive.dead_workers() == [worker]
    hold = alive.drive(7)
    with pytest.raises(AliveError):
        Alive(tmp_path).drive(7)
    hold.release()
    alive.bury(worker)
    assert alive.dead_workers() == []


def test_release_takes_the_file_away_and_leave_does_not(tmp_path: Path) -> None:
    alive = Alive(tmp_path)
    name, hold = alive.work()
    other, left = alive.work()
    assert name != other and alive.is_working(name)
    hold.release()
    hold.release()
    left.leave()
    assert alive.dead_workers() == [other]


def test_looking_at_a_lock_never_keeps_anyone_from_taking_it(tmp_path: Path) -> None:
    alive = Alive(tmp_path)
    looker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from luthier.drive.alive import Alive\n"
            "a = Alive(Path(sys.argv[1])); print(flush=True)\nwhile True: a.is_driven(1)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    with looker:
        assert looker.stdout
        looker.stdout.readline()
        for _ in range(300):
            hold = alive.drive(1)
            assert Alive(tmp_path).is_driven(1)
            hold.release()
        looker.kill()


# ---------------------------------------------------------------------- planning


def test_top_up_writes_many_at_once_and_never_more_than_the_target() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    description = described(("x=0.0:1.0",), algorithm="random", trials=AHEAD + 5)
    record, _ = store.open_experiment(description)
    assert top_up(store, record.id, description, 2, "w", clock) == AHEAD
    assert top_up(store, record.id, description, 2, "w", clock) == 5
    assert top_up(store, record.id, description, 2, "w", clock) == 0
    trials = store.trials(record.id)
    assert [t.number for t in trials] == list(range(1, AHEAD + 6))
    assert [t.proposal.ordinal for t in trials if t.proposal] == list(range(1, AHEAD + 6))


def test_ask_proposes_only_what_is_missing_and_claims_it() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    record, _ = store.open_experiment(described())
    claims = ask(store, record.id, 2, "ask:me", 60.0, clock)
    assert [c.configuration.texts() for c in claims] == [{"x": "1"}, {"x": "2"}]
    assert len(ask(store, record.id, 5, "ask:me", 60.0, clock)) == 1
    assert ask(store, record.id, 1, "ask:me", 60.0, clock) == []


# ---------------------------------------------------------------------- launching


def claim(configuration: Configuration, attempt: int = 1) -> Claim:
    return Claim(AttemptId(1, 1, attempt), 1, configuration, 5, 1)


def test_the_words_of_a_second_attempt_are_those_of_the_first(tmp_path: Path) -> None:
    description = described(("x=1e-6,.50,007",))
    folders = Folders(tmp_path)
    for place, written in enumerate(("1e-6", ".50", "007")):
        configuration = description.space.at(place)
        orders = [
            order_for(
                description, claim(configuration, k), folders.attempt(1, 1, k), f"key{k}", 0, None, tmp_path
            )
            for k in (1, 2)
        ]
        assert orders[0].argv == orders[1].argv == ("train", written)


def test_a_folder_that_can_not_be_written_is_the_trials_failure(tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("in the way")
    description = described()
    with pytest.raises(TrialError, match="could not be written"):
        order_for(
            description,
            claim(description.space.at(0)),
            Folders(tmp_path).attempt(1, 1, 1),
            "k",
            0,
            None,
            tmp_path,
        )


def test_a_value_a_shell_would_read_is_refused(tmp_path: Path) -> None:
    description = Description(
        "/p", space("x=a;b"), Algorithm("grid"), Command(("run :x:",), "/nowhere", shell=True), None
    )
    with pytest.raises(CommandError):
        order_for(
            description,
            claim(description.space.at(0)),
            Folders(tmp_path).attempt(1, 1, 1),
            "k",
            0,
            None,
            tmp_path,
        )


def test_an_attempts_key_is_the_same_for_every_driver_and_no_other_attempts() -> None:
    keys = {
        attempt_key(Path(root), created, AttemptId(1, trial, attempt))
        for root in ("/a", "/b")
        for created in (1.0, 2.0)
        for trial in (1, 11)
        for attempt in (1, 11)
    }
    assert len(keys) == 16 and all(key.isalnum() for key in keys)
    assert attempt_key(Path("/a"), 1.0, AttemptId(1, 1, 1)) in keys


# ---------------------------------------------------------------------- what comes too late


@pytest.mark.parametrize(("flushes", "found"), [(True, ()), (False, ("loss",))])
def test_points_that_all_come_at_the_end_are_noticed(
    flushes: bool, found: tuple[str, ...], tmp_path: Path
) -> None:
    """`accuracy` is reported once, at the end, as many programs do: that is no series."""
    folder = AttemptFolder(str(tmp_path / "t"), str(tmp_path / "t" / "a"))
    configuration = space("x=1").at(0)
    folder.prepare(argv=["x"], cwd="/", texts=configuration.texts(), values=configuration.values())
    store, description = MemoryStore(FakeClock()), described()
    store.open_experiment(description)
    store.enqueue(1, [configuration], "n")
    watched = Watched(store.claim(1, 1, "w", "c", 1e9)[0], folder, description, 0)
    for second in range(10):
        if flushes or second == 9:
            with open(folder.stdout, "a") as file:
                for step in [second] if flushes else range(10):
                    file.write(f"loss={1 / (step + 1)} step={step}\n")
        watched.collect(store, 100.0 + second)
    with open(folder.stdout, "a") as file:
        file.write("accuracy=0.5\n")
    watched.collect(store, 109.5, last=True)
    assert watched.at_once(10.0) == found
    assert watched.at_once(1.0) == ()  # so short that nobody could tell


# ---------------------------------------------------------------------- the pre-flight's arithmetic


def ended(texts: dict[str, str], metrics: dict[str, float], outcome: Outcome = Outcome.SUCCEEDED) -> Ended:
    params = tuple(f"{name}={value},zzz" for name, value in texts.items())
    configuration = space(*params).at(0)
    assert configuration.texts() == texts
    result = Result(outcome, "", seconds=10.0, cpu_seconds=8.0, peak_bytes=1000)
    return Ended(claim(configuration), result, False, metrics, {}, "")


def test_two_trials_that_differ_in_one_parameter_alone_and_report_the_same_show_it_unwired() -> None:
    base = ended({"a": "1", "b": "1"}, {"loss": 0.5})
    assert unwired([base, ended({"a": "2", "b": "1"}, {"loss": 0.5})]) == ["a"]
    assert unwired([base, ended({"a": "2", "b": "2"}, {"loss": 0.5})]) == []
    assert unwired([base, ended({"a": "2", "b": "1"}, {"loss": 0.6})]) == []
    assert unwired([base, ended({"a": "2", "b": "1"}, {"loss": 0.5, "more": 1.0})]) == []
    assert unwired([base, ended({"a": "2", "b": "1"}, {"loss": 0.5}, Outcome.FAILED)]) == []
    nan = float("nan")
    diverged = [ended({"a": text}, {"loss": nan, "accuracy": 0.1}) for text in ("1", "2")]
    assert unwired(diverged) == [] and unwired([base, *diverged]) == []
    assert unwired([ended({"a": "1"}, {}), ended({"a": "2"}, {})]) == []


@pytest.mark.parametrize(
    ("trials", "slots", "seconds"),
    [(1, 4, 10.0), (4, 4, 10.0), (5, 4, 20.0), (24, 2, 120.0), (None, 2, None)],
)
def test_the_bill_counts_rounds(trials: int | None, slots: int, seconds: float | None) -> None:
    found = bill(ended({"a": "1"}, {}), trials, slots)
    assert (found.search_seconds, found.trials) == (seconds, trials)
    assert (found.trial_seconds, found.trial_cpu_seconds, found.peak_bytes) == (10.0, 8.0, 1000)


def test_far_neighbours_differ_in_one_parameter_each_as_far_as_it_reaches() -> None:
    wide = space("x=0.0:1.0", "n=1:9:linear:int", "c=a,b,c", "one=5")
    base = wide.from_unit(dict.fromkeys(wide.dimensions, 0.2))
    found = far_neighbours(wide, base)
    assert len(found) == 3
    for name, other in zip(("x", "n", "c"), found, strict=True):
        differing = [k for k in base if base.texts()[k] != other.texts()[k]]
        assert differing == [name]
    assert float(found[0]["x"].value) > 0.9


# ---------------------------------------------------------------------- changed files


def test_digests_are_of_the_small_files_that_a_command_names(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)")
    (tmp_path / "small.yaml").write_text("a: 1")
    (tmp_path / "data.bin").write_bytes(b"0" * (MOST_BYTES + 1))
    (tmp_path / "folder").mkdir()
    words = (
        "python",
        "train.py",
        "--config=small.yaml",
        "data.bin",
        "folder",
        ":x:",
        "nul\0",
        "-",
        "x" * 5000,
    )
    assert sorted(digests(Command(words, str(tmp_path)))) == ["small.yaml", "train.py"]
    shell = Command(("python train.py --x :x: | tee 'small.yaml'",), str(tmp_path), shell=True)
    assert sorted(digests(shell)) == ["small.yaml", "train.py"]
    assert sorted(digests(Command(("python train.py 'open",), str(tmp_path), shell=True))) == ["train.py"]


def test_a_change_is_told_once_and_a_disk_that_refuses_the_note_is_no_matter(tmp_path: Path) -> None:
    folders, program = Folders(tmp_path / "store"), tmp_path / "train.py"
    command = Command(("python", "train.py"), str(tmp_path))
    program.write_text("1")
    assert changed_files(folders, 1, command) == []
    assert changed_files(folders, 1, command) == []
    program.write_text("2")
    assert changed_files(folders, 1, command) == ["train.py"]
    assert changed_files(folders, 1, command) == []
    program.unlink()
    assert changed_files(folders, 1, command) == ["train.py"]
    Path(folders.code(1)).write_text("{half a no")
    assert changed_files(folders, 1, command) == []
    (tmp_path / "file").touch()
    assert changed_files(Folders(tmp_path / "file"), 1, command) == []
    assert [p.name for p in Path(folders.experiment(1)).iterdir()] == ["code.json"]
    assert os.listdir(tmp_path / "store") == ["trials"]
