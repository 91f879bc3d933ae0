"""One experiment through all that may carry it: a laptop whose driver is killed, a database, two workers, Ray."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from drive_shop import BOWL, SEARCH, TRAIN, Shop, moved, until

from luthier.testing.postgres import running

if find_spec("ray") is None:
    pytest.skip("needs Ray", allow_module_level=True)

from rays import place_of_all, shared_ray

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("ray")]

TARGET = 10
UNTIL_GO = '[ $(wc -l < "$PROJECT/runs") -lt 3 ] || while [ ! -e "$PROJECT/go" ]; do sleep .02; done\n'


@pytest.fixture(scope="session")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with shared_ray(place_of_all(tmp_path_factory.getbasetemp())) as found:
        yield found


@pytest.fixture
def url() -> str:
    running().empty("chain")
    return running().tcp_url("chain")


@pytest.mark.fault
def test_one_record_from_a_killed_laptop_to_ray(
    shop: Shop, url: str, ray: dict[str, Any], tmp_path: Path
) -> None:
    shop.program(UNTIL_GO + BOWL)
    driver = shop.start(*SEARCH, "--num-runs", "4", "-r", "1", *TRAIN)
    shop.until_runs(3)
    assert shop.kill(driver)
    (shop.root / "go").touch()
    shop.run(*SEARCH, "--num-runs", "4", "-r", "1", *TRAIN)  # takes over what ran on
    assert shop.audit(4) == {"lost": 0, "twice": 0, "never": 0, "leased": 0}
    there = moved(shop, url, tmp_path)
    assert _record(there)["finished"] == 7
    there.env |= {"RAY_ADDRESS": ray["address"]}
    on_ray = ("--on", "ray", "--ray-resources", "here=1")
    driver = there.start(*SEARCH, "--num-runs", str(TARGET), "-r", "2", *on_ray, *TRAIN)
    until(lambda: driver.poll() is not None, "the search on Ray has ended", 200)
    said = there.end(driver)
    record = _record(there)
    assert (record["finished"], record["succeeded"], record["trials"]) == (TARGET, TARGET, TARGET), said
    assert sorted(number for number, _ in shop.runs()) == list(range(1, TARGET + 1))  # none ran twice
    assert len(list(Path(tmp_path).glob("**/attempt-1/ray.json"))) == 3
    assert "7 proposals recomputed: all agree" in there.run("replay", "1").stdout
    there.close()


def _record(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.run("show", "1", "--json").stdout)["experiment"]
    return found
