"""The file of `luthier run`: what every key means, and what is said of a file that is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves helpers to us
from job_files import FULL, STAGED

from luthier.description import Algorithm, Command, Constraint, Environment, Keeping, Limits, Objective
from luthier.errors import UsageError
from luthier.job import document
from luthier.job.checking import check_description
from luthier.job.keys import ELSEWHERE, KEYS
from luthier.job.reading import Job, read_job
from luthier.schedule import Goal, Stages, Stopping
from luthier.space import Value

Read = Callable[[str], Job]
BASE = "command: [sh, train.sh, '{{rate}}']\nparameters:\n  rate: [0.1, 0.01]\n"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a text as a file, and checks what it says."""

    def reading(text: str) -> Job:
        path = tmp_path / "e.yaml"
        path.write_text(text, encoding="utf-8")
        job = read_job(path, tmp_path)
        check_description(job.description, job.at)
        return job

    return reading


def test_every_key_says_what_it_says(read: Read, tmp_path: Path) -> None:
    job = read(FULL)
    made = job.description
    assert made.name == "digits" and made.trials == 50 and made.seed == 7 and job.seed_named
    words = ("sh", "train.sh", "--rate={{rate}}", "--layers=:layers:", "{{cell}}")
    assert made.command == Command(
        words, str(tmp_path), from_environment=True, patterns=("acc=([0-9.]+)",), tensorboard="runs"
    )
    assert made.space.names == ("rate", "layers", "cell", "size", "momentum", "noise", "fixed", "other")
    assert made.objective == Objective("loss", "last", "minimize")
    assert made.also == (Objective("accuracy", "max", "maximize"),)
    assert made.constraints == (Constraint("memory", 4e9), Constraint("latency", 3.0))
    assert made.algorithm == Algorithm("tpe", {"startup": 7, "warm_start": [1, 3]})
    assert made.stopping == Stopping("asha", {"eta": 3}, ("loss > 5:3", "accuracy < .1"))
    assert made.goal == Goal(0.1, 7200.0, 30)
    assert made.limits == Limits(2, 0.5, 2.0, 4 * 10**9, 7200.0, 300.0, 3.0, 2, 1, "stop")
    assert made.environment == Environment(
        {"RATE": "{{rate}}", "WHERE": "${LUTHIER_OUTPUT_DIR}"},
        {
            "config.json": '{"rate": {{rate|json}}}',
            "deep/params.yaml": "rate: {{rate|yaml}}\nsize: {{size|yaml}}\n",
        },
        "python:3.11",
        ("pip install x",),
        ("/a:/b:ro",),
        False,
    )
    assert made.labels == {"team": "vision", "ticket": "12"} and made.on_finish == "echo done"
    assert [values for _, values in job.tries] == [{"rate": Value(0.01), "cell": Value("gru")}]
    assert made.keeping == Keeping("all", True) and job.check is False


def test_the_file_above_has_every_key_there_is() -> None:
    staged = [key for key in KEYS if f"\n{key}:" not in FULL]
    assert sorted(staged) == ["as_args", "budget", "folds", "lenient"]
    assert not set(ELSEWHERE) & set(KEYS)


def test_budgets_and_folds(read: Read) -> None:
    rungs = Stages("rungs", "epochs", (1.0, 3.0, 9.0, 27.0), 3.0)
    assert read(STAGED).description.stages == rungs
    start = STAGED[: STAGED.index("budget")]
    assert read(f"{start}budget: epochs=1:27\n").description.stages == rungs
    assert read(f"{start}budget: {{name: epochs, levels: [1, 3, 9, 27]}}\n").description.stages == rungs
    folds = read(f"{BASE}objective: maximize acc\nalgorithm: grid\nfolds: 3\n").description.stages
    assert folds == Stages("folds", "", (0.0, 1.0, 2.0))


