"""Spell's page, its three commands in order with `luthier` in front, and the acceptance checks of its door.

The page leaves train.py out: a stand-in scores what it is given. Where the page itself is at hand, the commands here are
compared with it.
"""

from __future__ import annotations

import io
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from luthier.cli import main
from luthier.drive.alive import Alive
from luthier.search.random import drawn
from luthier.store import Store, open_store
from luthier.trial import Outcome

PAGE = Path(__file__).with_name("quoted") / "spell.txt"
STEADY_SECONDS = 60.0
TRAIN = """
import sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
rate = float(given["--learning_rate"])
for epoch in range(3):
    print(f"Epoch {epoch + 1}/3 - val_acc: {-(rate - 0.3) ** 2:.9f}")
"""
GRID = """spell hyper grid --param rate=0.001,0.01,0.1,1 --param layers=2,3,5,10 --
    python train.py --learning_rate :rate: --num_layers :layers:"""
RANDOM = """spell hyper random --num-runs 10 --param rate=.001:1.0:log --param layers=2:100:linear:int
    --param cell=gru,lstm,rnn -- python train.py --learning_rate :rate: --num_layers :layers: --cell_type :cell:"""
BAYESIAN = """spell hyper bayesian --num-runs 12 --parallel-runs 3 --metric keras/val_acc --metric-agg avg
    --param rate=.001:1.0 --param layers=2:100:int python train.py --learning_rate :rate: --num_layers :layers:"""
QUOTED = """spell hyper grid -t K80 --param rate=0.001,0.01,0.1,1 --param layers=2,3,5,10 --
    "python train.py --learning_rate :rate: --num_layers :layers:" """
TABLE = """rate layers Run ID
0.001 2 362
0.001 3 363
0.001 5 364
0.001 10 365
0.01 2 366
0.01 3 367
0.01 5 368
0.01 10 369
0.1 2 370
0.1 3 371
0.1 5 372
0.1 10 373
1 2 374
1 3 375
1 5 376
1 10 377"""


@dataclass
class Said:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the table that ends what was printed."""
        lines = self.out.splitlines()
        head = next(n for n, line in enumerate(lines) if line.endswith("Run ID"))
        return [line.split() for line in lines[head + 1 :]]


Type = Callable[..., Said]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with the stand-in for the page's train.py."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin")
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    return tmp_path


@pytest.fixture
def spell(project: Path) -> Iterator[Type]:
    """Types a line. What still runs afterwards is ended."""

    def words(*line: str) -> Said:
        out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        kept = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, err
        try:
            code = main([part for text in line for part in shlex.split(text)])
        finally:
            sys.stdout, sys.stderr = kept
        out.flush()
        return Said(out.buffer.getvalue().decode(), err.getvalue(), code)  # type: ignore[attr-defined]

    yield words
    if (project / ".luthier" / "store.db").exists():
        with opened(project) as store:
            left = [str(record.id) for record in store.experiments() if not record.is_met]
        if left:
            main(["kill", *left])


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """No driver is started: only what is written at once is looked at."""
    monkeypatch.setattr("luthier.drive.background.run_in_background", lambda *_: 1)


class opened:
    """The project's store, closed again."""

    def __init__(self, project: Path) -> None:
        self._store = open_store(project / ".luthier", read_only=True)

    def __enter__(self) -> Store:
        return self._store

    def __exit__(self, *_: object) -> None:
        self._store.close()


def until(condition: Callable[[], bool]) -> None:
    """Waits until it holds, as long as a busy machine may need."""
    end = time.monotonic() + STEADY_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def ended(project: Path, search: int) -> None:
    """Waits until all runs of a search have ended."""

    def is_over() -> bool:
        with opened(project) as store:
            return store.experiment(search).is_met

    until(is_over)


def kept_in(project: Path, text: bytes) -> list[Path]:
    """The files of the store's folder that hold a text. SQLite's own come and go with whoever opens it."""
    found = []
    for path in (project / ".luthier").rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and text in path.read_bytes():
                found.append(path)
    return found


