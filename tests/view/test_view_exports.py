"""Rows for other programs: columns, texts and values, pages, NaN."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import svm_search

from luthier.trial import Outcome, Point, Result
from luthier.view import disk, exports
from luthier.view.curve_rows import long_rows
from luthier.view.exports import columns, export, trial_rows
from luthier.view.health import Health, examine


@pytest.fixture
def store(tmp_path: Path):
    made = svm_search.build(tmp_path, files=False)
    yield made
    made.close()


def test_every_row_has_every_column(store) -> None:
    heads = columns(store, store.experiment(1))
    assert heads[7:11] == ("param.C", "param.gamma", "metric.accuracy", "metric.loss")
    rows = list(trial_rows(store, store.experiment(1)))
    assert all(tuple(row) == heads for row in rows)
    assert [row["param.gamma"] for row in rows] == [0.01, 0.1, 0.01, 0.1]
    assert rows[3]["metric.accuracy"] is None
    texts = [row["param.gamma"] for row in trial_rows(store, store.experiment(1), as_texts=True)]
    assert texts == [".010", "0.1", ".010", "0.1"]


@pytest.mark.parametrize("page", [1, 2, 3, 4, 1000])
def test_pages_do_not_show(page, store, monkeypatch) -> None:
    monkeypatch.setattr(exports, "_PAGE", page)
    assert [row["trial"] for row in trial_rows(store, store.experiment(1))] == [1, 2, 3, 4]
    rows = long_rows(store, store.experiment(1), exports._trials(store, store.experiment(1)))
    assert [(row["trial"], row["metric"]) for row in rows][:4] == [
        (1, "accuracy"),
        (1, "accuracy"),
        (1, "loss"),
        (2, "accuracy"),
    ]


def test_json_has_no_nan(tmp_path: Path) -> None:
    store = svm_search.build(tmp_path / "a", until=0)
    (claim,) = store.claim(1, 1, "w", "n")
    store.report(claim.id, 0, [Point("loss", 0, math.nan, 0.0), Point("top", 0, -math.inf, 0.0)])
    store.finish(claim.id, Result(Outcome.SUCCEEDED, "", math.nan))
    export(store, store.experiment(1), "json", tmp_path / "a.json")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document = json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    first = document["trials"][0]
    assert (first["value"], first["metric.loss"], first["metric.top"]) == ("nan", "nan", "-inf")


def test_parquet_types_follow_the_domains(store, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export(store, store.experiment(1), "parquet", tmp_path / "a.parquet")
    schema = parquet.read_schema(tmp_path / "a.parquet")
    types = {
        name: str(schema.field(name).type) for name in ("param.C", "param.gamma", "outcome", "trial", "value")
    }
    assert types == {
        "param.C": "int64",
        "param.gamma": "double",
        "outcome": "string",
        "trial": "int64",
        "value": "double",
    }


@pytest.mark.parametrize("text", ["all", "none", "best:1", "best:30"])
def test_what_may_be_kept(text) -> None:
    keep = disk.parse_keep("--keep", text)
    assert f"{keep.kind}{f':{keep.count}' if keep.count else ''}" == text


@pytest.mark.parametrize("text", ["", "best", "best:", "best:0", "best:-1", "best:x", "worst:3", "ALL"])
def test_what_may_not(text) -> None:
    with pytest.raises(disk.UsageError, match="write all, none or best:3"):
        disk.parse_keep("--keep", text)


def test_sizes_do_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 1000)
    inside = tmp_path / "folder"
    inside.mkdir()
    (inside / "file").write_bytes(b"x" * 10)
    (inside / "link").symlink_to(tmp_path / "big")
    assert disk.size_of(inside) < 1000
    assert disk.size_of(tmp_path / "nowhere") == 0


def test_this_machine_is_well(tmp_path: Path) -> None:
    found = {finding.name: finding for finding in examine(tmp_path / ".luthier")}
    assert found["store"].health is not Health.BAD
    assert "not made yet" in found["store"].text
    assert list(tmp_path.iterdir()) == []


def test_a_network_disk_is_bad(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("luthier.store.location.filesystem_type", lambda path: "nfs4")
    found = {finding.name: finding for finding in examine(tmp_path)}
    assert found["store"].health is Health.BAD
    assert "nfs4" in found["store"].text
