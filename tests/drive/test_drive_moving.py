"""An experiment that begins on a laptop, moves to PostgreSQL, goes on with two workers, and comes back: one record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from drive_shop import BOWL, SEARCH, TRAIN, Shop, moved

from luthier.testing.postgres import running


@pytest.fixture
def url() -> str:
    running().empty("moving")
    return running().tcp_url("moving")


def test_one_record_all_the_way(shop: Shop, url: str, tmp_path: Path) -> None:
    shop.program(BOWL)
    shop.run(*SEARCH, "--num-runs", "4", "-r", "1", *TRAIN)
    there = moved(shop, url, tmp_path)
    assert "is there already, as 1" in shop.run("store", "copy", ".luthier", url, code=3).stderr
    there.run(*SEARCH, "--num-runs", "9", "-r", "2", *TRAIN)
    record = json.loads(there.run("show", "1", "--json").stdout)["experiment"]
    assert (record["finished"], record["succeeded"], record["trials"]) == (9, 9, 9)
    assert len(shop.runs()) == 9  # none ran twice
    assert "6 proposals recomputed: all agree" in there.run("replay", "1").stdout
    logs = there.run("logs", "1.1").stdout  # what ran before has come along
    assert "loss: " in logs
    back = shop.run("store", "copy", url, "again", "--json")
    assert json.loads(back.stdout)["experiments"][0]["rows"]["trials"] == 9
    found = [shop.run("best", "--store", "again").stdout, there.run("best").stdout]
    assert found[0].splitlines()[0] == found[1].splitlines()[0]
    there.close()


def test_what_is_in_work_is_not_copied(shop: Shop, url: str) -> None:
    shop.program('while [ ! -e "$PROJECT/go" ]; do sleep .02; done; echo "loss: $1"')
    driver = shop.start("grid", "--param", "x=1,2", "-r", "1", "--metric", "loss", "--minimize", *TRAIN)
    shop.until_runs(1)
    assert (
        "is being driven; end that first: luthier stop 1"
        in shop.run("store", "copy", ".luthier", url, code=2).stderr
    )
    (shop.root / "go").touch()
    shop.end(driver)
    assert (
        "are the same store"
        in shop.run("store", "copy", ".luthier", str(shop.root / ".luthier"), code=2).stderr
    )
    assert shop.run("store", "copy", "nowhere", url, code=4).stderr
    assert "no experiment 9" in shop.run("store", "copy", ".luthier", url, "-e", "9", code=4).stderr
    assert os.listdir(shop.root / ".luthier" / "trials") == ["1"]
