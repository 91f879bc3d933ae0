"""Event files: as others really write them, cut and damaged anywhere, growing, and whose they are."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from math import isnan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.metrics import Collector, event_files, matching_name
from luthier.metrics.event_files import EventFiles, Places
from luthier.metrics.events import EventFile, Scalar, scalars_of
from luthier.metrics.tfrecord import LARGEST_BYTES, framed
from luthier.metrics.walk import Walk
from luthier.trial import Point
from luthier.view.tensorboard import encoding

DATA = Path(__file__).parent / "data"
NOW = 1_700_000_000.0
HOST = socket.gethostname()


def scalars(path: Path | str) -> list[Scalar]:
    file = EventFile(path)
    found = list(file.scalars(1 << 30, last=True))
    assert file.damaged == 0
    return found


def some(count: int = 3, tag: str = "loss") -> list[bytes]:
    """Records of one curve: 1, 1/2, 1/4, …"""
    return [encoding.scalar(NOW + k, k, tag, 0.5**k) for k in range(count)]


def write(path: Path, records: Iterable[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join([encoding.beginning(NOW), *records]))
    return path


def name(when: float = NOW, pid: int | None = None, uid: int = 0) -> str:
    return f"events.out.tfevents.{int(when)}.{HOST}" + (f".{pid}.{uid}" if pid is not None else "")


# ------------------------------------------------------------------ as others write them


def test_what_keras_writes() -> None:
    (training,) = (DATA / "keras" / "train").iterdir()
    (validation,) = (DATA / "keras" / "validation").iterdir()
    found = {(s.tag, s.step): round(s.value, 4) for s in scalars(training)}
    assert found["epoch_accuracy", 0] == 0.4875 and found["epoch_loss", 2] == 0.6798
    assert {tag for tag, _ in found} == {
        "epoch_accuracy",
        "epoch_loss",
        "epoch_learning_rate",
    }  # no histogram
    found = {(s.tag, s.step): round(s.value, 4) for s in scalars(validation)}
    assert found["epoch_accuracy", 0] == 0.475 and found["evaluation_loss_vs_iterations", 15] == 0.673


def test_every_number_tensorflow_can_write() -> None:
    (path,) = (DATA / "tensorflow").iterdir()
    found = scalars(path)
    kinds = [s.tag.removeprefix("raw/") for s in found if s.tag.startswith("raw/")]
    assert len(kinds) == 12
    values = {s.tag: s.value for s in found}
    assert all(values[f"raw/{kind}"] == 1 and values[f"zero/{kind}"] == 0 for kind in kinds)
    assert values["s"] == -2.5 and values["one"] == 7 and values["neg"] == values["neg32"] == -3
    assert isnan(values["nan"])
    assert not {"many", "t", "h", "im"} & set(values)


def test_what_tensorboard_writes(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.plugins.scalar import metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util import tensor_util

    writer = EventFileWriter(str(tmp_path))
    said = metadata.create_summary_metadata("shown", "described")
    for step in range(3):
        new = tensor_util.make_tensor_proto(step / 4, dtype="float64")
        values = [
            summary_pb2.Summary.Value(tag="old", simple_value=step / 2),
            summary_pb2.Summary.Value(tag="new", tensor=new, metadata=said),
        ]
        writer.add_event(event_pb2.Event(wall_time=NOW, step=step, summary=summary_pb2.Summary(value=values)))
    writer.close()
    (path,) = tmp_path.iterdir()
    expected = [
        ("old", 0.0, 0),
        ("new", 0.0, 0),
        ("old", 0.5, 1),
        ("new", 0.25, 1),
        ("old", 1.0, 2),
        ("new", 0.5, 2),
    ]
    assert [s[:3] for s in scalars(path)] == expected
    assert {s.time for s in scalars(path)} == {NOW}


def test_what_tensorboardx_writes(tmp_path: Path) -> None:
    tensorboardx = pytest.importorskip("tensorboardX")
    with tensorboardx.SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss/train", 0.25, 3, walltime=NOW)
        writer.add_histogram("weights", [1.0, 2.0], 3)
        writer.add_text("note", "hallo")
    (path,) = tmp_path.iterdir()
    assert scalars(path) == [Scalar("loss/train", 0.25, 3, NOW)]


@pytest.mark.nightly
def test_what_pytorch_writes(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with tensorboard.SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", 0.25, 3, walltime=NOW)
        writer.add_scalar("new", 0.75, 4, walltime=NOW, new_style=True)
        writer.add_scalar("double", 0.1, 5, walltime=NOW, new_style=True, double_precision=True)
        writer.add_hparams({"rate": 0.1}, {"hparam/loss": 0.5})
    (path,) = (each for each in tmp_path.iterdir() if each.is_file())
    assert [s[:3] for s in scalars(path)] == [("loss", 0.25, 3), ("new", 0.75, 4), ("double", 0.1, 5)]


def test_what_we_write_others_read(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    path = write(tmp_path / name(), [encoding.scalar(NOW, -3, "ä/b", 1e300), encoding.restart(NOW, 2)])
    first, second, third = LegacyEventFileLoader(str(path)).Load()
    assert first.file_version == "brain.Event:2" and third.session_log.status == 1 and third.step == 2
    assert (second.wall_time, second.step) == (NOW, -3)
    (value,) = second.summary.value
    assert (value.tag, value.simple_value) == ("ä/b", float("inf"))
    assert scalars(path) == [Scalar("ä/b", float("inf"), -3, NOW)]


# ------------------------------------------------------------------ cut, damaged, growing


@given(st.data())
def test_bytes_that_come_in_pieces_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = b"".join([encoding.beginning(NOW), *some(4), *some(2, "acc")])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    path = tmp_path_factory.mktemp("pieces") / "tfevents"
    file, found = EventFile(path), []
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        with path.open("ab") as growing:
            growing.write(whole[begin:end])
        found += file.scalars(data.draw(st.integers(1, 200)))
    while file.waiting() > 0:
        found += file.scalars(64)
    assert [s[:3] for s in found] == [("loss", 0.5**k, k) for k in range(4)] + [
        ("acc", 1, 0),
        ("acc", 0.5, 1),
    ]
    assert file.damaged == 0


def test_a_file_cut_at_any_byte_has_what_is_whole(tmp_path: Path) -> None:
    records = some(3)
    whole = b"".join(records)
    ends = [sum(map(len, records[: k + 1])) for k in range(3)]
    path = tmp_path / "tfevents"
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        assert len(scalars(path)) == sum(end <= length for end in ends)


def test_any_wrong_byte_costs_its_record_and_is_counted(tmp_path: Path) -> None:
    records = some(5)
    before, middle, after = b"".join(records[:2]), records[2], b"".join(records[3:])
    path = tmp_path / "tfevents"
    for place in range(len(middle)):
        bad = bytearray(middle)
        bad[place] ^= 0x41
        path.write_bytes(before + bad + after)
        file = EventFile(path)
        assert [s.step for s in file.scalars(1 << 20, last=True)] == [0, 1, 3, 4], place
        assert file.damaged == 1


def test_a_last_record_that_is_wrong_is_waited_for(tmp_path: Path) -> None:
    """Some file systems show a file's new length before its new bytes."""
    records = some(2)
    path = tmp_path / "tfevents"
    path.write_bytes(records[0] + records[1][:-10] + bytes(10))
    file = EventFile(path)
    assert [s.step for s in file.scalars(1 << 20)] == [0]
    assert list(file.scalars(1 << 20)) == []
    path.write_bytes(b"".join(records))
    assert [s.step for s in file.scalars(1 << 20)] == [1]
    assert file.damaged == 0


