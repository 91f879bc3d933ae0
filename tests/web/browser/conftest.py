"""A real browser at a real dashboard, driven over a pipe.

One browser serves a module: starting it costs more than most tests. Without node, Chromium or the page's development
packages (`npm ci` in web/) these tests are skipped, and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_scene import Client, Scene, serving

ROOT = Path(__file__).parents[3]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

TWO_FRAMES = (
    "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn))))"
)


class Tab:
    """One tab of a browser. Every order waits for its answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert json.loads(self._line())["ready"]

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the browser is gone"
        return line

    def __call__(self, do: str, **order: Any) -> Any:
        """Gives an order: what it answers. **Raises** AssertionError with what the browser said."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._line())
        if "error" in answer:
            said = self("said") if do != "said" else []
            raise AssertionError(f"{do} {order}: {answer['error']}\nthe page said: {said}")
        return answer["value"]

    def go(self, hash: str, ready: str) -> None:
        """Goes to a view and waits until something of it is there."""
        self("go", hash=hash)
        self("wait", script=f"document.querySelector({json.dumps(ready)}) !== null")

    def settle(self) -> None:
        """Waits until everything that was asked for is shown and painted."""
        self.until("document.querySelector('.skeleton, canvas[data-behind]') === null")
        self("look", script=TWO_FRAMES)

    def text(self, selector: str) -> str:
        """What stands in an element."""
        return str(self("look", script=f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def sees(self, selector: str, text: str) -> None:
        """Waits until a text stands in an element."""
        self.until(
            f"(document.querySelector({json.dumps(selector)})?.innerText ?? '').includes({json.dumps(text)})"
        )

    def press_button(self, name: str, inside: str = "") -> None:
        """Clicks the button of this name that can be clicked."""
        self(
            "click",
            selector=f"{inside} button:text-is({json.dumps(name, ensure_ascii=False)}):enabled".strip(),
        )

    def until(self, script: str) -> None:
        """Waits until something holds in the page."""
        self("wait", script=script)


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """A browser that knows no dashboard yet."""
    node = shutil.which("node")
    if node is None or CHROMIUM is None or not (ROOT / "web/node_modules/playwright-core").is_dir():
        pytest.skip("node, Chromium or web/node_modules is missing")
    if not (ROOT / "src/luthier/web/page/index.html").is_file():
        pytest.skip("the page is not built")
    words = [node, str(Path(__file__).with_name("drive.mjs")), CHROMIUM]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Tab(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


@pytest.fixture
def shown(scene: Scene, tab: Tab) -> Iterator[Client]:
    """A dashboard with the page that was built, opened in the tab, which may control."""
    with serving(scene.folder, real_page=True, may_control=True) as client:
        tab("open", address=client.dashboard.new_address())
        tab.until("document.querySelector('.line.live') !== null")
        tab("said")  # what the page of another test said of its server's end
        yield client
        said = tab("said")
    assert said == [], said
