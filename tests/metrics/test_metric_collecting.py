"""From files to points: trust, steps, pieces, offsets, and files that are no text."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.metrics import collect, follow
from luthier.metrics.collect import Collector
from luthier.metrics.follow import Follower, visible
from luthier.trial import Point

NOW = 1_700_000_000.0


class Folder:
    """A trial's files."""

    def __init__(self, path: Path) -> None:
        self.stdout, self.stderr = path / "stdout.log", path / "stderr.log"
        self.lines, self.final = path / "metrics.jsonl", path / "metrics.json"

    def collector(self, patterns: tuple[str, ...] = (), **more: dict[str, int]) -> Collector:
        return Collector(self.stdout, self.stderr, self.lines, self.final, patterns, **more)


def polled(collector: Collector) -> list[Point]:
    """Two polls: what output lines tell of a new metric waits for one."""
    return collector.poll(NOW) + collector.poll(NOW)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def write(path: Path, text: str | bytes) -> None:
    with open(path, "ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)


def shown(points: list[Point]) -> list[tuple[str, float, float]]:
    return [(point.metric, point.step, point.value) for point in points]


def test_nothing_written_is_nothing_found(folder: Folder) -> None:
    collector = folder.collector()
    assert polled(collector) == collector.drain(NOW) == []
    assert collector.sources == {} and collector.notes == ()
    assert Collector(None, None, None, None).drain(NOW) == []


def test_an_idle_poll_only_looks_at_sizes(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder.stdout, "loss: 1\n")
    write(folder.stderr, "")
    collector = folder.collector()
    assert len(polled(collector)) == 1
    calls: list[str] = []
    stat = os.stat

    def counted(path: str) -> os.stat_result:
        calls.append(path)
        return stat(path)

    monkeypatch.setattr(follow.os, "stat", counted)
    monkeypatch.setattr(follow.os, "open", lambda *_: pytest.fail("an idle file was opened"))
    assert collector.poll(NOW) == []
    assert len(calls) == 3


def test_steps_go_on_by_one_for_each_metric(folder: Folder) -> None:
    write(folder.stdout, "loss: 3\nloss: 2 acc: 9\nstep 7: loss=1\nloss: 0.5\n")
    assert shown(polled(folder.collector())) == [
        ("loss", 0, 3),
        ("loss", 1, 2),
        ("acc", 0, 9),
        ("loss", 7, 1),
        ("loss", 8, 0.5),
    ]


def test_a_half_written_line_waits(folder: Folder) -> None:
    collector = folder.collector()
    write(folder.stdout, "loss: 0.1")
    assert polled(collector) == []
    write(folder.stdout, "25\nacc: 1")
    assert shown(polled(collector)) == [("loss", 0, 0.125)]
    assert shown(collector.drain(NOW)) == [("acc", 0, 1)]
    assert collector.drain(NOW) == []


def test_the_most_trusted_source_is_the_only_one(folder: Folder) -> None:
    write(folder.lines, '{"step": 1, "loss": 0.25}\n')
    write(folder.stdout, "loss: 0.3\nacc: 0.9\n")
    write(folder.stderr, "loss: 0.31 acc: 0.91 lr: 0.1\n")
    collector = folder.collector()
    assert shown(collector.drain(NOW)) == [("loss", 1, 0.25), ("acc", 0, 0.9), ("lr", 0, 0.1)]
    assert collector.sources == {
        "loss": "metrics.jsonl, stdout, stderr",
        "acc": "stdout, stderr",
        "lr": "stderr",
    }


def test_a_source_that_is_trusted_more_takes_over(folder: Folder) -> None:
    collector = folder.collector()
    write(folder.stderr, "loss: 3\n")
    assert collector.poll(NOW) == []  # it waits one poll for a more trusted place
    assert shown(collector.poll(NOW)) == [("loss", 0, 3)]
    write(folder.stdout, "loss: 2\n")
    write(folder.stderr, "loss: 2.1\n")
    assert shown(collector.poll(NOW)) == [("loss", 1, 2)]
    write(folder.lines, '{"loss": 1.5}\n')
    write(folder.stdout, "loss: 1\n")
    assert shown(collector.poll(NOW)) == [("loss", 2, 1.5)]


def test_the_final_file_has_the_last_word(folder: Folder) -> None:
    write(folder.stdout, "step=9 acc=0.8\nloss: 0.5\n")
    folder.final.write_text(
        '{"acc": 0.91, "loss": 0.5, "test": {"acc": NaN}, "note": "x", "n": null, "xs": [1]}'
    )
    collector = folder.collector()
    assert repr(shown(collector.drain(NOW))) == repr(
        [("acc", 9.0, 0.8), ("loss", 0.0, 0.5), ("acc", 9.0, 0.91), ("test/acc", 0.0, float("nan"))]
    )
    assert collector.sources["acc"] == "metrics.json, stdout"


@pytest.mark.parametrize("text", ["", "[1]", "{", "\x00\x01", "0.5"])
def test_a_final_file_that_is_no_object_is_told(folder: Folder, text: str) -> None:
    folder.final.write_text(text)
    collector = folder.collector()
    assert collector.drain(NOW) == []
    assert collector.notes == ("its metrics.json is not a JSON object and was not read",)


def test_times_are_the_programs_where_it_tells_them(folder: Folder) -> None:
    write(folder.lines, '{"a": 1, "_time": 1600000000.5}\n{"b": 1, "_time": "x"}\n{"c": 1, "_time": NaN}\n')
    write(folder.stdout, "d: 1\n")
    assert [point.time for point in polled(folder.collector())] == [1600000000.5, NOW, NOW, NOW]


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ('{"loss": nan}', [("loss", 0, float("nan"))]),
        ('{"loss": -inf, "step": 3}', [("loss", 3, float("-inf"))]),
        ("loss=0.2 step=4", [("loss", 4, 0.2)]),
        ('{"loss": "0.2"}', [("loss", 0, 0.2)]),
        ('{"loss": true, "step": "2"}', [("loss", 2, 1.0)]),
        ('{"loss": 1, "step": null}', [("loss", 0, 1)]),
        ('{"loss": 1, "step": NaN}', [("loss", 0, 1)]),
        ('{"loss": 1, "step": 2, "epoch": 1}', [("loss", 2, 1), ("epoch", 2, 1)]),
        ('{"": 1, "text": "fine", "none": null}', []),
        (f'{{"loss": {10**400}}}', []),
        ("", []),
        ("\x00\xff{}", []),
    ],
)
def test_a_line_of_the_metrics_file(
    folder: Folder, line: str, points: list[tuple[str, float, float]]
) -> None:
    write(folder.lines, line + "\n")
    assert repr(shown(polled(folder.collector()))) == repr([(m, float(s), float(v)) for m, s, v in points])


