"""A place to use kaos in: a folder of its own, bundles with a small program in the place of a model, and what was said."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from luthier.cli import main
from luthier.store import ExperimentRecord, open_store

PAGE_JSON = """\
{
  "degree": [
    3,
    5
  ],
  "kernel": [
    "linear",
    "poly"
  ],
  "gamma": [
    10,
    0.1,
    0.01
  ]
}
"""

TRAIN = """\
#!/usr/bin/env python3
import json, os, sys
from pathlib import Path

out = Path(sys.argv[1])
with open("params.json") as file:
    params = json.load(file)
found = list(Path("/pfs/hyper").rglob("*.json"))
assert len(found) <= 1
for path in found:
    params.update(json.loads(path.read_text()))
(data,) = os.listdir("/pfs/data")
metrics = {"rows": len(os.listdir(os.path.join("/pfs/data", data, "training"))), "report": "a table", "seen": params}
if isinstance(params.get("x"), (int, float)):
    metrics["accuracy"] = params["x"]
print("trained with", json.dumps(params))
(out / "model").mkdir()
(out / "metrics").mkdir()
(out / "model" / "model.pkl").write_bytes(b"model")
(out / "metrics" / "metrics.json").write_text(json.dumps(metrics))
"""
"""It finds everything where kaos puts it, and reports a parameter as its accuracy."""


@dataclass
class Said:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int


class World:
    """A folder to be in. `kaos` types a line; `job` waits until the newest job is over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / ".luthier"

    def kaos(self, line: str, code: int = 0, hyper: str | None = None) -> Said:
        """Types `luthier kaos LINE`, with a file of hyperparameters; it has to leave with this code."""
        more = f" -h {self.hyper(hyper)}" if hyper is not None else ""
        return self.luthier(f"kaos {line}{more}", code)

    def luthier(self, line: str, code: int = 0) -> Said:
        out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        kept = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, err
        try:
            left = main(line.split())
        finally:
            sys.stdout, sys.stderr = kept
        out.flush()
        said = Said(out.buffer.getvalue().decode(), err.getvalue(), left)  # type: ignore[attr-defined]
        assert said.code == code, said
        return said

    def bundles(self, train: str = TRAIN, **params: Any) -> World:
        """Writes `src` and `data`, as kaos wants them."""
        model = self.folder / "src" / "toy" / "model"
        model.mkdir(parents=True, exist_ok=True)
        (model / "train").write_text(train)
        (model / "params.json").write_text(json.dumps({"alpha": 7, "x": 0.5, **params}))
        training = self.folder / "data" / "features" / "training"
        training.mkdir(parents=True, exist_ok=True)
        (training / "a.csv").write_text("1,2\n")
        return self

    def hyper(self, text: str, name: str = "params.json") -> str:
        """Writes a file of hyperparameters."""
        (self.folder / name).write_text(text)
        return name

    def ready(self, train: str = TRAIN, **params: Any) -> World:
        """With a workspace and bundles."""
        self.kaos("workspace create -n toy")
        return self.bundles(train, **params)

    def deploy(self, words: str = "", hyper: str | None = None) -> Said:
        """Submits everything."""
        return self.kaos(f"train deploy -s src -d data {words}", hyper=hyper)

    def newest(self) -> ExperimentRecord:
        """The newest job's experiment."""
        store = open_store(self.store, read_only=True)
        try:
            return max(store.experiments(), key=lambda record: record.id)
        finally:
            store.close()

    def job(self, seconds: float = 60.0) -> ExperimentRecord:
        """The newest job, over."""
        deadline = time.monotonic() + seconds
        while True:
            state = self.state()  # before the record is read, so that it is the record of a job that is over
            if state not in ("JOB_STARTING", "JOB_RUNNING"):
                return self.newest()
            assert time.monotonic() < deadline, self.newest()
            time.sleep(0.05)

    def state(self) -> str:
        """The state of the newest job, as it is shown."""
        return next(
            line.split(": ")[1] for line in self.kaos("train info -i 0").out.splitlines() if "State:" in line
        )

    def job_id(self, record: ExperimentRecord | None = None) -> str:
        """A job's identifier."""
        return (record or self.newest()).description.labels["kaos-job"]


def cells(text: str) -> list[list[str]]:
    """The cells of all tables in a text, each line of them."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def scores(text: str) -> list[str]:
    """The column Score of a page of models."""
    return [row[-1] for row in cells(text)[1:] if row[0].isdigit()]


def until(what: Any, seconds: float = 30.0) -> None:
    """Waits for something that has to come."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in a test's own folder, as a user of kaos's page."""
    for name in [name for name in os.environ if name.startswith(("LUTHIER_", "FORCE_COLOR"))]:
        monkeypatch.delenv(name)
    for name, text in (("NO_COLOR", "1"), ("LOGNAME", "jfriedman"), ("LUTHIER_CONTAINER_ENGINE", "none")):
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)
