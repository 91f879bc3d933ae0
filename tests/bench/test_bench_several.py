"""The problems of `bench/several.py` have the fronts they should, and what was made is not made again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench import several
from bench.several import PROBLEMS


@pytest.mark.parametrize(
    ("name", "volume"),
    [
        ("ZDT1", 121 - 1 / 3),
        ("ZDT2", 121 - 2 / 3),
        ("ZDT3", 128.7781),
        ("DTLZ1", 400**3 - 1 / 48),
        ("DTLZ2", 1.331 - np.pi / 6),
    ],
)
def test_the_true_front_has_the_volume_that_is_known(name, volume):
    assert PROBLEMS[name].best_volume(False) == pytest.approx(volume, rel=1e-5)


@pytest.mark.parametrize(
    "name", ["ZDT1", "ZDT4", "ZDT4s", "ZDT6", "DTLZ1s", "DTLZ2", "DTLZ5s", "DTLZ7", "CONSTR"]
)
def test_nothing_is_beyond_the_true_front(name):
    problem = PROBLEMS[name]
    low, high = np.array(problem.bounds).T
    chance = np.random.default_rng(0)
    for _ in range(200):
        losses, excesses = problem.evaluate(low + (high - low) * chance.random(len(low)))
        if max(excesses, default=0.0) <= 0:
            assert not (np.array(losses) < problem.front - 0.02).all(axis=1).any()


def test_a_search_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(several, "RESULTS", tmp_path)
    monkeypatch.setattr(several, "BUDGET", 12)
    monkeypatch.setattr(several, "MARKS", (6, 12))
    record = several.play(several.Search("luthier-random", "CONSTR", 1))
    kept = tmp_path / "luthier-random.jsonl"
    kept.write_text(json.dumps(record) + "\n" + json.dumps(record)[:50])
    assert set(several.load("luthier-random")) == {several.Search("luthier-random", "CONSTR", 1)}
    assert several.missing(record, 12, False) <= several.missing(record, 6, False) < 1.0
    assert several.load("luthier-random", "another digest") == {}