def on_page(page: str, line: str) -> bool:
    """Whether the page has this command, whatever its line breaks."""

    def flat(text: str) -> str:
        return " ".join(text.replace("\\\n", " ").split())

    return flat(line) in flat(page)


# ---------------------------------------------------------------------- the page


def test_the_commands_here_are_those_of_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for line in (QUOTED, GRID, RANDOM, BAYESIAN):
        assert on_page(page, line)
    assert TABLE in page


def test_the_page_runs_from_its_first_line_to_its_last(spell: Type, project: Path) -> None:
    first = spell(GRID)
    lines = first.out.splitlines()
    assert lines[0].startswith("Syncing code (")
    assert lines[1] == "💫 Casting hyperparameter search #1…"
    assert [line.split() for line in lines[2:]] == [line.split() for line in _renumbered(TABLE, 1)]
    second = spell(RANDOM)
    assert second.out.splitlines()[:2] == ["Everything up-to-date", "💫 Casting hyperparameter search #2…"]
    assert second.out.splitlines()[2].split() == ["rate", "layers", "cell", "Run", "ID"]
    assert [row[-1] for row in second.rows] == [str(number) for number in range(17, 27)]
    third = spell(BAYESIAN)
    assert third.out.splitlines()[:2] == ["Everything up-to-date", "💫 Casting hyperparameter search #3…"]
    assert [row[-1] for row in third.rows] == ["27", "28", "29"]
    for search in (1, 2, 3):
        ended(project, search)
    described = spell("spell hyper describe 1").out
    assert described.count("Complete ") == 16
    assert "Status        finished" in described
    listed = [line.split()[:2] for line in spell("spell hyper list").out.splitlines()]
    assert listed == [["ID", "#"], ["1", "16"], ["2", "10"], ["3", "12"]]


def _renumbered(table: str, first: int) -> list[str]:
    head, *rows = table.splitlines()
    return [head, *(f"{row.rsplit(' ', 1)[0]} {first + n}" for n, row in enumerate(rows))]


# ---------------------------------------------------------------------- the checks


@pytest.mark.usefixtures("idle")
def test_check_39_a_grid_in_the_declared_order_and_run_ids_that_go_on(spell: Type) -> None:
    first, second = spell(GRID), spell(GRID)
    assert [row[:2] for row in first.rows] == [row.split()[:2] for row in TABLE.splitlines()[1:]]
    assert [int(row[-1]) for row in first.rows + second.rows] == list(range(1, 33))
    assert "#2" in second.out
    assert "experiment 1 is the same and not finished" in second.err
    assert "resume 1" in second.err


@pytest.mark.usefixtures("idle")
def test_check_40_quoted_bare_and_after_dashes_are_one_command(spell: Type, project: Path) -> None:
    train = "python train.py --learning_rate :rate: --num_layers :layers:"
    params = "--param rate=1,2 --param layers=3,4"
    for line in (f'"{train}"', f"-- {train}", train, f'-- "{train}"'):
        assert spell(f"spell hyper grid {params} {line}").code == 0
    with opened(project) as store:
        commands = {record.description.command for record in store.experiments()}
    assert len(commands) == 1
    assert str(commands.pop()) == train


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("param", ["rate=", "rate", "=1", "a=1,,2", "a=1=2", "r=a:b", "r=1:", "r=:2"])
def test_check_41_what_is_no_parameter_is_refused_in_spells_words(spell: Type, param: str) -> None:
    said = spell(f"spell hyper random -n 2 --param {param} -- echo :rate: :a: :r:")
    form = "NAME=VALUE[,VALUE,VALUE,...] or NAME=MIN:MAX[:linear|log|reverse_log[:int|float]]"
    assert said.err.startswith(f"luthier: Incorrect formatting of param '{param}', it must be {form}")
    assert said.code == 3
    assert "Traceback" not in said.err


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--param a=1 --param a=2",
            "Incorrect formatting of param 'a=2', it must be NAME=VALUE[,VALUE,VALUE,...]",
        ),
        ("--param a=1,,2", "Incorrect formatting of param 'a=1,,2', it must be NAME=VALUE[,VALUE,VALUE,...]"),
        ("--json-param a=3", "Incorrect formatting of json param 'a=3', it must be a json encoded list"),
        ("--json-param a=[", "Incorrect formatting of json param 'a=[', it must be a json encoded list"),
    ],
)
def test_check_41_a_grid_has_its_own_words(spell: Type, line: str, message: str) -> None:
    said = spell(f"spell hyper grid {line} -- echo :a:")
    assert said.err.startswith(f"luthier: {message}")
    assert said.code == 3


