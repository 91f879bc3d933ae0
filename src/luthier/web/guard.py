"""Stands before everything the dashboard answers, and lets in who may come in: deny by default, allow by name.

The name the browser asked for has to be one of ours (a page elsewhere may have its own name point here), a token or our cookie
has to come with it, and whatever is not GET or HEAD has to come from our own page, by its origin and by a header that no form
and no link can send. Every answer forbids the browser what our page does not need.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from luthier.web.tokens import Tokens
from luthier.web.wire import packed

__all__ = ["CONTENT_POLICY", "Guard"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MOST_BYTES = 1 << 20
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
]
_SAFE = ("GET", "HEAD")
_ENTER = b"""<!doctype html><meta charset="utf-8"><title>Luthier</title><h1>This dashboard does not know you</h1>
<p>Open the address that <code>luthier dashboard</code> printed. Each opens once; it prints the next one when one was used.</p>
"""


class Guard:
    """The door of the dashboard. `hosts` are the names it answers to, with their ports; `base` is the path it is served below,
    empty or beginning with a slash; `used` is called when an address was used up."""

    def __init__(
        self,
        app: App,
        tokens: Tokens,
        hosts: Iterable[str],
        base: str = "",
        used: Callable[[], None] | None = None,
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._hosts = frozenset(host.lower() for host in hosts)
        self._base = base
        self._used = used

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        asked = _Asked(scope)
        refusal = self._refusal(asked)
        if refusal is None and asked.is_http and "key" in asked.query:
            await self._enter(asked, send)
            return
        if refusal is None and not self._is_known(asked):
            refusal = (
                401,
                "this dashboard does not know you; open the address that luthier dashboard printed",
            )
        if refusal is not None:
            await _refuse(scope, receive, send, *refusal)
            return
        path = asked.path[len(self._base) :]
        if path == "" and asked.is_http:
            await _redirect(send, f"{self._base}/")
            return
        inner = {**scope, "path": path, "raw_path": path.encode("utf-8", "replace"), "root_path": ""}
        await self._app(inner, _limited(receive) if asked.is_http else receive, _guarded(send))

    def _refusal(self, asked: _Asked) -> tuple[int, str] | None:
        """Why a request is refused whoever sent it; None where it is not."""
        if len(asked.all("host")) != 1 or asked.one("host").lower() not in self._hosts:
            return (
                421,
                "this dashboard does not answer to that name; start it with --allow-host NAME where it should",
            )
        # Our addresses need no escapes, so what has any is somebody's trial.
        is_plain = asked.raw_path == asked.path.encode("utf-8", "replace")
        if not is_plain or not (asked.path == self._base or asked.path.startswith(f"{self._base}/")):
            return 404, "there is nothing here"
        if asked.is_http and asked.method in _SAFE:
            if (
                asked.one("sec-fetch-site") in ("cross-site", "same-site")
                and asked.one("sec-fetch-mode") != "navigate"
            ):
                return 403, "only this dashboard's own page may ask that"
            return None
        if not self._is_ours(asked):
            return 403, "this was not sent by this dashboard's own page"
        if asked.is_http and asked.one("x-luthier") != "1":
            return 403, "what changes anything comes with the header X-Luthier: 1"
        if asked.length > MOST_BYTES:
            return 413, "that is more than 1 MB"
        return None

    def _is_ours(self, asked: _Asked) -> bool:
        """Whether it comes from our own page, or from a program that has the token and is no browser."""
        origins, site = asked.all("origin"), asked.one("sec-fetch-site")
        if site and site != "same-origin":
            return False
        if not origins:
            return self._has_token(asked)
        scheme, _, host = origins[0].lower().partition("://")
        return len(origins) == 1 and scheme in ("http", "https") and host == asked.one("host").lower()

    def _is_known(self, asked: _Asked) -> bool:
        return self._has_token(asked) or self._has_cookie(asked)

    def _has_token(self, asked: _Asked) -> bool:
        word, _, token = asked.one("authorization").partition(" ")
        return word.lower() == "bearer" and self._tokens.is_token(token.strip())

    def _has_cookie(self, asked: _Asked) -> bool:
        pairs = [pair.strip().partition("=") for line in asked.all("cookie") for pair in line.split(";")]
        return any(
            name == self._tokens.cookie_name and self._tokens.is_cookie(text) for name, _, text in pairs
        )

    async def _enter(self, asked: _Asked, send: Send) -> None:
        """Turns a key into a cookie, and sends the browser to the same page without it."""
        where = f"{self._base}/"
        if self._has_cookie(asked):
            return await _redirect(send, where)
        if asked.method != "GET" or not self._tokens.opens(asked.query["key"][0]):
            return await _answer(send, 401, b"text/html; charset=utf-8", _ENTER)
        cookie = f"{self._tokens.cookie_name}={self._tokens.cookie}; HttpOnly; SameSite=Strict; Path={where}"
        await _redirect(send, where, [(b"set-cookie", cookie.encode())])
        if self._used is not None:
            self._used()
        return None


class _Asked:
    """What was asked, as far as the guard looks at it."""

    def __init__(self, scope: Scope) -> None:
        self.is_http = scope["type"] == "http"
        self.method = scope.get("method", "")
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or b""
        self._headers: Headers = scope["headers"]
        self.query = (
            parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=64)
            if self._is_short(scope)
            else {}
        )

    @staticmethod
    def _is_short(scope: Scope) -> bool:
        return len(scope["query_string"]) < 8192 and scope["query_string"].count(b"&") < 64

    def all(self, name: str) -> list[str]:
        """All headers of a name."""
        return [value.decode("latin-1") for one, value in self._headers if one.lower() == name.encode()]

    def one(self, name: str) -> str:
        """The first header of a name; empty without any."""
        return next(iter(self.all(name)), "")

    @property
    def length(self) -> int:
        """How long the body says it is."""
        text = self.one("content-length")
        return (
            int(text)
            if text.isascii() and text.isdigit() and len(text) < 16
            else 0
            if not text
            else MOST_BYTES + 1
        )


class TooLong(Exception):
    """A body that is longer than it may be."""


def _limited(receive: Receive) -> Receive:
    """Reads a body, but no longer than it may be whatever was said of its length."""
    taken = 0

    async def read() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            raise TooLong
        return message

    return read


def _guarded(send: Send) -> Send:
    """Adds what the browser is to be forbidden; an answer may forbid more, but not less."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: Headers = list(message.get("headers", ()))
            names = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value in _ALWAYS if name not in names]
            if b"content-security-policy" not in names:
                headers.append((b"content-security-policy", CONTENT_POLICY.encode()))
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return answer


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" in scope.get("extensions", {}):
            headers = [*_ALWAYS, (b"content-type", b"application/json")]
            await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
            await send({"type": "websocket.http.response.body", "body": packed({"error": why})})
        else:
            await send({"type": "websocket.close", "code": 1008})
        return
    is_page = status == 401 and b"text/html" in dict(scope["headers"]).get(b"accept", b"")
    if is_page:
        await _answer(send, status, b"text/html; charset=utf-8", _ENTER)
    else:
        await _answer(send, status, b"application/json", packed({"error": why}))


async def _redirect(send: Send, where: str, more: Headers | None = None) -> None:
    await _answer(send, 303, b"text/plain", b"", [(b"location", where.encode()), *(more or ())])


async def _answer(send: Send, status: int, kind: bytes, body: bytes, more: Headers | None = None) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *(more or ())]
    guarded = _guarded(send)
    await guarded({"type": "http.response.start", "status": status, "headers": headers})
    await guarded({"type": "http.response.body", "body": body})