def test_zeros_at_the_end_are_waited_for(tmp_path: Path) -> None:
    records = some(2)
    path = tmp_path / "tfevents"
    path.write_bytes(records[0] + bytes(len(records[1])))
    file = EventFile(path)
    assert [s.step for s in file.scalars(1 << 20)] == [0]
    path.write_bytes(b"".join(records))
    assert [s.step for s in file.scalars(1 << 20)] == [1]
    assert file.damaged == 0


def test_large_records_are_passed_over_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "tfevents", [framed(bytes(8 * LARGEST_BYTES)), *some(1)])
    read = 0
    pread = os.pread

    def counted(fd: int, size: int, at: int) -> bytes:
        nonlocal read
        data = pread(fd, size, at)
        read += len(data)
        return data

    monkeypatch.setattr(os, "pread", counted)
    assert len(scalars(path)) == 1
    assert read < 3 * LARGEST_BYTES


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    try:
        scalars_of(junk)
    except (ValueError, IndexError, struct.error):
        pass
    path = tmp_path_factory.mktemp("junk") / "tfevents"
    path.write_bytes(junk + b"".join([framed(junk), *some(1)]))
    assert [s.tag for s in EventFile(path).scalars(1 << 20, last=True)][-1:] == ["loss"]


def test_a_folder_and_a_missing_file_hold_nothing(tmp_path: Path) -> None:
    assert scalars(tmp_path) == scalars(tmp_path / "none") == []


# ------------------------------------------------------------------ whose they are


class Seen:
    """Processes that a test makes up."""

    def __init__(self, *, pids: Iterable[int] = (), files: Iterable[Path] = (), began: float = NOW) -> None:
        self.pids = set(pids)
        self.folders: dict[str, None] = {}
        self.files = [str(each) for each in files]
        self._began = began

    def began(self) -> float:
        return self._began

    def open_files(self, mark: str) -> list[str]:
        assert mark == "tfevents"
        return self.files

    def look_back(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _nobody_owns_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "_owners", {})
    monkeypatch.setattr(event_files, "_contested", set())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "trials" / "1" / "1" / "attempt-1"
    (folder / "outputs").mkdir(parents=True)
    return folder


