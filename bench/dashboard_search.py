"""What watching costs a search: its whole wall time with the dashboard and 32 clients, against without, in turns.

    python bench/dashboard_search.py [--trials 300] [--rounds 5] [--clients 32]

Each search is the same command, which goes on with a few trials made before: trials of 50 ms, four at a time. The clients stand for browsers on other machines and have only
what is left of the processors. Where a browser is to be had, 8 tabs of it watch as well in a third kind of round, one of them
drawing: that costs processors what drawing costs, and is told without a bar. What the dashboard itself used of a processor
stands beside, for that is what is left of the difference when the machine is calm. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import psutil
from dashboard_served import CHROMIUM, PAGE, Served, has_browser, line, served
from websockets.asyncio.client import connect

MOST_SLOWER = 2.0  # percent
BEGUN = 8  # trials
OPENING_SECONDS = 3.0  # for eight tabs, on a machine that has nothing else to do


def begin(store: Path) -> None:
    """A search of a few trials, and time for who watches to open it."""
    _tune(store, BEGUN, "--new")
    time.sleep(OPENING_SECONDS)


def search(store: Path, trials: int) -> float:
    """The seconds in which the search that was begun makes so many trials more."""
    began = time.perf_counter()
    _tune(store, BEGUN + trials)
    return time.perf_counter() - began


def _tune(store: Path, trials: int, *options: str) -> None:
    words = [
        sys.executable,
        "-m",
        "luthier",
        "tune",
        "--algorithm",
        "random",
        "--no-check",
        "--quiet",
        *options,
    ]
    words += ["--num-runs", str(trials), "--parallel-runs", "4", "--metric", "loss", "--param", "x=0:1"]
    words += ["--store", str(store), "--", "sh", "-c", "sleep 0.05; echo loss: :x:"]
    said = subprocess.DEVNULL
    subprocess.run(words, check=True, stdout=said, stderr=said, cwd=store.parent)


async def _watch(host: str, cookie: str) -> None:
    """One page: the list, and always the newest experiment."""
    settings = {
        "origin": f"http://{host}",
        "additional_headers": {"Cookie": cookie},
        "max_size": None,
        "proxy": None,
    }
    watched = None
    async with connect(f"ws://{host}/api/live", **settings) as socket:  # type: ignore[arg-type]
        await socket.send(json.dumps({"watch": "experiments"}))
        while True:
            text = await socket.recv()
            if not str(text).startswith('{"kind":"experiments"'):
                continue
            newest = max((int(one["id"]) for one in json.loads(text)["experiments"]), default=None)
            if newest is not None and newest != watched:
                if watched is not None:
                    await socket.send(json.dumps({"unwatch": str(watched)}))
                watched = newest
                await socket.send(json.dumps({"watch": str(newest), "since": 0}))


def _watchers(host: str, cookie: str, n: int) -> None:
    os.nice(19)

    async def all_of_them() -> None:
        await asyncio.gather(*(_watch(host, cookie) for _ in range(n)))

    asyncio.run(all_of_them())


def _cpu_seconds(pid: int) -> float:
    """What a process and all that it started and that still run have used of the processors."""
    used = 0.0
    first = psutil.Process(pid)
    for one in [first, *first.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            used += times.user + times.system
    return used


@contextmanager
def _tabs(one: Served) -> Iterator[int]:
    """Eight tabs of a real browser, which gives way to everything else as well; the process that they hang on."""
    # Chromium sets the niceness of its processes itself, but keeps the policy it is given.
    idle = ["chrt", "--idle", "0"] if shutil.which("chrt") else ["nice", "-n", "19"]
    words = [*idle, "node", str(PAGE), CHROMIUM, one.address(), "0", "tabs"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as browser:
        assert browser.stdout is not None and browser.stdin is not None
        assert json.loads(browser.stdout.readline())["ready"]
        yield browser.pid
        browser.stdin.close()


@contextmanager
def watched(store: Path, clients: int, *, has_tabs: bool) -> Iterator[tuple[Served, int | None]]:
    """A dashboard with clients, and with tabs, while the body runs; with it the process of the tabs."""
    spawn = multiprocessing.get_context("spawn")
    with served(store) as one:
        watchers: Any = spawn.Process(target=_watchers, args=(one.host, one.cookie, clients), daemon=True)
        watchers.start()
        time.sleep(3.0)
        try:
            with _tabs(one) if has_tabs else nullcontext() as tabs:
                yield one, tabs
        finally:
            watchers.terminate()
            watchers.join()


def figures(root: Path, trials: int, rounds: int, clients: int) -> bool:
    """Searches in turns, and what watching cost."""
    store = root / "search"
    begin(store)  # a dashboard is started where there is a record
    kinds = ["alone", "clients", *(["tabs"] if has_browser() else [])]
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    used, drawing = [], []
    for round in range(rounds):
        for kind in kinds if round % 2 else reversed(kinds):
            if kind == "alone":
                begin(store)
                took[kind].append(search(store, trials))
                continue
            with watched(store, clients, has_tabs=kind == "tabs") as (one, tabs):
                begin(store)
                before, begun = one.cpu_seconds(), _cpu_seconds(tabs) if tabs else 0.0
                took[kind].append(search(store, trials))
                used.append((one.cpu_seconds() - before) / took[kind][-1])
                if tabs:
                    drawing.append((_cpu_seconds(tabs) - begun) / took[kind][-1])
    alone = took["alone"]
    line(f"a search of {trials} trials, alone: median of {rounds}", statistics.median(alone), None, "s")
    line("what these rounds differ by among themselves", 100 * (max(alone) / min(alone) - 1), None, "%")
    line("of a processor the dashboard took while it was watched", 100 * statistics.median(used), None, "%")
    if "tabs" in took:
        line("the same of a browser with 8 tabs, one in sight", 100 * statistics.median(drawing), None, "%")
        slower = _slower(alone, took["tabs"])
        line(f"slower with {clients} clients, and 8 tabs drawing on these processors", slower, None, "%")
    return line(f"slower with {clients} clients", _slower(alone, took["clients"]), MOST_SLOWER, "%")


def _slower(alone: list[float], beside: list[float]) -> float:
    """The median of the pairs' ratios, in percent."""
    return statistics.median(100 * (b / a - 1) for a, b in zip(alone, beside, strict=True))


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="luthier-bench-") as root:
        return 0 if figures(Path(root), asked.trials, asked.rounds, asked.clients) else 1


if __name__ == "__main__":
    sys.exit(main())
