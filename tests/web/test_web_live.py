"""The socket of a tab: what changes is sent, what was missed is sent, and nobody is waited for."""

from __future__ import annotations

import json
from typing import Any

from web_scene import Client, Scene, heard, serving

from luthier.testing.store_scene import ended, points


def watch(tab: Any, **what: Any) -> None:
    tab.send(json.dumps(what))


def until(tab: Any, kind: str, is_it: Any) -> dict[str, Any]:
    """The next frame of a kind of which something holds."""
    while True:
        frame = heard(tab, kind)
        if is_it(frame):
            return frame


def test_what_happens_is_sent(scene: Scene, client: Client) -> None:
    e = scene.open(5)
    with client.socket() as tab:
        watch(tab, watch="experiments")
        assert [entry["id"] for entry in heard(tab, "experiments")["experiments"]] == [str(e)]
        watch(tab, watch=str(e), since=scene.store.revision())
        id = scene.begin(e)
        frame = until(tab, "trials", lambda frame: frame["columns"]["state"] == ["running"])
        assert (
            frame["experiment"] == str(e) and not frame["whole"] and frame["columns"]["number"] == [id.trial]
        )
        scene.store.report(id, 0, points(0.5))
        assert until(tab, "trials", lambda frame: frame["metrics"])["metrics"] == {"loss": [0.5]}
        scene.store.finish(id, ended(0.25))
        assert until(tab, "trials", lambda frame: frame["objective"]["loss"] == [0.25])
        entry = until(tab, "experiment", lambda frame: frame["finished"] == 1)
        assert entry["id"] == str(e) and entry["best"]["value"] == 0.25
        watch(tab, unwatch=str(e))
        second = scene.open(1)
        until(tab, "experiments", lambda frame: len(frame["experiments"]) == 2)
        scene.store.remove(second)
        until(tab, "experiments", lambda frame: len(frame["experiments"]) == 1)


def test_what_was_missed_is_sent(scene: Scene) -> None:
    """A tab that was away says what it had, also to a server that was started again."""
    e = scene.open(40)
    scene.queue(e, 40)
    rows: dict[int, Any] = {}

    def take(frame: dict[str, Any]) -> int:
        cells = [frame["columns"][name] for name in ("number", "state", "outcome")]
        rows.update({number: (state, outcome) for number, state, outcome in zip(*cells, strict=True)})
        return int(frame["revision"])

    with serving(scene.folder) as client:
        whole = client.get(f"/api/experiments/{e}/trials").json()
        revision = take(whole)
        with client.socket() as tab:
            watch(tab, watch=str(e), since=revision)
            for claim in scene.claim(e, 3):
                scene.store.finish(claim.id, ended())
            while sum(state == "finished" for state, _ in rows.values()) < 3:
                revision = take(heard(tab, "trials"))
        for claim in scene.claim(e, 5):
            scene.store.finish(claim.id, ended())
    for claim in scene.claim(e, 5):
        scene.store.finish(claim.id, ended())
    with serving(scene.folder) as client, client.socket() as tab:
        watch(tab, watch=str(e), since=revision)
        frame = heard(tab, "trials")
        assert not frame["whole"] and frame["n"] < 15
        take(frame)
    assert rows == {t.number: (t.state, t.final and t.final.outcome) for t in scene.store.trials(e)}


def test_nobody_waits_for_a_slow_tab(scene: Scene, client: Client) -> None:
    """One reads nothing while a thousand things happen; the other hears all of them, and the first the last in a few frames."""
    e = scene.open(None)
    scene.queue(e, 300)
    with client.socket(max_queue=1) as slow, client.socket() as fast:
        for tab in (slow, fast):
            watch(tab, watch=str(e), since=0)
        heard_of = 0
        for _ in range(10):
            before = scene.store.experiment(e).finished
            for claim in scene.claim(e, 30):
                scene.store.report(claim.id, 0, points(*(float(k) for k in range(3))))
                scene.store.finish(claim.id, ended())
            while heard_of <= before:
                heard_of = heard(fast, "experiment")["finished"]
        while heard_of < 300:
            heard_of = heard(fast, "experiment")["finished"]
        frames, done = 0, set[int]()
        while len(done) < 300:
            frame = heard(slow, "trials")
            frames += 1
            pairs = zip(frame["columns"]["number"], frame["columns"]["state"], strict=True)
            done |= {number for number, state in pairs if state == "finished"}
        assert frames <= 300


def test_a_log_is_followed_from_a_byte_on(scene: Scene, client: Client) -> None:
    e = scene.open(2)
    id = scene.begin(e)
    folder = scene.folder / "trials" / str(e) / str(id.trial) / "attempt-1"
    folder.mkdir(parents=True)
    log = folder / "stdout.log"
    text = "épreuve <script>alert(1)</script>\n" * 3000
    whole = text.encode()
    log.write_bytes(whole[:-3])
    name = f"{e}.{id.trial}"
    first = client.get(f"/api/trials/{name}/log?from=0&most=1000")
    assert first.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "sandbox" in first.headers["Content-Security-Policy"]
    taken, at = first.body, int(first.headers["X-Log-Next"])
    assert len(taken) == at and int(first.headers["X-Log-Size"]) == len(whole) - 3
    with client.socket() as tab:
        watch(tab, watch_log=name, stream="stdout", attempt=1, **{"from": at})
        while len(taken) < len(whole) - 3:
            frame = heard(tab, "log")
            assert (frame["stream"], frame["attempt"]) == (
                "stdout",
                1,
            )  # by which the page tells what it asked for
            assert frame["from"] == len(taken) and len(frame["text"]) <= 1 << 16
            taken += frame["text"].encode()
        log.write_bytes(whole)
        while len(taken) < len(whole):
            taken += heard(tab, "log")["text"].encode()
    assert taken == whole
    end = client.get(f"/api/trials/{name}/log?from=-1&most=34")
    assert end.body.decode() in text and int(end.headers["X-Log-Next"]) == len(whole)


def test_what_is_no_message_is_said(scene: Scene, client: Client) -> None:
    e = scene.open(1)
    with client.socket() as tab:
        for text in (
            "{",
            "[]",
            '"x"',
            "null",
            '{"watch": "../1"}',
            '{"watch": {"a": 1}}',
            '{"watch_log": "1"}',
            '{"watch": 0}',
        ):
            tab.send(text)
            assert heard(tab, "error")["error"]
        for k in range(1, 40):
            watch(tab, watch_log=f"{e}.{k}")
        assert "at once" in heard(tab, "error")["error"]
        watch(tab, unwatch="nothing")
        watch(tab, unwatch=f"{e}.1")
        watch(tab, watch=str(e), since="x")
        assert heard(tab, "trials")["n"] == 0
