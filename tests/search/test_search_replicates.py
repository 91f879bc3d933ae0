"""The same configurations in turn, whatever happened before."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from luthier.description import Algorithm
from luthier.errors import UsageError
from luthier.history import History
from luthier.search import Searcher, searcher
from luthier.space import Categorical, Configuration, Parameter, Space, Value

SPACE = Space([Parameter("size", Categorical((Value(1, "01"), Value(2, "02"), Value(3, "03"))))])
TWO = [SPACE.at(2), SPACE.at(0)]


def made() -> Searcher:
    settings = {"repeats": True, "of": 7, "configurations": [json.loads(c.to_json()) for c in TWO]}
    return searcher(Algorithm("replicates", settings))


def test_they_come_in_turn_and_as_they_were_written() -> None:
    proposals = made().propose(SPACE, History(), 1, range(1, 6))
    assert [p.configuration.texts()["size"] for p in proposals] == ["03", "01", "03", "01", "03"]
    assert [(p.ordinal, p.by) for p in proposals] == [(n, "replicates") for n in range(1, 6)]


def test_a_proposal_is_a_function_of_its_ordinal_alone() -> None:
    whole = made().propose(SPACE, History(), 1, range(1, 100))
    assert made().propose(SPACE, History(revision=9), 2, [42]) == [whole[41]]
    counts = Counter(p.configuration.key for p in whole)
    assert max(counts.values()) - min(counts.values()) == 1


def test_without_configurations_there_is_nothing_to_repeat() -> None:
    with pytest.raises(UsageError, match="needs the setting configurations"):
        searcher(Algorithm("replicates"))


def test_settings_survive_json() -> None:
    given = json.loads(json.dumps([json.loads(Configuration({"x": 0.1 + 0.2}).to_json())]))
    (proposal,) = searcher(Algorithm("replicates", {"configurations": given})).propose(
        SPACE, History(), 1, [1]
    )
    assert proposal.configuration.values() == {"x": 0.1 + 0.2}