@pytest.mark.parametrize(
    "script",
    [
        """for i in 0 1 2; do echo "{\\"step\\": $i, \\"loss\\": 0.$i}" >> "$LUTHIER_METRICS"; done""",
        """awk 'BEGIN { f = ENVIRON["LUTHIER_METRICS"]
             for (i = 0; i < 3; i++) printf("{\\"step\\": %d, \\"loss\\": %.3f}\\n", i, i / 10) >> f }'""",
        """printf 'loss=%s\\n' 0 0.1 0.2 > "$LUTHIER_METRICS" """,
    ],
)
def test_any_language_can_report(folder: Folder, script: str) -> None:
    environment = {**os.environ, "LUTHIER_METRICS": str(folder.lines)}
    subprocess.run(["bash", "-c", script], env=environment, check=True)
    assert shown(folder.collector().drain(NOW)) == [("loss", 0, 0), ("loss", 1, 0.1), ("loss", 2, 0.2)]


def test_progress_counts_once_it_is_over(folder: Folder) -> None:
    collector = folder.collector()
    write(folder.stderr, "".join(f"\r{i}%|█| loss={1 - i / 100}" for i in range(100)))
    assert collector.poll(NOW) == []
    write(folder.stderr, "\r100%|█| loss=0.5\r   \r\nloss: 0.4\r\n")
    assert collector.poll(NOW) == []
    assert shown(collector.poll(NOW)) == [("loss", 0, 0.5), ("loss", 1, 0.4)]


