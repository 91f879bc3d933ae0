"""The algorithms that `luthier tune --algorithm` pins, as a person runs them, and what each does with `--try`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typed import luthier

from luthier.store import open_store
from luthier.trial import Trial

SCORE = (
    "import sys; x, k = float(sys.argv[1]), int(sys.argv[2])\n"
    "if k == 7: sys.exit('it diverged')\n"
    "print('score:', -(x - .3) ** 2 - (k - 4) ** 2 / 100)"
)
NUMBERS = ("--param", "x=0:1", "--param", "k=1:9:int")
COMMAND = ("--", sys.executable, "-c", SCORE, ":x:", ":k:")


def trials(folder: Path, experiment: int = 1) -> list[Trial]:
    store = open_store(folder / ".luthier", read_only=True)
    try:
        return store.trials(experiment)
    finally:
        store.close()


def values(folder: Path, experiment: int = 1) -> list[dict[str, Any]]:
    return [t.configuration.values() for t in trials(folder, experiment) if t.configuration is not None]


def test_tpe_searches_numbers_lists_and_conditions(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("o: [sgd, adam]\nm: {min: 0, max: 1, when: {o: sgd}}\n")
    words = ("tune", "--algorithm", "tpe", "-r", "1", "-m", "a", "--params", "space.yaml")
    words += ("--param", "r=1:64:log:int")
    command = ("--from-env", "--", "sh", "-c", 'echo "a: $LUTHIER_PARAM_R"')
    done = luthier(tmp_path, *words, "-n", "12", *command)
    assert done.returncode == 0, done.stderr
    assert "tpe, 12 trials" in done.stderr
    assert luthier(tmp_path, *words, "-n", "16", *command).returncode == 0
    made = trials(tmp_path)
    assert len(made) == len({t.configuration for t in made}) == 16
    assert {t.proposal.by for t in made if t.proposal} == {"tpe"}
    assert {("m" in one) == (one["o"] == "sgd") for one in values(tmp_path)} == {True}
    assert sum(one["r"] > 32 for one in values(tmp_path)[8:]) > 4, "it goes where the values are large"
    assert "16 proposals recomputed: all agree" in luthier(tmp_path, "replay").stdout


def test_cmaes_searches_numbers_though_some_fail(tmp_path: Path) -> None:
    words = ("tune", "--algorithm", "cmaes", "-n", "24", "-r", "1", "-m", "score", "--no-check")
    done = luthier(tmp_path, *words, *NUMBERS, *COMMAND)
    made = trials(tmp_path)
    assert len(made) == len({t.configuration for t in made}) == 24, done.stderr
    best = json.loads(luthier(tmp_path, "best", "--json").stdout)["trials"][0]
    assert best["value"] > -0.02
    assert "24 proposals recomputed: all agree" in luthier(tmp_path, "replay").stdout


def test_repeats_let_tpe_run_its_favourite_again(tmp_path: Path) -> None:
    words = ("tune", "--algorithm", "tpe", "-n", "10", "-r", "1", "-m", "score", "--param", "r=1,2,3")
    command = ("--", "echo", "score=:r:")
    assert luthier(tmp_path, *words, *command).returncode == 0
    assert sorted(one["r"] for one in values(tmp_path)) == [1, 2, 3]
    assert luthier(tmp_path, *words, "--repeats", *command).returncode == 0
    made = [one["r"] for one in values(tmp_path, 2)]
    assert len(made) == 10 and set(made) <= {1, 2, 3}
    assert "10 proposals recomputed: all agree" in luthier(tmp_path, "replay", "2").stdout


REFUSED = {
    "a list": (
        ("--param", "x=0:1", "--param", "k=gru,lstm"),
        "cmaes searches numbers, and parameter 'k' is the list gru, lstm; use tpe",
    ),
    "a condition": (
        ("--params", "space.yaml"),
        "cmaes can't search parameter 'x', which exists only when k == 2; use tpe",
    ),
    "repeats": ((*NUMBERS, "--repeats"), "--repeats means nothing to the algorithm cmaes"),
}


@pytest.mark.parametrize(("words", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cmaes_cannot_search_is_one_message_and_nothing_is_written(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "space.yaml").write_text(
        "k: {min: 1, max: 3, type: int}\nx: {min: 0, max: 1, when: {k: 2}}\n"
    )
    done = luthier(tmp_path, "tune", "--algorithm", "cmaes", "-n", "9", "-m", "score", *words, *COMMAND)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert sentence in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / ".luthier").exists()


@pytest.mark.parametrize("name", ["random", "sobol"])
def test_what_was_tried_first_is_not_drawn_again(tmp_path: Path, name: str) -> None:
    words = ("tune", "--algorithm", name, "-n", "3", "--param", "r=1,2,3", "--try", "r=2")
    command = ("--", "echo", "score=:r:")
    planned = luthier(tmp_path, *words, "--dry-run", *command).stdout.split()
    assert planned[:2] == ["r", "2"] and sorted(planned[1:]) == ["1", "2", "3"]
    assert luthier(tmp_path, *words, *command).returncode == 0
    assert [str(one["r"]) for one in values(tmp_path)] == planned[1:]
    assert "2 proposals recomputed: all agree" in luthier(tmp_path, "replay").stdout


def test_what_was_added_between_two_parts_of_a_grid_is_run_once(tmp_path: Path) -> None:
    words, command = ("grid", "--param", "r=1:50:int"), ("--", "echo", "score=:r:")
    assert luthier(tmp_path, *words, "-n", "3", *command).returncode == 0
    assert luthier(tmp_path, "enqueue", "1", "r=5").returncode == 0
    assert luthier(tmp_path, *words, "-n", "50", *command).returncode == 0
    assert [one["r"] for one in values(tmp_path)] == [1, 2, 3, 5, 4, *range(6, 51)]
    assert "49 proposals recomputed: all agree" in luthier(tmp_path, "replay").stdout