@pytest.mark.usefixtures("idle")
def test_check_42_a_parameter_has_to_be_in_the_command(spell: Type, project: Path) -> None:
    said = spell("spell hyper grid --param rate=1,2 --param depth=3 -- echo :rate:")
    assert said.code == 3
    assert "param 'depth' is not in the command" in said.err
    assert not (project / ".luthier").exists()


@pytest.mark.usefixtures("idle")
def test_check_43_random_wants_the_number_of_runs(spell: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "spell hyper random --param rate=0:1 -- echo :rate:"
    missing = spell(line)
    assert missing.code == 2
    assert "--num-runs is missing" in missing.err
    monkeypatch.setattr("luthier.cli.doors.spell.options._can_ask", lambda: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: 4)
    assert len(spell(line).rows) == 4
    assert len(spell(line, "").rows) == 4
    assert len(spell("spell hyper random --num-runs 10 --param rate=0:1 -- echo :rate:").rows) == 10


def test_check_44_log_and_reverse_log() -> None:
    from luthier.compat.spell.params import read_space

    def draws(text: str) -> list[float]:
        space = read_space("random", [text])
        return sorted(float(drawn(space, 7, n).values()["rate"]) for n in range(1, 1001))

    log, reverse = draws("rate=.001:1.0:log"), draws("rate=.001:1.0:reverse_log")
    assert sum(value < 0.0316 for value in log) == pytest.approx(500, abs=60)
    assert sum(value > 0.9694 for value in reverse) == pytest.approx(500, abs=60)
    for values in (log, reverse):
        assert 0.001 <= values[0] < values[-1] <= 1.0


def test_check_45_integers_and_words(spell: Type, idle: None) -> None:
    rows = spell(
        "spell hyper random --num-runs 40 --param layers=2:100:linear:int --param cell=gru,lstm,rnn",
        "-- echo :layers: :cell:",
    ).rows
    assert all(2 <= int(layers) <= 100 for layers, _, _ in rows)
    assert {cell for _, cell, _ in rows} == {"gru", "lstm", "rnn"}


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    ("param", "why"),
    [
        ("r=0:1:log", "log needs a MIN above 0"),
        ("r=-1:1:reverse_log", "reverse_log needs a MIN above 0"),
        ("r=2:1", "MIN 2 is not below MAX 1"),
        ("r=1:1", "not below"),
        ("r=0:1:liner", "did you mean linear?"),
        ("r=0:1:int", "r=0:1:linear:int"),
        ("r=0:1:linear:whole", "'whole' is no type"),
        ("r=0:1:linear:int:3", "more than four fields"),
        ("r=0:inf", "'inf' is not a finite number"),
    ],
)
def test_check_46_ranges_the_original_took_and_should_not_have(spell: Type, param: str, why: str) -> None:
    said = spell(f"spell hyper random -n 2 --param {param} -- echo :r:")
    assert said.code == 3
    assert param in said.err
    assert why in said.err


