"""`--try`: what a person's own configurations become, and that typing the command again adds nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.cli.tries import queue_tries, read_tries
from luthier.description import Algorithm, Description
from luthier.errors import SpaceError, UsageError
from luthier.job.parameters import load_parameters
from luthier.space.grammar import parse_params
from luthier.store.memory import MemoryStore

SPACE = parse_params(["rate=.001:10:log", "layers=2:100:int", "cell=gru,lstm,rnn"], ["widths=[[64,32],[8]]"])
WHOLE = "rate=.5,layers=3,cell=rnn,widths=[64,32]"


def test_a_whole_configuration_is_kept_as_it_was_written() -> None:
    made, said = read_tries([WHOLE], SPACE)
    assert [c.texts() for c in made] == [{"rate": ".5", "layers": "3", "cell": "rnn", "widths": "[64,32]"}]
    assert made[0].values()["widths"] == [64, 32] and said == []


def test_what_is_left_out_takes_its_centre_and_that_is_said() -> None:
    made, said = read_tries(["cell=gru, rate=.5"], SPACE)
    assert made[0].values() == {"rate": 0.5, "layers": 51, "cell": "gru", "widths": [64, 32]}
    assert said == [
        "--try cell=gru, rate=.5 leaves out layers and widths, which a search begins at layers=51 widths=[64,32]"
    ]
    (middle,), _ = read_tries(["layers=2"], SPACE)
    assert middle.values()["rate"] == pytest.approx(0.1), "a log range's centre is its geometric mean"
    assert middle.values()["cell"] == "gru", "of a list without an order the first"


def test_the_same_configuration_is_tried_once() -> None:
    made, said = read_tries([WHOLE, WHOLE.replace(".5", "0.50"), "layers=2", "layers=2"], SPACE)
    assert len(made) == 2 and len(said) == 1


def test_conditions_are_heeded(tmp_path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("o: [sgd, adam]\nm: {min: 0, max: 1, when: {o: sgd}}\n")
    space = load_parameters(file)
    made, said = read_tries(["o=sgd", "o=adam"], space)
    assert [c.values() for c in made] == [{"o": "sgd", "m": 0.5}, {"o": "adam"}]
    assert len(said) == 1
    with pytest.raises(SpaceError, match=r"^--try o=adam,m=\.1: parameter 'm' exists only when o == sgd"):
        read_tries(["o=adam,m=.1"], space)


REFUSED = {
    "no name": ("0.1", "write NAME=VALUE,NAME=VALUE"),
    "no value": ("rate=", "write NAME=VALUE,NAME=VALUE"),
    "nothing": ("", "write NAME=VALUE,NAME=VALUE"),
    "twice": ("rate=1,rate=2", "gives rate twice"),
    "unknown": ("rat=1", "there is no parameter 'rat' (did you mean rate?)"),
    "outside": ("rate=11", "parameter 'rate': 11 is not in 0.001 … 10 log"),
    "no integer": ("layers=2.5", "parameter 'layers': 2.5 is not in 2 … 100 int"),
    "unlisted": ("cell=grv", "parameter 'cell': grv is not one of gru, lstm, rnn"),
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_configuration_is_refused_by_name(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_tries([text], SPACE)
    assert str(refused.value).startswith(f"--try {text}") and sentence in str(refused.value)
    assert refused.value.exit_code == 2


def test_more_than_the_budget_is_refused() -> None:
    assert len(read_tries(["layers=2", "layers=3"], SPACE, 2)[0]) == 2
    with pytest.raises(UsageError, match="3 configurations to try and --num-runs is 2; raise it to 3"):
        read_tries(["layers=2", "layers=3", "layers=4"], SPACE, 2)


@given(st.floats(0.001, 10), st.integers(2, 100), st.sampled_from(["gru", "lstm", "rnn"]))
def test_whatever_the_space_holds_can_be_tried(rate: float, layers: int, cell: str) -> None:
    (made,), _ = read_tries([f"rate={rate!r},layers={layers},cell={cell}"], SPACE)
    assert (made.values()["rate"], made.values()["layers"], made.values()["cell"]) == (rate, layers, cell)
    assert SPACE.contains(made)


def test_they_are_queued_once_before_the_others_and_count_towards_the_budget() -> None:
    store = MemoryStore()
    record, _ = store.open_experiment(Description("/p", SPACE, Algorithm("random"), trials=3))
    made, _ = read_tries(["layers=2", "layers=3"], SPACE)
    for _ in range(2):
        queue_tries(store, record.id, made)
    assert [t.configuration for t in store.trials(record.id)] == made
    assert store.experiment(record.id).target == 3
    assert len(store.reserve(record.id, 9, "w", "n")) == 1
    assert [t.configuration for t in store.trials(record.id)] == made


def test_what_the_budget_leaves_no_room_for_is_refused_whole() -> None:
    store = MemoryStore()
    record, _ = store.open_experiment(Description("/p", SPACE, Algorithm("random"), trials=3))
    made, _ = read_tries(["layers=2", "layers=3", "layers=4", "layers=5"], SPACE)
    queue_tries(store, record.id, made[:1])
    for tries, sentence in (
        (made, "already has 1 trial and --num-runs is 3; raise it to 4 or more to add these 3 --try"),
        ([*made[:3], *made[:2]], None),
        (made, "already has 3 trials and --num-runs is 3; raise it to 4 or more to add this --try"),
        (made[:3], None),
    ):
        before = store.trials(record.id)
        if sentence is None:
            queue_tries(store, record.id, list(dict.fromkeys(tries)))
            continue
        with pytest.raises(UsageError, match=sentence) as refused:
            queue_tries(store, record.id, tries)
        assert refused.value.exit_code == 2 and store.trials(record.id) == before
    assert [t.configuration for t in store.trials(record.id)] == made[:3]
    assert store.experiment(record.id).target == 3
