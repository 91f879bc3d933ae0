"""W&B sweeps, Katib Experiments, and the command lines of Orion and Guild: what becomes of them, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.description import Description
from luthier.errors import LuthierError, UsageError
from luthier.job.document import parse_document
from luthier.job.foreign.kinds import (
    checked_text,
    command_line_search,
    file_search,
    kind_of,
)
from luthier.job.foreign.search import Search
from luthier.job.reading import job_of

SWEEP = """
program: train.py
project: demo
method: bayes
metric: {name: validation_loss, goal: minimize, target: 0.1}
run_cap: 12
parameters:
  rate: {distribution: log_uniform_values, min: 0.0001, max: 0.1}
  batch: {values: [16, 32], probabilities: [0.2, 0.8]}
  decay: {distribution: log_uniform, min: -9, max: -2}
  epochs: {value: 5}
  layers: {min: 1, max: 4}
  drop: {min: 0.1, max: 0.5}
  noise: {distribution: normal, mu: 1, sigma: 2}
  optimizer:
    parameters: {kind: {values: [adam, sgd]}}
early_terminate: {type: hyperband, min_iter: 3, eta: 2, strict: true}
command: ["${env}", "${interpreter}", "${program}", --fixed, "${args}"]
"""

KATIB = """
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: digits}
spec:
  objective: {type: minimize, goal: 0.001, objectiveMetricName: loss}
  algorithm: {algorithmName: tpe}
  parallelTrialCount: 3
  maxTrialCount: 12
  maxFailedTrialCount: 3
  parameters:
    - {name: lr, parameterType: double, feasibleSpace: {min: "0.01", max: "0.05", distribution: logUniform}}
    - {name: layers, parameterType: int, feasibleSpace: {min: "1", max: "5", step: "2"}}
    - {name: opt, parameterType: categorical, feasibleSpace: {list: [sgd, adam]}}
  trialTemplate:
    primaryContainerName: training
    trialParameters: [{name: learningRate, reference: lr}, {name: layers, reference: layers}]
    trialSpec:
      kind: Job
      spec:
        template:
          spec:
            containers:
              - {name: sidecar, image: other, command: [sleep, "1"]}
              - name: training
                image: docker.io/digits
                command: [python3, /opt/digits.py, "--lr=${trialParameters.learningRate}"]
                args: ["--layers=${trialParameters.layers}", "--opt=${trialParameters.opt}"]
                env: [{name: A, value: b}, {name: SECRET, valueFrom: {secretKeyRef: {name: x}}}]
                resources: {limits: {memory: 1Gi, cpu: 500m}}