def shown(files: EventFiles, now: float = NOW, *, last: bool = False) -> list[tuple[str, float, float]]:
    return [(s.tag, s.step, s.value) for s in files.read(now, 1 << 20, last=last)]


def test_all_in_its_own_folder_is_its_own(own: Path) -> None:
    write(own / "outputs" / "deep" / "down" / name(), some(1))
    write(own / "outputs" / name(pid=1), some(1, "acc"))
    files = EventFiles(Places(str(own)))
    assert shown(files) == [("loss", 0, 1), ("acc", 0, 1)]
    assert shown(files) == []


def test_beside_others_the_process_in_the_name_decides(tmp_path: Path, own: Path) -> None:
    write(tmp_path / "runs" / "mine" / name(NOW, 77), some(1))
    write(tmp_path / "runs" / "theirs" / name(NOW, 78), some(1, "theirs"))
    write(
        tmp_path / "runs" / "before" / name(NOW - 100, 77), some(1, "before")
    )  # the number was another's then
    write(tmp_path / "runs" / "nobodys" / name(NOW), some(1, "nobodys"))
    write(tmp_path / "results" / "runs" / "hf" / name(NOW, 77, 1), some(1, "hf"))
    files = EventFiles(Places(str(own), str(tmp_path)), Seen(pids=[77]))
    assert shown(files) == []  # there is time: they will not go away
    assert shown(files, NOW + 2) == [("loss", 0, 1), ("hf", 0, 1)]


def test_a_file_that_it_has_open_is_its_own_wherever_it_is(tmp_path: Path, own: Path) -> None:
    path = write(tmp_path / "anywhere" / name(), some(1))
    files = EventFiles(Places(str(own), str(tmp_path)), Seen(files=[path]))
    assert shown(files) == []  # hardly begun: most programs that short have none, and to ask costs a while
    assert shown(files, NOW + 0.2) == [("loss", 0, 1)]
    # Whoever comes later finds it by the link: the program need not have it open any more.
    assert shown(EventFiles(Places(str(own)))) == [("loss", 0, 1)]


def test_a_file_that_two_trials_write_is_nobodys_and_said_so(tmp_path: Path, own: Path) -> None:
    path = write(tmp_path / "runs" / name(), some(1))
    first = EventFiles(Places(str(own), str(tmp_path)), Seen(files=[path]))
    other = own.parent.parent / "2" / "attempt-1"
    other.mkdir(parents=True)
    second = EventFiles(Places(str(other), str(tmp_path)), Seen(files=[path]))
    assert shown(first) == shown(second) == []
    first._look(NOW + 0.2, False)
    assert shown(second, NOW + 0.2) == shown(first, NOW + 0.2) == []
    assert all("written by another trial as well" in files.notes[0] for files in (first, second))


def test_in_a_named_folder_nothing_of_others_counts_unless_it_is_its_alone(tmp_path: Path, own: Path) -> None:
    write(tmp_path / "tb" / "x" / name(NOW + 1), some(1))
    write(tmp_path / "tb" / "x" / name(NOW - 9), some(1, "earlier"))
    named = str(tmp_path / "tb")
    assert shown(EventFiles(Places(str(own), None, named), Seen()), NOW + 9, last=True) == []
    alone = EventFiles(Places(str(own), None, named, True), Seen())
    assert shown(alone, NOW + 9, last=True) == [("loss", 0, 1)]


def test_runs_that_share_a_tag_are_told_apart_as_tensorboard_does(own: Path) -> None:
    tb = own / "outputs" / "logs"
    write(tb / "train" / name(NOW, 5, 0), some(1))
    write(tb / "validation" / name(NOW, 5, 1), [*some(1), *some(1, "only")])
    write(tb / "other" / name(NOW, 5, 2), some(1))
    files = EventFiles(Places(str(own)))
    assert [metric for metric, _, _ in shown(files)] == [
        "loss",
        "validation/loss",
        "validation/only",
        "other/loss",
    ]


