"""The dashboard at scale: 100,000 trials with 10 points each, beside optuna-dashboard on 5,000, in the same run.

    python bench/dashboard.py [--trials 100000] [--points 10] [--peer-trials 5000] [--peer PYTHON]

Ours is started as users start it and asked over HTTP as its page asks: what the first load weighs compressed, how long the
server takes to its first and last byte, what a change costs, and how soon an event is in the socket of each of 32 clients
after it was committed, while a search writes. `--peer` names a Python that has optuna-dashboard (left out where it has not).
Exit code 1 when a bar is missed.
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

from websockets.asyncio.client import connect

from luthier.store import open_store
from luthier.testing.fill import fill
from luthier.testing.store_scene import configuration, describe, ended
from luthier.trial import Point, Proposal

CLIENTS = 32
EVENTS = 200
PEER = """
import sys, threading, time, json
import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import create_trial
optuna.logging.set_verbosity(optuna.logging.ERROR)
storage = optuna.storages.RDBStorage("sqlite:///" + sys.argv[1])
study = optuna.create_study(storage=storage, study_name="s")
n, points = int(sys.argv[2]), int(sys.argv[3])
space = {"rate": FloatDistribution(0, 1), "layers": IntDistribution(1, 8)}
study.add_trials([
    create_trial(params={"rate": k / n, "layers": 1 + k % 8}, distributions=space, value=k / n,
                 intermediate_values={p: k / n for p in range(points)}) for k in range(n)])
