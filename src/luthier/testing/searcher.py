"""The contract of a searcher, as tests to inherit: `class TestMine(SearcherContract)` with `make` overridden.

    class TestGrid(SearcherContract):
        finite_only = True

        def make(self):
            return Grid()

Every test runs on spaces of its own; a searcher that looks back is also given a history with results in it. pytest
collects subclasses whose names begin with `Test`; nothing but the standard library is needed.
"""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import FrozenInstanceError

from luthier.history import History
from luthier.search.searcher import Searcher
from luthier.space import (
    Categorical,
    Condition,
    Configuration,
    Constant,
    Float,
    Integer,
    LogNormal,
    Normal,
    Ordinal,
    Parameter,
    Space,
)
from luthier.trial import Outcome, Proposal, Result, Trial, TrialState

__all__ = ["SearcherContract", "endless_space", "finite_space", "history_of"]


def finite_space() -> Space:
    """Seventy-two configurations of every listable kind, one parameter conditional."""
    return Space(
        [
            Parameter("optimizer", Categorical.of(["sgd", "adam"])),
            Parameter("layers", Integer(1, 8, "log")),
            Parameter("dropout", Float(0.1, 0.3, step=0.1)),
            Parameter("momentum", Ordinal.of(["low", "high"]), (Condition("optimizer", "==", ("sgd",)),)),
            Parameter("size", Constant.of([64]), (Condition("layers", ">=", (3,)),)),
        ]
    )


def endless_space() -> Space:
    """One parameter of every kind, one conditional."""
    return Space(
        [
            Parameter("rate", Float(1e-4, 1.0, "log")),
            Parameter("decay", Float(0.5, 1.0, "reverse_log")),
            Parameter("layers", Integer(1, 100)),
            Parameter("cell", Categorical.of(["gru", "lstm", "rnn"])),
            Parameter("noise", Normal(0.0, 1.0, 0.5)),
            Parameter("width", LogNormal(3.0, 1.0, 8, "int")),
            Parameter("gate", Float(0.0, 1.0), (Condition("cell", "in", ("gru", "lstm")),)),
        ]
    )


def history_of(configurations: Sequence[Configuration], by: str = "random") -> History:
    """A history in which trial k finished with these configurations and the value 1 / k."""
    trials = tuple(
        Trial(
            experiment=1,
            number=k,
            run_id=k,
            state=TrialState.FINISHED,
            configuration=configuration,
            attempt=1,
            seed=k,
            proposal=Proposal(configuration, by=by, ordinal=k),
            result=Result(Outcome.SUCCEEDED, "it ended well", value=1.0 / k),
            created=float(k),
            began=float(k),
            ended=float(k + 1),
            revision=k,
        )
        for k, configuration in enumerate(configurations, start=1)
    )
    return History(revision=len(trials), trials=trials)


class SearcherContract:
    """What every searcher promises. Override `make`; set `finite_only` if it can't search an endless space, and
    `seedless` if its proposals don't depend on the seed."""

    finite_only = False
    seedless = False

    def make(self) -> Searcher:
        """The searcher under test, as a user would make it."""
        raise NotImplementedError

    def spaces(self) -> list[Space]:
        """The spaces it is tried on."""
        return [finite_space()] if self.finite_only else [finite_space(), endless_space()]

    def propose(self, space: Space, ordinals: Sequence[int], seed: int = 3) -> list[Proposal]:
        """What it proposes with nothing tried yet."""
        return self.make().propose(space, History(), seed, ordinals)

    def test_proposals_are_inside_the_space(self) -> None:
        for space in self.spaces():
            for proposal in self.propose(space, range(1, 31)):
                space.validate(proposal.configuration)

    def test_proposals_say_who_and_which(self) -> None:
        for space in self.spaces():
            made = self.propose(space, [4, 2, 9])
            assert [p.ordinal for p in made] == [4, 2, 9]
            assert {p.by for p in made} == {self.make().name}

    def test_same_arguments_same_proposals(self) -> None:
        for space in self.spaces():
            assert _shown(self.propose(space, range(1, 21))) == _shown(self.propose(space, range(1, 21)))

    def test_proposals_do_not_depend_on_the_batch(self) -> None:
        for space in self.spaces():
            whole = _shown(self.propose(space, range(1, 21)))
            single = [_shown(self.propose(space, [n]))[0] for n in reversed(range(1, 21))]
            assert whole == single[::-1]

    def test_proposals_do_not_depend_on_the_process(self) -> None:
        for space in self.spaces():
            code = (
                "import pickle, sys\n"
                "searcher, space, history = pickle.loads(sys.stdin.buffer.read())\n"
                "made = searcher.propose(space, history, 3, [7, 3])\n"
                "sys.stdout.write('\\n'.join(p.configuration.to_json() for p in made))"
            )
            sent = pickle.dumps((self.make(), space, History()))
            done = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
            assert done.stdout.decode().splitlines() == _shown(self.propose(space, [7, 3]))

    def test_another_seed_proposes_otherwise(self) -> None:
        for space in self.spaces():
            one, other = (_shown(self.propose(space, range(1, 21), seed)) for seed in (1, 2))
            assert (one == other) is self.seedless

    def test_a_finite_space_is_exhausted_without_repeats(self) -> None:
        space = finite_space()
        count = space.finite_count()
        made = self.propose(space, range(1, count + 10))
        assert len(made) == count
        assert len({p.configuration for p in made}) == count
        whole = history_of([p.configuration for p in made])
        assert not self.make().propose(space, whole, 3, [count + 1])

    def test_inactive_parameters_are_absent(self) -> None:
        made = self.propose(finite_space(), range(1, 73))
        for configuration in (p.configuration for p in made):
            assert ("momentum" in configuration) is (configuration["optimizer"].value == "sgd")
            assert ("size" in configuration) is (configuration["layers"].value >= 3)

    def test_integers_are_integers(self) -> None:
        for space in self.spaces():
            for proposal in self.propose(space, range(1, 21)):
                assert type(proposal.configuration["layers"].value) is int

    def test_the_history_is_left_alone(self) -> None:
        for space in self.spaces():
            history = history_of([p.configuration for p in self.propose(space, range(1, 9))])
            before = copy.deepcopy(history.trials)
            self.make().propose(space, history, 3, [9, 10])
            assert history.trials == before

    def test_who_does_not_look_back_does_not(self) -> None:
        if self.make().looks_back:
            return
        for space in self.spaces():
            history = history_of([p.configuration for p in self.propose(space, range(1, 9))])
            seen = self.make().propose(space, history, 3, [9, 10, 11])
            assert _shown(seen) == _shown(self.propose(space, [9, 10, 11]))

    def test_it_is_a_frozen_value(self) -> None:
        searcher = self.make()
        assert pickle.loads(pickle.dumps(searcher)) == searcher
        assert hash(searcher) == hash(self.make())
        try:
            searcher.surprise = 1  # type: ignore[attr-defined]
        except (FrozenInstanceError, AttributeError, TypeError):
            return
        raise AssertionError("a searcher keeps no state, but an attribute could be set on it")


def _shown(proposals: Sequence[Proposal]) -> list[str]:
    return [p.configuration.to_json() for p in proposals]
