"""Curves at the command line: in tables, charts, exports and the live panel; several objectives; outputs that are full."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli_json import undocumented

from luthier.cli.output import wrapped
from luthier.cli.running import RunningTrial
from luthier.cli.screen import Panel
from luthier.cli.telling import listener_for
from luthier.clock import FakeClock
from luthier.description import Algorithm, Command, Constraint, Description, Objective
from luthier.drive.listener import Ended
from luthier.space import Float, Parameter, Space
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.store.sqlite import SqliteStore
from luthier.trial import Outcome, Point, Result
from luthier.view.sparkline import ASCII, UNICODE

SPACE = Space([Parameter("rate", Float(0.0, 1.0))])
WHY = "0.9 at step 4 is rank 7 of 9; the best 3 go on"


def described(**changes: object) -> Description:
    settings: dict[str, object] = {
        "project": "/p",
        "space": SPACE,
        "algorithm": Algorithm("random"),
        "command": Command(("train", ":rate:"), "/p"),
        "objective": Objective("loss", direction="minimize"),
        "trials": 4,
    }
    return Description(**{**settings, **changes})  # type: ignore[arg-type]


def search(store: Store, what: Description) -> None:
    """Trials 1 and 3 run to step 16, 2 is stopped at step 4, 4 runs."""
    store.open_experiment(what)
    store.enqueue(1, [SPACE.from_unit({"rate": k / 4}) for k in range(4)], "n")
    for number, steps in enumerate((16, 4, 16, 8), 1):
        (claim,) = store.claim(1, 1, "w", f"c{number}", 1e9)
        curve = [(float(k), number / 10 + 1 / k) for k in range(1, steps + 1)]
        points = [Point("loss", step, value, 5.0) for step, value in curve]
        store.report(claim.id, 0, [*points, Point("size", 1.0, 3.0, 5.0)])
        values = {"values": (curve[-1][1], float(number))} if what.also else {}
        if what.constraints:
            values["constraints"] = (float(number - 2),)  # type: ignore[assignment]
        if steps == 16:
            store.finish(claim.id, Result(Outcome.SUCCEEDED, "it exited with code 0", curve[-1][1], **values))  # type: ignore[arg-type]
        elif steps == 4:
            store.finish(claim.id, Result(Outcome.STOPPED, WHY, curve[-1][1], curve=(curve[0], curve[-1])))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    store = SqliteStore(tmp_path / ".luthier" / "store.db", FakeClock())
    search(store, described())
    store.close()
    return tmp_path


@pytest.fixture
def several(tmp_path: Path) -> Path:
    store = SqliteStore(tmp_path / ".luthier" / "store.db", FakeClock())
    search(store, described(also=(Objective("speed"),), constraints=(Constraint("memory", 2.0),)))
    store.close()
    return tmp_path


# ---------------------------------------------------------------------- curves


@pytest.mark.usefixtures("here")
def test_show_has_a_column_of_curves(run) -> None:
    said = run("show", "1", "--curves")
    heads, *rows = said.out.splitlines()
    assert said.code == 0 and "STEP  CURVE OF loss" in heads
    drawn = [row[heads.index("CURVE") :].split("  ")[0] for row in rows]
    assert [len(curve) for curve in drawn] == [16, 4, 16, 8]  # as far as each came
    assert drawn[0][0] > drawn[0][-1] and drawn[1][-1] > drawn[0][-1]  # one scale for all
    assert [row.split()[3] for row in rows] == ["16", "4", "16", "8"]
    assert "1 stopped early" in said.err and "not well" not in said.err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("words", [["--failed"], ["--json"]])
def test_curves_need_the_table(words, run) -> None:
    said = run("show", "1", "--curves", *words)
    assert said.code == 2 and "leave out --failed and --json" in said.err


@pytest.mark.usefixtures("here")
def test_a_stopped_trial_says_why_and_how_far_it_came(run) -> None:
    said = run("show", "1.2").out
    assert f"reason       {WHY}" in said and "came to      step 4" in said
    heads, loss, size = said[said.index("METRIC") :].splitlines()[:3]
    assert heads.split() == [
        "METRIC",
        "POINTS",
        "FIRST",
        "BEST",
        "LAST",
        "STEP",
        "MIN",
        "MAX",
        "AVG",
        "CURVE",
    ]
    assert loss.split()[:6] == ["loss", "4", "1.2", "0.45", "0.45", "4"] and loss.split()[-1] == "█▃▁▁"
    assert size.split()[3] == "-" and not set(size) & set(UNICODE.levels)  # no objective, a single point
    assert "came to" not in run("show", "1.1").out
    document = json.loads(run("show", "1.2", "--json").out)
    assert not undocumented(document, "trial")
    assert document["trial"]["came_to"] == 4.0
    first = document["metrics"][0]
    assert (first["first"], first["best"], first["best_step"]) == (1.2, 0.45, 4.0)
    assert document["metrics"][1]["best"] is None


def test_a_terminal_without_these_characters_gets_plain_ones(here: Path) -> None:
    words = [sys.executable, "-m", "luthier", "show", "1", "--curves"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, cwd=here, capture_output=True, env=env)
    assert done.returncode == 0 and done.stdout.isascii() and set(ASCII.levels) & set(done.stdout.decode())
    done = subprocess.run([*words[:3], "metrics", "1", "--chart"], cwd=here, capture_output=True, env=env)
    assert done.returncode == 0 and done.stdout.isascii() and b"@ best trial" in done.stdout


@pytest.mark.usefixtures("here")
def test_metrics_are_drawn(run) -> None:
    said = run("metrics", "1", "--chart")
    assert said.code == 0 and "loss of experiment 1, step by step" in said.out
    assert "○ stopped early" in said.out and "◆ best trial" in said.out
    alone = run("metrics", "1.2", "--chart").out
    assert f"trial 1.2 stopped: {WHY}" in alone and "size" not in alone
    assert "size of experiment 1" in run("metrics", "1", "size", "--chart").out
    assert (
        "at more than one step" in run("metrics", "1.9", "--chart").err
        or run("metrics", "1.9", "--chart").code == 4
    )
    assert run("metrics", "1", "--chart", "--json").code == 2


@pytest.mark.usefixtures("here")
def test_curves_are_exported(run) -> None:
    wide = list(csv.DictReader(io.StringIO(run("export", "1", "--curves", "wide").out)))
    assert len(wide) == 44 and list(wide[0]) == [
        "experiment",
        "trial",
        "run_id",
        "attempt",
        "step",
        "metric.loss",
        "metric.size",
    ]
    assert (wide[0]["metric.size"], wide[1]["metric.size"]) == ("3.0", "")
    long = run("export", "1", "--curves", "long").out
    assert long == run("export", "1", "--points").out and len(long.splitlines()) == 1 + 44 + 4
    said = run("export", "1", "--curves", "wide", "-o", "a.json")
    assert said.err == "44 steps of experiment 1 written to a.json\n"
    assert len(json.loads(Path("a.json").read_text())["steps"]) == 44
    assert run("export", "1", "--points", "--curves", "wide").code == 2


# ---------------------------------------------------------------------- the live view


def claimed() -> tuple[MemoryStore, RunningTrial]:
    store = MemoryStore(FakeClock())
    store.open_experiment(described())
    store.enqueue(1, [SPACE.from_unit({"rate": 0.5})], "n")
    return store, RunningTrial(store.claim(1, 1, "w", "c", 1e9)[0], 100.0)


def test_a_running_trial_shows_its_course() -> None:
    _, trial = claimed()
    assert trial.cells(112.0, 80, UNICODE) == ("  1.1", "12s", "nothing reported yet", "", "rate=0.5")
    trial.reported([Point("acc", 1, 0.5, 0.0)], "loss")
    assert trial.cells(112.0, 80, UNICODE)[2:4] == ("acc 0.5 at 1", "")
    trial.reported([Point("loss", k, 9.0 - k, 0.0) for k in range(1, 9)], "loss")
    trial.reported([Point("acc", 9, 0.6, 0.0)], "loss")  # it stays with the objective
    assert trial.cells(112.0, 80, UNICODE) == ("  1.1", "12s", "loss 1 at 8", "█▇▆▅▄▃▂▁", "rate=0.5")
    assert "".join(trial.cells(112.0, 80, ASCII)).isascii()
    assert trial.cells(112.0, 59, UNICODE)[3] == ""


def test_a_long_course_stays_short() -> None:
    _, trial = claimed()
    for k in range(5000):
        trial.reported([Point("loss", k, 1.0 / (k + 1), 0.0)], "loss")
    assert len(trial.cells(112.0, 400, UNICODE)[3]) <= 20 and len(trial._course.values()) <= 256


class _Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_only_a_terminal_has_curves(is_terminal: bool, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    store = MemoryStore(FakeClock())
    store.open_experiment(described())
    store.enqueue(1, [SPACE.from_unit({"rate": 0.5})], "n")
    (claim,) = store.claim(1, 1, "w", "c", 1e9)
    out = _Terminal(is_terminal)
    shown = listener_for(1, check=False, quiet=False, stream=out)
    assert isinstance(shown, Panel) == is_terminal
    clock = FakeClock()
    shown._clock = clock  # type: ignore[assignment]
    if isinstance(shown, Panel):
        shown._began = clock.elapsed()
    shown.opened(store.experiment(1), 0)
    shown.began(claim)
    clock.advance(1.0)
    shown.reported(claim.id, [Point("loss", k, float(k), 0.0) for k in range(8)])
    shown.beat(store.experiment(1))
    shown.close()
    assert ("▁▂▃▄▅▆▇█" in out.getvalue()) == is_terminal


def test_the_panel_keeps_up_with_what_is_printed_above_it(monkeypatch) -> None:
    """It is drawn anew with each line: without markup, with the counts of that moment, its rows aligned."""
    monkeypatch.setenv("COLUMNS", "100")
    store, out, clock = MemoryStore(FakeClock()), _Terminal(True), FakeClock()
    store.open_experiment(described(trials=12))
    store.enqueue(1, [SPACE.from_unit({"rate": rate}) for rate in (0.5, 0.25)], "n")
    shown = listener_for(2, check=False, quiet=False, stream=out)
    shown._clock = clock  # type: ignore[assignment]
    shown._began = clock.elapsed()  # type: ignore[attr-defined]
    before = store.experiment(1)
    shown.opened(before, 0)
    claims = store.claim(1, 2, "w", "c", 1e9)
    for claim in claims:
        shown.began(claim)
    clock.advance(1.0)
    shown.reported(claims[0].id, [Point("loss", 1, 0.123456, 0.0)])
    shown.beat(before)
    text = plain(out)
    assert "0 of 12 2 running" in text and "1.1  1s  loss 0.123456 at 1    rate=0.5" in text
    assert "1.2  1s  nothing reported yet  rate=0.25" in text
    out.seek(0)
    out.truncate()
    result = Result(Outcome.SUCCEEDED, "it exited with code 0", 0.5, seconds=1.0)
    shown.ended(Ended(claims[0], result, False, {"loss": 0.5}, {}, "/p"))
    text = plain(out)
    line, panel = text[: text.index("]") + 1], text[text.index("]") + 1 :]
    assert line.endswith("[1/12, best 0.5 by 1.1]") and "[bold]" not in text
    assert "1 of 12 1 running" in panel and "best loss 0.5 by 1.1" in panel
    assert "rate=0.5" not in panel and "rate=0.25" in panel
    shown.close()


@pytest.mark.parametrize("room", [40, 80, 200])
def test_a_terminal_breaks_long_sentences_at_words_and_leaves_commands_whole(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda fd: os.terminal_size((room, 24)))
    monkeypatch.setattr(_Terminal, "fileno", lambda self: 2)
    text = (
        "1.2  stopped: 1.00961 at step 3 is rank 2 of 2 at that step; it would end near 0.9 "
        + "x" * 90
        + " end"
    )
    told = wrapped(text, _Terminal(True))
    assert told.split() == text.split() and (room < 200) == ("\n  " in told)
    assert all(len(line) <= max(room, 92) for line in told.split("\n"))
    command = "go on with: luthier resume 1 --store /" + "a" * 80
    assert wrapped(command, _Terminal(True)) == command
    assert wrapped(text, _Terminal(False)) == text


@pytest.mark.usefixtures("here")
def test_explain_tells_how_many_were_stopped_and_marks_them(run) -> None:
    said = run("explain", "1").out
    assert "3 of 4 (1 of them stopped early, part of the way)" in said and "╵ stopped early" in said
    document = json.loads(run("explain", "1", "--json").out)
    assert document["stopped"] == 1 and not undocumented(document, "explain")
    states = {dot["trial"]: dot["state"] for dot in document["parameters"][0]["dots"]}
    assert (states[1], states[2], states[3]) == ("observed", "stopped", "observed")


def plain(out: io.StringIO) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())


# ---------------------------------------------------------------------- several objectives


@pytest.mark.usefixtures("several")
def test_all_objectives_are_shown(run) -> None:
    listed = run("list").out.splitlines()
    assert "minimize loss, maximize speed" in listed[1] and " 0.1625, 1  " in listed[1]
    (row,) = json.loads(run("list", "--json").out)["experiments"]
    assert not undocumented({"experiments": [row]}, "list")
    assert [(aim["metric"], aim["best_value"], aim["best_trial"]) for aim in row["objectives"]] == [
        ("loss", 0.1625, 1),
        ("speed", 1.0, 1),  # trial 3 breaks the constraint
    ]
    assert row["stopped"] == 1
    said = run("show", "1")
    heads, first, second, *_ = (line.split() for line in said.out.splitlines())
    assert heads[:5] == ["TRIAL", "STATE", "loss", "speed", "rate"]
    assert first[2:4] == ["0.1625", "1"] and second[2:4] == ["0.45", "-"]
    assert "best loss 0.1625 (trial 1.1), speed 1 (trial 1.1)" in said.err
    trial = run("show", "1.3").out
    assert "loss         0.3625" in trial and "speed        3" in trial
    document = json.loads(run("show", "1", "--json").out)
    assert not undocumented(document, "show")
    assert [trial["reached"] for trial in document["trials"]] == [[0.1625, 1.0], None, [0.3625, 3.0], None]
    rows = list(csv.DictReader(io.StringIO(run("export", "1").out)))
    assert (rows[2]["value.speed"], rows[2]["is_allowed"], rows[1]["value.speed"]) == ("3.0", "False", "")


@pytest.mark.usefixtures("several")
def test_the_hypervolume_is_drawn(run) -> None:
    said = run("plot", "hypervolume", "-o", "a.svg")
    assert said.code == 0 and "Hypervolume of experiment 1" in Path("a.svg").read_text()


# ---------------------------------------------------------------------- outputs that can't be written

FULL = "luthier: standard output could not be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("is_buffered", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        "list",
        "list --json",
        "show 1.1",
        "export 1",
        "export 1 --curves long",
        "--help",
        "--version",
        "show --help",
    ],
)
def test_a_full_disk_is_one_clear_message(words: str, is_buffered: bool, here: Path) -> None:
    env = {**os.environ, "PYTHONUNBUFFERED": "" if is_buffered else "1"}
    with open("/dev/full", "w") as full:
        argv = [sys.executable, "-m", "luthier", *words.split()]
        done = subprocess.run(argv, cwd=here, stdout=full, stderr=subprocess.PIPE, text=True, env=env)
    assert (done.returncode, done.stderr) == (2, FULL)


def test_a_reader_that_goes_away_is_quiet(here: Path) -> None:
    for words in ("list", "show --help", "export 1 --curves long"):
        reader, writer = os.pipe()
        os.close(reader)
        argv = [sys.executable, "-m", "luthier", *words.split()]
        done = subprocess.run(argv, cwd=here, stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        assert (done.returncode, done.stderr) == (141, ""), words


def test_a_closed_output_is_no_fault(here: Path) -> None:
    done = subprocess.run(
        f'"{sys.executable}" -m luthier list >&- 2>&-', cwd=here, shell=True, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
