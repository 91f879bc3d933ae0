"""What a person added is passed over by searchers that do not look back, whoever of many workers proposes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.description import Algorithm, Description
from luthier.history import History
from luthier.search.around import PLACE, Known, known_in, passes_over, propose_around
from luthier.search.grid import Grid
from luthier.search.random import Random
from luthier.search.searcher import Searcher
from luthier.search.sobol import Sobol
from luthier.space import Configuration, Integer, Parameter, Space
from luthier.testing.searcher import endless_space, finite_space, history_of
from luthier.trial import Proposal

ENGINES: list[Searcher] = [Grid(), Random(), Sobol()]
SPACES = [finite_space(), Space([Parameter("a", Integer(1, 4)), Parameter("b", Integer(1, 3))])]
PLACES = st.sets(st.integers(1, 12), max_size=8)


def sequence(engine: Searcher, space: Space, n: int) -> list[Configuration]:
    return [p.configuration for p in engine.propose(space, History(), 5, range(1, n + 1))]


def around(engine: Searcher, space: Space, ordinals: list[int], known: Known) -> dict[int, Proposal]:
    made = propose_around(engine, space, 5, ordinals, known)
    assert [p.ordinal for p in made] == ordinals[: len(made)]
    return {p.ordinal: p for p in made if p.ordinal is not None}


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
@pytest.mark.parametrize("space", SPACES, ids=["tree", "box"])
@given(added=PLACES)
def test_it_is_the_same_sequence_without_what_was_added(
    engine: Searcher, space: Space, added: set[int]
) -> None:
    whole = sequence(engine, space, space.finite_count())
    known = Known(frozenset(whole[place - 1] for place in added))
    made = around(engine, space, list(range(1, len(whole) + 1)), known)
    assert [p.configuration for p in made.values()] == [c for c in whole if c not in known.added]
    for ordinal, proposal in made.items():
        assert whole[proposal.note.get(PLACE, ordinal) - 1] == proposal.configuration


@given(first=PLACES, then=PLACES, order=st.permutations(range(1, 13)), written=st.integers(0, 12))
def test_workers_in_any_order_never_meet(
    first: set[int], then: set[int], order: list[int], written: int
) -> None:
    """One open ordinal after the other, each from what stands there; more is added on the way, of what is left."""
    engine, space = ENGINES[1], SPACES[1]
    whole = sequence(engine, space, 12)
    added = {whole[place - 1] for place in first}
    made: list[Proposal] = []
    open_ordinals = [ordinal for ordinal in order if ordinal <= 12 - len(first | then)]
    for turn, ordinal in enumerate(open_ordinals):
        taken = {p.configuration for p in made}
        if turn == min(written, len(open_ordinals) - 1):
            added |= {whole[place - 1] for place in then} - taken
        known = Known(frozenset(added), {p.ordinal: p.note.get(PLACE, p.ordinal) for p in made if p.ordinal})
        ahead = around(engine, space, [ordinal], known)
        assert around(engine, space, sorted(open_ordinals[turn:]), known)[ordinal] == ahead[ordinal]
        assert ahead[ordinal].configuration not in taken | added
        made.append(ahead[ordinal])
    assert len({p.configuration for p in made} | added) == len(made) + len(added)


def test_past_the_last_configuration_there_is_nothing() -> None:
    space = SPACES[1]
    whole = sequence(Grid(), space, 12)
    known = Known(frozenset(whole[:2]), {1: 3})
    made = around(Grid(), space, [9, 10, 11, 12], known)
    assert {ordinal: p.configuration for ordinal, p in made.items()} == {9: whole[10], 10: whole[11]}
    assert propose_around(Grid(), space, 5, [], known) == []
    assert propose_around(Grid(), space, 5, [2], Known(frozenset(whole))) == []


def test_a_history_tells_what_was_added_and_which_place_served() -> None:
    a, b, c, d = sequence(Grid(), SPACES[1], 4)
    proposed, shifted, own, again = history_of([a, d, b, a]).trials
    trials = (
        proposed,
        shifted._replace(proposal=Proposal(d, "grid", 3, note={PLACE: 4})),
        own._replace(proposal=Proposal(b, "you")),
        again._replace(proposal=Proposal(a, "you")),
        own._replace(number=9, configuration=None, proposal=None),
        own._replace(number=10, configuration=c, proposal=None),
    )
    known = known_in(History(trials=trials))
    assert known == Known({b, c}, {1: 1, 3: 4})


def test_only_where_configurations_can_meet_and_may_not() -> None:
    def described(space: Space, **settings: bool) -> Description:
        return Description("/p", space, Algorithm("random", dict(settings)))

    assert passes_over(described(finite_space()))
    assert not passes_over(described(finite_space(), repeats=True))
    assert not passes_over(described(endless_space()))
