"""`luthier run FILE`: begins a search, goes on with it, and lets the command line win; `--show-native`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from luthier.cli.overriding import PARTS, RUNNING
from luthier.cli.run import command
from luthier.cli.tune import tune
from luthier.description import Description
from luthier.errors import UsageError
from luthier.job.reading import read_job
from luthier.store import open_store

if TYPE_CHECKING:
    from conftest import Run

FILE = """\
name: pages
command: [echo, "loss={{rate}}"]
parameters:
  rate: [0.3, .1, 0.2]
objective: minimize loss
algorithm: grid
parallel: 1
"""

BIG = """\
command: [echo, "{{rate}}", "{{cell}}"]
parameters:
  rate: {min: 0.1, max: 1}
  cell: [gru, lstm]
objective: minimize loss
constraints: [memory <= 4]
algorithm: {name: tpe, startup: 3, repeats: true}
trials: 20
seed: 3
early_stopping: {rule: asha, eta: 3}
stop_conditions: [loss > 5]
goal: {target: 0.1, no_progress: 9}
limits: {timeout: 5m, retry: 1}
environment: {A: "{{rate}}"}
labels: {a: b}
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The searches that would have been run, each with its own configurations and the options."""
    found: list[Any] = []

    def keep(asked: Any, own: Any, said: Any, options: Any, *, rows: bool = False) -> int:
        found.append((asked, list(own), options))
        return 0

    monkeypatch.setattr("luthier.cli.run.search_for", keep)
    return found


def write(folder: Path, text: str, name: str = "search.yaml") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return name


def test_a_file_begins_a_search_and_the_same_file_goes_on(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, FILE)
    first = run("run", file, "--num-runs", "2", "--json")
    assert first.code == 0, first.err
    done = run("run", file, "--json")
    assert done.code == 0 and "goes on: 2 of 3 trials finished" in done.err
    assert '"rate": 0.1' in done.out
    again = run("run", file)
    assert again.code == 0 and "already has its 3 trials" in again.err
    store = open_store(tmp_path / ".luthier", read_only=True)
    assert [record.description.name for record in store.experiments()] == ["pages"]
    assert [t.configuration.texts()["rate"] for t in store.trials(1) if t.configuration] == [
        "0.3",
        ".1",
        "0.2",
    ]
    store.close()


def test_a_dry_run_writes_nothing(run: Run, tmp_path: Path) -> None:
    said = run("run", write(tmp_path, FILE), "--dry-run")
    assert said.code == 0 and said.out.split() == ["rate", "0.3", ".1", "0.2"]
    assert "The first command: echo loss=0.3" in said.err and not (tmp_path / ".luthier").exists()


def test_files_variables_and_the_folder_reach_the_program(run: Run, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    text = """\
command: echo score=1; pwd > "$LUTHIER_OUTPUT_DIR/where"; echo "$RATE" > "$LUTHIER_OUTPUT_DIR/rate"
directory: inner
from_env: true
parameters: {rate: [1e-6]}
algorithm: grid
environment: {RATE: "rate is {{rate}}"}
files: {conf/c.json: '{"rate": {{rate|json}}}'}
"""
    assert run("run", write(tmp_path, text)).code == 0
    written = {path.name: path.read_text() for path in tmp_path.rglob("outputs/**/*") if path.is_file()}
    assert written["rate"] == "rate is 1e-6\n" and written["where"] == f"{tmp_path}/inner\n"
    assert written["c.json"] == '{"rate": 1e-06}'


def test_every_option_of_a_search_is_known_and_every_key_of_them(run: Run) -> None:
    options = {each.name for each in tune.params if isinstance(each, click.Option)} - {"help", "source"}
    assert options == set(PARTS) | set(RUNNING)
    assert options <= {each.name for each in command.params}
    from luthier.job.keys import KEYS

    assert {key for keys in PARTS.values() for key in keys} <= set(KEYS)


def described(asked: list[Any]) -> Description:
    found = asked[-1][0].description
    assert isinstance(found, Description)
    return found


OVERRIDES: list[tuple[list[str], str, Any]] = [
    (["--num-runs", "7"], "trials", 7),
    (["--seed", "0"], "seed", 0),
    (["--name", "n"], "name", "n"),
    (["--on-finish", "true"], "on_finish", "true"),
    (["--label", "c=d"], "labels", {"a": "b", "c": "d"}),
    (["--parallel-runs", "2"], "limits.parallel", 2),
    (["--gpus-per-run", "0.5"], "limits.gpus", 0.5),
    (["--cpus-per-run", "2"], "limits.cpus", 2.0),
    (["--memory", "1M"], "limits.memory_bytes", 10**6),
    (["--timeout", "1m"], "limits.timeout_seconds", 60.0),
    (["--idle-timeout", "1m"], "limits.idle_timeout_seconds", 60.0),
    (["--grace", "1s"], "limits.grace_seconds", 1.0),
    (["--max-attempts", "1"], "limits.max_attempts", 1),
    (["--retry-failed", "0"], "limits.retry_failed", 0),
    (["--on-driver-loss", "stop"], "limits.on_driver_loss", "stop"),
    (["--metric", "l"], "objective.metric", "l"),
    (["--metric-agg", "min"], "objective.aggregate", "min"),
    (["--maximize"], "objective.direction", "maximize"),
    (["--also", "minimize:x"], "also.0.metric", "x"),
    (["--constraint", "m >= 1"], "constraints.0.bound", 1.0),
    (["--metric-pattern", "a=(.*)"], "command.patterns", ("a=(.*)",)),
    (["--tensorboard-dir", "d"], "command.tensorboard", "d"),
    (["--as-args"], "command.as_args", True),
    (["--from-env"], "command.from_environment", True),
    (["--early-stopping", "median"], "stopping.rule", "median"),
    (["--early-stopping", "none"], "stopping.conditions", ("loss > 5",)),
    (["--stop-condition", "loss > 6"], "stopping.conditions", ("loss > 6",)),
    (["--stop-condition", "loss > 6"], "stopping.settings", {"eta": 3}),
    (["--target", "1"], "goal", (1.0, None, 9)),
    (["--max-time", "1m"], "goal", (0.1, 60.0, 9)),
    (["--no-progress", "3"], "goal", (0.1, None, 3)),
    (["--algorithm", "random"], "algorithm.settings", {"repeats": True}),
    (["--algorithm", "bayesian"], "algorithm.settings", {"acquisition": "ucb", "kappa": 2.0, "repeats": True}),
    (["--algorithm", "bayesian", "--acquisition", "ei"], "algorithm.settings", {"acquisition": "ei", "repeats": True}),
    (["--algorithm", "bayesian", "--kappa", "3"], "algorithm.settings.kappa", 3.0),
    (["--no-snapshot"], "keeping.snapshot", "none"),
    (["--snapshot", "--reuse"], "keeping", ("all", True)),
    (["--repeats"], "algorithm.settings", {"startup": 3, "repeats": True}),
    (["--warm-start", "4", "--warm-start", "2"], "algorithm.settings.warm_start", [2, 4]),
    (["--param", "cell=a,b,c"], "space.names", ("rate", "cell")),
    (["--param", "rate=0.5"], "space.names", ("rate", "cell")),
]  # fmt: skip


def reached(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = (
            value[int(step)]
            if step.isdigit()
            else value[step]
            if isinstance(value, dict)
            else getattr(value, step)
        )
    return value


@pytest.mark.parametrize(("words", "path", "expected"), OVERRIDES, ids=str)
def test_an_option_wins_over_its_part_of_the_file_and_leaves_the_rest(
    run: Run, asked: list[Any], tmp_path: Path, words: list[str], path: str, expected: Any
) -> None:
    file = write(tmp_path, BIG)
    before = read_job(tmp_path / file, tmp_path).description.to_dict()
    said = run("run", file, *words)
    assert said.code == 0, said.err
    assert reached(described(asked), path) == expected
    after = described(asked).to_dict()
    part = {"algorithm": "algorithm", "also": "also"}.get(path.split(".")[0], path.split(".")[0])
    differing = {key for key in after.keys() | before.keys() if after.get(key) != before.get(key)}
    assert differing <= {part}


def test_parameters_are_replaced_where_they_stand_and_others_follow(
    run: Run, asked: list[Any], tmp_path: Path
) -> None:
    file = write(tmp_path, BIG)
    assert run("run", file, "--param", "cell=a,b,c", "--param", "new=1,2", "--from-env").code == 0
    space = described(asked).space
    assert space.names == ("rate", "cell", "new") and space["cell"].domain.count() == 3


def test_folds_and_budgets_and_tries_of_the_command_line(run: Run, asked: list[Any], tmp_path: Path) -> None:
    plain = BIG.replace("constraints: [memory <= 4]\n", "")
    file = write(tmp_path, plain + "try: [{rate: 0.3}]\n")
    assert run("run", file, "--folds", "3").code == 0
    assert described(asked).stages and len(asked[-1][1]) == 1
    assert (
        run(
            "run", file, "--budget", "epochs=1:9", "--from-env", "--try", "rate=0.5", "--try", "rate=0.6"
        ).code
        == 0
    )
    assert [each.texts()["rate"] for each in asked[-1][1]] == ["0.5", "0.6"]


def test_what_the_command_line_spoils_is_not_blamed_on_the_file(
    run: Run, asked: list[Any], tmp_path: Path
) -> None:
    file = write(tmp_path, BIG)
    spoiled = run("run", file, "--param", "new=1,2")
    assert spoiled.code == 2 and spoiled.err.startswith(
        "luthier: search.yaml:1:1: the command has no place for the p"
    )
    assert (
        run("run", file, "--algorithm", "grid").err.startswith("luthier: search.yaml:2:1: param")
        or asked == []
    )
    cmaes = run("run", file, "--algorithm", "cmaes")
    assert cmaes.code == 2 and cmaes.err.startswith("luthier: search.yaml:6:1: cmaes follows one objective")
    both = run("run", file, "--algorithm", "cmaes", "--constraint", "a <= 3")
    assert both.code == 2 and both.err.startswith("luthier: cmaes follows one objective")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "nan"], "--target nan is not a finite number"),
        (["--target", "inf"], "--target inf is not a finite number"),
        (["--also", "minimize:time", "--also", "maximize:time"], "time is an objective twice"),
        (["--metric", "loss", "--also", "minimize:loss"], "loss is an objective twice"),
        (["--metric-pattern", "("], "--metric-pattern '(' is not a regular expression"),
        (["--metric-pattern", "abc"], "--metric-pattern 'abc' has no group"),
        (["--tensorboard-dir", " "], "--tensorboard-dir is empty"),
    ],
    ids=str,
)
@pytest.mark.parametrize("begins", [("run",), ("tune", "--num-runs", "2", "--from")], ids=str)
def test_what_a_typed_search_is_refused_for_changes_no_file_either(
    run: Run, asked: list[Any], tmp_path: Path, begins: tuple[str, ...], words: list[str], message: str
) -> None:
    file = write(tmp_path, BIG)
    said = run(*begins, file, *words)
    assert (said.code, asked) == (2, [])
    assert said.err.startswith(f"luthier: {message}") and said.err.count("\n") == 1


def test_the_running_options_are_those_of_the_other_searches(
    run: Run, asked: list[Any], tmp_path: Path
) -> None:
    file = write(tmp_path, FILE + "check: false\n")
    assert run("run", file, "--new", "--detach", "--quiet").code == 0
    options = asked[-1][2]
    assert options["fresh"] and options["detach"] and options["quiet"] and options["check"] is False
    assert run("run", file, "--check").code == 0 and asked[-1][2]["check"] is True
    assert asked[-1][0].seed_named is False
    assert run("run", file, "--seed", "4").code == 0 and asked[-1][0].seed_named


def test_a_grid_tries_nothing_first_and_a_budget_has_room_for_what_is_tried(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, FILE + "try: [{rate: 0.2}]\n")
    assert "a grid runs every combination" in run("run", file).err
    two = FILE.replace("grid", "random") + "trials: 1\ntry: [{rate: 0.2}, {rate: 0.3}]\n"
    assert "there are 2 configurations to try and trials is 1" in run("run", write(tmp_path, two)).err
    wrong = FILE.replace("grid", "random") + "try:\n  - {rat: 0.2}\n"
    said = run("run", write(tmp_path, wrong)).err
    assert said.startswith(
        "luthier: search.yaml:9:5: try[0]: there is no parameter 'rat' (did you mean rate?)"
    )


def test_gpus_that_are_not_there_are_done_without_only_where_the_file_says_so(
    run: Run, asked: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_limits: Any) -> Any:
        raise UsageError("this machine has no GPUs")

    monkeypatch.setattr("luthier.cli.run.parallel_slots", none)
    assert run("run", write(tmp_path, FILE + "resources: {gpus: 1}\n")).code == 0
    assert described(asked).limits.gpus == 1.0, "the search itself refuses it"
    assert run("run", write(tmp_path, FILE + "resources: {gpus: 1, strict: false}\n")).code == 0
    assert described(asked).limits.gpus == 0.0
    assert asked[-1][0].warnings == [
        "this machine has no GPUs (the file says strict: false, so it goes on without)"
    ]


def test_the_schema_is_printed_without_a_file(run: Run) -> None:
    said = run("run", "--schema")
    assert said.code == 0 and json.loads(said.out)["title"] == "An experiment of Luthier"


def test_a_search_shown_as_a_file_runs_as_the_same_experiment(run: Run, tmp_path: Path) -> None:
    words = ["--param", "rate=0.3,.1", "--metric", "loss", "--minimize", "--name", "shown"]
    shown = run("grid", *words, "--show-native", "--", "echo", "loss=:rate:")
    assert shown.code == 0 and not (tmp_path / ".luthier").exists()
    assert (
        "luthier grid --param rate=0.3,.1 --metric loss --minimize --name shown -- echo loss=:rate:"
        in shown.err
    )
    assert run("grid", *words, "--quiet", "--", "echo", "loss=:rate:").code == 0
    again = run("run", write(tmp_path, shown.out))
    assert again.code == 0 and "experiment 1 already has its 2 trials" in again.err
    native = run("run", "search.yaml", "--show-native")
    assert native.out == shown.out
