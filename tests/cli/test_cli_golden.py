"""Tables and error texts, word for word. Read golden/*.txt as the specification of what people see."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

CASES = {
    "list": "list",
    "show": "show",
    "show-page": "show 1 --page-size 3 --page 2",
    "show-newest-first": "show 1 --descending --page-size 2",
    "show-by-value": "show 1 --sort value",
    "show-by-loss": "show 1 --sort loss:min --ascending",
    "show-failed": "show 1 --failed",
    "show-running": "show 1 --running",
    "show-trial": "show 1.2",
    "show-failed-trial": "show 1.4",
    "best": "best",
    "best-top": "best 1 --top 3",
    "metrics": "metrics 1",
    "metrics-points": "metrics 1.2 accuracy",
    "logs": "logs 1 --tail 1",
    "logs-err": "logs 1.4 --err",
    "logs-nothing": "logs 1.1 --err",
    "export": "export 1",
    "export-points": "export 1 --points",
    "export-jsonl": "export 1 --format jsonl",
    "export-json": "export 1 --json",
    "help": "--help",
    "help-best": "help best",
    "help-codes": "help exit-codes",
    "error-command": "bset",
    "error-option": "best 1 --tap 3",
    "error-no-experiment": "show 7",
    "error-no-trial": "show 1.9",
    "error-id": "show seven",
    "error-trial-for-experiment": "best 1.2",
    "error-metric": "show 1 --sort los",
    "error-aggregate": "show 1 --sort loss:median",
    "error-no-metric": "metrics 1.2 acuracy",
    "error-page": "show 1 --page 9",
    "error-both": "show 1 --failed --running",
    "error-attempt": "logs 1.2 --attempt 3",
    "error-format": "export 1 -o trials.xls",
    "error-unwritable": "export 1 -o nowhere/trials.csv",
    "error-parameter": "enqueue 1 C=10 gama=0.1",
    "error-value": "enqueue 1 C=3 gamma=0.1",
    "error-enqueue-nothing": "enqueue 1",
    "error-retry-all": "retry 1",
    "error-rm": "rm 1",
    "error-gc": "gc 1",
    "error-gc-keep": "gc 1 --keep-checkpoints top:3",
    "error-tell-experiment": "tell 1 --value 3",
    "error-tell-nothing": "tell 1.2",
    "error-tell-both": "tell 1.2 --value 3 --failed no",
    "error-store": "--store mysql://host/db list",
    "retry": "retry 1 --failed",
    "retry-two": "retry 1.1 1.2",
    "enqueue": "enqueue 1 C=10 gamma=0.1",
    "pause-finished": "pause 1",
    "stop-finished": "stop 1",
    "kill-ended-trial": "kill 1.2",
    "rm": "rm 1 -y",
    "template": "template list",
}


@pytest.mark.usefixtures("still", "place")
@pytest.mark.parametrize("name", CASES)
def test_what_is_printed(name, run, golden) -> None:
    golden(name, run(*shlex.split(CASES[name])))


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("name", ["list", "show", "best 1", "stop", "logs", "enqueue 1 a=1"])
def test_where_there_is_no_store(name, run, golden, tmp_path: Path) -> None:
    golden(f"none-{name.split()[0]}", run(*name.split()))
    assert not (tmp_path / ".luthier").exists()
