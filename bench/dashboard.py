"""The dashboard at scale: 100,000 trials with 10 points each, beside optuna-dashboard on 5,000, in the same run.

    python bench/dashboard.py [--trials 100000] [--points 10] [--search-trials 300] [--rounds 5] [--peer-trials 5000] [--peer PYTHON]
                              [--only-peer]

Ours is started as users start it and asked over HTTP as its page asks: what the first load weighs compressed, how long the
server takes to its first and last byte, what a change costs, and how soon an event is in the socket of each of 32 clients
after it was committed, while a search writes. A real Chromium opens it, sorts, filters, scrolls, hovers, brushes, changes tabs and
draws 1,000 curves of 1,000 points; and whole searches are timed with and without watchers (`dashboard_search.py`). `--peer` names
a Python that has optuna-dashboard (left out where it has not). Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import http.client
import json
import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dashboard_search import figures as search_figures
from dashboard_served import CHROMIUM, PAGE, Served, has_browser, line, served
from websockets.asyncio.client import connect

from luthier.store import open_store
from luthier.testing.fill import fill
from luthier.testing.store_scene import configuration, describe, ended
from luthier.trial import Point, Proposal

CLIENTS = 32
EVENTS = 200
PEER_PORT = 18471
PEER = """
import sys
import optuna
from sqlalchemy import event
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import create_trial
optuna.logging.set_verbosity(optuna.logging.ERROR)
storage = optuna.storages.RDBStorage("sqlite:///" + sys.argv[1])
event.listen(storage.engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))  # it is only filled here
storage.engine.dispose()
study = optuna.create_study(storage=storage, study_name="s")
n, points = int(sys.argv[2]), int(sys.argv[3])
space = {"rate": FloatDistribution(0, 1), "layers": IntDistribution(1, 8)}
study.add_trials([
    create_trial(params={"rate": k / n, "layers": 1 + k % 8}, distributions=space, value=k / n,
                 intermediate_values={p: k / n for p in range(points)}) for k in range(n)])
