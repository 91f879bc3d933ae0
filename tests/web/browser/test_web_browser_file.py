"""An experiment as one file, opened from the disk: every view is there, with no server and not a word on the console."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gallery import Gallery

VIEWS = {
    "": ".table .body .row",
    "/trials": ".table .body .row",
    "/curves": ".figure canvas",
    "/parameters": ".figure canvas",
    "/front": ".figure canvas",
    "/timeline": ".figure canvas",
    "/facets": ".figure canvas",
    "/model": ".card .command",
    "/events": ".events",
    "/about": ".space",
}
INK = (
    "[...document.querySelectorAll('.figure')].filter((one) => !one.querySelector('.nothing')).every((one) => "
    "{ const { width, height } = one.querySelector('canvas'); "
    "const { data } = one.querySelector('canvas').getContext('2d').getImageData(0, 0, width, height); "
    "return new Set(new Uint32Array(data.buffer)).size > 8 })"
)
"""Whether every chart has something painted on it."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, int]:
    """The file, the experiment's number, and that of its best trial."""
    root = tmp_path_factory.mktemp("export")
    gallery = Gallery(root / ".luthier")
    e, path = gallery.experiments["rungs"], root / "a file, to send #1.html"
    words = [
        sys.executable,
        "-m",
        "luthier",
        "dashboard",
        "--export",
        str(path),
        str(e),
        "--store",
        str(root / ".luthier"),
    ]
    subprocess.run(words, check=True, timeout=100, cwd=root, capture_output=True)
    return path, e, 36


def test_every_view_of_the_file_works(exported: tuple[Path, int, int], tab: Any) -> None:
    path, e, best = exported
    tab("open", address=path.as_uri())
    tab.until("document.querySelector('.line.static') !== null")
    for view, ready in VIEWS.items():
        tab.go(f"#/{e}{view}", ready)
        tab.settle()
        tab.until(INK)
        assert tab("said") == [], view
    for address, ready in {
        "#/": ".experiment",
        f"#/{e}.{best}": ".log pre > div",
        f"#/compare/{e}": ".compare",
    }.items():
        tab.go(address, ready)
        tab.settle()
        assert tab("said") == [], address
    tab.go(f"#/{e}.{best}", ".log pre")
    tab.sees(".log pre", "epoch 27")
    tab.go(f"#/{e}/trials?f=state:stopped", ".table .body .row")
    tab.sees(".table-tools", "Showing 38 of 60")
    assert tab("axe") == []
    assert tab("look", script="window.violated") == []
    assert (
        tab(
            "look",
            script="performance.getEntriesByType('resource').filter((one) => !/^(data|blob):/.test(one.name)).length",
        )
        == 0
    )