def test_check_47_and_48_bayesian_runs_three_at_once_and_climbs(spell: Type, project: Path) -> None:
    said = spell(BAYESIAN)
    assert len(said.rows) == 3
    ended(project, 1)
    with opened(project) as store:
        trials, running, most = store.trials(1), 0, 0
        for event in store.events(experiment=1):
            if event.kind == "claimed":
                running += 1
                most = max(most, running)
            elif event.kind in ("finished", "returned"):
                running -= 1
        best = max(trials, key=lambda trial: trial.result.value if trial.result else -9.0)
        worst = min(trials[3:], key=lambda trial: trial.result.value if trial.result else 9.0)
    assert len(trials) == 12
    assert 1 <= most <= 3
    assert best.configuration is not None
    assert worst.configuration is not None
    assert float(best.configuration.values()["rate"]) == pytest.approx(0.3, abs=0.1)


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("aggregate", ["last", "avg", "min", "max"])
def test_check_48_the_aggregate_is_no_direction(spell: Type, project: Path, aggregate: str) -> None:
    line = f"spell hyper bayesian -n 4 -r 2 --metric val_score -a {aggregate} --param x=0:1"
    said = spell(f"{line} echo :x:")
    assert ("add --minimize" in said.err) == (aggregate == "min")
    small = spell(f"{line} --minimize echo :x:")
    assert "hint" not in small.err
    with opened(project) as store:
        first, second = (store.experiment(number).description.objective for number in (1, 2))
    assert first is not None
    assert second is not None
    assert (first.direction, first.aggregate) == ("maximize", aggregate)
    assert second.direction == "minimize"


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("param", ["a=1,2,3", "l=2:100:linear:int", "l=2:100:log", "l=2:100:int:3"])
def test_check_49_bayesian_takes_ranges_with_a_type_only(spell: Type, param: str) -> None:
    said = spell(f"spell hyper bayesian -n 4 -r 2 --metric x -a max --param {param} echo :a: :l:")
    assert said.code == 3
    assert said.err.startswith(
        f"luthier: Incorrect formatting of param '{param}', it must be NAME=MIN:MAX[:int|float]"
    )
    native = "luthier bayesian" in said.err
    assert native == (param in ("a=1,2,3", "l=2:100:linear:int", "l=2:100:log"))


def test_check_50_six_digits_to_look_at_and_all_of_them_to_compute_with(spell: Type, project: Path) -> None:
    said = spell("spell hyper random -n 1 --param rate=.001:1.0:log -- echo got :rate:")
    shown = said.rows[0][0]
    ended(project, 1)
    with opened(project) as store:
        configuration = store.trial(1, 1).configuration
    assert configuration is not None
    value = configuration.values()["rate"]
    assert shown == f"{value:.6g}"
    assert len(repr(value)) > 9
    assert spell("spell logs 1").out == f"got {value!r}\n"


def test_check_52_stop_keeps_kill_discards(spell: Type, project: Path) -> None:
    script = "echo kept > $LUTHIER_OUTPUT_DIR/made; test :n: = 1 || sleep 60"
    for search, verb in ((1, "stop"), (2, "kill")):
        first = (search - 1) * 3 + 1
        spell("spell hyper grid -r 1 --param n=1,2,3 --", shlex.quote(script))
        made = [project / f".luthier/trials/{search}/{n}/attempt-1/outputs/made" for n in (1, 2, 3)]
        until(made[1].is_file)
        said = spell(f"spell hyper {verb} {search}")
        assert said.out == f"{'Stopping' if verb == 'stop' else 'Killing'} hyperparameter search {search}.\n"
        rows = [line.split()[:2] for line in spell(f"spell hyper describe {search}").out.splitlines()[-3:]]
        end = "Stopped" if verb == "stop" else "Killed"
        assert rows == [[str(first), "Complete"], [str(first + 1), end], [str(first + 2), "Killed"]]
        assert [file.is_file() for file in made] == [True, verb == "stop", False]
        assert spell(f"spell hyper {verb} {search} -q").out == ""
        assert made[0].is_file()


