"""`best` says how sure it is, `best --confirm` runs the leaders again, and `show` says where failures live."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import test_cli_json as fields

TRAIN = """
import os, sys
x, luck = float(sys.argv[1]), int(os.environ["LUTHIER_SEED"]) % 1000 / 1e5
if x > 0.55:
    sys.exit("x is too large")
print("score:", round(x + luck, 6))
"""


@pytest.fixture
def searched(tmp_path: Path, run):
    """A finished search over ten values of x, of which the larger ones fail, in the test's own folder."""
    (tmp_path / "train.py").write_text(TRAIN)
    values = ",".join(str(n / 20) for n in range(1, 21))
    words = ["-q", "-r", "2", "--param", f"x={values}", "--metric", "score", "--seed", "1"]
    said = run("grid", *words, "--no-check", "--", sys.executable, "train.py", ":x:")
    assert said.code == 0, said.err
    return run


def test_one_run_each_is_weighed_by_the_model(searched) -> None:
    assert "How sure: 0.55" in searched("best", "1").out
    document = json.loads(searched("best", "1", "--json").out)["certainty"]
    assert document["method"] == "model"


def test_a_few_runs_are_said_to_tell_nothing(tmp_path: Path, run) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    words = ["-q", "--param", "x=0.1,0.2,0.3,0.4", "--metric", "score", "--no-check"]
    assert run("grid", *words, "--", sys.executable, "train.py", ":x:").code == 0
    searched = run
    said = searched("best", "1")
    assert "How sure" not in said.out
    assert said.err.endswith("find out with: luthier best 1 --confirm 5\n")
    document = json.loads(searched("best", "1", "--json").out)["certainty"]
    assert (document["method"], document["recommended"], document["text"]) == ("none", None, None)


def test_a_real_winner_is_confirmed_and_then_known(searched) -> None:
    said = searched("best", "1", "--confirm", "3")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["TRIAL", "1.11", "1.10", "1.9"]
    assert lines[5].startswith("Confirmed: 1.11 is the best: 0.55") and "over 3 fresh runs" in lines[5]
    shown = searched("show", "2").out.splitlines()[1:]
    assert len(shown) == 9 and all("succeeded" in line for line in shown)
    known = searched("best", "1").out
    assert "How sure: 0.55" in known and "best with probability over 0.99" in known
    document = json.loads(searched("best", "1", "--json").out)
    assert not fields.undocumented(document, "best")
    assert document["certainty"]["method"] == "repeats" and document["certainty"]["recommended"]["runs"] == 4
    listed = json.loads(searched("list", "--json").out)["experiments"]
    assert [(row["id"], row["name"], row["finished"]) for row in listed] == [
        (2, "confirm 1", 9),
        (1, None, 20),
    ]


def test_typed_again_it_goes_on_and_prints_the_same(searched) -> None:
    first = json.loads(searched("best", "1", "--confirm", "2", "--top", "2", "--json").out)
    assert first["schema"] == "luthier.confirm/1" and not fields.undocumented(first, "confirm")
    again = json.loads(searched("best", "1", "--confirm", "2", "--top", "2", "--json").out)
    assert again == first
    further = json.loads(searched("best", "1", "--confirm", "3", "--top", "2", "--json").out)
    assert (further["confirmation"], further["finished"]) == (first["confirmation"], 6)
    for one, other in zip(first["leaders"], further["leaders"], strict=True):
        assert set(one["reached"]) < set(other["reached"])
    resumed = json.loads(searched("resume", str(first["confirmation"]), "--json").out)
    assert resumed == further


def test_every_documented_field_of_certainty_is_printed(searched) -> None:
    """Ties, which this search has none of, have the fields of any other contender."""
    searched("best", "1", "--confirm", "2")
    printed = set(fields.fields(json.loads(searched("best", "1", "--json").out)))
    documented = {name for name in fields.documented("best") if name.startswith("certainty.")}
    lists = {name for name in documented if name.startswith("certainty.ties[]")}
    whole = {"certainty.best", "certainty.recommended"}  # null where nothing is known
    assert documented - lists - whole <= printed
    assert {name.removeprefix("certainty.ties[].") for name in lists} - {"certainty.ties[]"} == {
        name.removeprefix("certainty.best.") for name in documented if name.startswith("certainty.best.")
    }


def test_what_cannot_be_confirmed(searched, run) -> None:
    assert searched("best", "1", "--confirm", "1").code == 2
    said = run("best", "9", "--confirm", "2")
    assert said.code == 4 and "9" in said.err


def test_a_search_without_a_winner_has_nothing_to_confirm(tmp_path: Path, run) -> None:
    run("grid", "-q", "--param", "x=1,2", "--metric", "score", "--", "sh", "-c", "exit 1", ":x:")
    said = run("best", "1", "--confirm", "2")
    assert said.code == 4 and "no trial of experiment 1 succeeded" in said.err
    assert len(json.loads(run("list", "--json").out)["experiments"]) == 1


def test_show_says_where_failures_live(searched) -> None:
    sentence = "100 % of failures: x ≥ 0.6 (there 9 of 9 fail; elsewhere 0 of 11)"
    assert sentence in searched("show", "1").err
    assert sentence in searched("show", "1", "--failed").err
    assert json.loads(searched("show", "1", "--json").out)["failures"] == sentence
