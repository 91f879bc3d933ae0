"""`luthier init`: a valid, commented file from a program's text alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import luthier
from luthier.cli.tries import complete_tries
from luthier.job.document import parse_document
from luthier.job.reading import job_of
from luthier.job.scripts import metrics_of, options_of, variables_of
from luthier.job.starting import look_at, written
from luthier.job.suggesting import suggest
from luthier.space import Space

if TYPE_CHECKING:
    from conftest import Run

DIGITS = Path(luthier.__file__).parent / "templates" / "digits"

ARGPARSE = """
import argparse, sys
sys.exit("this program must never be run by init")
LAYERS = 4
MODELS = {"cnn": None, "mlp": object}
parser = argparse.ArgumentParser()
group = parser.add_argument_group("x")
parser.add_argument("data", help="where the images are")
group.add_argument("-l", "--learning-rate", type=float, default=1e-3, help="step\\nsize")
parser.add_argument("--layers", type=int, default=LAYERS)
parser.add_argument("--width", type=int, default=2 ** 10)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--model", choices=list(MODELS), default="cnn")
parser.add_argument("--act", choices=("relu", "tanh"))
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--temper", type=float, default=compute())
parser.add_argument("--scale", type=float, default=3.0)
parser.add_argument("--amp", action="store_true")
parser.add_argument("--bias", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--sizes", type=int, nargs="+")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("-k", type=int, default=5)
parser.add_argument("--text", default="a: b # {{x}}")
print(f"epoch 3 loss={1:.3f} val_acc: {2}")
"""

CLICK = """
import click
@click.command()
@click.option("--lr", "-l", default=1e-3)
@click.option("--act", type=click.Choice(["relu", "tanh"]), default="relu")
@click.option("--tilt", type=click.FloatRange(0, 1))
@click.option("--heads", type=click.IntRange(min=2, max=6), default=4)
@click.option("--bn/--no-bn", default=True)
@click.option("--nesterov", is_flag=True)
@click.option("--many", multiple=True)
@click.option("--out", required=True)
@click.argument("where")
def main(**options):
    print("loss: %.3f" % 1)
"""


def read(text: str) -> Space:
    return job_of(parse_document("search.yaml", text), "/project", Path("/tmp")).description.space


def test_options_of_argparse_are_found_by_reading() -> None:
    options = {option.name: option for option in options_of(ARGPARSE)}
    assert options["learning-rate"].default == 1e-3 and options["learning-rate"].help == "step size"
    assert options["layers"].default == 4 and options["width"].default == 1024
    assert options["model"].choices == ("cnn", "mlp") and options["act"].choices == ("relu", "tanh")
    assert options["data"].required and options["data"].positional
    assert options["temper"].default is None and options["sizes"].several
    assert options["bias"].off == "--no-bias" and options["amp"].flag and options["amp"].off is None


def test_what_is_suggested_goes_by_name_type_default_and_choices() -> None:
    tried = {option.name: suggest(option).tree for option in options_of(ARGPARSE)}
    assert {name for name, tree in tried.items() if tree is None} == {
        "data", "temper", "amp", "sizes", "seed", "epochs", "text",
    }  # fmt: skip
    assert tried["learning-rate"] == {"min": 1e-5, "max": 0.1, "scaling": "log"}
    assert tried["layers"] == {"min": 1, "max": 8, "type": "int"}
    assert tried["width"] == {"min": 256, "max": 4096, "scaling": "log", "type": "int"}
    assert tried["batch-size"] == {"values": [8, 16, 32, 64, 128], "ordered": True}
    assert tried["model"] == ["cnn", "mlp"] and tried["dropout"] == {"min": 0, "max": 0.5}
    assert tried["scale"] == {"min": 0.3, "max": 30, "scaling": "log"}
    spoken = {option.name: suggest(option).tree for option in options_of(CLICK)}
    assert spoken["tilt"] == {"min": 0, "max": 1} and spoken["heads"] == {"min": 2, "max": 6, "type": "int"}
    assert spoken["act"] == ["relu", "tanh"] and spoken["many"] is None and spoken["nesterov"] is None


def test_the_file_of_a_program_is_valid_and_has_its_words() -> None:
    text = written("train.py", ["python", "train.py"], look_at("train.py", ARGPARSE))
    job = job_of(parse_document("search.yaml", text), "/project", Path("/tmp"))
    command, objective = job.description.command, job.description.objective
    assert command and "--learning-rate={{learning-rate}}" in command.words and "{{bias}}" in command.words
    assert command.words[-1] == "CHANGE_ME", "the positional comes last, for a person to fill in"
    assert objective and str(objective) == "maximize val_acc"
    assert "# budget: {name: epochs, min: 1, max: 30}" in text and "#   --seed  changes nothing" in text
    assert "default: 0.001" in text


def test_metrics_and_variables_are_found_in_the_text() -> None:
    assert metrics_of(ARGPARSE) == ["val_acc", "loss"] and metrics_of(CLICK) == ["loss"]
    assert metrics_of("import luthier\nluthier.report(step=1, rmse=2)") == ["rmse"]
    assert variables_of('rate="$LUTHIER_PARAM_RATE" ${LUTHIER_PARAM_NUM_LAYERS}') == ["rate", "num_layers"]


def test_a_shell_program_gets_what_can_be_known(run: Run, tmp_path: Path) -> None:
    (tmp_path / "go.sh").write_text('echo "loss=$LUTHIER_PARAM_RATE"\n')
    said = run("init", "go.sh")
    assert said.code == 0, said.err
    text = (tmp_path / "search.yaml").read_text()
    assert read(text).names == ("rate",) and "from_env: true" in text
    assert run("run", "search.yaml", "--num-runs", "2", "--quiet").code == 0


def test_what_is_to_be_filled_in_does_not_run_before(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.sh").write_text("#!/bin/bash\necho loss=$1\n")
    said = run("init", "t.sh")
    assert "to be filled in" in said.err and "Fill in what says CHANGE_ME, then" in said.err
    for words in ((), ("--dry-run",)):
        refused = run("run", "search.yaml", *words)
        assert refused.code == 2 and refused.err.startswith("luthier: search.yaml:")
        assert "'--CHANGE_ME={{rate}}' is to be filled in" in refused.err
    assert run("list").out == "", "nothing was made"
    file = tmp_path / "search.yaml"
    file.write_text(file.read_text().replace("--CHANGE_ME={{rate}}", "'{{rate}}'"))
    assert run("run", "search.yaml", "--num-runs", "2", "--quiet").code == 0


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("#!/bin/bash", ["bash"]),
        ("#! /bin/sh -e", ["sh", "-e"]),
        ("#!/usr/bin/env bash", ["bash"]),
        ("#!/usr/bin/env -S bash -e", ["bash", "-e"]),
        ("#!/opt/no/such-shell", ["/opt/no/such-shell"]),
        ("#!/usr/bin/env", ["sh"]),
        ("echo no first line", ["sh"]),
    ],
)
def test_a_script_is_run_by_what_its_first_line_names(
    run: Run, tmp_path: Path, first: str, words: list[str]
) -> None:
    (tmp_path / "t.sh").write_text(f"{first}\necho loss=$LUTHIER_PARAM_RATE\n")
    text = run("init", "t.sh", "-o", "-").out
    command = job_of(parse_document("search.yaml", text), "/project", Path("/tmp")).description.command
    assert command and list(command.words) == [*words, "t.sh"]


def test_the_defaults_of_a_program_are_tried_first() -> None:
    source = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.001)
p.add_argument("--layers", type=int, default=2)
p.add_argument("--act", choices=["relu", "tanh"], default="tanh")
p.add_argument("--dropout", type=float)
print(f"loss={p}")
"""
    text = written("train.py", ["python", "train.py"], look_at("train.py", source))
    (tried,) = job_of(parse_document("search.yaml", text), "/project", Path("/tmp")).tries
    values = {name: value.value for name, value in tried[1].items()}
    assert values == {"lr": 0.001, "layers": 2, "act": "tanh"}, "what has no default takes its centre"


def test_it_refuses_to_overwrite_and_says_what_it_did(run: Run, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(ARGPARSE)
    first = run("init")
    assert (
        first.code == 0
        and "Wrote search.yaml: 10 parameters of train.py (learning-rate, layers," in first.err
    )
    written_first = (tmp_path / "search.yaml").read_text()
    (tmp_path / "train.py").write_text(CLICK)
    refused = run("init", "train.py")
    assert refused.code == 2 and "search.yaml is there already" in refused.err
    assert (tmp_path / "search.yaml").read_text() == written_first
    assert run("init", "train.py", "--force").code == 0
    assert (tmp_path / "search.yaml").read_text() != written_first
    shown = run("init", "train.py", "-o", "-")
    assert shown.out == (tmp_path / "search.yaml").read_text()
    assert run("init", "no.py", "-o", "-").err == (
        "luthier: no.py can't be read: No such file or directory; name the program to tune\n"
    )
    (tmp_path / "train.py").unlink()
    assert run("init", "-o", "new.yaml").err.startswith(
        "Wrote new.yaml to be filled in: no program was named\n"
    )


@pytest.mark.parametrize(
    ("text", "place"), [("import x\ndef (:\n", "2:5"), ("x = 1\ny = '\0'\n", "2:6"), ("  x\n y\n", "1:1")]
)
def test_a_program_that_is_no_python_is_refused_with_its_place(
    run: Run, tmp_path: Path, text: str, place: str
) -> None:
    (tmp_path / "train.py").write_text(text)
    said = run("init")
    assert said.code == 2
    assert re.match(rf"luthier: train\.py:{place.split(':')[0]}:\d+: it can't be read as Python: ", said.err)
    assert "\0" in text or text[0] == " " or said.err.startswith(f"luthier: train.py:{place}: ")
    assert not (tmp_path / "search.yaml").exists()
    (tmp_path / "train.py").write_text("\ufeff" + ARGPARSE)
    assert run("init").code == 0


def test_the_file_for_the_digits_template_runs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    shutil.copytree(DIGITS, tmp_path / "digits")
    monkeypatch.chdir(tmp_path / "digits")
    words = [sys.executable, "-m", "luthier"]
    subprocess.run([*words, "init", "train.py"], check=True, capture_output=True)
    text = (tmp_path / "digits" / "search.yaml").read_text()
    assert (
        read(text).names == ("C", "gamma", "kernel", "degree", "scale")
        and "objective: maximize accuracy" in text
    )
    ran = subprocess.run(
        [*words, "run", "search.yaml", "--num-runs", "1", "--json"], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["finished"] == 1


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,12}", fullmatch=True)
defaults = st.none() | st.integers() | st.floats() | st.text(max_size=20) | st.booleans()
calls = st.tuples(
    st.sampled_from(["--", "-", ""]),
    names,
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["int", "float", "str", "bool", "Path", "lambda x: x", "positive_int"]),
            "default": defaults.map(repr),
            "choices": st.lists(
                st.integers() | st.floats(allow_nan=False) | st.text(max_size=5), max_size=4
            ).map(repr),
            "help": st.text(max_size=80).map(repr),
            "required": st.booleans().map(repr),
            "action": st.sampled_from(["'store_true'", "'append'", "argparse.BooleanOptionalAction"]),
            "nargs": st.sampled_from(["'+'", "'?'", "2"]),
        },
    ),
)


@given(st.lists(calls, max_size=6), st.sampled_from(["add_argument", "option", "argument"]))
def test_whatever_options_a_program_has_its_file_is_valid(
    given_calls: list[tuple[str, str, dict[str, str]]], face: str
) -> None:
    lines = [
        f"x.{face}({dashes + name!r}, {', '.join(f'{key}={text}' for key, text in told.items())})"
        for dashes, name, told in given_calls
    ]
    text = written("train.py", ["python", "train.py"], look_at("train.py", "\n".join(lines)))
    assert len(read(text)) >= 1
    job = job_of(parse_document("search.yaml", text), "/project", Path("/tmp"))
    complete_tries(
        [(part.name, values) for part, values in job.tries], job.description.space, 30, "trials is"
    )


@given(st.text(max_size=200), st.sampled_from(["a.py", "b.sh", "c"]))
def test_whatever_a_program_is_its_file_is_valid(text: str, name: str) -> None:
    assert len(read(written(name, ["python", name], look_at(name, text)))) >= 1
