"""Values keep their spelling; configurations are equal by value."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.space import Configuration, Value, canonical_text
from luthier.space.value import identity, read_number, read_value

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
jsons = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-6", 1e-6), (".50", 0.5), ("007", 7), ("-3", -3), ("1.", 1.0), ("True", "True"), ("1_000", "1_000")]
    + [(word, word) for word in ("nan", "inf", "-inf", "0x1f", "1e400", "١", "", "null")],
)
def test_listed_words(text: str, value: object) -> None:
    read = read_value(text)
    assert read.value == value
    assert type(read.value) is type(value)
    assert read.text == text


def test_texts_of_values_nobody_wrote() -> None:
    texts = [canonical_text(v) for v in (True, None, 3, 0.1, 1e-5, 1.0, "a b", [1, "x"])]
    assert texts == ["true", "null", "3", "0.1", "1e-05", "1.0", "a b", '[1,"x"]']


def test_values_that_look_alike_differ() -> None:
    assert len({Value(1), Value(1.0), Value(True), Value("1"), Value(1, "01")}) == 5
    assert Value(7, "7") == Value(7)


def test_identity_is_by_value() -> None:
    assert identity(1) == identity(1.0) == "1"
    assert identity(0.0) == identity(-0.0)
    assert identity([1, {"a": 2.0}]) == identity([1.0, {"a": 2}])
    assert len({identity(v) for v in (1, True, "1", "true", None, "null", [1], "[1]")}) == 8


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_canonical_text_reads_back(number: float) -> None:
    assert read_number(canonical_text(number)) == number


@given(st.dictionaries(st.text(), st.tuples(jsons, st.none() | st.text())))
def test_a_configuration_survives_json_and_pickle(items: dict[str, tuple[object, str | None]]) -> None:
    made = Configuration.of((name, Value(value, text)) for name, (value, text) in items.items())
    for again in (Configuration.from_json(made.to_json()), pickle.loads(pickle.dumps(made))):
        assert again == made
        assert hash(again) == hash(made)
        assert list(again) == list(made)
        assert again.texts() == made.texts()
        assert again.to_json() == made.to_json()


def test_a_configuration_keeps_only_texts_it_can_not_compute() -> None:
    made = Configuration.of([("rate", Value(0.01, "1e-2")), ("layers", Value(3, "3"))])
    assert made.to_json() == '{"values":{"rate":0.01,"layers":3},"texts":{"rate":"1e-2"}}'
    assert made.texts() == {"rate": "1e-2", "layers": "3"}
    assert made.values() == {"rate": 0.01, "layers": 3}
    assert str(made) == "rate=1e-2, layers=3"


def test_configurations_are_equal_by_value() -> None:
    one = Configuration({"a": 1, "b": 0.5}, {"b": ".50"})
    assert one == Configuration({"b": 0.5, "a": 1.0})
    assert hash(one) == hash(Configuration({"b": 0.5, "a": 1.0}))
    assert one != Configuration({"a": True, "b": 0.5})
    assert one != Configuration({"a": 1})


def test_a_configuration_can_not_be_changed() -> None:
    made = Configuration({"a": 1})
    made.values()["a"] = 2
    with pytest.raises(AttributeError):
        made.a = 3
    assert made.values() == {"a": 1}
