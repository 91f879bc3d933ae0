"""The dashboard of a store on PostgreSQL: the same, heard from the server instead of looked up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from web_scene import Scene, heard, serving

from luthier.errors import StoreError
from luthier.store.address import remember
from luthier.testing.postgres import running, stop_running
from luthier.testing.store_scene import ended, points


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Scene]:
    url, folder = running().empty("dashboard"), tmp_path / ".luthier" / "shared"
    remember(folder, url)
    made = Scene(folder, is_file=False)
    yield made
    made.store.close()
    stop_running()


def test_what_happens_on_a_server_is_sent(shared: Scene) -> None:
    e = shared.open(5)
    with serving(shared.folder) as client, client.socket() as tab:
        session = client.get("/api/session").json()
        assert session["store"].startswith("postgresql://") and "password" not in session["store"]
        tab.send(json.dumps({"watch": str(e), "since": shared.store.revision()}))
        id = shared.begin(e)
        while heard(tab, "trials")["columns"]["state"] != ["running"]:
            pass
        shared.store.report(id, 0, points(0.5, float("nan")))  # which makes no event
        while heard(tab, "trials")["metrics"] != {"loss": ["nan"]}:
            pass
        shared.store.finish(id, ended(0.25))
        while heard(tab, "trials")["objective"] != {"loss": [0.25]}:
            pass
        for path in ("trials", "curves?metric=loss", "timeline", "events", "front"):
            assert client.get(f"/api/experiments/{e}/{path}").status == 200
        assert client.get(f"/api/trials/{e}.1").json()["outcome"] == "succeeded"
        with pytest.raises(StoreError):
            client.dashboard.sitting.answering.retry(e, id.trial)