def test_what_is_left_out_is_as_with_tune(read: Read) -> None:
    made = read(f"{BASE}objective: minimize loss\n").description
    assert (
        made.algorithm == Algorithm("auto") and made.stopping == Stopping("auto") and made.environment is None
    )
    assert read(f"{BASE}objective: minimize loss\nearly_stopping: none\n").description.stopping is None
    assert read(f"{BASE}objective: minimize loss\nalgorithm: tpe\n").description.stopping is None
    assert read(f"{BASE}algorithm: tune\nobjective: minimize loss\n").description.algorithm == Algorithm(
        "auto"
    )
    spelled = read(f"{BASE}algorithm: bayesian\nobjective: minimize loss\n").description.algorithm
    assert spelled == Algorithm("bayesian", {"acquisition": "ucb", "kappa": 2.0})


def test_a_text_is_for_the_shell_and_a_list_is_words(read: Read) -> None:
    text = "command: python train.py {{rate}} | tail -1\nparameters: {rate: [1, 2]}\nalgorithm: grid\n"
    command = read(text).description.command
    assert command and command.shell and command.words == ("python train.py {{rate}} | tail -1",)


def test_paths_are_seen_from_the_file(read: Read, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "space.yaml").write_text("rate: [1, 2, 3]\n")
    job = read("command: [sh, ':rate:']\ndirectory: inner\nparameters: inner/space.yaml\nalgorithm: grid\n")
    assert job.description.command and job.description.command.directory == str(tmp_path / "inner")
    assert job.description.space.count() == 3
    (tmp_path / "inner" / "space.yaml").write_text("rate: [1, 1]\n")
    with pytest.raises(
        UsageError, match=r"inner/space.yaml:1:1: .*list holds 1 twice.*\(named in .*e.yaml:3:1\)"
    ):
        read("command: [sh, ':rate:']\ndirectory: inner\nparameters: inner/space.yaml\nalgorithm: grid\n")


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    path.write_text('{"command": ["sh", ":rate:"],\n\t"parameters": {"rate": [1e-6]}, "algorithm": "grid"}')
    assert str(read_job(path, tmp_path).description.space.at(0)) == "rate=1e-6"


