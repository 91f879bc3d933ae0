"""`luthier explain` on a real search of twelve trials: what it says, the charts, the files it writes, what it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from test_cli_json import undocumented

from luthier.view.pictures import PLOT

PROGRAM = (
    "import math, sys; rate, layers = float(sys.argv[1]), int(sys.argv[2]); "
    "print('score:', -(math.log10(rate) + 2) ** 2 - (layers - 9) ** 2 / 40)"
)
SEARCH = "bayesian -n 12 -r 1 --metric score --try rate=0.1,layers=3 --param rate=1e-5:1:log --param layers=1:20:int"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the search has run."""
    folder = tmp_path_factory.mktemp("searched")
    words = [*SEARCH.split(), "--", sys.executable, "-c", PROGRAM, ":rate:", ":layers:"]
    done = subprocess.run(
        [sys.executable, "-m", "luthier", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def here(searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own folder with the store of the search in it."""
    monkeypatch.setenv("COLUMNS", "72")
    shutil.copytree(searched / ".luthier", tmp_path / ".luthier")
    return tmp_path


@pytest.mark.usefixtures("here")
def test_a_proposal_of_the_model(run) -> None:
    said = run("explain", "1.12")
    assert said.code == 0
    shown = json.loads(run("show", "1.12", "--json").out)
    trial, why = shown["trial"], shown["proposal"]
    rate = float(trial["texts"]["rate"])
    assert f"rate={rate:.6g}, layers={trial['texts']['layers']}\n" in said.out
    assert re.search(r"proposed by +bayesian from 1[01] results .*at revision \d+ in \d+ ms", said.out)
    predicted, observed = re.search(r"predicted +(\S+) ± \S+, observed (\S+) \(", said.out).groups()
    assert float(predicted) == pytest.approx(why["predicted_mean"], abs=why["predicted_deviation"] / 10)
    assert float(observed) == pytest.approx(trial["value"], rel=1e-5)
    assert "What it believed then" in said.out and "◆ proposed" in said.out


@pytest.mark.usefixtures("here")
def test_a_person_s_own_and_the_beginning(run) -> None:
    own, first = run("explain", "1.1").out, run("explain", "1.2").out
    assert "a person asked for it" in own and "What is believed now" in own
    assert "evenly spread point" in first and "◆ this trial" in first


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("width", ["40", "60", "200"])
def test_charts_keep_to_the_terminal(run, monkeypatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = run("explain", "1").out.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("What is believed now"))
    end = next(i for i, line in enumerate(lines) if "95 % band" in line and "mean" in line)
    charts = lines[begin + 1 : end]
    assert sum("the mean moves by" in line for line in charts) == 2
    assert max(map(len, charts)) <= int(width)
    assert "1e-5" in "".join(charts), "a logarithmic axis is written in its values"


def test_a_terminal_that_has_only_ascii(here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "luthier", "explain", "1.12"],
        cwd=here,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"* mean" in done.stdout and b" +- " in done.stdout and done.stdout.isascii()


@pytest.mark.usefixtures("here")
def test_a_search_is_explained_through_its_best(run) -> None:
    said = run("explain")
    best = json.loads(run("best", "--json").out)["trials"][0]
    assert f"trial {best['id']}" in said.out and "proposed by" in said.out
    assert re.search(r"bayesian 11, you 1", said.out)
    assert re.search(r"predictions +of \d+ predictions \d+ % fell inside their 95 % band", said.out)
    head = next(line for line in said.out.splitlines() if line.startswith("TRIAL"))
    assert head.split() == ["TRIAL", "PREDICTED", "OBSERVED", "OFF", "BY"]


@pytest.mark.usefixtures("here")
def test_one_parameter_alone(run) -> None:
    said = run("explain", "1.12", "--parameter", "layers").out
    assert "layers  (the mean" in said and "rate  (the mean" not in said


@pytest.mark.usefixtures("here")
def test_the_svg_shows_the_chosen_point_at_its_place(run) -> None:
    assert "pictures.svg" in run("explain", "1.12", "--svg", "pictures.svg").err
    text = Path("pictures.svg").read_text(encoding="utf-8")
    views = {one["name"]: one["chosen"] for one in document(run, "explain", "1.12")["parameters"]}
    space = "{http://www.w3.org/2000/svg}"
    drawn = {}
    for group in ET.fromstring(text).iter(f"{space}g"):
        heads = [t.text for t in group.findall(f"{space}text") if t.get("class") == "head"]
        marks = [c for c in group.findall(f"{space}circle") if c.get("class") == "next"]
        if marks:
            drawn[heads[0]] = (float(marks[0].get("cx", "")) - PLOT.left) / PLOT.width
    assert drawn == pytest.approx(views, abs=1e-4)
    assert "prefers-color-scheme" in text and "href" not in text and "@import" not in text


@pytest.mark.usefixtures("here")
def test_the_page_has_the_search_step_by_step(run) -> None:
    assert run("explain", "1", "--html", "search.html").code == 0
    text = Path("search.html").read_text(encoding="utf-8")
    steps = re.findall(r"<figcaption>Trial 1\.(\d+), by bayesian from (\d+) results?", text)
    assert [int(number) for number, _ in steps] == list(range(2, 13))
    assert [int(count) for _, count in steps] == sorted(int(count) for _, count in steps)
    assert 'type="range" min="0" max="10"' in text and text.count("<figure hidden>") == 10
    assert "Predicted against observed" in text
    assert not re.search(r"(src|href)=|@import|url\(", text), "nothing is loaded from elsewhere"
    run("explain", "1", "--html", "again.html")
    assert Path("again.html").read_text(encoding="utf-8") == text


def document(run: Any, *words: str) -> dict[str, Any]:
    """What the words print with --json."""
    whole: dict[str, Any] = json.loads(run(*words, "--json").out)
    return whole


@pytest.mark.usefixtures("here")
def test_every_field_is_documented(run) -> None:
    for schema, words in (("explain", ["explain", "1"]), ("explain-trial", ["explain", "1.12"])):
        made = document(run, *words)
        assert made["schema"] == f"luthier.{schema}/1"
        assert not undocumented(made, schema)
    (one, _) = made["parameters"]
    assert len({len(one[key]) for key in ("places", "texts", "mean", "low", "high", "promise")}) == 1
    assert made["moment"] == "then" and made["predicted_mean"] is not None
    assert document(run, "explain", "1.1")["moment"] == "now"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["explain", "7"], 4, "there is no experiment 7"),
        (["explain", "1.99"], 4, "no trial 99"),
        (["explain", "one"], 2, "is no ID"),
        (["explain", "1", "--parameter", "layer"], 2, "did you mean"),
        (["explain", "1", "--svg", "nowhere/a.svg"], 2, "could not be written"),
        (["explain", "1", "--html", "."], 2, "could not be written"),
        (["explain", "1", "--parameter", "fixed"], 2, "no parameter"),
    ],
)
def test_what_is_refused(words: list[str], code: int, message: str, run) -> None:
    said = run(*words)
    assert (said.code, said.out) == (code, "") and message in said.err
    assert [path.name for path in Path().iterdir()] == [".luthier"], "no draft is left"


@pytest.mark.usefixtures("place")
def test_a_grid_says_that_it_looks_at_nothing(run) -> None:
    said = run("explain", "1.2")
    assert "next combination of the grid" in said.out
    assert "a Gaussian process would believe" in said.out and "(the mean moves by" in said.out