"""


def first_load(one: Served) -> int:
    """How many bytes the page itself weighs as it travels."""
    _, _, _, page = one.get("/")
    html = gzip.decompress(page) if page[:2] == b"\x1f\x8b" else page
    weight = len(page)
    for name in re.findall(rb'(?:src|href)="\./(assets/[^"]+)"', html):
        weight += len(one.get(f"/{name.decode()}")[3])
    return weight


def static_figures(large: Path) -> bool:
    """What a large experiment costs to open."""
    good, at = True, "/api/experiments/1/"
    with served(large) as one:
        good &= line("page: weight of the first load, compressed", first_load(one) / 1e3, 300.0, "kB")
        line("start of `luthier dashboard` until it answers", one.start_seconds, None, "s")
        good &= line("list of experiments, first byte", one.get("/api/experiments")[0], 0.3, "s")
        good &= line("what a first screen shows", one.get(f"{at}trials?form=block&part=first")[1], 0.3, "s")
        cold = one.get(f"{at}trials?form=block")
        good &= line("all trials, first time (the record is read)", cold[1], 2.0, "s")
        warm = [one.get(f"{at}trials?form=block")[1] for _ in range(5)]
        good &= line("all trials, from then on", statistics.median(warm), 0.3, "s")
        line("all trials, as arrays", len(cold[3]) / 1e6, None, "MB")
        line("all trials, as a proxy would compress them", len(gzip.compress(cold[3], 1)) / 1e6, None, "MB")
        lists = one.get(f"{at}trials")
        line("all trials, as JSON for programs", lists[1], None, "s")
        revision = json.loads(lists[3])["revision"]
        news = [one.get(f"{at}trials?since={revision}")[1] for _ in range(5)]
        good &= line("what changed since (nothing did)", statistics.median(news), 0.05, "s")
        curves = f"{at}curves?metric=loss&points=200&form=block"
        line("1,000 curves, first time", one.get(curves)[1], None, "s")
        again = [one.get(curves)[1] for _ in range(3)]
        good &= line("1,000 curves, from then on", statistics.median(again), 0.5, "s")
        line("timeline of the newest 3,000, first time", one.get(f"{at}timeline")[1], None, "s")
        for name in ("events", "importance", "slices?parameter=rate", "front"):
            line(f"{name.partition('?')[0]}", one.get(f"{at}{name}")[1], None, "s")
    return good


OPENED: dict[str, float | None] = {
    "rows after their answer": 0.3,
    "charts after their answer": 0.3,
    "all trials after their answer": 0.3,
    "rows after the click": None,
    "charts after the click": None,
    "all trials after the click": 2.0,
    "curves after their answer": 0.2,
    "curves drawn anew": 0.2,
}
"""What has a bar of its own; every other wait in the page is a reaction to a person, with this one."""
REACTION = 0.1


def page_figures(folder: Path, what: str) -> bool:
    """What a person waits for in a real browser: the median of each kind of wait, and beside it the longest time the page was
    still."""
    if not has_browser():
        print("the page is not measured: node, Chromium or web/node_modules (`npm ci` in web/) is missing")
        return True
    good = True
    with served(folder) as one:
        time.sleep(3.0)  # a dashboard that has been open for a while
        words = ["node", str(PAGE), CHROMIUM, one.address(), "1", what]
        told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    for name, waits in told["found"].items():
        seconds = statistics.median(wait for wait, _ in waits) / 1e3
        still = max(still for _, still in waits) / 1e3
        beside = f", still for {still:.3f} s at most" if still else ""
        good &= line(f"browser: {name}{beside}", seconds, OPENED.get(name, REACTION), "s")
    if told["said"]:
        print("the page said:", told["said"])
    return good and not told["said"]


async def _listen(host: str, cookie: str, experiment: int, until: int) -> list[tuple[int, float]]:
    """When each trial was seen to have ended."""
    address, headers, seen = f"ws://{host}/api/live", {"Cookie": cookie}, dict[int, float]()
    settings = {"origin": f"http://{host}", "additional_headers": headers, "max_size": None, "proxy": None}
    async with connect(address, **settings) as socket:
        await socket.send(json.dumps({"watch": str(experiment), "since": 0}))
        while len(seen) < until:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 60))
            if frame["kind"] != "trials":
                continue
            now, columns = time.time(), frame["columns"]
            for number, state in zip(columns["number"], columns["state"], strict=True):
                if state == "finished":
                    seen.setdefault(number, now)
    return list(seen.items())


def _tabs(host: str, cookie: str, experiment: int, until: int, told: Any) -> None:
    """All clients, in a process of their own: browsers are no part of the search."""
    os.nice(10)

    async def all_of_them() -> list[list[tuple[int, float]]]:
        return await asyncio.gather(*(_listen(host, cookie, experiment, until) for _ in range(CLIENTS)))

    told.put([pair for one in asyncio.run(all_of_them()) for pair in one])


@contextmanager
def _on_screen(one: Served, experiment: int) -> Iterator[list[tuple[int, float]]]:
    """A browser that looks on; after the body, when how many trials were seen to have succeeded."""
    counted: list[tuple[int, float]] = []
    if not has_browser():
        yield counted
        return
    words = ["node", str(PAGE), CHROMIUM, one.address(), str(experiment), "live"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as browser:
        assert browser.stdout is not None and browser.stdin is not None
        assert json.loads(browser.stdout.readline())["ready"]
        yield counted
        browser.stdin.close()
        counted += json.loads(browser.stdout.readline())["found"]["counted"]


def live_figures(folder: Path) -> bool:
    """How soon an event is at every client, and what that costs the search that makes it."""
    store = open_store(folder)
    record, _ = store.open_experiment(describe(None), fresh=True)
    e = record.id
    committed: dict[int, float] = {}

    def step(number: int) -> float:
        began = time.perf_counter()
        [reserved] = store.reserve(e, 1, "bench", f"r{e}-{number}")
        store.propose(
            e, f"r{e}-{number}", [(reserved.number, Proposal(configuration(reserved.number), "bench"))]
        )
        [claim] = store.claim(e, 1, "bench", f"c{e}-{number}")
        store.report(claim.id, 0, [Point("loss", float(k), float(k), 0.0) for k in range(5)])
        store.finish(claim.id, ended())
        committed[claim.id.trial] = time.time()
        return time.perf_counter() - began

    def paced(first: int) -> list[float]:
        """Fifty trials a second at most, as a busy search makes them."""
        times = []
        for k in range(first, first + EVENTS):
            times.append(step(k))
            time.sleep(0.02)
        return times

    alone = paced(0)
    spawn = multiprocessing.get_context("spawn")
    with served(folder) as one:
        told: Any = spawn.Queue()
        tabs = spawn.Process(target=_tabs, args=(one.host, one.cookie, e, 2 * EVENTS, told))
        tabs.start()
        time.sleep(4.0)
        with _on_screen(one, e) as counted:
            beside = paced(EVENTS)
            time.sleep(2.0)
        seen = told.get(timeout=120)
        tabs.join()
    again = paced(2 * EVENTS)
    store.close()
    delays = sorted(when - committed[number] for number, when in seen if number > EVENTS)
    line(f"an event in the sockets of {CLIENTS} clients: median", statistics.median(delays), None, "s")
    good = line("the same: 99 of 100", delays[int(0.99 * len(delays))], 1.0, "s")
    ends = [committed[number] for number in sorted(committed)]
    first = {
        k: min((at for n, at in counted if n >= k), default=None) for k in range(EVENTS + 1, 2 * EVENTS + 1)
    }
    waits = sorted(at / 1e3 - ends[k - 1] for k, at in first.items() if at is not None)
    if waits:
        line("an event on the screen of a browser beside them: median", statistics.median(waits), None, "s")
        good &= line("the same: 99 of 100", waits[int(0.99 * len(waits))], 1.0, "s")
    line("a trial's four commits, alone: median", 1e3 * statistics.median(alone + again), None, "ms")
    line(f"the same with {CLIENTS} clients watching", 1e3 * statistics.median(beside), None, "ms")
    return good


def first_chart(whose: str, address: str, selector: str, cookie: str = "") -> None:
    """How long a person who has nothing of the page yet waits for its first chart, and what travels until then."""
    if not has_browser():
        return
    words = ["node", str(PAGE.with_name("dashboard_peer.mjs")), CHROMIUM, address, selector, "3", cookie]
    told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    seconds = statistics.median(told["seconds"])
    line(f"{whose}: from the address to the first chart, in Chromium", seconds, None, "s")
    line(f"{whose}: what travels until then", told["bytes"] / 1e3, None, "kB")


def _asked_of_peer(path: str) -> tuple[float, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", PEER_PORT, timeout=300)
    began = time.perf_counter()
    connection.request("GET", path)
    body = connection.getresponse().read()
    return time.perf_counter() - began, body


def peer_figures(python: str, folder: Path, trials: int, points: int) -> None:
    """What optuna-dashboard takes for one study."""
    database = folder / "peer.db"
    subprocess.run([python, "-c", PEER, str(database), str(trials), str(points)], check=True)
    words = ["-c", "from optuna_dashboard._cli import main; main()", f"sqlite:///{database}"]
    serve = [python, *words, "--port", str(PEER_PORT), "--host", "127.0.0.1"]
    process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                _asked_of_peer("/dashboard")
                break
            except OSError:
                time.sleep(0.1)
        for said in ("first time", "again"):
            took, body = _asked_of_peer("/api/studies/1?after=0")
            line(f"optuna-dashboard: all {trials:,} trials, {said}", took, None, "s")
        line("optuna-dashboard: all trials, as JSON", len(body) / 1e6, None, "MB")
        address = f"http://127.0.0.1:{PEER_PORT}/dashboard/studies/1"
        first_chart("optuna-dashboard", address, ".js-plotly-plot .point")
    finally:
        process.terminate()
        process.wait(20)


def compare(root: Path, peer: str, trials: int, points: int) -> None:
    """Ours and optuna-dashboard at one size."""
    fill(root / "small" / "store.db", trials, points)
    with served(root / "small") as one:
        for said in ("first time", "again"):
            took, body = one.get("/api/experiments/1/trials")[1::2]
            line(f"ours: all {trials:,} trials, {said}", took, None, "s")
        line("ours: all trials, as JSON", len(body) / 1e6, None, "MB")
        drawn = '.figure canvas[data-drawn]:not([data-drawn="0"])'
        first_chart("ours", f"http://{one.host}/#/1", drawn, one.cookie)
    asked = [peer, "-c", "import optuna_dashboard"]
    if shutil.which(peer) is None or subprocess.run(asked, capture_output=True).returncode:
        print(
            "optuna-dashboard is not installed, so nothing stands beside it; name a Python that has it: --peer PYTHON"
        )
        return
    peer_figures(peer, root, trials, points)


def main() -> int:
    """Fills, measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--peer-trials", type=int, default=5_000)
    parser.add_argument("--search-trials", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", default=sys.executable)
    parser.add_argument("--only-peer", action="store_true")
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="luthier-bench-"))
    try:
        if asked.only_peer:
            compare(root, asked.peer, asked.peer_trials, asked.points)
            return 0
        fill(root / "large" / "store.db", asked.trials, asked.points)
        fill(root / "curves" / "store.db", 1000, 2000)  # of two metrics, so 1,000 points in a curve
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        print(
            f"{asked.trials:,} trials with {asked.points} points each, on {os.cpu_count()} cores; load {load}"
        )
        good = static_figures(root / "large")
        good &= page_figures(root / "large", "all")
        good &= page_figures(root / "curves", "curves")
        good &= live_figures(root / "live")
        good &= search_figures(root, asked.search_trials, asked.rounds, CLIENTS)
        compare(root, asked.peer, asked.peer_trials, asked.points)
    finally:
        shutil.rmtree(root)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
