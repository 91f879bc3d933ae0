"""The notebook of the documentation, executed by a real kernel: every cell runs and leaves what it should show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(book, timeout=100, kernel_name="python3").execute()
nbformat.write(book, sys.argv[2])
"""

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each cell of code showed last, by its source. The kernel runs in a folder of its own."""
    folder = tmp_path_factory.mktemp("notebook")
    own = {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(folder / "done.ipynb")],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    book = json.loads((folder / "done.ipynb").read_text())
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    noisy = [out for cell in cells for out in cell["outputs"] if out["output_type"] == "stream"]
    assert not noisy
    return {"".join(cell["source"]): cell["outputs"][-1]["data"] if cell["outputs"] else {} for cell in cells}


def text_of(data: dict[str, Any], kind: str) -> str:
    return "".join(data[kind])


def test_the_experiment_shows_itself(executed: dict[str, dict[str, Any]]) -> None:
    html = text_of(executed["experiment"], "text/html")
    assert "60 of 60 trials finished" in html and "best loss, trial" in html


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("history", 60),
        ("curves", 60),
        ("timeline", 60),
        ("importance", 8),
        ("slices", 150),
        ("contour", 40),
        ("parallel", 40),
    ],
)
def test_every_figure_is_a_picture(executed: dict[str, dict[str, Any]], kind: str, least: int) -> None:
    (data,) = (
        data for source, data in executed.items() if f'plot("{kind}"' in source and "to_plotly" not in source
    )
    svg = ET.fromstring(text_of(data, "image/svg+xml"))
    shapes = [one for one in svg.iter() if one.tag.rpartition("}")[2] in ("circle", "path", "rect")]
    assert len(shapes) >= least
    assert "<svg" in text_of(data, "text/html") and text_of(data, "text/plain")


def test_the_table_and_the_plotly_figure(executed: dict[str, dict[str, Any]]) -> None:
    (table,) = (data for source, data in executed.items() if "to_pandas" in source)
    assert re.findall(r"<th>(params\.\w+)</th>", text_of(table, "text/html")) == [
        f"params.{name}" for name in ("rate", "layers", "optimizer", "momentum")
    ]
    (title,) = (data for source, data in executed.items() if "to_plotly" in source)
    assert "loss of experiment 1" in text_of(title, "text/plain")


def test_the_notebook_in_the_repository_is_clean() -> None:
    """Its outputs are made anew by whoever runs it, so that they never tell of another version."""
    book = json.loads(NOTEBOOK.read_text())
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in book["cells"])
