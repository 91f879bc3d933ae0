"""A dashboard that was started as users start it, for the benches that ask it; and how they print a figure."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["CHROMIUM", "PAGE", "Served", "has_browser", "line", "served"]

PAGE = Path(__file__).with_name("dashboard_page.mjs")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""


def has_browser() -> bool:
    """Whether the page can be measured: with node, Chromium and the page's development packages (`npm ci` in web/)."""
    driver = PAGE.parents[1] / "web/node_modules/playwright-core"
    return Path(CHROMIUM).is_file() and shutil.which("node") is not None and driver.is_dir()


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

    def address(self) -> str:
        """What it printed for another browser, once the one before was used."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().rpartition(" ")[2].strip()

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

    def cpu_seconds(self) -> float:
        """What it has used of the processors so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

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