def test_a_metric_printed_just_before_it_is_reported_counts_once(folder: Folder) -> None:
    collector = folder.collector()
    write(folder.stdout, "loss: 0.5\n")
    assert collector.poll(NOW) == []
    write(folder.lines, '{"loss": 0.5}\n')
    assert shown(collector.poll(NOW)) == [("loss", 0, 0.5)]
    assert collector.drain(NOW) == []


def test_a_line_printed_again_counts_once(folder: Folder) -> None:
    write(
        folder.stdout,
        "Epoch 1/2\n5/5 - loss: 0.5\n5/5 - loss: 0.5 - val_loss: 0.6\nEpoch 2/2\n5/5 - loss: 0.5\n",
    )
    assert shown(polled(folder.collector())) == [("loss", 1, 0.5), ("val_loss", 1, 0.6), ("loss", 2, 0.5)]


def test_a_file_written_anew_is_read_from_its_beginning(folder: Folder) -> None:
    collector = folder.collector()
    write(folder.lines, '{"loss": 1}\n{"loss": 2}\n')
    assert len(polled(collector)) == 2
    folder.lines.write_text('{"loss": 3}\n')
    assert shown(polled(collector)) == [("loss", 2, 3)]


@pytest.mark.parametrize(
    "junk", [b"\xff\xfe\x00\n", b"\xc3\n", os.urandom(4096).replace(b"\r", b"") + b"\n", b"\n\n"]
)
def test_junk_between_lines_is_survived(folder: Folder, junk: bytes) -> None:
    write(folder.stdout, junk + b"loss: 0.5\n")
    assert ("loss", 0, 0.5) in shown(polled(folder.collector()))


def test_a_folder_in_place_of_a_file_is_survived(folder: Folder) -> None:
    folder.stdout.mkdir()
    folder.final.mkdir()
    assert folder.collector().drain(NOW) == []


def test_the_names_in_an_output_are_bounded(folder: Folder) -> None:
    write(folder.stdout, "".join(f"m{i}: {i}\n" for i in range(collect.NAMES + 50)))
    write(folder.lines, "")
    collector = folder.collector()
    assert len(polled(collector)) == collect.NAMES
    assert collector.notes == (
        f"its output names more than {collect.NAMES} metrics; the others were not kept",
    )
    write(folder.lines, '{"loss": 1}\n')
    assert shown(polled(collector)) == [("loss", 0, 1)]


def test_a_poll_is_bounded_and_the_rest_follows(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "POLL_BYTES", 100)
    write(folder.stdout, "".join(f"step={i} loss={i}\n" for i in range(100)))
    collector = folder.collector()
    assert collector.poll(NOW) == []
    assert collector._files[collect.Source.STDOUT].position == 100
    first = collector.poll(NOW)
    assert 0 < len(first) < 20
    assert shown(first + collector.drain(NOW)) == [("loss", i, i) for i in range(100)]


def test_an_endless_output_is_skipped_in_its_middle(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "BACKLOG_BYTES", 2 << 20)
    write(folder.stdout, "first: 1\n" + "x" * 99 + "\n")
    with open(folder.stdout, "ab") as file:
        file.truncate(5 << 20)  # a hole: zeroes that cost nothing
    write(folder.stdout, "\nlast: 1\n")
    collector = folder.collector()
    assert shown(collector.drain(NOW)) == [("first", 0, 1), ("last", 0, 1)]
    assert collector.notes == ("3 MiB amid its stdout were not searched for metrics",)


