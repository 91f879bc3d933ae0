"""The addresses of the dashboard: which one answers what, as HTTP. What they answer is `answers.py`'s, who may ask `guard.py`'s.

Every answer that takes the record is made in a thread, so that one that takes long keeps no other waiting. Names that come
from a client are numbers, looked up in the record, and names of parameters and metrics, which are data.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from anyio import to_thread
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route, WebSocketRoute

from luthier.errors import ConflictError, LuthierError, NotFound, StoreError
from luthier.view.exports import export
from luthier.web.answers import Answers
from luthier.web.buffers import KIND, curves_block
from luthier.web.control import Control
from luthier.web.exporting import static_page
from luthier.web.guard import TooLong
from luthier.web.ids import experiment_id, natural, trial_id
from luthier.web.live import Live
from luthier.web.logs import MOST_BYTES
from luthier.web.page import Page
from luthier.web.wire import packed

__all__ = ["application"]

Answer = Callable[[Request], Awaitable[Response]]

_SMALL = 1400
_HERE = ("127.0.0.1", "::1")
_ALONE = {"content-security-policy": "sandbox; default-src 'none'", "x-content-type-options": "nosniff"}
_MOST_CHOSEN = 5000


def application(answers: Answers, page: Page) -> Starlette:
    """The dashboard, to be put behind a guard."""
    made = _Addresses(answers, page)
    control = [Route("/api/control", made.control, methods=["POST"])] if answers.may_control else []
    app = Starlette(
        routes=[
            Route("/", made.page),
            Route("/assets/{name}", made.asset),
            Route("/api/session", made.of(lambda _: answers.session())),
            Route("/api/experiments", made.of(lambda _: answers.experiments())),
            Route("/api/experiments/{id}", made.of(lambda asked: answers.details(_experiment(asked)))),
            Route("/api/experiments/{id}/{what}", made.of(made.about)),
            Route("/api/trials/{id}", made.of(lambda asked: answers.trial(*_trial(asked)))),
            Route("/api/trials/{id}/log", made.log),
            Route("/api/trials/{id}/points", made.of(made.points)),
            WebSocketRoute("/api/live", Live(answers).serve),
            *control,
        ],
        exception_handlers={HTTPException: _of_http, LuthierError: _of_ours, TooLong: _too_long},
    )
    app.router.redirect_slashes = False  # one spelling for each address
    return app


class _Addresses:
    def __init__(self, answers: Answers, page: Page) -> None:
        self._answers = answers
        self._page = page
        self._control = Control(answers.folder)

    def of(self, make: Callable[[Request], Any]) -> Answer:
        """An address that answers JSON, or what else is made."""

        async def answer(asked: Request) -> Response:
            found = await to_thread.run_sync(make, asked)
            return found if isinstance(found, Response) else await to_thread.run_sync(_json, asked, found)

        return answer

    # ------------------------------------------------------------------ the page

    async def page(self, asked: Request) -> Response:
        """The page."""
        return self._file(asked, "index.html")

    async def asset(self, asked: Request) -> Response:
        """A part of it, by its name."""
        return self._file(asked, f"assets/{asked.path_params['name']}")

    def _file(self, asked: Request, name: str) -> Response:
        found = self._page.files.get(name)
        if found is None:
            raise HTTPException(404)
        small = bool(found.small) and "gzip" in asked.headers.get("accept-encoding", "")
        kept = "private, max-age=31536000, immutable" if found.is_named_for_its_content else "no-cache"
        headers = {"cache-control": kept, "vary": "accept-encoding", "content-type": found.kind}
        if small:
            headers["content-encoding"] = "gzip"
        return Response(found.small if small else found.content, headers=headers)

    # ------------------------------------------------------------------ an experiment

    def about(self, asked: Request) -> Any:
        """One thing of an experiment."""
        id, ask, answers = _experiment(asked), asked.query_params.get, self._answers
        match asked.path_params["what"]:
            case "trials" if ask("form") == "block":
                return _sent(asked, answers.block(id, is_first=ask("part") == "first"), KIND)
            case "trials":
                return answers.trials(id, natural(ask("since")))
            case "curves":
                chosen = [natural(one) for one in (ask("trials") or "").split(",")[:_MOST_CHOSEN] if one]
                trials = [one for one in chosen if one is not None] if ask("trials") is not None else None
                points, since = natural(ask("points")) or 200, natural(ask("since"))
                curves = answers.curves(id, ask("metric") or "", points, trials, since)
                return _sent(asked, curves_block(curves), KIND) if ask("form") == "block" else curves
            case "importance":
                return answers.importance(id, ask("metric"))
            case "slices":
                return answers.slices(id, ask("metric"), ask("parameter"))
            case "contour":
                return answers.contour(id, ask("metric"), ask("x"), ask("y"))
            case "model":
                return answers.model(id, natural(ask("proposal")), ask("parameter"))
            case "front":
                return answers.front(id)
            case "timeline":
                return answers.timeline(id, natural(ask("since")))
            case "events":
                limit = natural(ask("limit"))
                return answers.events(id, natural(ask("before")), 100 if limit is None else limit)
            case "export.csv" | "export.json" as name:
                return self._export(id, name.removeprefix("export."))
            case "page.html":
                body = static_page(answers, self._page, id)
                return Response(body, headers=_attached(f"experiment-{id}.html", "text/html; charset=utf-8"))
            case _:
                raise HTTPException(404)

    def _export(self, id: int, form: str) -> Response:
        """All trials as a file, sent in parts and never held whole."""
        record = self._answers.record(id)
        fd, name = tempfile.mkstemp(prefix="luthier-export-")
        os.close(fd)
        try:
            export(self._answers.store, record, form, Path(name))
        except BaseException:
            os.unlink(name)
            raise
        kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
        headers = _attached(f"experiment-{id}.{form}", kind)
        return FileResponse(name, headers=headers, background=BackgroundTask(os.unlink, name))

    # ------------------------------------------------------------------ a trial

    def points(self, asked: Request) -> Any:
        """One curve of a trial."""
        return self._answers.points(*_trial(asked), asked.query_params.get("metric") or "")

    async def log(self, asked: Request) -> Response:
        """A part of what it printed, as nothing but text."""
        ask = asked.query_params.get
        stream = ask("stream") or "stdout"
        if stream not in ("stdout", "stderr"):
            raise HTTPException(404)
        attempt, begin = natural(ask("attempt")), natural(ask("from"))
        most = natural(ask("most")) or MOST_BYTES
        part = await to_thread.run_sync(
            lambda: self._answers.log(*_trial(asked), stream, attempt, begin, most)
        )
        headers = {
            "content-type": "text/plain; charset=utf-8",
            "x-log-from": str(part.begin),
            "x-log-next": str(part.end),
            "x-log-size": str(part.size),
            **_ALONE,
        }
        return Response(part.text.encode("utf-8", "replace"), headers=headers)

    async def control(self, asked: Request) -> Response:
        """Does what a person asks."""
        try:
            what = msgspec.json.decode(await asked.body())
        except msgspec.DecodeError:
            return Response(packed({"error": "that is no JSON"}), 400, media_type="application/json")
        done = await to_thread.run_sync(self._control.do, what)
        return Response(packed(done), media_type="application/json")


def _json(asked: Request, found: Any) -> Response:
    """An answer as JSON."""
    return _sent(asked, found if isinstance(found, bytes) else packed(found), "application/json")


def _sent(asked: Request, body: bytes, kind: str) -> Response:
    """An answer, made small where it has to travel: on this machine that costs more than it saves."""
    headers = {"content-type": kind}
    is_far = asked.client is None or asked.client.host not in _HERE
    if is_far and len(body) > _SMALL and "gzip" in asked.headers.get("accept-encoding", ""):
        made = zlib.compressobj(1, zlib.DEFLATED, 31)
        body = made.compress(body) + made.flush()
        headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
    return Response(body, headers=headers)


def _attached(name: str, kind: str) -> dict[str, str]:
    return {"content-type": kind, "content-disposition": f'attachment; filename="{name}"', **_ALONE}


def _experiment(asked: Request) -> int:
    found = experiment_id(asked.path_params["id"])
    if found is None:
        raise HTTPException(404)
    return found


def _trial(asked: Request) -> tuple[int, int]:
    found = trial_id(asked.path_params["id"])
    if found is None:
        raise HTTPException(404)
    return found


async def _of_http(_asked: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {404: "there is nothing here", 405: "that can't be done here"}.get(
        status, "that can't be answered"
    )
    return Response(packed({"error": said}), status, media_type="application/json")


async def _of_ours(_asked: Request, error: Exception) -> Response:
    is_theirs = isinstance(error, StoreError) and not isinstance(error, ConflictError)
    status = 404 if isinstance(error, NotFound) else 503 if is_theirs else 400
    return Response(packed({"error": str(error)}), status, media_type="application/json")


async def _too_long(_asked: Request, _error: Exception) -> Response:
    return Response(packed({"error": "that is more than 1 MB"}), 413, media_type="application/json")