def test_check_53_a_stop_condition_counts_from_its_index_on(spell: Type, project: Path) -> None:
    program = project / "losses.py"
    program.write_text(
        "import os, sys, time\n"
        "from spell.metrics import send_metric\n"
        "for value in (9, 9, 9, 1, 7): send_metric('val_loss', value)\n"
        "while sys.argv[1] == '1': time.sleep(0.05)\n"
    )
    line = "spell hyper grid --param a=1,2 --stop-condition 'val_loss > 5:3'"
    assert spell(f"{line} -- python losses.py :a:").code == 0
    ended(project, 1)
    with opened(project) as store:
        first, second = store.trials(1)
    assert first.result is not None
    assert second.result is not None
    assert first.result.outcome is Outcome.STOPPED
    assert "val_loss is 7 at step 4" in first.result.reason
    assert "Stopped" in spell("spell hyper describe 1").out
    sixth = " ".join(f"--stop-condition 'a > {n}'" for n in range(6))
    for words, message in (
        (sixth, "Maximum of 5 stop_condition arguments allowed"),
        ("--stop-condition 'a == 3'", "Condition 'a == 3' formatted incorrectly"),
        ("--stop-condition 'a > x'", "Condition must be an integer or float"),
        ("--stop-condition 'a > 1:x'", "Minimum steps must be integer"),
    ):
        said = spell(f"spell hyper grid --param a=1 {words} -- echo :a:")
        assert said.err.startswith(f"luthier: {message}")
        assert said.code == 3
        assert spell(f"spell hyper grid --param a=1 {words} -- nosuchprogram :a:").err == said.err


def test_check_54_metrics_as_a_file_that_is_not_replaced(spell: Type, project: Path) -> None:
    spell("spell hyper grid --param a=1,2 -- python -c 'for i in range(2): print(f\"loss: {:a: + i}\")'")
    ended(project, 1)
    assert spell("spell hyper download-metrics 1").code == 0
    file = project / "metrics.csv"
    head, *rows = (line.split(",") for line in file.read_text().splitlines())
    assert head == ["run_id", "metric_name", "timestamp", "index", "value"]
    assert [(r[0], r[1], r[3], float(r[4])) for r in rows] == [
        ("1", "loss", "0", 1.0), ("1", "loss", "1", 2.0), ("2", "loss", "0", 2.0), ("2", "loss", "1", 3.0),
    ]  # fmt: skip
    file.write_text("mine")
    again = spell("spell hyper download-metrics 1")
    assert again.code == 3
    assert 'The file "metrics.csv" already exists and "force" is not set' in again.err
    assert file.read_text() == "mine"
    assert spell("spell hyper download-metrics 1 -f").code == 0
    assert file.read_text() != "mine"
    assert spell("spell hyper download-metrics 1 -d none/x.csv").code == 3


@pytest.mark.usefixtures("idle")
def test_check_57_json_values_keep_their_types(spell: Type, project: Path) -> None:
    said = spell("""spell hyper grid --json-param 'a=[2.5, true, "x,y", null]' -- echo :a:""")
    assert [row[0] for row in said.rows] == ["2.5", "true", "x,y", "null"]
    with opened(project) as store:
        values = [trial.configuration.values()["a"] for trial in store.trials(1) if trial.configuration]
    assert values == [2.5, True, "x,y", None]
    assert values[1] is True


@pytest.mark.usefixtures("idle")
def test_check_75_a_machine_type_is_a_workers_tag(spell: Type, project: Path) -> None:
    line = "spell hyper grid -t K80 --param a=1,2 -- echo :a:"
    alone = spell(line)
    assert alone.err.count("K80") == 1
    assert "kept with it" in alone.err
    assert "Machine Type  K80" in spell("spell hyper describe 1").out
    spell("kill 1")
    _, hold = Alive(project / ".luthier").work(["T4", "K80"])
    assert "the workers tagged K80" in spell(line).err
    hold.release()
    assert "There is nothing to do." in spell("worker --tag V100").err
    assert "There is nothing to do." in spell("worker").err
    assert "waits for a worker tagged K80" in spell("spell hyper describe 2").err
    spell("worker --tag K80")
    with opened(project) as store:
        assert store.experiment(2).succeeded == 2