LONG = follow.LINE_LENGTH


@pytest.mark.parametrize(
    ("pieces", "points"),
    [
        (["x" * (LONG - 11), " loss: 0.123\nacc: 1\n"], [("acc", 0, 1)]),  # cut after 0.12
        (["loss: 0.5 ", "x" * LONG, "x" * 9 * LONG, " acc: 1\nacc: 2\n"], [("loss", 0, 0.5), ("acc", 0, 2)]),
        (["loss: 0.5\r", " " * 9 * LONG, "\n"], [("loss", 0, 0.5)]),
        (["loss: 0.5\r", " " * 9 * LONG, "\r", " " * 9 * LONG, "\racc: 1\n"], [("acc", 0, 1)]),
        (["loss: 0.5\r", "x" * 9 * LONG, "\r", " " * 9 * LONG, "\n"], []),
        (["loss: 0.5\r" * LONG, "loss: 0.25\r" * LONG, " \r" * 9 * LONG], [("loss", 0, 0.25)]),
        (["é" * LONG, "é" * 9 * LONG, "\nloss: 0.5"], [("loss", 0, 0.5)]),
    ],
)
def test_an_endless_line_takes_little_memory(
    folder: Folder, pieces: list[str], points: list[tuple[str, float, float]]
) -> None:
    collector, found, held = folder.collector(), [], 0
    for piece in pieces:
        write(folder.stdout, piece)
        while collector._files[collect.Source.STDOUT].position < folder.stdout.stat().st_size:
            found += polled(collector)
        held = max(held, len(collector._files[collect.Source.STDOUT]._carry))
    assert shown(found + collector.drain(NOW)) == points
    assert held <= 8 * LONG + 9
    assert shown(folder.collector().drain(NOW)) == points


def test_after_a_skip_half_a_line_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("skipped\nloss: 0.5\nloss: 0.25\n")
    follower = Follower(str(path))
    follower.skip_to(12)
    assert list(follower.lines(100)) == ["loss: 0.25"]


@pytest.mark.parametrize(
    ("line", "seen"),
    [("a\rb", "b"), ("a\r", "a"), ("a\r  \r", "a"), ("a", "a"), ("\r", ""), ("", ""), ("a\r\r b", " b")],
)
def test_what_a_terminal_would_show(line: str, seen: str) -> None:
    assert visible(line) == seen


PIECES = (
    *(
        b"loss: 0.5",
        b"acc=",
        b"91.25",
        b"\n",
        b"\n",
        b"\r",
        b"\r\n",
        b" ",
        b"Epoch 2/3\n",
        b"step=3 ",
        b"5/5 - ",
    ),
    *(
        b"\xc3\xa9",
        b"\xc3",
        b"\xff",
        b"\x00",
        b"\x1b[1m",
        b'{"step": 4, "loss": 1}\n',
        b"loss: 1e-3\n",
        b"z" * 40,
    ),
)
pieces = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(pieces, st.lists(st.integers(0, 400), max_size=12), st.integers(8, 64), st.data())
def test_pieces_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    cuts: list[int],
    length: int,
    data: st.DataObject,
) -> None:
    """Read whole, in pieces, or as it grows: the same points, also of cut lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(follow, "LINE_LENGTH", length)
        patch.setattr(follow, "_CARRY", 4 * length + 4)
        patch.setattr(follow, "_CHUNK", data.draw(st.integers(1, 50)))
        folder = Folder(tmp_path_factory.mktemp("pieces"))
        source = data.draw(st.sampled_from([folder.stdout, folder.stderr, folder.lines]))
        write(source, content)
        whole = shown(folder.collector().drain(NOW))
        source.unlink()
        collector, points, begin = folder.collector(), [], 0
        for end in [*sorted(min(cut, len(content)) for cut in cuts), len(content)]:
            write(source, content[begin:end])
            points += collector.poll(NOW)
            begin = end
        points += collector.drain(NOW)
    assert shown(points) == whole
