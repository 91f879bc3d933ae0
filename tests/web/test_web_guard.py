"""Who may come in: every row of the dashboard's security."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack
from itertools import product

import pytest
from web_scene import Client, Scene, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus

from luthier.errors import StoreError
from luthier.store import Wish, open_store
from luthier.testing.store_scene import configuration
from luthier.web.tokens import token_of

PLACES = (
    "/",
    "/assets/index-1.js",
    "/api/session",
    "/api/experiments",
    "/api/experiments/1/trials",
    "/api/trials/1.1/log",
)


def forged(port: int) -> list[str]:
    names = [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "0.0.0.0",
        "127.1",
    ]
    names += [
        "2130706433",
        "0x7f.1",
        "[::]",
        "[::ffff:127.0.0.1]",
        "localhost.",
        "user@127.0.0.1",
        "127.0.0.1 ",
    ]
    whole = [
        "localhost",
        "127.0.0.1",
        f"127.0.0.1:{port}.evil.example",
        f"localhost:{port + 1}",
        f"127.0.0.1:0{port}",
    ]
    return [f"{name}:{port}" for name in names] + [*whole, "", f"127.0.0.1:{port},evil.example"]


def test_foreign_hosts_are_refused(client: Client) -> None:
    tried = forged(client.port)
    assert len(tried) == 20
    for host in tried:
        if host.endswith(" ") or " :" in host:
            continue
        for path in ("/", "/api/session"):
            assert client.get(path, host=host).status == 421, host
    assert client.get("/", host=None).status in (400, 421)
    for host in (f"localhost:{client.port}", f"LOCALHOST:{client.port}", f"[::1]:{client.port}"):
        assert client.get("/api/session", host=host).status == 200


def test_foreign_hosts_get_no_socket(client: Client) -> None:
    raw = socket.create_connection(("127.0.0.1", client.port), timeout=20)
    with raw:
        lines = ["GET /api/live HTTP/1.1", f"Host: evil.example:{client.port}", "Upgrade: websocket"]
        lines += [
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        lines += [f"Origin: http://evil.example:{client.port}", f"Cookie: {client.cookie}", "", ""]
        raw.sendall("\r\n".join(lines).encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 421")


def test_nothing_is_told_to_strangers(client: Client) -> None:
    for path in PLACES:
        assert client.get(path, known=False).status == 401
        name = client.cookie.partition("=")[0]
        for cookie in (
            f"{name}=",
            f"{name}=0",
            f"{name}1={client.cookie.partition('=')[2]}",
            "\xff",
            f"{name}=é",
        ):
            assert (
                client.get(path, known=False, cookie=cookie.encode("utf-8").decode("latin-1")).status == 401
            )
        for words in ("Bearer", "Bearer x", f"Basic {client.dashboard.token}", client.dashboard.token):
            assert client.get(path, known=False, authorization=words).status == 401
    with pytest.raises(InvalidStatus) as refused:
        client.socket(additional_headers={"Cookie": "a=b"})
    assert refused.value.response.status_code == 401


def test_a_bearer_and_a_cookie_among_others_come_in(client: Client) -> None:
    assert (
        client.get("/api/session", known=False, authorization=f"Bearer {client.dashboard.token}").status
        == 200
    )
    assert client.get("/api/session", known=False, cookie=f'x={{"a": 1}}; {client.cookie}; y=@').status == 200


def test_an_address_lets_one_browser_in_once(client: Client) -> None:
    address = client.dashboard.new_address()
    path = "/" + address.partition(f":{client.port}/")[2]
    assert client.ask("HEAD", path, known=False).status == 401  # a preview of a link does not use it up
    entered = client.get(path, known=False)
    assert entered.status == 303 and entered.headers["Location"] == "/"
    cookie, *flags = entered.headers["Set-Cookie"].split("; ")
    assert cookie == client.cookie and {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(flags)
    assert client.get("/", known=False, cookie=cookie).status == 200
    assert client.get(path, known=False).status == 401
    assert client.get(path).status == 303  # who is in is sent on, and the key leaves the address
    assert client.get("/?key=").status == 200
    assert client.get("/?key=x", known=False).status == 401
    [said] = client.said  # type: ignore[attr-defined]
    following = "/" + said.partition(f":{client.port}/")[2]
    assert client.get(following, known=False).status == 303


def test_the_token_is_its_owners_alone_and_stays(scene: Scene) -> None:
    token, path = token_of(scene.folder), scene.folder / "dashboard.token"
    assert len(token) >= 43 and stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert token_of(scene.folder) == token and stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("short\n")
    assert len(token_of(scene.folder)) >= 43 and token_of(scene.folder) != token
    path.unlink()
    path.symlink_to(scene.folder / "elsewhere")
    assert token_of(scene.folder) != token_of(scene.folder) and not (scene.folder / "elsewhere").exists()
    assert stat.S_IMODE(scene.folder.stat().st_mode) == 0o700


VERBS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW", "get")


@pytest.mark.parametrize("verb", VERBS)
def test_every_unsafe_verb_needs_our_page(driver: Client, verb: str) -> None:
    """Whatever the verb and the address: without origin, header and cookie together it is refused, and nothing is done."""
    elsewhere = (
        None,
        "null",
        "http://evil.example",
        f"http://127.0.0.1:{driver.port + 1}",
        f"http://{driver.host}.evil",
    )
    for path in ("/api/control", "/api/experiments/1"):
        for origin, header, site in product(elsewhere, (None, "1"), (None, "none")):
            answer = driver.ask(verb, path, origin=origin, x_luthier=header, sec_fetch_site=site)
            assert answer.status in (400, 403), (path, origin, header, site)
        mine = f"http://{driver.host}"
        assert driver.ask(verb, path, origin=mine).status in (400, 403)
        assert driver.ask(verb, path, origin=mine, x_luthier="0").status in (400, 403)
        assert driver.ask(verb, path, origin=mine, x_luthier="1", sec_fetch_site="cross-site").status in (
            400,
            403,
        )
        assert driver.ask(verb, path, origin=mine, x_luthier="1", known=False).status in (400, 401)


def test_forms_can_change_nothing(scene: Scene, driver: Client) -> None:
    e = scene.open()
    body = json.dumps({"verb": "pause", "id": str(e)}).encode()
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        for origin in (None, "null", "http://evil.example"):
            answer = driver.ask("POST", "/api/control", body=body, content_type=kind, origin=origin)
            assert answer.status == 403
    assert scene.store.experiment(e).wish is Wish.RUN
    assert driver.post({"verb": "pause", "id": str(e)}).status == 200
    assert scene.store.experiment(e).wish is Wish.PAUSE


def test_a_program_with_the_token_is_no_browser(scene: Scene, driver: Client) -> None:
    e = scene.open()
    body, bearer = json.dumps({"verb": "pause", "id": str(e)}).encode(), f"Bearer {driver.dashboard.token}"
    refused = driver.ask("POST", "/api/control", body=body, known=False, authorization=bearer)
    assert refused.status == 403
    assert (
        driver.ask("POST", "/api/control", body=body, known=False, authorization=bearer, x_luthier="1").status
        == 200
    )
    foreign = {"authorization": bearer, "x_luthier": "1", "origin": "http://evil.example"}
    assert driver.ask("POST", "/api/control", body=body, known=False, **foreign).status == 403


def test_other_pages_can_ask_nothing(client: Client) -> None:
    """SameSite knows no ports, so a page of another port on this machine would send the cookie."""
    for site in ("cross-site", "same-site"):
        assert client.get("/api/session", sec_fetch_site=site).status == 403
        assert client.get("/assets/index-1.js", sec_fetch_site=site, sec_fetch_mode="no-cors").status == 403
        assert client.get("/", sec_fetch_site=site, sec_fetch_mode="navigate").status == 200
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{client.port + 1}"):
        with pytest.raises(InvalidStatus) as refused:
            client.socket(origin=origin)
        assert refused.value.response.status_code == 403


def test_every_answer_forbids_what_the_page_does_not_need(scene: Scene, client: Client) -> None:
    e = scene.open()
    answers = [client.get(path) for path in (*PLACES, f"/api/experiments/{e}", "/api/nothing", "/x")]
    answers += [client.get("/", known=False), client.get("/", host="evil"), client.ask("POST", "/")]
    for answer in answers:
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Server"] is None and headers["Access-Control-Allow-Origin"] is None
        assert len(headers.get_all("Content-Security-Policy")) == 1
    page = client.get("/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in page and "frame-ancestors 'none'" in page and "form-action 'none'" in page
    assert client.get("/api/session").headers["Cache-Control"] == "no-store"


def test_what_is_sent_is_short(driver: Client) -> None:
    ours = {name.replace("-", "_"): value for name, value in driver.ours.items()}
    assert driver.ask("POST", "/api/control", **ours, content_length=str(2**21)).status == 413
    chunks = b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(17)) + b"0\r\n\r\n"
    raw = socket.create_connection(("127.0.0.1", driver.port), timeout=20)
    with raw:
        lines = ["POST /api/control HTTP/1.1", f"Host: {driver.host}", f"Cookie: {driver.cookie}"]
        lines += [f"{name}: {value}" for name, value in driver.ours.items()] + [
            "Transfer-Encoding: chunked",
            "",
            "",
        ]
        raw.sendall("\r\n".join(lines).encode())
        try:
            raw.sendall(chunks)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was answered before all was sent
        assert raw.recv(100).startswith(b"HTTP/1.1 413")
    with driver.socket() as tab:
        with pytest.raises(ConnectionClosed):
            tab.send("x" * (1 << 17))
            while True:
                tab.recv(timeout=20)
    assert driver.get("/api/session").status == 200


def test_at_most_64_sockets(client: Client) -> None:
    with ExitStack() as tabs:
        for _ in range(64):
            tabs.enter_context(client.socket())
        with client.socket() as one_more, pytest.raises(ConnectionClosed) as closed:
            one_more.recv(timeout=20)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
    with client.socket() as again:
        again.send(json.dumps({"watch": "experiments"}))
        assert json.loads(again.recv(timeout=20))["kind"]


def test_watching_cannot_write(scene: Scene, client: Client) -> None:
    e = scene.open()
    looking = client.dashboard.sitting.answering
    added = [configuration(1)]
    for change in (
        lambda: looking.set_wish(e, Wish.STOP),
        lambda: looking.remove(e),
        lambda: looking.enqueue(e, added, "nonce"),
    ):
        with pytest.raises(StoreError):
            change()
    database = looking.database._open  # type: ignore[attr-defined]
    with pytest.raises(Exception, match="readonly"):
        database.execute("UPDATE experiment SET wish = 'stop'")
    assert scene.store.experiment(e).wish is Wish.RUN
    assert client.post({"verb": "stop", "id": str(e)}).status == 404
    assert client.get("/api/session").json()["may_control"] is False


def test_a_path_before_all_addresses(scene: Scene) -> None:
    with serving(scene.folder, base="/tools/luthier") as client:
        assert client.get("/tools/luthier/").status == 200
        assert client.get("/tools/luthier").headers["Location"] == "/tools/luthier/"
        assert client.get("/tools/luthier/api/session").status == 200
        for path in ("/", "/api/session", "/tools/luthierx/", "/tools", "/tools/luthier/../api/session"):
            assert client.get(path).status == 404
        assert "/tools/luthier/?key=" in client.dashboard.new_address()


def test_secrets_are_not_shown(tmp_path) -> None:
    """The password of a store's address is in no answer, and the token in no list of processes."""
    from luthier.store.address import without_password

    assert "secret" not in without_password("postgresql://me:secret@host/db?password=secret")
    folder = tmp_path / ".luthier"
    open_store(folder).close()
    words = [sys.executable, "-m", "luthier", "dashboard", "--port", "0", "--store", str(folder)]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "/?key=" in line
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert (folder / "dashboard.token").read_text().strip() not in listed + line
        process.terminate()
        assert process.wait(20) == 0
        assert "has ended" in process.stderr.read()