@pytest.mark.usefixtures("idle")
def test_check_78_random_makes_the_number_that_was_asked_for(spell: Type, project: Path) -> None:
    assert len(spell("spell hyper random -n 40 --param a=1,2 -- echo :a:").rows) == 40
    with opened(project) as store:
        trials = store.trials(1)
    assert len({trial.seed for trial in trials}) == 40
    assert {trial.configuration.texts()["a"] for trial in trials if trial.configuration} == {"1", "2"}


@pytest.mark.usefixtures("idle")
def test_check_80_the_first_line_is_about_the_code(spell: Type, project: Path) -> None:
    line = "spell hyper grid --param a=1,2 -- echo :a:"
    first = [spell(line).out.splitlines()[0] for _ in range(2)]
    assert first == [f"Syncing code ({len(TRAIN)} B, 1 file)...done", "Everything up-to-date"]
    (project / "train.py").write_text("pass")
    third = spell(line)
    assert third.out.splitlines()[0] == "Syncing code (4 B, 1 file)...done"
    assert [row[-1] for row in third.rows] == ["5", "6"]
    with opened(project) as store:
        assert len({store.experiment(n).description.bundles["code"] for n in (1, 2, 3)}) == 2


# ---------------------------------------------------------------------- beside the checks


def test_a_program_that_fails_is_complete_with_its_exit_code(spell: Type, project: Path) -> None:
    spell("spell hyper grid --param code=0,3 -- 'exit :code:'")
    ended(project, 1)
    said = spell("spell hyper describe 1")
    assert [line.split()[1:3] for line in said.out.splitlines()[-2:]][1] == ["Complete", "(3)"]
    assert "run 2: it exited with code 3" in said.err
    assert json.loads(spell("spell hyper describe 1 --json").out)["runs"][1]["exit_code"] == 3
    assert spell("spell info 2").out.count("Complete (3)") == 1


def test_programs_that_all_fail_cost_three_runs(spell: Type, project: Path) -> None:
    spell("spell hyper grid -r 1 --param a=1,2,3,4,5 -- 'exit 9:a:'")

    def is_left() -> bool:
        return "resume 1" in spell("spell hyper describe 1").err

    until(is_left)
    said = spell("spell hyper describe 1")
    assert "Status        finished" in said.out
    assert "the first 3 trials all failed, so no more were started" in said.err
    assert [line.split()[1] for line in said.out.splitlines()[-5:]] == ["Complete"] * 3 + ["Queued"] * 2
    assert "run 1: it exited with code 91" in said.err


def test_one_run_is_followed_to_its_end(spell: Type, project: Path) -> None:
    said = spell(
        "spell run --param rate=0.50 --label first -- 'echo rate is :rate:; echo $SPELL_RUN > $LUTHIER_OUTPUT_DIR/n'"
    )
    lines = said.out.splitlines()
    assert lines[1:3] == ["💫 Casting spell #1…", "✨ Stop viewing logs with ^C"]
    assert "rate is 0.50" in lines
    assert lines[-1] == "🎉 Run 1 complete"
    assert spell("spell ls runs/1").out.splitlines()[1].endswith("n")
    assert spell("spell cp runs/1/n copy").code == 0
    assert (project / "copy").read_text() == "1\n"
    assert spell("spell cp runs/1/../../command.json x").code == 3
    assert spell("spell label 1 good").out == "good\n"
    runs = json.loads(spell("spell ps --all --label good --param rate=0.50 --json").out)["runs"]
    assert [(run["id"], run["labels"]) for run in runs] == [(1, ["first", "good"])]
    assert spell("spell hyper list").out.splitlines()[1:] == []