def test_a_new_file_is_found_and_an_idle_look_costs_stats_only(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = os.stat(own).st_mtime + 100
    files = EventFiles(Places(str(own)))
    assert shown(files, later) == []
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    assert shown(files, later + 1) == [] and listed == []
    write(own / "outputs" / "new" / name(), some(1))
    assert shown(files, later + 2) == [("loss", 0, 1)]
    assert listed == [str(own / "outputs"), str(own / "outputs" / "new")]


def test_a_program_that_runs_long_is_looked_at_ever_less_often(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    monkeypatch.setattr(Walk, "look", lambda self, root, now: looks.append(now) or [])
    files = EventFiles(Places(str(own)))
    for tick in range(36_000):
        shown(files, NOW + tick / 10)
    assert len([at for at in looks if at < NOW + 3]) == 30
    assert len(looks) < 450
    shown(files, NOW + 3601, last=True)
    assert looks[-1] == NOW + 3601


# ------------------------------------------------------------------ among the other sources


def collector(own: Path) -> Collector:
    return Collector(
        own / "stdout.log",
        None,
        own / "metrics.jsonl",
        own / "metrics.json",
        (),
        EventFiles(Places(str(own))),
    )


def points(found: list[Point]) -> list[tuple[str, float, float]]:
    return [(p.metric, p.step, p.value) for p in found]


def test_event_files_count_before_lines_and_after_reports(own: Path) -> None:
    (own / "metrics.jsonl").write_text('{"step": 0, "acc": 0.5}\n')
    (own / "stdout.log").write_text("epoch 0: loss=1.01 acc=0.51 lr=0.1\n")
    write(own / "outputs" / name(), [*some(2), *some(1, "acc")])
    read = collector(own)
    assert points(read.drain(NOW)) == [("acc", 0, 0.5), ("loss", 0, 1), ("loss", 1, 0.5), ("lr", 0, 0.1)]
    assert read.sources == {
        "acc": "metrics.jsonl, event files, stdout",
        "loss": "event files, stdout",
        "lr": "stdout",
    }


def test_event_files_that_come_late_leave_a_metric_to_the_lines(own: Path) -> None:
    read = collector(own)
    (own / "stdout.log").write_text("epoch 0: loss=1.01\n")
    assert points(read.poll(NOW) + read.poll(NOW)) == [("loss", 0, 1.01)]
    write(own / "outputs" / name(), [*some(2), *some(1, "acc")])
    assert points(read.poll(NOW) + read.poll(NOW)) == [("acc", 0, 1)]
    with (own / "stdout.log").open("a") as out:
        out.write("epoch 1: loss=0.51 acc=0.9\n")
    assert points(read.drain(NOW)) == [("loss", 1, 0.51)]


@pytest.mark.parametrize("lines_first", [True, False])
def test_whoever_reads_again_takes_a_metric_from_the_same_place(own: Path, lines_first: bool) -> None:
    """A driver that adopts a trial: what the dead one has made durable must come again, and nothing else."""
    first = collector(own)
    if lines_first:
        (own / "stdout.log").write_text("epoch 0: loss=1.01\n")
        durable = first.poll(NOW) + first.poll(NOW)
        write(own / "outputs" / name(), some(2))
    else:
        write(own / "outputs" / name(), some(2))
        durable = first.poll(NOW) + first.poll(NOW)
        (own / "stdout.log").write_text("epoch 0: loss=1.01\n")
    durable += first.poll(NOW)
    assert len(durable) == (1 if lines_first else 2)
    more = [encoding.scalar(NOW, 2, "loss", 0.25)]
    with next((own / "outputs").iterdir()).open("ab") as file:
        file.write(b"".join(more))
    again = collector(own)
    again.know(durable)
    expected = points(durable) + ([] if lines_first else [("loss", 2, 0.25)])
    assert points(again.poll(NOW) + again.poll(NOW)) == expected


def test_damage_is_told_with_the_files_name(own: Path) -> None:
    path = write(own / "outputs" / name(), some(3))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    read = collector(own)
    assert len(read.drain(NOW)) == 2
    assert read.notes == (f"{path.name} is damaged; what could not be read of it was passed over",)


@pytest.mark.parametrize(
    ("metric", "reported", "served"),
    [
        ("keras/val_acc", ("acc", "val_acc"), "val_acc"),
        ("keras/val_acc", ("accuracy", "val_accuracy", "loss"), "val_accuracy"),
        ("keras/val_acc", ("epoch_accuracy", "validation/epoch_accuracy"), "validation/epoch_accuracy"),
        ("keras/val_acc", ("val_sparse_categorical_accuracy", "val_loss"), "val_sparse_categorical_accuracy"),
        ("keras/val_accuracy", ("val_acc",), "val_acc"),
        ("keras/loss", ("epoch_loss", "validation/epoch_loss"), "epoch_loss"),
        ("keras/val_loss", ("epoch_loss",), None),
        ("keras/acc", ("val_acc",), None),
        ("val_acc", ("keras/val_acc",), "keras/val_acc"),
        ("val_acc", ("val_accuracy", "validation/epoch_accuracy"), None),  # plain names mean themselves
    ],
)
def test_what_keras_calls_a_metric(metric: str, reported: tuple[str, ...], served: str | None) -> None:
    assert matching_name(metric, reported) == served
