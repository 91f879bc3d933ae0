"""Damaged files of other tools: only clear errors."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from luthier.description import Objective
from luthier.errors import LuthierError
from luthier.job.foreign.fitting import fitted
from luthier.job.foreign.optuna_journal import read_journal
from luthier.job.foreign.optuna_parts import study_of
from luthier.job.foreign.table import Columns, read_table
from luthier.space import Categorical, Float, Integer
from luthier.space.observed import observed_condition

PIECES = (b"null", b'"', b"{}", b"[1]", b"-1", b"1e999", b"NaN", b"\n", b",", b"\x00", b"\\ud800", b"\xff")


def journal() -> bytes:
    operations: list[dict[str, Any]] = [{"op_code": 0, "study_name": "it", "directions": [1]}]
    kinds = ["a", "b"]
    choice = json.dumps({"name": "CategoricalDistribution", "attributes": {"choices": kinds}})
    whole = json.dumps(
        {"name": "IntDistribution", "attributes": {"low": 1, "high": 9, "log": False, "step": 1}}
    )
    for number in range(6):
        operations += [
            {"op_code": 4, "study_id": 0, "datetime_start": "2024-01-01T00:00:00+00:00"},
            {
                "op_code": 5,
                "trial_id": number,
                "param_name": "k",
                "param_value_internal": number % 2,
                "distribution": choice,
            },
            {
                "op_code": 5,
                "trial_id": number,
                "param_name": "n",
                "param_value_internal": 3,
                "distribution": whole,
            },
            {"op_code": 7, "trial_id": number, "step": 1, "intermediate_value": 0.5},
            {"op_code": 8, "trial_id": number, "user_attr": {"note": "x"}},
            {
                "op_code": 6,
                "trial_id": number,
                "state": 1 + number % 3,
                "values": [0.25],
                "datetime_complete": None,
            },
        ]
    return "".join(json.dumps({**each, "worker_id": "w"}) + "\n" for each in operations).encode()


TABLE = b"rate,kind,n,loss\n" + b"".join(
    b"0.%d,%s,%d,1.5\n" % (i, b"ab"[i % 2 :][:1], i) for i in range(1, 9)
)


def damaged(data: bytes, random: Random) -> bytes:
    made = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(made))
        match random.randrange(4):
            case 0:
                made[at] = random.randrange(256)
            case 1:
                del made[at : at + random.randint(1, 30)]
            case 2:
                made[at:at] = random.choice(PIECES)
            case _:
                del made[max(at, 20) :]
    return bytes(made)


@pytest.mark.parametrize("kind", ["journal", "table"])
def test_a_damaged_file_is_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    random, file, read = Random(1), tmp_path / "file", 0
    for _ in range(400):
        file.write_bytes(damaged(journal() if kind == "journal" else TABLE, random))
        try:
            if kind == "journal":
                study = study_of(read_journal(file, None)[0])
            else:
                study = read_table(file, Columns((Objective("loss"),)))
            assert len(study.digest()) == 32
            assert fitted(study).trials
            read += 1
        except LuthierError as error:
            assert "\n" not in str(error)
    assert read > 20


def test_when_a_parameter_exists_is_found_only_where_something_tells_it() -> None:
    domains = {"kind": Categorical(("a", "b")), "n": Integer(1, 9), "x": Float(0, 1)}
    known: dict[str, Any] = {"kind": (), "n": ()}

    def found(*seen: dict[str, Any]) -> Any:
        made = observed_condition("x", domains, known, seen)
        return None if made is None else [str(condition) for condition in made]

    with_x, without = {"kind": "a", "n": 5, "x": 0.5}, {"kind": "a", "n": 5}
    assert found(with_x, with_x) == []
    assert found(with_x, {"kind": "b", "n": 5}) == ["kind in a"]
    assert found(with_x, {"kind": "a", "n": 4}) == ["n >= 5"]
    assert found(with_x, {"kind": "a", "n": 6}) == ["n <= 5"]
    assert found(with_x, without) is None and found(without) is None