@pytest.mark.usefixtures("idle")
def test_a_terminal_without_emoji_gets_none(
    spell: Type, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", plain)
    assert main(shlex.split("spell hyper grid --param a=1 -- echo :a:")) == 0
    plain.flush()
    assert b"\nCasting hyperparameter search #1...\n" in plain.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("idle")
def test_a_command_is_saved_and_comes_back(spell: Type, project: Path) -> None:
    saved = spell(
        "spell hyper random -n 3 --param a=1,2 -e X=1 -e MY_TOKEN=abc --save-command s.yaml -- echo :a: 'b c'"
    )
    assert saved.code == 0
    text = (project / "s.yaml").read_text()
    assert "abc" not in text
    assert not (project / ".luthier").exists()
    assert len(spell("spell hyper random --from-file s.yaml").rows) == 3
    assert len(spell("spell hyper random --from-file s.yaml -n 5").rows) == 5
    with opened(project) as store:
        command = store.experiment(1).description.command
    assert command is not None
    assert command.words == ("echo", ":a:", "b c")
    (project / "s.yaml").write_text("command: 'echo :a:'\nnum-run: 3\n")
    wrong = spell("spell hyper random --from-file s.yaml")
    assert wrong.code == 2
    assert "s.yaml:2:1" in wrong.err
    assert "did you mean num-runs?" in wrong.err
    (project / "s.yaml").write_text("command: 'echo :a:'\nparam: a=1\ndocker-image: --privileged\n")
    assert (
        "s.yaml:3:1: --docker-image '--privileged' is no" in spell("spell hyper grid --from-file s.yaml").err
    )


def test_a_secret_reaches_the_runs_and_no_file(spell: Type, project: Path) -> None:
    spell("spell run -b -e API_TOKEN=s3cr3t-9 -e PLAIN=seen -- 'echo ${#API_TOKEN} $PLAIN'")
    ended(project, 1)
    assert spell("spell logs 1").out == "8 seen\n"
    assert kept_in(project, b"seen") and not kept_in(project, b"s3cr3t-9")


def test_an_address_with_a_password_reaches_the_runs_and_no_file(spell: Type, project: Path) -> None:
    said = spell("spell run -b -e DATA=db://me:s3cr3t-9@host/x -e AT=ssh://git@host -- 'echo ${#DATA} $AT'")
    assert "notice: DATA goes to the runs and is not stored" in said.err
    ended(project, 1)
    assert spell("spell logs 1").out == "23 ssh://git@host\n"
    assert kept_in(project, b"ssh://git@host") and not kept_in(project, b"s3cr3t-9")


@pytest.mark.parametrize(
    "more",
    [
        "--pip git+https://s3cr3t@host/x.git --param a=1 -- echo :a:",
        "--pip 'x @ https://me:s3c@r3t@host/x' --param a=1 -- echo :a:",
        "-d 'from https://s3cr3t@host' --param a=1 -- echo :a:",
        "--label https://me:s3cr3t@host --param a=1 -- echo :a:",
        "--param a=1,db://me:s3cr3t@host -- echo :a:",
        "--param a=1 -- echo :a: ssh://me:s3cr3t@host",
    ],
)
def test_an_address_that_would_be_stored_is_refused(spell: Type, project: Path, more: str) -> None:
    for line in (f"spell hyper grid {more}", f"spell hyper grid --save-command s.yaml {more}"):
        said = spell(line)
        assert said.code == 3
        assert "a user or password in an address would be stored" in said.err
        assert "s3c" not in said.err
        assert not (project / "s.yaml").exists()
        assert not (project / ".luthier" / "store.db").exists()


def test_an_address_of_a_variable_is_not_saved(spell: Type, project: Path) -> None:
    saved = spell("spell hyper grid --param a=1 -e DATA=db://me:s3cr3t@h --save-command s.yaml -- echo :a:")
    assert (saved.code, saved.err.splitlines()[0][:12]) == (0, "notice: DATA")
    assert "s3cr3t" not in (project / "s.yaml").read_text()


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    "what",
    ["metrics ID", "logs ID", "logs -f ID", "info ID", "stop ID", "kill ID", "archive ID", "label ID x"]
    + [f"hyper {word} ID" for word in ("describe", "stop", "kill", "archive", "download-metrics")],
)
def test_a_number_that_no_record_has_is_unknown(spell: Type, project: Path, what: str) -> None:
    spell("spell hyper grid --param a=1 -- echo :a:")
    (project / "metrics.csv").touch()
    for number in ("77", str(2**63), "9" * 23):
        said = spell(f"spell {what.replace('ID', number)}")
        assert said.code == 4, said.err
        assert said.err.startswith("luthier: there is no ")
        assert len(said.err.splitlines()) == 1


