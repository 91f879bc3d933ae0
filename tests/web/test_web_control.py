"""The verbs of the page: they do what the command line's do, say so in the record, and can be undone."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from web_scene import Client, Scene

from luthier.store import Wish
from luthier.testing.store_scene import ended
from luthier.trial import Outcome, TrialState


def done(client: Client, **what: Any) -> dict[str, Any]:
    answer = client.post(what)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    assert found["done"]
    return found


def test_pause_and_stop_and_their_undo(scene: Scene, driver: Client) -> None:
    e = scene.open(5)
    for verb, wish in (("pause", Wish.PAUSE), ("stop", Wish.STOP), ("kill", Wish.KILL)):
        found = done(driver, verb=verb, id=str(e))
        assert scene.store.experiment(e).wish is wish
        event = scene.store.newest_wish(e)
        assert event is not None and "dashboard" in event.detail["reason"]
        assert done(driver, verb=verb, id=str(e))["undo"] is None  # it was so already
        done(driver, **found["undo"])  # nobody drives what has no command, so the wish is all there is
        assert scene.store.experiment(e).wish is Wish.RUN
    found = done(driver, verb="pause", id=str(e))
    done(driver, verb="undo", undo=found["undo"])
    assert scene.store.experiment(e).wish is Wish.RUN
    events = driver.get(f"/api/experiments/{e}/events").json()["events"]
    assert [event["text"] for event in events][:2] == ["resumed by the dashboard", "paused by the dashboard"]


def test_trials_are_added_ended_and_tried_again(scene: Scene, driver: Client) -> None:
    e = scene.open(5)
    found = done(driver, verb="enqueue", id=str(e), configuration={"rate": 0.25})
    trial = scene.store.trial(e, 1)
    assert trial.configuration is not None and trial.configuration.values() == {"rate": 0.25}
    undone = done(driver, **found["undo"])
    assert scene.store.trial(e, 1).result is not None
    assert scene.store.trial(e, 1).state is TrialState.FINISHED
    done(driver, **undone["undo"])
    assert scene.store.trial(e, 1).state is TrialState.QUEUED
    [claim] = scene.claim(e)
    scene.store.finish(claim.id, ended(None, Outcome.FAILED))
    done(driver, verb="retry", id=f"{e}.1")
    assert scene.store.trial(e, 1).state is TrialState.QUEUED
    assert driver.post({"verb": "retry", "id": f"{e}.1"}).status == 400


def test_all_that_ended_badly_are_tried_again_at_once(scene: Scene, driver: Client) -> None:
    e = scene.open(5)
    none = done(driver, verb="retry", id=str(e))
    assert "nothing" in none["done"]
    ends = [Outcome.FAILED, Outcome.STOPPED, Outcome.SUCCEEDED, Outcome.TIMED_OUT, Outcome.KILLED]
    for outcome in ends:
        done(driver, verb="enqueue", id=str(e), configuration={"rate": 0.25})
        [claim] = scene.claim(e)
        scene.store.finish(claim.id, ended(1.0 if outcome is Outcome.SUCCEEDED else None, outcome))
    assert "3 trials queued" in done(driver, verb="retry", id=str(e))["done"]
    states = [trial.state for trial in scene.store.trials(e)]
    assert [state is TrialState.QUEUED for state in states] == [True, False, False, True, True]


def test_the_number_of_trials_is_changed_and_changed_back(scene: Scene, driver: Client) -> None:
    e = scene.open(5)
    found = done(driver, verb="target", id=str(e), target=9)
    assert scene.store.experiment(e).target == 9
    done(driver, **found["undo"])
    assert scene.store.experiment(e).target == 5
    twin = scene.open(5)
    refused = driver.post({"verb": "target", "id": str(e), "target": 7})
    assert refused.status == 400 and "twin" in refused.json()["error"]
    assert [scene.store.experiment(one).target for one in (e, twin)] == [5, 5]


@pytest.mark.parametrize(
    "what",
    [
        {}, [], "x", None, 3, {"verb": "remove", "id": "1"}, {"verb": "pause"}, {"verb": "pause", "id": "../1"},
        {"verb": "pause", "id": "1.1"}, {"verb": "target", "id": "1", "target": True}, {"verb": "target", "id": "1", "target": 0},
        {"verb": "target", "id": "1", "target": 1e400}, {"verb": "enqueue", "id": "1", "configuration": {"rate": 7}},
        {"verb": "enqueue", "id": "1", "configuration": {"other": 1}}, {"verb": "enqueue", "id": "1"}, {"verb": "undo"},
        {"verb": "retry", "id": "one"}, {"verb": "undo", "undo": {"verb": "undo", "undo": {}}}, {"verb": '"; DROP TABLE trial'},
    ],
)  # fmt: skip
def test_what_is_no_verb_does_nothing(scene: Scene, driver: Client, what: Any) -> None:
    scene.open(5)
    before = scene.store.revision()
    answer = driver.post(what)
    assert answer.status == 400 and answer.json()["error"]
    assert scene.store.revision() == before


def test_nothing_is_there_for_what_is_not(scene: Scene, driver: Client) -> None:
    scene.open(5)
    for what in ({"verb": "pause", "id": "7"}, {"verb": "stop", "id": "1.9"}, {"verb": "retry", "id": "1.9"}):
        assert driver.post(what).status == 404


def test_a_search_shows_its_own_dashboard_and_takes_it_along(tmp_path: Path) -> None:
    """`--dashboard`: an address is said while the search runs, and when it has ended nothing is left of it."""
    words = [
        sys.executable,
        "-m",
        "luthier",
        "random",
        "--num-runs",
        "2",
        "--param",
        "x=0:1",
        "--dashboard",
        "--no-check",
    ]
    program = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.05)"
    go_on = tmp_path / "go-on"
    command = ["--metric", "x", "--", sys.executable, "-c", program, ":x:", str(go_on)]
    said: list[str] = []
    with subprocess.Popen([*words, *command], stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if line.startswith("Dashboard: "):
                port = int(line.split("127.0.0.1:")[1].split("/")[0])
                with socket.create_connection(("127.0.0.1", port), timeout=20):
                    go_on.touch()
    assert any(line.startswith("Dashboard: ") for line in said), said
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=20)
