"""`luthier replay`: what it finds, how it says so, and with which exit code it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import svm_search
from test_cli_json import undocumented

from luthier.clock import FakeClock
from luthier.description import Algorithm
from luthier.drive.planning import top_up
from luthier.drive.tools import MADE_WITH, tools
from luthier.space import Configuration, Float, Parameter, Space
from luthier.store.sqlite import SqliteStore
from luthier.trial import Proposal

RATES = Space([Parameter("rate", Float(0.0, 1.0))])


def search(folder: Path, forged: dict[int, float], **note: object) -> None:
    """Experiment 1: a random search of ten, one trial of a person's, and some rates that nobody drew."""
    clock = FakeClock()
    store = SqliteStore(folder / "store.db", clock)
    description = svm_search.description(space=RATES, algorithm=Algorithm("random"), trials=10, command=None)
    store.open_experiment(description)
    store.enqueue(1, [Configuration({"rate": 0.5})], "mine")
    reserved = store.reserve(1, len(forged), "w", "forged")
    for r in reserved:
        made = Configuration({"rate": forged[r.number]})
        store.propose(1, "forged", [(r.number, Proposal(made, "random", r.ordinal, note=dict(note)))])
    top_up(store, 1, description, 1, "w", clock)
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".luthier"


@pytest.mark.usefixtures("place")
def test_a_search_that_agrees(run) -> None:
    said = run("replay", "1")
    assert (said.code, said.out, said.err) == (0, "4 proposals recomputed: all agree\n", "")
    assert run("replay").out == said.out


def test_trials_of_a_person_are_left_out_and_counted(folder, run) -> None:
    search(folder, {})
    said = run("replay", "1")
    assert (said.code, said.out) == (
        0,
        "9 proposals recomputed: all agree; 1 trial added by a person left out\n",
    )


def test_what_differs_is_shown_to_the_last_digit(folder, run) -> None:
    search(folder, {2: 0.25, 3: 0.75})
    said = run("replay", "1")
    lines = said.out.splitlines()
    assert said.code == 1
    assert lines[0].split() == ["TRIAL", "RECORDED", "RECOMPUTED"]
    assert [line.split()[:2] for line in lines[1:3]] == [["1.2", "rate=0.25"], ["1.3", "rate=0.75"]]
    assert lines[3].startswith("9 proposals recomputed: 2 differ;")
    assert "not on record" in said.err
    drawn = float(lines[1].split("rate=")[2])
    near = run("replay", "1", "--tolerance", str(max(abs(drawn - 0.25), 0.5)))
    assert "1.2" not in near.out


def test_other_versions_and_machines_are_named(folder, run) -> None:
    search(folder, {2: 0.25}, **{MADE_WITH: {**tools(), "numpy": "99.0"}})
    said = run("replay", "1")
    assert said.code == 1 and "made with numpy 99.0 (here " in said.err and "--tolerance" in said.err
    assert "1 differs;" in said.out


def test_the_same_versions_leave_no_excuse(folder, run) -> None:
    search(folder, {2: 0.25}, **{MADE_WITH: tools()})
    assert "please report it" in run("replay", "1").err


def test_every_field_is_documented_where_some_differ(folder, run) -> None:
    search(folder, {2: 0.25}, **{MADE_WITH: tools()})
    said = run("replay", "1", "--json")
    document = json.loads(said.out)
    assert said.code == 1 and not undocumented(document, "replay")
    assert (document["recomputed"], document["agreed"], document["skipped"]) == (9, 8, 1)
    (one,) = document["differing"]
    assert (one["trial"], one["recorded"], one["made_with"]) == ("1.2", {"rate": 0.25}, tools())
    assert 0 <= one["recomputed"]["rate"] <= 1


def test_a_long_table_is_cut_and_says_so(folder, run) -> None:
    clock = FakeClock()
    store = SqliteStore(folder / "store.db", clock)
    store.open_experiment(
        svm_search.description(space=RATES, algorithm=Algorithm("random"), trials=30, command=None)
    )
    reserved = store.reserve(1, 30, "w", "forged")
    made = [(r.number, Proposal(Configuration({"rate": 0.5}), "random", r.ordinal)) for r in reserved]
    store.propose(1, "forged", made)
    store.close()
    said = run("replay", "1")
    assert "and 10 more, all of them with --json" in said.out and "30 differ" in said.out


@pytest.mark.usefixtures("place")
def test_an_unknown_experiment_is_not_found(run) -> None:
    said = run("replay", "7")
    assert said.code == 4 and "there is no experiment 7" in said.err and said.out == ""


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("words", [["replay", "1.2"], ["replay", "1", "--tolerance", "-1"]])
def test_words_that_can_not_be_used(words, run) -> None:
    assert run(*words).code == 2
