"""An experiment as pandas tables: the right rows, with the types that the values have."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from figure_scene import MIXED, aimed, recorded, units

from luthier.errors import UsageError
from luthier.space import Categorical, Condition, Constant, Integer, Normal, Ordinal, Parameter, Space, Value
from luthier.trial import Outcome
from luthier.view.tables import curves_frame, trials_frame

pd = pytest.importorskip("pandas")

TYPED = Space(
    [
        Parameter("word", Categorical.of(["a", "b"])),
        Parameter("flag", Categorical.of([True, False])),
        Parameter("size", Ordinal.of(["small", "large"])),
        Parameter("odd", Categorical.of([1, "x", None])),
        Parameter("mixed", Categorical.of([1, 2.5])),
        Parameter("n", Integer(1, 9)),
        Parameter("only", Integer(1, 9), (Condition("word", "==", ("a",)),)),
        Parameter("steps", Normal(50.0, 10.0, type="int")),
        Parameter("ten", Constant((Value(10),))),
    ]
)


def endings(_: dict[str, Any], number: int) -> Any:
    return {2: Outcome.FAILED, 3: None, 4: (Outcome.STOPPED, 7.0)}.get(number, float(number))


def test_one_row_a_trial() -> None:
    store = recorded(MIXED, endings, units(MIXED, 6), points=2)
    table = trials_frame(store, store.experiment(1))
    assert table["number"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["value"].isna().tolist() == [False, True, True, False, False, False]
    assert table.loc[table["outcome"] == "failed", "number"].tolist() == [2]
    assert table["outcome"].isna().tolist() == [False, False, True, False, False, False]
    for row in table.itertuples():
        configuration = store.trial(1, row.number).configuration
        assert configuration is not None
        got = {name: table.loc[row.Index, f"params.{name}"] for name in MIXED.names}
        assert {name: value for name, value in got.items() if not pd.isna(value)} == configuration.values()
    assert table["metrics.loss"].tolist() == [1.5, 1.5, 1.5, 7.5, 5.5, 6.5]
    assert table.loc[0, "ended"] - table.loc[0, "began"] == pd.Timedelta(seconds=60)
    assert str(table["began"].dtype) == "datetime64[ns, UTC]"
    assert table.loc[0, "began"].timestamp() == store.trial(1, 1).began


@pytest.mark.parametrize("count", [0, 12])
def test_columns_have_the_types_of_their_values(count: int) -> None:
    store = recorded(TYPED, lambda _, n: float(n), units(TYPED, count))
    table = trials_frame(store, store.experiment(1))
    kinds = {
        name.removeprefix("params."): str(table[name].dtype) for name in table if name.startswith("params.")
    }
    assert kinds == {
        "word": "category",
        "flag": "bool",
        "size": "category",
        "odd": "object",
        "mixed": "float64",
        "n": "int64",
        "only": "Int64" if count else "int64",
        "steps": "int64",
        "ten": "int64",
    }
    assert table["params.size"].cat.ordered and list(table["params.size"].cat.categories) == [
        "small",
        "large",
    ]
    assert [str(table[name].dtype) for name in ("number", "attempts", "seed", "value")] == [
        *["int64"] * 3,
        "float64",
    ]
    if count:
        present = table["params.only"].notna()
        assert present.tolist() == (table["params.word"] == "a").tolist() and 0 < present.sum() < count


def test_several_objectives_and_constraints_have_columns_of_their_own() -> None:
    store = aimed()
    table = trials_frame(store, store.experiment(1))
    assert table["values.loss"].tolist() == table["value"].tolist() == [*map(float, range(1, 10))]
    assert table["values.speed"].tolist() == [9, 8, 7, 1, 5, 4, 3, 2, 1]
    assert table["is_allowed"].tolist() == [True] * 7 + [False] * 2


def test_one_row_a_point() -> None:
    store = recorded(MIXED, endings, units(MIXED, 6), points=3)
    table = curves_frame(store, store.experiment(1))
    assert len(table) == 18 and list(table) == ["trial", "metric", "step", "value", "time"]
    assert table.loc[table["trial"] == 5, "value"].tolist() == [6.0, 5.5, pytest.approx(5 + 1 / 3)]
    assert len(curves_frame(store, store.experiment(1), "loss")) == 18
    with pytest.raises(UsageError, match="no trial reported 'los'"):
        curves_frame(store, store.experiment(1), "los")
    assert len(curves_frame(recorded(MIXED, endings, []), store.experiment(1))) == 0


def test_without_pandas_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    store = recorded(MIXED, endings, units(MIXED, 2))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"luthier\[pandas\]"):
        trials_frame(store, store.experiment(1))