"""


def described(search: Search) -> Description:
    return job_of(parse_document("made.yaml", checked_text(search)), "/project", Path("/project")).description


def of_file(kind: str, text: str) -> Search:
    document = parse_document("it.yaml", text)
    assert kind_of(document) == kind
    return file_search(kind, document)


def of_line(line: str) -> Search:
    kind, *words = line.split()
    return command_line_search(kind, words)


def parameters(what: Description) -> dict[str, str]:
    return {p.name: str(p.domain) for p in what.space.parameters}


def test_a_sweep() -> None:
    search = of_file("wandb", SWEEP)
    what = described(search)
    assert what.command and what.command.words == ("python", "train.py", "--fixed") and what.command.as_args
    assert parameters(what) == {
        "rate": "0.0001 … 0.1 log",
        "batch": "16, 32",
        "decay": "0.00012340980408667956 … 0.1353352832366127 log",
        "epochs": "5",
        "layers": "1 … 4 int",
        "drop": "0.1 … 0.5",
        "noise": "normal(1, 2)",
        "optimizer.kind": "adam, sgd",
    }
    assert str(what.objective) == "minimize validation_loss" and what.trials == 12
    assert what.algorithm.name == "bayesian" and what.goal and what.goal.value == 0.1
    assert what.stopping and what.stopping[:2] == ("hyperband", {"eta": 2, "min_resource": 3})
    said = "\n".join(search.said)
    for word in (
        "probabilities of batch (it.yaml:9:",
        "exponents of e",
        "optimizer.NAME",
        "strict of",
        "project",
        "wandb.log",
    ):
        assert word in said


def test_a_sweep_without_a_command_runs_its_program_and_without_an_end_gets_one() -> None:
    search = of_file(
        "wandb", "program: a.py\nmethod: random\nparameters: {x: {min: 0.0, max: 1.0}}\nodd: 1\n"
    )
    what = described(search)
    assert what.command and what.command.words == ("python", "a.py") and what.trials == 30
    assert any(line.startswith("left out: odd (it.yaml:4:1)") for line in search.said)
    grid = described(of_file("wandb", "program: a.py\nmethod: grid\nparameters: {x: {values: [1, 2]}}\n"))
    assert grid.algorithm.name == "grid" and grid.trials is None and grid.target() == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("method: bayes\nparameters: {x: {min: 0}}\nprogram: a.py", r"it.yaml:2:14: .*lacks max"),
        ("method: bays\nparameters: {x: {value: 0}}\nprogram: a", r"it.yaml:1:1: .*did you mean bayes"),
        ("method: grid\nparameters: {x: {distribution: unifrm, min: 0}}\nprogram: a", "did you mean uniform"),
        ("method: grid\nparameters: {x: {value: 0}}", "neither program nor command"),
        (
            "method: grid\nparameters: {x: {values: [1, 1.0]}}\nprogram: a",
            "no file that could be run: .*one value",
        ),
        (
            "method: grid\nprogram: a\nparameters: {x: {distribution: log_uniform, min: 1, max: 9999}}",
            "too large",
        ),
    ],
)
def test_a_sweep_that_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        checked_text(file_search("wandb", parse_document("it.yaml", text)))


def test_an_experiment_of_katib() -> None:
    search = of_file("katib", KATIB)
    what = described(search)
    assert what.command and what.command.words == (
        "python3", "/opt/digits.py", "--lr={{lr}}", "--layers={{layers}}", "--opt={{opt}}",
    )  # fmt: skip
    assert parameters(what) == {"lr": "0.01 … 0.05 log", "layers": "1 … 5 step 2 int", "opt": "sgd, adam"}
    assert str(what.objective) == "minimize loss (min)" and what.goal and what.goal.value == 0.001
    assert (what.algorithm.name, what.trials, what.limits.parallel) == ("tpe", 12, 3)
    assert what.limits.cpus == 0.5 and what.limits.memory_bytes
    assert what.environment and what.environment.image == "docker.io/digits"
    assert what.environment.variables == {"A": "b"}
    said = "\n".join(search.said)
    for word in ("1 more containers", "a variable (it.yaml:", "maxFailedTrialCount", "image"):
        assert word in said


def test_an_experiment_of_katib_that_is_wrong() -> None:
    with pytest.raises(UsageError, match=r"it.yaml:12:\d+: .*the parameter has no parameterType"):
        of_file("katib", KATIB.replace("parameterType: double, ", ""))
    with pytest.raises(UsageError, match=r"it.yaml:\d+:\d+: no container with a command"):
        of_file("katib", KATIB.replace("containers:", "others:"))


def test_a_command_line_of_orion() -> None:
    search = of_line(
        "orion hunt -n mine --max-trials 40 --debug python train.py --lr~loguniform(1e-5,1.0) "
        "-x~uniform(0,5,discrete=True,default_value=2) --act=orion~choices(['relu','tanh']) r~normal(0,1) "
        "--ep~fidelity(1,27,3) --seeds~+randint(2,9) --fixed 3 --old~-"
    )
    what = described(search)
    assert what.command and what.command.words == (
        "python", "train.py", "--lr", "{{lr}}", "-x", "{{x}}", "--act={{act}}", "{{r}}", "--ep", "{{ep}}", "--seeds",
        "{{seeds}}", "--fixed", "3",
    )  # fmt: skip
    assert parameters(what) == {
        "lr": "1e-05 … 1 log",
        "x": "0 … 5 int",
        "act": "relu, tanh",
        "r": "normal(0, 1)",
        "seeds": "2 … 8 int",
    }
    assert (what.name, what.trials, str(what.objective)) == ("mine", 40, "minimize objective")
    assert what.stages and what.stages.parameter == "ep" and what.stages.levels == (1.0, 3.0, 9.0, 27.0)
    assert search.tree["try"] == [{"x": 2}]
    assert any("--debug" in line for line in search.said) and any("--old~-" in line for line in search.said)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("orion python a.py", "there is no prior in the command"),
        ("orion python a.py -x~unifrm(1,2)", "did you mean uniform"),
        ("orion python a.py -x~uniform(1", "is no prior"),
        ("orion python a.py -x~uniform('a',2)", "takes two numbers"),
        ("orion python a.py -x~__import__('os')", "there is no prior '__import__'"),
        ("orion -n mine", "there is no command after"),
        ("guild run a.py lr=0.1", "no flag has several values"),
        ("guild run a.py lr=unifrom[1:2]", "did you mean uniform"),
        ("guild run a.py lr=[a:2]", "write 2 to 3 numbers"),
        ("guild run a.py b.py lr=[1,2]", "neither a flag"),
        ("guild run lr=[1,2]", "no script"),
        ("guild run a.py x=range[1:1000000:1]", "these are 1000000 values"),
    ],
)
def test_a_command_line_that_is_wrong(line: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        of_line(line)


def test_a_command_line_of_guild() -> None:
    search = of_line(
        "guild run train.py lr=loguniform[1e-5:1e-1] act=[relu,tanh] n=[1:10:3] k=range[1:9:4] w=logspace[-3:-1:3] "
        "u=linspace[0:1:3] z=0.5 -X max_acc --max-trials 8 -y --tag best"
    )
    what = described(search)
    assert what.command and what.command.words == ("python", "train.py") and what.command.as_args
    assert parameters(what) == {
        "lr": "1e-05 … 0.1 log",
        "act": "relu, tanh",
        "n": "1 … 10 int",
        "k": "1, 5, 9",
        "w": "0.001, 0.01, 0.1",
        "u": "0.0, 0.5, 1.0",
        "z": "0.5",
    }
    assert (what.algorithm.name, what.trials, str(what.objective)) == ("random", 8, "maximize max_acc")
    assert search.tree["try"] == [{"n": 3}] and any("tag best" in line for line in search.said)
    listed = described(of_line("guild run train.py a=[1,2] b=[x,y]"))
    assert listed.algorithm.name == "grid" and listed.target() == 4 and listed.objective is None
    learned = of_line("guild run train.py a=[1:2] --optimizer gbrt")
    assert described(learned).algorithm.name == "auto" and any("gbrt" in line for line in learned.said)
    quoted = command_line_search("guild", ["train.py", "a=[1,2]", "-N", "min loss"])
    assert str(described(quoted).objective) == "minimize loss (min)"


def test_what_a_document_is() -> None:
    kinds: dict[str, Any] = {
        "riseml": "project: a\ntrain: {run: x, parameters: {a: [1]}}",
        "native": "command: a\nparameters: {a: [1]}",
        "parameters": "a: [1, 2]",
    }
    for kind, text in kinds.items():
        assert kind_of(parse_document("it.yaml", text)) == kind
    assert kind_of(parse_document("it.yaml", "[1]")) is None


trees = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.sampled_from("abc")
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["min", "max", "values", "distribution", "parameters", "a"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(parameters=trees, metric=trees, early=trees, command=trees)
def test_any_tree_makes_a_file_or_a_clear_error(
    parameters: Any, metric: Any, early: Any, command: Any
) -> None:
    import json

    tops = {"parameters": parameters, "metric": metric, "early_terminate": early, "command": command}
    spec = {"parameters": parameters, "objective": metric, "earlyStopping": early, "trialTemplate": command}
    for kind, tree in (("wandb", {**tops, "method": "grid"}), ("katib", {"apiVersion": "v1", "spec": spec})):
        try:
            checked_text(file_search(kind, parse_document("it.json", json.dumps(tree))))
        except LuthierError as error:
            assert "\n" not in str(error)