@pytest.mark.usefixtures("idle")
def test_without_a_container_engine_one_line_says_so(spell: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.drive.containing.without", lambda *_: "no container engine works here")
    said = spell("spell hyper grid --docker-image tf:1 --pip 'numpy>1' --param a=1 -- nosuch :a:")
    assert said.code == 0
    assert said.err == "notice: no container engine works here\n"
    assert "Container     none: no container engine works here" in spell("spell hyper describe 1").out


@pytest.mark.usefixtures("idle")
def test_what_has_no_effect_here_is_said_once_and_kept(spell: Type) -> None:
    said = spell(
        "spell hyper grid --apt gcc --deps-from-env -m uploads/data -m s3://x/y:z -p vision --label a --label b",
        "-d 'a note' --param x=1 -- echo :x:",
    )
    assert [line.split()[:2] for line in said.err.splitlines()] == [
        ["notice:", "--mount"], ["notice:", "--mount"], ["notice:", "--apt"], ["notice:", "--deps-from-env:"],
    ]  # fmt: skip
    shown = spell("spell hyper describe 1").out
    for line in ("Description   a note", "Project       vision", "Labels        a,b"):
        assert line in shown


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    "more",
    [
        "--provider x",
        "--conda-file none.yml",
        "--pip-req none.txt",
        "-e X",
        "--github-ref x",
        "--docker-image=--rm",
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_is_written(
    spell: Type, project: Path, more: str
) -> None:
    said = spell(f"spell hyper grid {more} --param x=1 -- echo :x:")
    assert said.code == 3
    assert len(said.err.splitlines()) == 1
    assert not (project / ".luthier" / "store.db").exists()


@pytest.mark.usefixtures("idle")
def test_a_search_is_shown_as_luthiers_own(spell: Type, project: Path) -> None:
    said = spell("spell hyper random -n 3 --param a=1:2:log --show-native -- echo :a:")
    assert said.code == 0
    assert "a: {min: 1, max: 2, scaling: log}" in said.out
    assert not (project / ".luthier").exists()


@pytest.mark.usefixtures("idle")
def test_archived_searches_are_out_of_the_list(spell: Type) -> None:
    for _ in range(2):
        spell("spell hyper grid --param a=1 -- echo :a:")
    assert spell("spell hyper archive 1").code == 0
    assert [line.split()[0] for line in spell("spell hyper list").out.splitlines()] == ["ID", "2"]
    assert [line.split()[0] for line in spell("spell hyper list --all").out.splitlines()] == ["ID", "1", "2"]
    assert spell("spell hyper archive 9").code == 4


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    "what", ["upload x", "machine-types", "hypr", "hyper gird", "hyper describe x", "hyper"]
)
def test_what_is_not_there_is_said_without_a_traceback(spell: Type, what: str) -> None:
    said = spell(f"spell {what}")
    assert said.code == 2
    assert "Traceback" not in said.err


def test_the_docs_name_every_option() -> None:
    import click

    from luthier.cli.doors.spell import command

    docs = (Path(__file__).parents[2] / "docs" / "doors" / "spell.md").read_text(encoding="utf-8")

    def commands(group: click.Group) -> Iterator[click.Command]:
        ctx = click.Context(group)
        for name in group.list_commands(ctx):
            found = group.get_command(ctx, name)
            assert found is not None
            yield from commands(found) if isinstance(found, click.Group) else [found]

    for each in commands(command):
        for parameter in each.params:
            if isinstance(parameter, click.Option):
                assert any(f"`{name}" in docs for name in parameter.opts), (each.name, parameter.opts)
