"""No path of a client reaches the disk: 300 ways to write one, all of them nowhere."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from web_scene import Client, Scene

ROOTS = ("/assets/", "/api/trials/", "/api/experiments/", "/")
UPWARDS = (
    "..", "%2e%2e", ".%2e", "%2E%2E", "%252e%252e", "..%00", "..;", "..%2f..", "..%5c..", "..\\..", "%c0%ae%c0%ae",
    "%u002e%u002e", "..%c0%af..", "..%ef%bc%8f..", "．．", "%ef%bc%8e%ef%bc%8e", "....//", "./.././..", "~", "...",
    "%2e%2e%2f%2e%2e", "..%252f..", "..%09", "..%20", "..%0d", "%5c%5c..", "file:", "..%e2%88%95..", "..%e2%81%84..",
)  # fmt: skip
TARGETS = ("/store.db", "/etc/passwd", "\\etc\\passwd", "%2fetc%2fpasswd", "/%00", "/dashboard.token")
OTHERS = (
    "/api/trials/1.1/log/../../../../store.db", "/api/trials/1.1%2flog", "/api/trials/1.1%00/log", "/api/trials/01.1/log",
    "/api/trials/1.1./log", "/api/trials/-1.1/log", "/api/trials/1,1/log", "/api/trials/１.１/log", "/api/trials/1.%31%00/log",
    "/api/trials/99999999999999999999.1", "/api/trials/1.1/outputs", "/api/experiments/1/../../session",
    "/api/experiments/0", "/api/experiments/+1", "/api/experiments/1e0", "/api/experiments/1%20", "/api/experiments/%201",
    "/api/experiments/1/export.html", "/api/experiments/1/export.csv%00.html", "/API/session", "/api//session", "/api/session/",
    "/assets/", "/assets/index-1.js/", "/assets/index-1.js%00", "/assets/./index-1.js", "/assets/%69ndex-1.js.map",
    "/index.html", "/page/index.html", "/assets/" + "a/" * 3000, "/assets/" + "%2e" * 3000, "/api/live/x",
)  # fmt: skip


def ways() -> list[str]:
    """All of them."""
    made = [f"{root}{up}{target}" for root in ROOTS for up in UPWARDS for target in TARGETS]
    return [*made[:: len(made) // 270], *OTHERS]


def test_no_path_leads_anywhere(scene: Scene, client: Client) -> None:
    e = scene.open()
    id = scene.begin(e)
    secret = scene.folder / "secret.txt"
    secret.write_text("hidden away")
    assert client.get(f"/api/trials/{id.experiment}.{id.trial}/log").status == 200
    tried = ways()
    assert len(set(tried)) >= 300
    for path in tried:
        sent = path.encode("utf-8").decode("utf-8", "surrogateescape")
        # A server may refuse to read what is no address at all, or what is too long; it finds nothing in any case.
        answer = client.get(quote(sent, safe="/%\\;:~.,+") if not path.isascii() else sent)
        assert answer.status in (404, 400), (path, answer.status, answer.body[:100])
        assert answer.status == 404 or not path.isprintable() or len(path) > 5000, path
        assert b"hidden" not in answer.body and b"SQLite" not in answer.body


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_log_that_is_a_link_is_not_followed(scene: Scene, client: Client, stream: str) -> None:
    e = scene.open()
    id = scene.begin(e)
    secret = scene.folder.parent / "secret.txt"
    secret.write_text("hidden away")
    folder = scene.folder / "trials" / str(e) / str(id.trial) / "attempt-1"
    folder.mkdir(parents=True)
    log = folder / f"{stream}.log"
    path = f"/api/trials/{e}.{id.trial}/log?stream={stream}"
    log.write_text("printed\n")
    assert client.get(path).body == b"printed\n"
    log.unlink()
    log.symlink_to(secret)
    assert client.get(path).body == b""
    log.unlink()
    folder.rmdir()
    folder.symlink_to(secret.parent)
    (secret.parent / f"{stream}.log").write_text("hidden too")
    assert client.get(path).body == b""


def test_what_is_asked_of_a_trial_is_no_path(scene: Scene, client: Client) -> None:
    e = scene.open()
    id = scene.begin(e)
    at = f"/api/trials/{e}.{id.trial}/log"
    for query in ("stream=../stdout", "stream=stdout.log", "stream=%00", "attempt=2", "attempt=0"):
        assert client.get(f"{at}?{query}").status == 404
    for query in ("from=-1", "from=x", "most=-5", "attempt=../../1", "from=99999999999999999999"):
        assert client.get(f"{at}?{query}").status == 200  # as if it had not been said