"""


def line(name: str, value: float, bar: float | None, unit: str) -> bool:
    """Prints one figure with its bar; False when it is missed."""
    good = bar is None or value <= bar
    said = "" if bar is None else f" (bar {bar:g}) {'ok' if good else 'MISSED'}"
    print(f"{name:<66} {value:9.3f} {unit}{said}", flush=True)
    return good


class Served:
    """A dashboard that was started as users start it."""

    def __init__(self, folder: Path) -> None:
        words = [sys.executable, "-m", "luthier", "dashboard", "--port", "0", "--store", str(folder)]
        began = time.perf_counter()
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        self.start_seconds = time.perf_counter() - began
        found = re.search(r":(\d+)/(\?key=\S+)", said)
        assert found is not None, said
        self.port = int(found[1])
        self.host = f"127.0.0.1:{self.port}"
        entered = self.get(f"/{found[2]}")
        self.cookie = str(entered[2]["set-cookie"]).split(";")[0]

    cookie = ""

    def get(self, path: str) -> tuple[float, float, Any, bytes]:
        """Seconds to the first byte and to the last, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Cookie": self.cookie, "Accept-Encoding": "gzip"}
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        first = time.perf_counter() - began
        body = answer.read()
        last = time.perf_counter() - began
        connection.close()
        return first, last, answer.headers, body

    def close(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait(20)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A dashboard while the body runs."""
    one = Served(folder)
    try:
        yield one
    finally:
        one.close()


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
    good = True
    with served(large) as one:
        good &= line("page: weight of the first load, compressed", first_load(one) / 1e3, 300.0, "kB")
        line("start of `luthier dashboard` until it answers", one.start_seconds, None, "s")
        good &= line("list of experiments, first byte", one.get("/api/experiments")[0], 0.3, "s")
        cold = one.get("/api/experiments/1/trials")
        line("all trials, first time (the record is read)", cold[1], None, "s")
        warm = [one.get("/api/experiments/1/trials")[1] for _ in range(5)]
        good &= line("all trials, from then on", statistics.median(warm), 0.3, "s")
        line("all trials, as JSON", len(cold[3]) / 1e6, None, "MB")
        line("all trials, as a proxy would compress them", len(gzip.compress(cold[3], 1)) / 1e6, None, "MB")
        revision = json.loads(cold[3])["revision"]
        news = [one.get(f"/api/experiments/1/trials?since={revision}")[1] for _ in range(5)]
        good &= line("what changed since (nothing did)", statistics.median(news), 0.05, "s")
        line(
            "1,000 curves, first time",
            one.get("/api/experiments/1/curves?metric=loss&points=200")[1],
            None,
            "s",
        )
        curves = [one.get("/api/experiments/1/curves?metric=loss&points=200")[1] for _ in range(3)]
        good &= line("1,000 curves, from then on", statistics.median(curves), 0.5, "s")
        line("timeline of the newest 3,000, first time", one.get("/api/experiments/1/timeline")[1], None, "s")
        for name in ("events", "importance", "slices?parameter=rate", "front"):
            line(f"{name.partition('?')[0]}", one.get(f"/api/experiments/1/{name}")[1], None, "s")
    return good


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
        beside = paced(EVENTS)
        seen = told.get(timeout=120)
        tabs.join()
    again = paced(2 * EVENTS)
    store.close()
    delays = sorted(when - committed[number] for number, when in seen if number > EVENTS)
    line(f"an event in the sockets of {CLIENTS} clients: median", statistics.median(delays), None, "s")
    good = line("the same: 99 of 100", delays[int(0.99 * len(delays))], 1.0, "s")
    line("a trial's four commits, alone: median", 1e3 * statistics.median(alone + again), None, "ms")
    line(f"the same with {CLIENTS} clients watching", 1e3 * statistics.median(beside), None, "ms")
    return good


def peer_figures(python: str, folder: Path, trials: int, points: int) -> None:
    """What optuna-dashboard takes for one study."""
    database = folder / "peer.db"
    subprocess.run([python, "-c", PEER, str(database), str(trials), str(points)], check=True)
    url, port = f"sqlite:///{database}", "18471"
    serve = [
        python,
        "-c",
        "from optuna_dashboard._cli import main; main()",
        url,
        "--port",
        port,
        "--host",
        "127.0.0.1",
    ]
    process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        asked = None
        for _ in range(300):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=300)
                connection.request("GET", "/dashboard")
                page = connection.getresponse().read()
                break
            except OSError:
                time.sleep(0.1)
        weight = len(page)
        for name in re.findall(rb'src="(/static/[^"]+)"', page):
            connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=300)
            connection.request("GET", name.decode(), headers={"Accept-Encoding": "gzip"})
            weight += len(connection.getresponse().read())
        line("optuna-dashboard: weight of the first load", weight / 1e3, None, "kB")
        for said in ("first time", "again"):
            connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=300)
            began = time.perf_counter()
            connection.request("GET", "/api/studies/1?after=0")
            asked = connection.getresponse().read()
            line(f"optuna-dashboard: all {trials:,} trials, {said}", time.perf_counter() - began, None, "s")
        line("optuna-dashboard: all trials, as JSON", len(asked or b"") / 1e6, None, "MB")
    finally:
        process.terminate()
        process.wait(20)


def main() -> int:
    """Fills, measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--peer-trials", type=int, default=5_000)
    parser.add_argument("--peer", default=sys.executable)
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="luthier-bench-"))
    try:
        for name, trials in (("large", asked.trials), ("small", asked.peer_trials), ("live", 0)):
            folder = root / name
            if trials:
                fill(folder / "store.db", trials, asked.points)
            folder.mkdir(exist_ok=True)
        print(f"{asked.trials:,} trials with {asked.points} points each, on {os.cpu_count()} cores")
        good = static_figures(root / "large")
        good &= live_figures(root / "live")
        with served(root / "small") as one:
            line(
                f"ours: all {asked.peer_trials:,} trials, first time",
                one.get("/api/experiments/1/trials")[1],
                None,
                "s",
            )
            line(
                f"ours: all {asked.peer_trials:,} trials, again",
                one.get("/api/experiments/1/trials")[1],
                None,
                "s",
            )
        has_peer = shutil.which(asked.peer) is not None and (
            subprocess.run([asked.peer, "-c", "import optuna_dashboard"], capture_output=True).returncode == 0
        )
        if has_peer:
            peer_figures(asked.peer, root, asked.peer_trials, asked.points)
        else:
            print(
                "optuna-dashboard is not installed, so there is nothing beside it; name a Python that has it: --peer PYTHON"
            )
    finally:
        shutil.rmtree(root)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