GRID = BASE + "algorithm: grid\n"
MET = BASE + "objective: minimize loss\n"
REFUSED = [
    ("", ":1:1: the key command is missing; write command: [python, train.py, '--rate={{rate}}']"),
    ("- a\n", ":1:1: the file is a list; write the keys of an experiment, such as command and parameters"),
    ("command: x\n", ":1:1: the key parameters is missing; write parameters: {rate: [0.1, 0.01]}"),
    (f"{BASE}objctive: x", ":4:1: there is no key 'objctive' (did you mean objective?); the keys are name,"),
    (f"{BASE}early-stopping: x", ":4:1: there is no key 'early-stopping' (did you mean early_stopping?);"),
    (f"{BASE}num_runs: 3", ":4:1: there is no key 'num_runs'; here it is called trials"),
    (f"{BASE}memory: 3", ":4:1: there is no key 'memory'; here it is called resources: {memory: …}"),
    (f"{BASE}trials:", ":4:1: trials has no value; write one, or leave the key out"),
    (f"{BASE}trials: many", ":4:1: trials is 'many'; write a whole number from 1"),
    (f"{BASE}trials: 0", ":4:1: trials is 0; write a whole number from 1"),
    (f"{BASE}trials: true", ":4:1: trials is true; write a whole number from 1"),
    (
        f"{GRID}resources: {{image: --rm}}",
        ":5:13: resources.image is '--rm'; write the name of an image, which does",
    ),
    (f"{BASE}name: ''", ":4:1: name is empty; write a name, or leave it out"),
    (f"{BASE}name: [a]", ":4:1: name is a list; write a name"),
    (
        BASE,
        ":1:1: the algorithm auto learns from a metric; add objective: minimize METRIC, or choose grid or random",
    ),
    (
        f"{BASE}algorithm: bayesan",
        ":4:1: algorithm is 'bayesan' (did you mean bayesian?); write one of grid, random,",
    ),
    (
        f"{MET}algorithm: {{name: tpe, strtup: 3}}",
        ":5:24: tpe has no setting 'strtup' (did you mean startup?); it takes",
    ),
    (
        f"{MET}algorithm: {{name: tpe, startup: -3}}",
        ":5:24: the setting startup of tpe is -3; write a whole number",
    ),
    (f"{MET}algorithm: {{startup: 3}}", ":5:1: the algorithm has no name; write name: one of grid,"),
    (
        f"{MET}algorithm: {{name: bayesian, acquisition: ei, kappa: 2}}",
        ":5:46: kappa belongs to the acquisition ucb",
    ),
    (
        f"{GRID}warm_start: 3",
        ":5:1: warm_start means nothing to the algorithm grid; leave it out, or choose auto or",
    ),
    (
        f"{BASE}objective: minimise loss",
        ":4:1: 'minimise loss' is no objective (did you mean minimize?); write",
    ),
    (f"{BASE}objective: {{metric: loss}}", ":4:1: objective says no direction; add direction: minimize or"),
    (
        f"{BASE}objective: {{minimize: a, maximize: b}}",
        ":4:1: objective names minimize and maximize; write {minimize:",
    ),
    (
        f"{BASE}objective: {{minimize: a, aggregate: mean}}",
        ":4:26: objective.aggregate is 'mean'; write one of last,",
    ),
    (f"{BASE}objective: [minimize a, maximize a]", ":4:25: a is an objective twice; name each metric once"),
    (f"{MET}constraints: memory < 4", ":5:1: 'memory < 4' is no constraint; write METRIC <= NUMBER"),
    (f"{MET}constraints: [{{metric: a}}]", ":5:15: a limit is written {metric: METRIC, max: NUMBER}"),
    (f"{MET}algorithm: cmaes\nconstraints: [a <= 4]", ":6:1: cmaes follows one objective and nothing else"),
    (
        f"{MET}early_stopping: ash",
        ":5:1: there is no stopping rule 'ash' (did you mean asha?); write one of auto,",
    ),
    (
        f"{MET}early_stopping: {{rule: asha, eta: 0}}",
        ":5:30: the setting eta of the stopping rule asha is 0; write",
    ),
    (
        f"{MET}early_stopping: {{rule: asha, etta: 2}}",
        ":5:30: the stopping rule asha has no setting 'etta' (did",
    ),
    (
        f"{GRID}early_stopping: asha",
        ":5:1: early stopping needs a metric to compare trials by; add objective:",
    ),
    (
        f"{MET}stop_conditions: [loss > 5, loss >]",
        ":5:29: Condition 'loss >' formatted incorrectly; write METRIC",
    ),
    (f"{GRID}goal: {{target: 1}}", ":5:1: this goal needs a metric; add objective: minimize METRIC"),
    (
        f"{MET}goal: {{max_time: soon}}",
        ":5:8: goal.max_time: 'soon' is not a duration; write 90s, 5m, 2h or 1d",
    ),
    (
        f"{GRID}limits: {{timeot: 1}}",
        ":5:10: there is no key 'timeot' in limits (did you mean timeout?); the keys are",
    ),
    (
        f"{GRID}limits: {{timeout: -1}}",
        ":5:10: limits.timeout: '-1' is not a duration; write 90s, 5m, 2h or 1d",
    ),
    (f"{GRID}limits: 5", ":5:1: limits is 5; write a mapping such as {timeout: 2h, retry: 1}"),
    (
        f"{GRID}resources: {{memory: 4X}}",
        ":5:13: resources.memory: '4X' is not a size; write 512M, 4G or 4Gi",
    ),
    (f"{GRID}resources: {{gpus: -1}}", ":5:13: resources.gpus is -1; write a number from 0"),
    (
        f"{GRID}resources: {{image: i, mounts: [a]}}",
        ":5:32: resources.mounts[0] is 'a'; write SOURCE:TARGET with",
    ),
    (
        f"{GRID}resources: {{install: [x]}}",
        ":5:13: install is done in a container; add image, or leave it out",
    ),
    (
        f"{GRID}environment: {{X: '{{{{D}}}}'}}",
        ":5:15: the variable X names {{D}}, and there is no parameter 'D';",
    ),
    (f"{GRID}environment: {{LUTHIER_X: a}}", ":5:15: the variable LUTHIER_X is Luthier's own; choose a name"),
    (f"{GRID}environment: {{X: [a]}}", ":5:15: environment.X is a list; write a text"),
    (
        f"{GRID}files: {{../x: a}}",
        ":5:9: the file '../x' has to be inside the output folder, by a relative path",
    ),
    (f"{GRID}metrics: {{patterns: ['(']}}", ":5:22: --metric-pattern '(' is no"),
    (f"{GRID}directory: nowhere", ":5:1: there is no folder "),
    (f"{GRID}try: 5", ":5:1: try is 5; write a list of mappings from parameters to values, such as"),
    (f"{GRID}snapshot: some", ":5:1: snapshot is 'some'; write one of small, all, none"),
    (
        f"{GRID}snapshot: none\nreuse: true",
        ":6:1: reuse compares the code, which snapshot: none does not keep",
    ),
    (f"{MET}folds: 1", ":5:1: folds is 1; write a whole number from 2 to 1000"),
    (
        f"{MET}budget: rate=1:3",
        ":5:1: rate is a parameter and the name of the budget as well; give one of them",
    ),
    (f"{MET}budget: 3", ":5:1: budget '3': write NAME=MIN:MAX or NAME=MIN:MAX:ETA, such as epochs=1:81"),
    (
        f"{MET}budget: {{name: e, levels: [3, 1]}}",
        ":5:19: levels are up to 64 numbers, each larger than the one",
    ),
    (
        f"{MET}budget: e=1:3\nfolds: 3",
        ":6:1: budget and folds both cut a trial into parts; choose one of them",
    ),
    (
        "command: python x :rate:\nparameters: {rate: [1]}",
        ":1:24: this is not YAML: mapping values are not allowed here; "
        "put quotes around a text with :name: in it",
    ),
    (
        "command: {{rate}} x\nparameters: {rate: [1]}",
        ":1:11: a key is a list or a mapping; put quotes around a text with",
    ),
    (
        "command: [a, b: c]\nparameters: {rate: [1]}",
        ":1:14: command[1] is a mapping, not a word; put quotes around",
    ),
    (
        "command: [sh, x]\nparameters: {rate: [1, 2]}\nalgorithm: grid",
        ":1:1: the command has no place for the parameter",
    ),
    (
        "command: [nopython, ':r:']\nparameters: {r: [1, 2]}\nalgorithm: grid",
        ":1:1: the program 'nopython' was not",
    ),
    (
        "command: python :r:;\nparameters: {r: ['a b']}\nalgorithm: grid",
        ":1:1: the value 'a b' of r can't be put",
    ),
    ("command: [sh, ':r:']\nparameters: {r: {min: 1, max: 2}}\nalgorithm: grid", ":2:1: "),
    (
        "command: [sh, ':r:']\nparameters: {r: {min: 1, max: 2}}\nalgorithm: random",
        ":2:1: trials is missing, and r",
    ),
    (
        "command: [sh, ':r:']\nparameters: {r: {mn: 1, max: 2}}\nalgorithm: random",
        ":2:18: parameter 'r': key 'mn' is",
    ),
    ("command: [sh, ':r:']\nparameters: no.yaml\n", ":2:1: there is no file "),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_is_refused_says_where(read: Read, tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(text)
    assert str(refused.value).startswith(f"{tmp_path / 'e.yaml'}{sentence}")


def test_an_alias_bomb_is_refused_before_it_grows(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]" for i in range(9)]
    made: list[object] = []
    plain = document.Node

    def counted(*args: object) -> document.Node:
        made.append(args)
        return plain(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(document, "Node", counted)
    with pytest.raises(UsageError, match="the alias \\*a stands inside &b; write it out"):
        read("\n".join(lines) + "\n")
    assert 0 < len(made) < 20
