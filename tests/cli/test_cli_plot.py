"""`luthier plot` and `luthier importance` on a real search: the files, the bars, the document, what is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from test_cli_json import undocumented

from luthier.view.figures import KINDS

PROGRAM = (
    "import sys; rate, layers = float(sys.argv[1]), int(sys.argv[2]); "
    "[print(f'score={rate + layers * k / 30} step={k}') for k in (1, 2, 3)]"
)
SEARCH = "random --sequence sobol -n 16 -r 2 --metric score --param rate=0:10 --param layers=1:9:int --param spare=0:1"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the search has run."""
    folder = tmp_path_factory.mktemp("searched")
    words = [*SEARCH.split(), "--", sys.executable, "-c", PROGRAM, ":rate:", ":layers:", ":spare:"]
    done = subprocess.run(
        [sys.executable, "-m", "luthier", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def here(searched: Path, tmp_path: Path) -> Path:
    """The test's own folder with the store of the search in it."""
    shutil.copytree(searched / ".luthier", tmp_path / ".luthier")
    return tmp_path


@pytest.mark.parametrize("words", [["1", "history"], ["history"], ["history", "1"]])
def test_a_figure_is_written_where_one_looks_for_it(words: list[str], here: Path, run) -> None:
    said = run("plot", *words)
    assert said.code == 0
    assert "The history of experiment 1 written to history-1.svg" in said.err
    assert "score of experiment 1" in (here / "history-1.svg").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure(kind: str, here: Path, run) -> None:
    if kind in ("pareto", "hypervolume"):
        assert "one objective" in run("plot", kind).err
        return
    assert run("plot", "1", kind, "-o", "a.svg").code == 0
    root = ET.fromstring((here / "a.svg").read_text())
    assert len(list(root.iter())) > 20


@pytest.mark.usefixtures("here")
def test_options_reach_the_figure(here: Path, run) -> None:
    assert run("plot", "history", "--over", "time", "--log", "--dark", "-o", "a.svg").code == 0
    text = (here / "a.svg").read_text()
    assert "time since the first trial began" in text and "var(" not in text
    assert run("plot", "slices", "--parameter", "layers", "-o", "b.html").code == 0
    page = (here / "b.html").read_text()
    assert "layers" in page and ">spare<" not in page
    assert run("plot", "curves", "--metric", "score", "-o", "c.svg").code == 0


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ([], 2, "name one figure"),
        (["1", "histroy"], 2, "no figure 'histroy'"),
        (["1", "history", "slices"], 2, "name one figure"),
        (["1", "2", "history"], 2, "name one figure"),
        (["7", "history"], 4, "there is no experiment 7"),
        (["1.2", "history"], 2, "is a trial"),
        (["history", "--metric", "score"], 2, "history has no option 'metric'"),
        (["slices", "--parameter", "layer"], 2, "did you mean layers"),
        (["contour", "--parameter", "rate"], 2, "two parameters"),
        (["history", "-o", "a.gif"], 2, "ends in none of"),
        (["history", "-o", "nowhere/a.svg"], 2, "could not be written"),
    ],
)
def test_what_is_refused(words: list[str], code: int, why: str, run) -> None:
    said = run("plot", *words)
    assert said.code == code and why in said.err and not said.out


@pytest.mark.usefixtures("here")
def test_importance_in_words(run) -> None:
    said = run("importance")
    assert said.code == 0
    head, _, heads, *rows = said.out.splitlines()
    assert head.startswith("What score depends on, from 16 trials; the model predicts ")
    assert heads.split() == ["PARAMETER", "ALONE", "IN", "ALL", "95", "%"]
    assert rows[0].startswith("rate ") and len(rows) == 3
    assert re.fullmatch(r"rate +\d+ % +\d+ % +\d+ to \d+ +█+░*", rows[0])
    assert rows[0].count("█") > 15
    assert "can't be told from one that does nothing" in said.err


@pytest.mark.usefixtures("here")
def test_importance_as_a_document(run) -> None:
    document = json.loads(run("importance", "1", "--json").out)
    assert document["schema"] == "luthier.importance/1" and not undocumented(document, "importance")
    rate = document["parameters"][0]
    assert (
        rate["name"] == "rate" and 0 < rate["low"] <= rate["total"] <= rate["high"] <= 1 and rate["is_clear"]
    )


def test_where_nothing_can_be_said_it_says_so(tmp_path: Path, run) -> None:
    def search(*words: str) -> None:
        run(*words, "--param", "a=1,2,3", "--from-env", "--", sys.executable, "-c", "print('x: 1')")

    search("grid", "--metric", "x")
    said = run("importance")
    assert said.code == 4 and not said.out and "3 different configurations" in said.err
    document = json.loads(run("importance", "--json").out)
    assert document["parameters"] == [] and document["message"].startswith("3 different")
    assert "3 different" in run("plot", "importance").err
    search("grid")
    refused = run("importance")
    assert refused.code == 2 and "has no objective" in refused.err
